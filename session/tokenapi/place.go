package tokenapi

import (
	"errors"
	"fmt"
	"net/http"
	"net/textproto"
	"net/url"
	"slices"
	"strings"
)

// place is where a value stands in a request or a reply.
type place struct {
	kind placeKind
	name string // of the field, header, cookie or parameter; empty: nowhere
}

type placeKind uint8

const (
	inBody placeKind = iota
	inHeader
	inCookie
	inQuery    // of a request's URL
	inLocation // the query or the fragment of a redirect's target, in a reply
)

// maxSegments bounds a field's name: with each segment the ways to read a name with dots in it
// double.
const maxSegments = 16

// parsePlace reads the notation described at [Options].
func parsePlace(text string) (place, error) {
	if name, ok := strings.CutPrefix(text, "header:"); ok {
		name = textproto.CanonicalMIMEHeaderKey(name)
		if !isToken(name) || isFraming(name) {
			return place{}, fmt.Errorf("%q: not a header that can carry a token", text)
		}
		return place{inHeader, name}, nil
	}
	if name, ok := strings.CutPrefix(text, "cookie:"); ok {
		if !isToken(name) {
			return place{}, fmt.Errorf("%q: not the name of a cookie", text)
		}
		return place{inCookie, name}, nil
	}
	for prefix, kind := range map[string]placeKind{"query:": inQuery, "location:": inLocation} {
		if name, ok := strings.CutPrefix(text, prefix); ok {
			if name == "" {
				return place{}, fmt.Errorf("%q: the name of a parameter is missing", text)
			}
			return place{kind, name}, nil
		}
	}
	return place{inBody, text}, checkField(text)
}

// String returns the notation that [parsePlace] reads.
func (p place) String() string {
	return map[placeKind]string{inHeader: "header:", inCookie: "cookie:", inQuery: "query:", inLocation: "location:"}[p.kind] + p.name
}

// parseReplyPlaces reads a list of places in a reply.
func parseReplyPlaces(list []string) ([]place, error) {
	places := make([]place, 0, len(list))
	for _, text := range list {
		p, err := parsePlace(text)
		switch {
		case err != nil:
			return nil, err
		case p.kind == inQuery:
			return nil, fmt.Errorf("%q: a reply has no query; write location:%s for the target of a redirect", text, p.name)
		}
		places = append(places, p)
	}
	return places, nil
}

// parseRequestPlace reads a place in a request.
func parseRequestPlace(text string) (place, error) {
	p, err := parsePlace(text)
	switch {
	case err != nil:
		return p, err
	case p.kind == inLocation:
		return p, fmt.Errorf("%q: a request has no location; write query:%s", text, p.name)
	case p.kind == inBody && slices.Contains(strings.Split(text, "."), everyEntry):
		return p, fmt.Errorf("%q: * stands for every entry of a reply, and a request has to name one", text)
	}
	return p, nil
}

// checkField refuses names that find nothing or too much.
func checkField(name string) error {
	if name == "" || name == "." {
		return nil
	}
	segments := strings.Split(name, ".")
	if len(segments) > maxSegments {
		return fmt.Errorf("%q: more than %d names with dots between them", name, maxSegments)
	}
	for _, s := range segments {
		if s == "" {
			return fmt.Errorf("%q: a dot without a name beside it", name)
		}
	}
	return nil
}

// isFraming lists the headers that belong to the message and not to the caller.
func isFraming(name string) bool {
	switch name {
	case "Host", "Connection", "Content-Length", "Content-Type", "Transfer-Encoding", "Te", "Trailer", "Upgrade",
		"Keep-Alive", "Proxy-Connection", "Cookie", "Set-Cookie", "Accept", "Accept-Encoding", "X-Forwarded-For":
		return true
	}
	return false
}

// isToken is token of RFC 9110 §5.6.2.
func isToken(s string) bool {
	for _, c := range []byte(s) {
		letter := 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
		if !letter && !strings.ContainsRune("!#$%&'*+-.^_`|~", rune(c)) {
			return false
		}
	}
	return s != ""
}

var errUnfit = errors.New("the value cannot be sent in a header or a cookie")

// put writes a value into the header, the Cookie or the URL of a request.
func (p place) put(req *http.Request, value string) error {
	switch {
	case p.kind == inQuery:
		pair := url.QueryEscape(p.name) + "=" + url.QueryEscape(value)
		if req.URL.RawQuery != "" {
			pair = req.URL.RawQuery + "&" + pair
		}
		req.URL.RawQuery = pair
	case p.kind == inCookie && !cookieSafe(value), !fieldSafe(value):
		return errUnfit
	case p.kind == inCookie:
		pair := p.name + "=" + value
		if old := req.Header.Get("Cookie"); old != "" {
			pair = old + "; " + pair
		}
		req.Header.Set("Cookie", pair)
	default:
		req.Header.Set(p.name, value)
	}
	return nil
}

// fieldSafe holds for visible ASCII with single blanks inside, as field values are best (RFC 9110
// §5.5).
func fieldSafe(value string) bool {
	return headerSafe(strings.ReplaceAll(value, " ", "")) && strings.TrimSpace(value) == value
}

// headerSafe holds for visible ASCII. Tokens are nothing else (RFC 6750 §2.1, RFC 6749 appendix
// A.17 but for spaces).
func headerSafe(value string) bool {
	for _, c := range []byte(value) {
		if c <= ' ' || c > '~' {
			return false
		}
	}
	return true
}

// cookieSafe is cookie-octet of RFC 6265 §4.1.1.
func cookieSafe(value string) bool { return headerSafe(value) && !strings.ContainsAny(value, "\",;\\") }

// bearerValue cuts the scheme off an Authorization header's value (RFC 6750 §2.1; schemes ignore
// case, RFC 9110 §11.1).
func bearerValue(value string) string {
	const scheme = "bearer "
	if len(value) >= len(scheme) && strings.EqualFold(value[:len(scheme)], scheme) {
		return strings.TrimSpace(value[len(scheme):])
	}
	return value
}
