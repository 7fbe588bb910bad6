package tokenapi

import (
	"errors"
	"fmt"
	"net/http"
	"slices"

	"sessiongate/session"
)

// usualForward is what is done without [Options.Forward].
const usualForward = "header:Authorization: Bearer {{access_token}}"

// forwardLines are how requests on routes carry the token; nil: as usual.
type forwardLines []sent

// parseForward reads the lines of [Options.Forward].
func parseForward(o *Options, kept keepLines) (forwardLines, error) {
	if len(o.Forward) == 0 || len(o.Forward) == 1 && o.Forward[0] == usualForward {
		return nil, nil
	}
	list, err := parseSend(o.Forward, &scope{
		names: []string{accessToken, subject}, claims: true, keep: kept.names(), values: o.Values, environment: o.Environment,
	})
	if err != nil {
		return nil, fmt.Errorf("forward: %w", err)
	}
	carriesToken := false
	for i, s := range list {
		switch {
		case s.to.kind == inQuery:
			return nil, fmt.Errorf("forward: %s: URLs stand in logs and histories, where a token must not be; use a header or a cookie", s.what)
		case s.to.kind == inBody:
			return nil, fmt.Errorf("forward: %s: the body of a request is the application's; write header:NAME or cookie:NAME", s.what)
		case slices.ContainsFunc(list[:i], func(other sent) bool { return other.to == s.to }):
			return nil, fmt.Errorf("forward: %s: another value stands at the same place", s.what)
		}
		carriesToken = carriesToken || s.value.uses(accessToken) || s.value.uses(keepOf)
	}
	if !carriesToken {
		return nil, errors.New("forward: no line has {{access_token}}: add " + `"` + usualForward + `"`)
	}
	return list, nil
}

// Forward implements [session.Forwarder]. A value that cannot stand at its place is left out; the
// API then says what it misses.
func (p *Provider) Forward(rec *session.Record) *session.Forward {
	return p.forward.of(rec)
}

// of is what the requests of a session carry.
func (l forwardLines) of(rec *session.Record) *session.Forward {
	if l == nil {
		return nil
	}
	v := valuesOf(rec.Tokens)
	v.subject = rec.Identity.Subject
	if slices.ContainsFunc(l, func(s sent) bool { return s.value.uses(claimOf) }) {
		v.claims, _ = readClaims(v.access) // once for all lines
	}
	f := &session.Forward{}
	for _, s := range l {
		text := s.fit(v)
		if s.to.kind == inCookie {
			f.AddCookie(s.to.name, text)
		} else {
			f.AddField(s.to.name, text)
		}
	}
	return f
}

// fit is the text of a value outside the body; empty if there is none, or none that can stand there.
func (s sent) fit(v values) string {
	req := &http.Request{Header: make(http.Header)}
	if s.put(req, v) != nil || s.value.absent(v) {
		return ""
	}
	return s.value.fill(v)
}

// authorization is how an access token goes into an Authorization header of the API's own endpoints:
// as requests on routes carry it there.
func (l forwardLines) authorization() template {
	for _, s := range l {
		if s.to == (place{inHeader, "Authorization"}) {
			return s.value
		}
	}
	return asBearer(accessToken)
}
