package gateway

import (
	"bytes"
	"errors"
	"net/http"
	"net/url"
	"strings"

	"sessiongate/session"
	"sessiongate/web"
)

// callback is where a provider sends the browser back to. The answer belongs to
// an attempt of this very browser or it is nothing: the return URL, the nonce
// and the provider come from the attempt and never from the request.
func (s *Server) callback(x *exchange) error {
	q := x.r.URL.Query()
	done, err := s.manager.FinishLogin(x.r.Context(), session.LoginReturn{
		Provider: strings.TrimPrefix(x.r.URL.Path, s.prefix+"/callback/"),
		Browser:  boundBrowser(x.r), State: q.Get("state"),
		Response: session.Response{Code: session.Secret(q.Get("code")), Issuer: q.Get("iss"), Error: q.Get("error")},
		IPPrefix: ipPrefix(x.client.IP), Carried: x.presented(), Client: x.client,
	})
	done.ReturnTo = returnURL(done.ReturnTo)
	switch {
	case err == nil:
		return s.signedIn(x, done)
	case errors.Is(err, session.ErrNoAttempt):
		return s.noAttempt(x, done.ReturnTo)
	case errors.Is(err, session.ErrNoProvider):
		return notFound()
	case done.Retry != nil:
		location, err := s.manager.StartLogin(x.r.Context(), *done.Retry)
		if err != nil {
			return s.callbackFailed(x, done.ReturnTo, err)
		}
		return seeOther(x, location)
	}
	return s.callbackFailed(x, done.ReturnTo, err)
}

func (s *Server) signedIn(x *exchange, done session.LoginDone) error {
	value, maxAge, ok := s.manager.Value(done.Session)
	if !ok {
		return errors.New("seal session cookie")
	}
	s.setSession(x.Header(), value, maxAge)
	return s.continueTo(x, done.ReturnTo)
}

// noAttempt is for the Back button, a reload, a second click, a page left open
// too long, and for forgeries. Whoever is signed in just goes on. To find out,
// the browser may have to ask once more from our own origin.
func (s *Server) noAttempt(x *exchange, to string) error {
	f := factsOf(x.r)
	if f.site == "cross-site" && f.document() && !x.hasSessionCookie() {
		s.bounce(x)
		return nil
	}
	if _, err := s.authenticate(x, session.Presentation{}); err == nil {
		return s.continueTo(x, to)
	}
	s.callbackPage(x, http.StatusBadRequest, to, "This sign-in is no longer valid",
		"It took too long, was finished before, or was started in another browser. Nothing has happened to your account.")
	return nil
}

// callbackFailed tells a person what became of the sign-in. Nothing that the
// request says is shown: anyone can make up an error and its description.
func (s *Server) callbackFailed(x *exchange, to string, err error) error {
	var denied *session.DeniedError
	var rejected *session.RejectedError
	var down *session.UnavailableError
	switch {
	case errors.As(err, &denied):
		s.denied(x, to, denied.Code)
	case errors.As(err, &rejected) && rejected.Weak:
		s.callbackPage(x, http.StatusForbidden, to, "A stronger sign-in is needed",
			"The sign-in service did not ask you again, or not in the way this page needs.")
	case errors.As(err, &rejected):
		s.callbackPage(x, http.StatusBadRequest, to, "Sign-in failed",
			"The answer of the sign-in service could not be trusted. Try again; if this repeats, tell whoever runs this site.")
	case errors.As(err, &down):
		x.Header().Set("Retry-After", "2")
		s.callbackPage(x, http.StatusServiceUnavailable, to, "Sign-in is not available now", "Try again in a moment.")
		s.logProblem(x, problemUnavailable(down))
	default:
		return err
	}
	return nil
}

func (s *Server) denied(x *exchange, to, code string) {
	switch code {
	case "server_error", "temporarily_unavailable":
		s.callbackPage(x, http.StatusServiceUnavailable, to, "Sign-in is not available now",
			"The sign-in service has a problem. Try again in a moment.")
	case "access_denied":
		s.callbackPage(x, http.StatusForbidden, to, "You are not signed in",
			"The sign-in was cancelled, or the sign-in service did not allow it.")
	default:
		s.callbackPage(x, http.StatusBadRequest, to, "You are not signed in", "The sign-in service did not finish the sign-in.")
	}
}

func (s *Server) callbackPage(x *exchange, status int, to, title, text string) {
	again := s.loginPage + "?return_to=" + url.QueryEscape(to)
	s.page(x, status, func(b *bytes.Buffer) error {
		x.Header().Set("Referrer-Policy", "no-referrer") // our address holds the code
		return s.pages.Message(b, web.MessagePage{
			Title: title, Text: text, RequestID: x.client.RequestID,
			Primary:   web.Link{Label: "Try again", Href: again},
			Secondary: web.Link{Label: "To the start page", Href: "/"},
		})
	})
}
