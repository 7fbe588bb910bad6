package app

import (
	"net/http"
	"sync"

	"sessiongate/gateway/exchange"
	"sessiongate/gateway/proxy"
)

// handler is what the gateway decides about a request while its application answers.
type handler struct {
	x *exchange.Exchange
	o *Options
}

var _ proxy.Handler = (*handler)(nil)

// handlers keeps handlers for the next request, so that one costs no allocation.
type handlers struct {
	o    *Options
	idle sync.Pool
}

func (l *handlers) get(x *exchange.Exchange) *handler {
	h, ok := l.idle.Get().(*handler)
	if !ok {
		h = &handler{o: l.o}
	}
	h.x = x
	return h
}

func (l *handlers) put(h *handler) {
	h.x = nil
	l.idle.Put(h)
}

// Response implements [proxy.Handler]: it marks an application's own 401, and turns its wish for
// another sign-in into ours.
func (h *handler) Response(res *http.Response) error {
	delete(res.Header, upstreamStatusHeader) // ours to say
	if res.StatusCode != http.StatusUnauthorized {
		return nil
	}
	c, found := proxy.BearerChallenge(res.Header, "insufficient_user_authentication")
	if found && h.x.Session != nil {
		return signInAgain(h.x.Session.Identity().Provider, c)
	}
	res.Header[upstreamStatusHeader] = []string{"401"}
	return nil
}

// Renew implements [proxy.Handler]: a refused token gets one forced refresh, and the request
// another attempt.
func (h *handler) Renew(*http.Response) (authorization string, ok bool) {
	x := h.x
	if x.Session == nil {
		return "", false
	}
	fresh, err := h.o.Sessions.ForceRefresh(x.Request.Context(), x.Session, x.Client)
	if err != nil {
		// The upstream's 401 is then the best answer there is: the session itself is judged by its
		// next request.
		return "", false
	}
	x.Session = fresh
	return fresh.Authorization, true
}

// Stream implements [proxy.Handler]: from now on the response ends with its session.
func (h *handler) Stream(s *proxy.Stream) {
	h.o.Streams.Add(&h.x.Stream, s, h.x.Owner(), h.x.TraceParent[3]) // random hexadecimal digits
}
