package gateway

import (
	"errors"
	"net/http"

	"sessiongate/gateway/problem"
	"sessiongate/gateway/proxy"
)

// upstreamHandler is what the gateway decides about a request while its application answers. It is a part of its exchange,
// so that it costs no allocation.
type upstreamHandler struct{ x *exchange }

var _ proxy.Handler = (*upstreamHandler)(nil)

// Response implements [proxy.Handler]: it marks an application's own 401, and turns its wish for another sign-in into ours.
func (u *upstreamHandler) Response(res *http.Response) error {
	delete(res.Header, passedOn) // ours to say
	if res.StatusCode != http.StatusUnauthorized {
		return nil
	}
	c, found := proxy.BearerChallenge(res.Header, "insufficient_user_authentication")
	if found && u.x.session != nil {
		return wantStepUp(u.x, c)
	}
	res.Header[passedOn] = []string{"401"}
	return nil
}

// Renew implements [proxy.Handler]: a refused token gets one forced refresh, and the request another attempt.
func (u *upstreamHandler) Renew(*http.Response) (authorization string, ok bool) {
	x := u.x
	if x.session == nil {
		return "", false
	}
	fresh, err := x.server.manager.ForceRefresh(x.r.Context(), x.session, x.client)
	if err != nil {
		// The upstream's 401 is then the best answer there is: the session itself is judged by its next request.
		return "", false
	}
	x.session = fresh
	return fresh.Authorization, true
}

// Stream implements [proxy.Handler]: from now on the response ends with its session.
func (u *upstreamHandler) Stream(stream *proxy.Stream) {
	x := u.x
	x.server.live.Add(&x.flow, stream, x.holder(), x.trace[3]) // random hexadecimal digits
}

// upstreamFailed renders what the proxy reports.
func (s *Server) upstreamFailed(x *exchange, f *proxy.Failure) {
	if f.Kind == proxy.ClientGone {
		x.status = f.Kind.Status()  // nobody is left to read an answer
		panic(http.ErrAbortHandler) // without it the server would answer an empty 200
	}
	var p *problem.Problem
	if errors.As(f.Err, &p) {
		s.fail(x, p)
		return
	}
	s.fail(x, problem.OfUpstream(f))
}
