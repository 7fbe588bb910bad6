package exchange

import (
	"net/http"
	"strings"
)

// BearerToken reads the Authorization header strictly (RFC 6750 §2.1): one
// header, the scheme in any case, one token. given is false without a header.
func BearerToken(r *http.Request) (token string, given, ok bool) {
	values := r.Header["Authorization"]
	if len(values) == 0 {
		return "", false, false
	}
	scheme, token, _ := strings.Cut(values[0], " ")
	token = strings.Trim(token, " ")
	if len(values) > 1 || !strings.EqualFold(scheme, "Bearer") || token == "" || strings.ContainsFunc(token, notB64Token) {
		return "", true, false
	}
	return token, true, true
}

// notB64Token is what a b64token may not contain (RFC 6750 §2.1).
func notB64Token(r rune) bool {
	alphanumeric := r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9'
	return !alphanumeric && !strings.ContainsRune("-._~+/=", r)
}

// SentByPage reports whether script of a page, or a page itself, sent the
// request: browsers add these headers and let no script change them (Fetch §2.2.2).
func SentByPage(r *http.Request) bool {
	return len(r.Header["Origin"]) > 0 || len(r.Header["Sec-Fetch-Site"]) > 0
}
