package proxy

import (
	"iter"
	"net/http"
	"strings"
)

// Challenge is one challenge of a WWW-Authenticate: its scheme, and its parameters by lower-case
// name.
type Challenge struct {
	Scheme string
	Params map[string]string
}

// Bearer reports whether the scheme is that of RFC 6750; case does not count.
func (c Challenge) Bearer() bool { return strings.EqualFold(c.Scheme, "Bearer") }

// RefusesToken reports whether a response's WWW-Authenticate refuses the Bearer token itself: a
// Bearer challenge with error="invalid_token" (RFC 6750 §3.1). A challenge that is malformed counts
// up to the fault.
func RefusesToken(h http.Header) bool {
	_, found := BearerChallenge(h, "invalid_token")
	return found
}

// BearerChallenge finds the Bearer challenge with the given error code in a response's
// WWW-Authenticate.
func BearerChallenge(h http.Header, code string) (c Challenge, found bool) {
	for c := range Challenges(h) {
		if c.Bearer() && c.Params["error"] == code {
			return c, true
		}
	}
	return Challenge{}, false
}

// Challenges reads a response's WWW-Authenticate.
func Challenges(h http.Header) iter.Seq[Challenge] {
	return func(yield func(Challenge) bool) {
		for _, line := range h["Www-Authenticate"] {
			for s := line; s != ""; {
				var c Challenge
				if c, s = nextChallenge(s); c.Scheme != "" && !yield(c) {
					return
				}
			}
		}
	}
}

// nextChallenge reads the first of a list of challenges (RFC 9110 §11.6.1). Both the challenges and
// the parameters of one challenge are separated by commas; a word followed by "=" is a parameter,
// any other begins a challenge.
func nextChallenge(line string) (c Challenge, rest string) {
	for s := skipList(line); s != ""; s = skipList(s) {
		word, after := cutToken(s)
		if word == "" {
			return c, ""
		}
		if value, next, ok := cutValue(after); ok {
			if c.Scheme != "" {
				c.set(word, value)
			}
			s = next
			continue
		}
		if c.Scheme != "" {
			return c, s
		}
		c.Scheme = word
		s = cutToken68(after)
	}
	return c, ""
}

// set keeps the first value of a parameter, which must not come twice.
func (c *Challenge) set(name, value string) {
	if c.Params == nil {
		c.Params = make(map[string]string)
	}
	if name = strings.ToLower(name); c.Params[name] == "" {
		c.Params[name] = value
	}
}

// cutValue takes "= value" from the front of s, where value is a token or a quoted string (RFC 9110
// §5.6.6).
func cutValue(s string) (value, rest string, ok bool) {
	s, ok = strings.CutPrefix(strings.TrimLeft(s, " \t"), "=")
	if !ok {
		return "", s, false
	}
	s = strings.TrimLeft(s, " \t")
	if strings.HasPrefix(s, `"`) {
		return cutQuoted(s[1:])
	}
	value, rest = cutToken(s)
	return value, rest, value != ""
}

// cutQuoted reads to the closing quote. Without one the rest of the line is all value, and nothing
// matches it.
func cutQuoted(s string) (value, rest string, ok bool) {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '"':
			return b.String(), s[i+1:], true
		case '\\':
			if i++; i == len(s) {
				return "", "", true
			}
		}
		b.WriteByte(s[i])
	}
	return "", "", true
}

// cutToken68 skips the credentials-like form of a challenge ("Negotiate YII=") if that is what
// follows the scheme: one word that ends the challenge. A first parameter is left in place.
func cutToken68(s string) string {
	t := strings.TrimLeft(s, " \t")
	end := strings.TrimLeft(strings.TrimLeftFunc(t, isToken68), "=")
	if after := strings.TrimLeft(end, " \t"); after == "" || after[0] == ',' {
		return after
	}
	return s
}

func isToken68(r rune) bool {
	return 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || strings.ContainsRune("-._~+/", r)
}

// skipList skips to the next element of a list; empty elements are allowed (RFC 9110 §5.6.1).
func skipList(s string) string { return strings.TrimLeft(s, " \t,") }

func cutToken(s string) (token, rest string) {
	i := 0
	for i < len(s) && isTokenByte(s[i]) {
		i++
	}
	return s[:i], s[i:]
}

// isTokenByte is tchar of RFC 9110 §5.6.2.
func isTokenByte(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' ||
		strings.IndexByte("!#$%&'*+-.^_`|~", c) >= 0
}
