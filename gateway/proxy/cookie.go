package proxy

import (
	"strings"

	"sessiongate/gateway/http1/client"
)

// appendCookies adds the lines of a Cookie header without the named cookies, and leaves every other
// byte and the order as they are. Each line is split at every semicolon, inside quotes as well:
// that is how RFC 6265 §5.4 writes it, and a secret that hides in some parser's quotes must not get
// through.
func appendCookies(to []client.Field, lines, names []string) []client.Field {
	for _, line := range lines {
		if mentions(line, names) {
			if line = stripLine(line, names); line == "" {
				continue
			}
		}
		to = append(to, client.Field{Name: "Cookie", Value: line})
	}
	return to
}

// putCookies puts the cookies that carry a token in the place of the client's of these names.
func putCookies(fields []client.Field, c Credential) []client.Field {
	var names []string
	var own strings.Builder
	for name, value := range c.Cookies {
		names = append(names, name)
		if value != "" {
			if own.Len() > 0 {
				own.WriteString("; ")
			}
			own.WriteString(name + "=" + value)
		}
	}
	if len(names) == 0 {
		return fields
	}
	last := -1
	kept := fields[:0]
	for _, f := range fields {
		if f.Name == "Cookie" {
			if f.Value = stripLine(f.Value, names); f.Value == "" {
				continue
			}
			last = len(kept)
		}
		kept = append(kept, f)
	}
	switch {
	case own.Len() == 0:
	case last < 0:
		kept = append(kept, client.Field{Name: "Cookie", Value: own.String()})
	default: // one header, as far as it is ours to say (RFC 6265 §5.4)
		kept[last].Value = strings.TrimRight(kept[last].Value, " \t;") + "; " + own.String()
	}
	return kept
}

// stripLine returns "" when nothing but blanks is left. What is left of nearly all lines is one
// piece of it, and costs no copy.
func stripLine(line string, names []string) string {
	var b strings.Builder
	piece, from := "", -1 // the run of cookies to keep that was found last, and where the one at hand begins
	for at := 0; at <= len(line); {
		end := at + strings.IndexByte(line[at:], ';')
		if end < at {
			end = len(line)
		}
		name, _, _ := strings.Cut(line[at:end], "=")
		switch drop := isNamed(name, names); {
		case drop && from >= 0:
			piece, from = join(&b, piece, line[from:at-1]), -1
		case !drop && from < 0:
			from = at
		}
		at = end + 1
	}
	if from >= 0 {
		piece = join(&b, piece, line[from:])
	}
	if strings.Trim(piece, " \t;") == "" {
		return ""
	}
	return strings.TrimLeft(piece, " \t")
}

// join puts two pieces together, the first of which may be empty.
func join(b *strings.Builder, first, second string) string {
	if first == "" {
		return second
	}
	if b.Len() == 0 {
		b.WriteString(first)
	}
	b.WriteByte(';')
	b.WriteString(second)
	return b.String()
}

// mentions is the quick test: most lines hold at most one cookie of ours, many hold none.
func mentions(line string, names []string) bool {
	for _, name := range names {
		if containsFold(line, name) {
			return true
		}
	}
	return false
}

// containsFold is strings.Contains without regard to ASCII case, and without a copy.
func containsFold(s, sub string) bool {
	for i := 0; sub != "" && i+len(sub) <= len(s); i++ {
		if s[i]|0x20 == sub[0]|0x20 && strings.EqualFold(s[i:i+len(sub)], sub) {
			return true
		}
	}
	return false
}

// isNamed compares as the most forgiving browser or server would: blanks and control bytes around
// the name do not count, and neither does case (RFC 6265bis §5.7 reads the __Host- prefix
// case-insensitively).
func isNamed(name string, names []string) bool {
	name = trimBlank(name)
	for _, n := range names {
		if strings.EqualFold(name, n) {
			return true
		}
	}
	return false
}

// setsCookie reports whether a Set-Cookie value would store a cookie that reads as one of the
// names. A cookie without a name counts by its value: the browser sends "=name=x" back as "name=x"
// (RFC 6265bis §5.7, step on nameless cookies).
func setsCookie(line string, names []string) bool {
	pair, _, _ := strings.Cut(line, ";")
	name, value, found := strings.Cut(pair, "=")
	for found && trimBlank(name) == "" {
		name, value, found = strings.Cut(value, "=")
	}
	return isNamed(name, names)
}

func trimBlank(s string) string {
	return strings.TrimFunc(s, func(r rune) bool { return r <= ' ' || r == 0x7f })
}
