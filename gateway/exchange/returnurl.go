package exchange

import (
	"net/url"
	"strings"
)

// MaxReturnURL bounds what strangers can have stored with a sign-in attempt, in bytes.
const MaxReturnURL = 1024

// ReturnURL checks where the browser wants to go after login. The answer is
// always a path on our own origin; everything else is "/". Browsers read "\" as
// "/" and drop tabs and line breaks (WHATWG URL §4.4), so those never pass.
func ReturnURL(raw string) string {
	if len(raw) > MaxReturnURL || !strings.HasPrefix(raw, "/") || strings.HasPrefix(raw, "//") {
		return "/"
	}
	if strings.ContainsFunc(raw, func(r rune) bool { return r <= ' ' || r == 0x7f || r == '\\' || r == 0xfffd }) {
		return "/"
	}
	u, err := url.Parse(raw)
	if err != nil || u.Scheme != "" || u.Host != "" || u.User != nil || u.Opaque != "" {
		return "/"
	}
	// A server behind us may decode once and answer with a redirect to what it
	// read, or made of it: /.//host becomes //host. Browsers send no dot segments.
	if p := u.Path; strings.HasPrefix(p, "//") || strings.Contains(p, "\\") || strings.ContainsFunc(p, isControl) || dotted(p) {
		return "/"
	}
	return raw
}

// dotted reports a segment that is "." or "..".
func dotted(path string) bool {
	for segment := range strings.SplitSeq(path, "/") {
		if segment == "." || segment == ".." {
			return true
		}
	}
	return false
}

func isControl(r rune) bool { return r < ' ' || r == 0x7f }
