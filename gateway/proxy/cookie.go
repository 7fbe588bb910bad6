package proxy

import (
	"net/http"
	"slices"
	"strings"
)

// stripCookies removes the named cookies from the Cookie header and leaves every other byte and the order as they are.
// Each line is split at every semicolon, inside quotes as well: that is how RFC 6265 §5.4 writes it, and a secret that
// hides in some parser's quotes must not get through.
func stripCookies(h http.Header, names []string) {
	lines := h["Cookie"]
	if !slices.ContainsFunc(lines, func(l string) bool { return mentions(l, names) }) {
		return
	}
	kept := make([]string, 0, len(lines))
	for _, line := range lines {
		if !mentions(line, names) {
			kept = append(kept, line)
		} else if line = stripLine(line, names); line != "" {
			kept = append(kept, line)
		}
	}
	if len(kept) == 0 {
		delete(h, "Cookie")
		return
	}
	h["Cookie"] = kept
}

// stripLine returns "" when nothing but blanks is left.
func stripLine(line string, names []string) string {
	var b strings.Builder
	b.Grow(len(line))
	first := true
	for pair := range strings.SplitSeq(line, ";") {
		name, _, _ := strings.Cut(pair, "=")
		if isNamed(name, names) {
			continue
		}
		if first {
			pair = strings.TrimLeft(pair, " \t")
		} else {
			b.WriteByte(';')
		}
		first = false
		b.WriteString(pair)
	}
	if strings.Trim(b.String(), " \t;") == "" {
		return ""
	}
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

// isNamed compares as the most forgiving browser or server would: blanks and control bytes around the name do not
// count, and neither does case (RFC 6265bis §5.7 reads the __Host- prefix case-insensitively).
func isNamed(name string, names []string) bool {
	name = trimBlank(name)
	for _, n := range names {
		if strings.EqualFold(name, n) {
			return true
		}
	}
	return false
}

// setsCookie reports whether a Set-Cookie value would store a cookie that reads as one of the names. A cookie without a
// name counts by its value: the browser sends "=name=x" back as "name=x" (RFC 6265bis §5.7, step on nameless cookies).
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
