package gateway

import (
	"errors"
	"net/http"
	"strings"

	"sessiongate/gateway/problem"
	"sessiongate/session"
)

// authenticate resolves the presented cookie and notes the session in the
// exchange. Should the cookie have come more than once, the first live one
// counts. Errors are those of [manager.Manager.Resolve], or problem.ErrAnonymous.
func (s *Server) authenticate(x *exchange, p session.ResolveOptions) (*session.Session, error) {
	p.Client, p.Mark = x.client, x.proof()
	fault := problem.ErrAnonymous
	for _, value := range x.presented() {
		found, err := s.manager.Resolve(x.r.Context(), value, p)
		if err == nil {
			x.session = found
			return found, nil
		}
		if !errors.Is(err, session.ErrUnauthentic) && errors.Is(fault, problem.ErrAnonymous) {
			fault = err // says more than "no cookie", but a later one may be alive
		}
	}
	return nil, fault
}

// known reports whether the error says that nobody is signed in, in contrast to
// "cannot tell now" or "ask again".
func signedOut(err error) bool {
	var ended *session.EndedError
	return errors.Is(err, problem.ErrAnonymous) || errors.As(err, &ended)
}

// navigation reports whether a person is waiting for a page: a GET that the
// browser says is a navigation, or, from a client without Fetch Metadata, one
// that asks for HTML. A request with its own Authorization is a program's.
func navigation(r *http.Request) bool {
	return (r.Method == http.MethodGet || r.Method == http.MethodHead) && byPerson(r)
}

// byPerson is navigation for any method: a form that is sent navigates too.
func byPerson(r *http.Request) bool {
	if len(r.Header["Authorization"]) > 0 {
		return false
	}
	if mode := r.Header.Get("Sec-Fetch-Mode"); mode != "" {
		return mode == "navigate"
	}
	return strings.Contains(r.Header.Get("Accept"), "text/html")
}
