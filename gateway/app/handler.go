package app

import (
	"net/http"
	"strconv"
	"sync"

	"sessiongate/gateway/exchange"
	"sessiongate/gateway/proxy"
)

// handler is what the gateway decides about a request while its application answers.
type handler struct {
	x *exchange.Exchange
	o *Options
	healing
	denials *denials // of all handlers
}

var _ proxy.Handler = (*handler)(nil)

// handlers keeps handlers for the next request, so that one costs no allocation.
type handlers struct {
	o       *Options
	denials *denials
	idle    sync.Pool
}

func (l *handlers) get(x *exchange.Exchange) *handler {
	h, ok := l.idle.Get().(*handler)
	if !ok {
		h = &handler{o: l.o, denials: l.denials}
	}
	h.x = x
	return h
}

func (l *handlers) put(h *handler) {
	h.x, h.healing = nil, healing{}
	l.idle.Put(h)
}

// Response implements [proxy.Handler]: it marks what an application says that the gateway says
// too, and turns its wish for another sign-in into ours.
func (h *handler) Response(res *http.Response) error {
	if h.retry {
		res.Header[exchange.RetryHeader] = []string{"1"}
	}
	switch res.StatusCode {
	case http.StatusTooManyRequests, http.StatusServiceUnavailable:
	case http.StatusUnauthorized:
		c, found := proxy.BearerChallenge(res.Header, "insufficient_user_authentication")
		if found && h.x.Session != nil {
			return signInAgain(h.x.Session.Identity().Provider, c)
		}
	default:
		return nil
	}
	markUpstream(res.Header, res.StatusCode)
	return nil
}

// markUpstream notes that the request has been at the application, which answered with this status.
func markUpstream(header http.Header, status int) {
	header[exchange.UpstreamHeader] = []string{strconv.Itoa(status)}
}

// Renew implements [proxy.Handler]: a refused token gets one forced refresh, and the request
// another attempt. How an upstream refuses a token is the provider's to say ([Healer]); for the
// others it is a 401 with error="invalid_token" (RFC 6750 §3.1).
func (h *handler) Renew(res *http.Response, repeatable bool) (proxy.Token, error) {
	x := h.x
	if x.Session == nil {
		return proxy.Token{}, nil
	}
	if len(h.o.Healers) > 0 {
		if p := h.o.Healers[x.Session.Identity().Provider]; p != nil {
			return h.heal(res, repeatable, p)
		}
	}
	if !repeatable || res.StatusCode != http.StatusUnauthorized || !proxy.RefusesToken(res.Header) {
		return proxy.Token{}, nil
	}
	fresh, err := h.o.Sessions.ForceRefresh(x.Request.Context(), x.Session, x.Client)
	if err != nil {
		// The upstream's 401 is then the best answer there is: the session itself is judged by its
		// next request.
		return proxy.Token{}, nil //nolint:nilerr // see above
	}
	x.Session = fresh
	return tokenOf(fresh), nil
}

// Stream implements [proxy.Handler]: from now on the response ends with its session.
func (h *handler) Stream(s *proxy.Stream) {
	h.o.Streams.Add(&h.x.Stream, s, h.x.Owner(), h.x.TraceParent[3]) // random hexadecimal digits
}
