package routing

import (
	"errors"
	"fmt"
	"net/http"
	"net/textproto"
	"slices"
	"strings"
	"time"
)

// Field is one header field that a route's rules name.
type Field struct{ Name, Value string }

// HeaderRules change the headers of a route's requests or responses, beyond what always holds.
type HeaderRules struct {
	// Remove are names that are dropped. In requests a name stands for its spellings with _ in
	// place of - as well.
	Remove []string
	// Set are fields that replace whatever stands under their name.
	Set []Field
	// Claims are request headers made of the identity (Value: what of it). Whoever knows the
	// identity computes them; clients cannot send them. Requests only.
	Claims []Field
}

// CORS is what a route answers pages of other origins (Fetch §3.2). It is for the caller to apply.
type CORS struct {
	Origins []string // exact, or a single "*" on routes that use no session
	Methods []string // empty: the usual ones
	Headers []string // that a request may carry; empty: whatever it asks for
	Expose  []string // that a page may read of a response
	MaxAge  time.Duration
}

// Dropped is the list of request headers that no client may send on a route with these rules, in
// canonical form.
func (h *HeaderRules) Dropped() []string {
	var names []string
	for _, n := range h.Remove {
		names = append(names, textproto.CanonicalMIMEHeaderKey(n))
	}
	for _, list := range [][]Field{h.Set, h.Claims} {
		for _, f := range list {
			names = append(names, textproto.CanonicalMIMEHeaderKey(f.Name))
		}
	}
	return names
}

// Apply changes a response's header.
func (h *HeaderRules) Apply(to http.Header) {
	for _, n := range h.Remove {
		to.Del(n)
	}
	for _, f := range h.Set {
		to.Set(f.Name, f.Value)
	}
}

// check refuses names that the gateway decides on itself, or that frame a message.
func (h *HeaderRules) check(request bool) error {
	var errs []error
	for _, n := range h.Remove {
		errs = append(errs, checkName(n, request))
	}
	for _, f := range append(slices.Clone(h.Set), h.Claims...) {
		errs = append(errs, checkName(f.Name, request))
		if strings.ContainsFunc(f.Value, func(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f }) {
			errs = append(errs, fmt.Errorf("header %s: the value has control characters", f.Name))
		}
	}
	if !request && len(h.Claims) > 0 {
		errs = append(errs, errors.New("claims go into requests, not into responses"))
	}
	return errors.Join(errs...)
}

func checkName(name string, request bool) error {
	canonical := textproto.CanonicalMIMEHeaderKey(strings.ReplaceAll(name, "_", "-"))
	switch {
	case name == "" || !isToken(name):
		return fmt.Errorf("%q is not a header name", name)
	case IsFraming(canonical) && canonical != "Content-Type", canonical == "Proxy-Connection", canonical == "Set-Cookie":
		return fmt.Errorf("header %s is not for rules to change", name)
	case request && (strings.HasPrefix(canonical, "X-Forwarded-") || canonical == "X-Request-Id" || canonical == "Traceparent"):
		return fmt.Errorf("header %s is set by the gateway itself", name)
	}
	return nil
}

// IsFraming reports whether a header of this canonical name frames the message, names its place or
// carries its credentials. No rule may change such a header, and no spelling with _ in place of -
// may say it a second time.
func IsFraming(name string) bool {
	switch name {
	case "Authorization", "Connection", "Content-Length", "Content-Type", "Cookie", "Host", "Expect", "Keep-Alive", "Te",
		"Trailer", "Transfer-Encoding", "Upgrade":
		return true
	}
	return false
}

// isToken reports whether s consists of nothing but tchar of RFC 9110 §5.6.2.
func isToken(s string) bool {
	return !strings.ContainsFunc(s, func(c rune) bool {
		alphanumeric := 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
		return !alphanumeric && !strings.ContainsRune("!#$%&'*+-.^_`|~", c)
	})
}
