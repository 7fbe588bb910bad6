package proxy

import (
	"errors"
	"fmt"
	"net/http"
	"net/textproto"
	"slices"
	"strings"
	"time"

	"sessiongate/gateway/http1/client"
)

// Field is one header field.
type Field = client.Field

// HeaderRules change the headers of a route's requests or responses, beyond what always holds.
type HeaderRules struct {
	// Remove are names that are dropped. In requests a name stands for its spellings with _ in place of - as well.
	Remove []string
	// Set are fields that replace whatever stands under their name.
	Set []Field
	// Claims are request headers made of the identity (Value: what of it). The caller computes them and hands them over
	// as Forward.Fields; here they are only kept from clients. Requests only.
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

// dropped is the list of request headers that no client may send on a route with these rules, in canonical form.
func (h *HeaderRules) dropped() []string {
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

// apply changes a response's header.
func (h *HeaderRules) apply(to http.Header) {
	for _, n := range h.Remove {
		to.Del(n)
	}
	for _, f := range h.Set {
		to.Set(f.Name, f.Value)
	}
}

// Apply sets the fields of a response that no upstream wrote.
func (h *HeaderRules) Apply(to http.Header) { h.apply(to) }

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
	case isFraming(canonical) && canonical != "Content-Type", canonical == "Proxy-Connection", canonical == "Set-Cookie":
		return fmt.Errorf("header %s is not for rules to change", name)
	case request && (hasAnyPrefix(canonical, "X-Forwarded-") || canonical == "X-Request-Id" || canonical == "Traceparent"):
		return fmt.Errorf("header %s is set by the gateway itself", name)
	}
	return nil
}
