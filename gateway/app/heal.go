package app

import (
	"errors"
	"net/http"
	"strings"
	"time"

	"sessiongate/gateway/problem"
	"sessiongate/gateway/proxy"
	"sessiongate/session"
)

// Healer is a provider that knows by which answers upstreams refuse its tokens. It is safe for
// concurrent use.
type Healer interface {
	// Stale reports whether an upstream's answer says that the token is no good. body is the whole
	// of a small JSON answer to a status of which LooksInside; else nil.
	Stale(status int, h http.Header, body []byte) bool
	// LooksInside reports whether it takes the body to know, of an answer with this status.
	LooksInside(status int) bool
}

const (
	// youngTokens is an age below which an upstream's refusal is not the token's fault: it was made
	// a moment ago. So a session is refreshed once in that time at most, by all replicas together,
	// for they tell the age by the store's clock.
	youngTokens = 10 * time.Second

	// maxPeek bounds the answers whose body is looked at.
	maxPeek = 4 << 10
)

// healing is what a handler knows of one request's healing.
type healing struct {
	again bool // the request was sent a second time, with a new token
	retry bool // it was not, but would have a new token now: the page is told
}

// heal is [handler.Renew] for the sessions of a provider that knows how its tokens are refused. The
// token of a request that must not be sent twice is refreshed all the same: the page may send it
// again (RFC 9110 §15.5.2: a 401 says that it was not applied).
func (h *handler) heal(res *http.Response, repeatable bool, p Healer) (proxy.Token, error) {
	if !refusedBy(p, res) {
		return proxy.Token{}, nil
	}
	x, now := h.x, h.o.Now()
	where := h.denials.at(x.Session.ID(), x.Request)
	switch {
	case h.again, x.Session.TokensAge(now) < youngTokens:
		h.denials.note(where, now)
		return proxy.Token{}, nil
	case h.denials.recent(where, now):
		return proxy.Token{}, nil
	}
	fresh, err := h.o.Sessions.ForceRefresh(x.Request.Context(), x.Session, x.Client)
	var ended *session.EndedError
	switch {
	case errors.As(err, &ended):
		return proxy.Token{}, problem.Of(err)
	case err != nil:
		return proxy.Token{}, nil //nolint:nilerr // what the upstream says is the best answer there is
	}
	x.Session, h.again, h.retry = fresh, repeatable, !repeatable
	return tokenOf(fresh), nil
}

// refusedBy reports whether the answer refuses the token, and nothing else: neither what the token
// is good for (RFC 6750 §3.1) nor how its user signed in (RFC 9470 §3).
func refusedBy(p Healer, res *http.Response) bool {
	var body []byte
	if p.LooksInside(res.StatusCode) {
		body = proxy.Peek(res, maxPeek)
	}
	return p.Stale(res.StatusCode, res.Header, body) && !asksOtherwise(res.Header)
}

// asksOtherwise reports whether an answer's challenges are about something else than the token: the
// schemes of proxies and browsers, or a Bearer challenge with another error than invalid_token.
func asksOtherwise(header http.Header) bool {
	others, ours := false, false
	for c := range proxy.Challenges(header) {
		code := c.Params["error"]
		switch scheme := strings.ToLower(c.Scheme); {
		case scheme == "basic", scheme == "digest", scheme == "negotiate", scheme == "ntlm":
			others = true
		case scheme == "bearer" && code != "" && code != "invalid_token":
			return true
		default:
			ours = true
		}
	}
	return others && !ours
}
