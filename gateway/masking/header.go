package masking

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// Strip takes out of a header, in place, what stands at the places of tokens: header fields and
// cookies. An address to which the browser is sent loses the parameters that are tokens. It returns
// how much it took.
func (r *Rules) Strip(h http.Header) (taken int) {
	for _, name := range r.headers {
		if _, there := h[name]; there {
			delete(h, name)
			taken++
		}
	}
	if len(r.cookies) > 0 {
		taken += r.stripCookies(h)
	}
	if len(r.parameters) == 0 {
		return taken
	}
	for _, name := range []string{"Location", "Content-Location", "Refresh"} {
		revise(h, name, func(line string) (clean string, keep bool) {
			if clean = r.stripAddress(line); clean != line {
				taken++
			}
			return clean, true
		})
	}
	return taken
}

func (r *Rules) stripCookies(h http.Header) (taken int) {
	revise(h, "Set-Cookie", func(line string) (clean string, keep bool) {
		name, value, _ := strings.Cut(line, "=")
		if !slices.Contains(r.cookies, strings.Trim(name, " \t")) {
			return line, true
		}
		value, _, _ = strings.Cut(value, ";")
		if strings.Trim(value, " \t\"") != "" { // else it is deleted, and is gone already
			taken++
		}
		return "", false
	})
	return taken
}

// stripAddress cuts the parameters of tokens out of the query and the fragment of an address.
func (r *Rules) stripAddress(address string) string {
	const marks = "?#&"
	var kept strings.Builder
	mark := byte(0) // of a parameter that is gone, for the one that follows
	for rest, first := address, true; rest != ""; first = false {
		end := strings.IndexAny(rest[1:], marks) + 1
		if end == 0 {
			end = len(rest)
		}
		part := rest[:end]
		rest = rest[end:]
		name, _, _ := strings.Cut(part[1:], "=")
		switch {
		case first && strings.IndexByte(marks, part[0]) < 0:
			kept.WriteString(part)
		case slices.Contains(r.parameters, unquote(name)):
			if mark == 0 || part[0] != '&' {
				mark = part[0]
			}
		case mark != 0 && part[0] == '&':
			kept.WriteByte(mark)
			kept.WriteString(part[1:])
			mark = 0
		default:
			kept.WriteString(part)
			mark = 0
		}
	}
	return kept.String()
}

// StripTokens takes the fields out of a header, in place, that hold a token wherever it stands: the session's
// own, or a JWT of the API. Of cookies it takes those that do. In an address to which the browser is sent the
// placeholder takes the token's place. It returns how much it took.
func (r *Rules) StripTokens(h http.Header, j Judge) (taken int) {
	s := newSieve(r, j)
	for name := range h {
		revise(h, name, func(line string) (clean string, keep bool) {
			clean, keep, found := s.field(name, line)
			if found {
				taken++
			}
			return clean, keep
		})
	}
	return taken
}

// field says what becomes of a line of a header.
func (s *sieve) field(name, line string) (clean string, keep, found bool) {
	clean, found = s.line(line)
	switch {
	case addresses(name):
		clean, more := s.parameters(clean)
		return clean, true, found || more
	case found, name == "Set-Cookie" && s.isCookie(line):
		return "", false, true
	}
	return line, true, false
}

// revise changes the lines of a field one by one. The new ones stand in a list of their own: others may
// share the one at hand.
func revise(h http.Header, name string, of func(line string) (clean string, keep bool)) {
	var kept []string
	changed := false
	for i, line := range h[name] {
		clean, keep := of(line)
		if !changed && (!keep || clean != line) {
			kept, changed = slices.Clone(h[name][:i]), true
		}
		if changed && keep {
			kept = append(kept, clean)
		}
	}
	switch {
	case changed && len(kept) == 0:
		delete(h, name)
	case changed:
		h[name] = kept
	}
}

// addresses reports whether a field says where to go, which a browser needs to know.
func addresses(name string) bool {
	switch name {
	case "Location", "Content-Location", "Refresh", "Link":
		return true
	}
	return false
}

// line is a value without its tokens, and whether it had some.
func (s *sieve) line(value string) (clean string, found bool) {
	if !s.may(value) {
		return value, false
	}
	before, text := s.found, []byte(value)
	if s.sift(text, true, false); s.found == before {
		return value, false
	}
	kept := text[:0]
	for i, c := range text {
		if c != ' ' || value[i] == ' ' { // nothing to fill up here
			kept = append(kept, c)
		}
	}
	return string(kept), true
}

// parameters puts the placeholder in the place of parameters of an address that are tokens as a whole.
func (s *sieve) parameters(address string) (clean string, found bool) {
	const marks = "?#&;>"
	for i := 0; i < len(address); i++ {
		if strings.IndexByte("?#&", address[i]) < 0 {
			continue
		}
		name, value, _ := strings.Cut(address[i+1:], "=")
		if end := strings.IndexAny(value, marks); end >= 0 {
			value = value[:end]
		}
		if strings.ContainsAny(name, marks) || !s.isNamed(unquote(name), unquote(value)) {
			continue
		}
		from := i + 1 + len(name) + 1
		address, found = address[:from]+s.rules.plain+address[from+len(value):], true
	}
	return address, found
}

// isCookie reports whether the value of a cookie is a token.
func (s *sieve) isCookie(line string) bool {
	name, value, _ := strings.Cut(line, "=")
	value, _, _ = strings.Cut(value, ";")
	return s.isNamed(strings.TrimSpace(name), unquote(strings.Trim(value, ` "`)))
}

// isNamed reports whether a text under a name is a token.
func (s *sieve) isNamed(name, value string) bool {
	text := []byte(value)
	return isWord(text) && (namesRefresh([]byte(name)) || s.judge.IsToken(text, false))
}

// may is a quick look at a value.
func (s *sieve) may(value string) bool {
	return strings.IndexByte(value, jwtStart[2]) >= 0 && strings.Contains(value, jwtStart) ||
		s.own.token != "" && !s.jwt && strings.IndexByte(value, s.own.anchor[s.own.rare]) >= 0 && strings.Contains(value, s.own.anchor)
}

// unquote undoes the percent-encoding of a name, as every server and script does.
func unquote(name string) string {
	plain, err := url.QueryUnescape(name)
	if err != nil {
		return name
	}
	return plain
}

// Forget removes what a header says of a body that may have been masked: its digests, and that parts
// of it can be had. The entity tag stays, as the same body is always masked in the same way.
func Forget(h http.Header) {
	for _, name := range []string{"Content-Digest", "Repr-Digest", "Digest", "Content-Md5", "Accept-Ranges"} {
		delete(h, name)
	}
}
