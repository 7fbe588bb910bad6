package exchange

import (
	"errors"

	"sessiongate/gateway/problem"
	"sessiongate/session"
)

// Authenticate resolves the presented cookie and notes the session in the
// exchange. Should the cookie have come more than once, the first live one
// counts. Errors are those of [Sessions].Resolve, or problem.ErrAnonymous.
func (x *Exchange) Authenticate(o session.ResolveOptions) (*session.Session, error) {
	o.Client, o.Mark = x.Client, x.staleMark()
	fault := problem.ErrAnonymous
	for _, value := range x.SessionCookies() {
		found, err := x.pool.o.Sessions.Resolve(x.Request.Context(), value, o)
		if err == nil {
			x.Session = found
			return found, nil
		}
		if !errors.Is(err, session.ErrUnauthentic) && errors.Is(fault, problem.ErrAnonymous) {
			fault = err // says more than "no cookie", but a later one may be alive
		}
	}
	return nil, fault
}

// SignedOut reports whether the error says that nobody is signed in, in contrast to
// "cannot tell now" or "ask again".
func SignedOut(err error) bool {
	var ended *session.EndedError
	return errors.Is(err, problem.ErrAnonymous) || errors.As(err, &ended)
}
