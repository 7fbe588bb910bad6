package endpoints

import (
	"bytes"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"sessiongate/gateway/crossorigin"
	"sessiongate/gateway/exchange"
	"sessiongate/gateway/problem"
	"sessiongate/session"
	"sessiongate/web"
)

// callbacks end the sign-ins that began at a provider.
type callbacks struct{ *signIn }

// callback is where a provider sends the browser back to. The answer belongs to
// an attempt of this very browser or it is nothing: the return URL, the nonce
// and the provider come from the attempt and never from the request.
func (s *callbacks) callback(x *exchange.Exchange) error {
	q := x.Request.URL.Query()
	if repeated(q) {
		s.callbackPage(x, http.StatusBadRequest, s.again(x, session.LoginDone{ReturnTo: "/"}), "failed", "repeated")
		return nil
	}
	done, err := s.Redirects.FinishLogin(x.Request.Context(), session.LoginReturn{
		Provider: strings.TrimPrefix(x.Request.URL.Path, s.Site.Prefix+"/callback/"),
		Browser:  exchange.BoundBrowser(x.Request), State: q.Get("state"),
		Response: session.Response{
			Code: session.Secret(q.Get("code")), Issuer: q.Get("iss"), Error: q.Get("error"), Description: q.Get("error_description"),
		},
		IPPrefix: exchange.IPPrefix(x.Client.IP), PriorCookies: x.SessionCookies(), Client: x.Client,
	})
	done.ReturnTo = exchange.ReturnURL(done.ReturnTo)
	switch {
	case err == nil:
		return s.signedIn(x, done)
	case errors.Is(err, session.ErrNoAttempt):
		return s.noAttempt(x, done.ReturnTo)
	case errors.Is(err, session.ErrNoProvider):
		return problem.NotFound()
	case done.Retry != nil:
		location, err := s.Redirects.StartLogin(x.Request.Context(), *done.Retry)
		if err != nil {
			return s.callbackFailed(x, done, err)
		}
		return x.SeeOther(location)
	}
	return s.callbackFailed(x, done, err)
}

// repeated reports a parameter of the answer that came more than once, whose values
// two readers might choose from differently (RFC 6749 §3.1). The attempt is not
// spent: a genuine answer may still come.
func repeated(q url.Values) bool {
	for _, name := range []string{"state", "code", "iss", "error", "error_description"} {
		if len(q[name]) > 1 {
			return true
		}
	}
	return false
}

func (s *callbacks) signedIn(x *exchange.Exchange, done session.LoginDone) error {
	value, maxAge, ok := s.Resolver.CookieValue(done.Session)
	if !ok {
		return errors.New("seal session cookie")
	}
	s.Cookies.SetSession(x.Header(), value, maxAge)
	return s.continueTo(x, done.ReturnTo)
}

// noAttempt is for the Back button, a reload, a second click, a page left open
// too long, and for forgeries. Whoever is signed in just goes on. To find out,
// the browser may have to ask once more from our own origin.
func (s *callbacks) noAttempt(x *exchange.Exchange, to string) error {
	f := crossorigin.FactsOf(x.Request)
	if f.Site == "cross-site" && f.Document() && !x.HasSessionCookie() {
		s.Responder.Bounce(x)
		return nil
	}
	if _, err := x.Authenticate(session.ResolveOptions{}); err == nil {
		return s.continueTo(x, to)
	}
	s.callbackPage(x, http.StatusBadRequest, s.again(x, session.LoginDone{ReturnTo: to}), "spent", "spent")
	return nil
}

// callbackFailed tells a person what became of the sign-in. Nothing that the
// request says is shown: anyone can make up an error and its description.
func (s *callbacks) callbackFailed(x *exchange.Exchange, done session.LoginDone, err error) error {
	again := s.again(x, done)
	var denied *session.DeniedError
	var rejected *session.RejectedError
	var down *session.UnavailableError
	switch {
	case errors.As(err, &denied):
		s.denied(x, again, denied.Code)
	case errors.As(err, &rejected) && rejected.Weak:
		s.callbackPage(x, http.StatusForbidden, again, "weak", "weak")
	case errors.As(err, &rejected):
		s.callbackPage(x, http.StatusBadRequest, again, "failed", "failed")
	case errors.As(err, &down):
		x.Header().Set("Retry-After", "2")
		s.callbackPage(x, http.StatusServiceUnavailable, again, "down", "down")
		s.Responder.LogProblem(x, problem.Unavailable(down))
	default:
		return err
	}
	return nil
}

func (s *callbacks) denied(x *exchange.Exchange, again, code string) {
	switch code {
	case "server_error", "temporarily_unavailable":
		s.callbackPage(x, http.StatusServiceUnavailable, again, "down", "trouble")
	case "access_denied":
		s.callbackPage(x, http.StatusForbidden, again, "denied", "denied")
	default:
		s.callbackPage(x, http.StatusBadRequest, again, "denied", "unfinished")
	}
}

// again is the address that begins the same sign-in once more: at the same provider,
// with what was asked of it. The fragment is still noted, for the page has none.
func (s *callbacks) again(x *exchange.Exchange, done session.LoginDone) string {
	q := url.Values{
		"return_to": {done.ReturnTo}, "provider": {strings.TrimPrefix(x.Request.URL.Path, s.Site.Prefix+"/callback/")}, begun: {"1"},
	}
	if done.AuthRequest.Prompt != "" {
		q.Set("prompt", done.AuthRequest.Prompt)
	}
	if done.AuthRequest.MaxAge != nil {
		q.Set("max_age", strconv.Itoa(problem.Seconds(*done.AuthRequest.MaxAge)))
	}
	if len(done.AuthRequest.ACR) > 0 {
		q.Set("acr_values", strings.Join(done.AuthRequest.ACR, " "))
	}
	if done.AuthRequest.UILocales != "" {
		q.Set("ui_locales", done.AuthRequest.UILocales)
	}
	if done.AuthRequest.LoginHint != "" {
		q.Set("login_hint", done.AuthRequest.LoginHint)
	}
	return s.Site.Prefix + "/login?" + q.Encode()
}

// callbackPage offers again, an address to try once more at. The catalogue says title and text.
func (s *callbacks) callbackPage(x *exchange.Exchange, status int, again, title, text string) {
	e := s.Responder.Edition(x.Request)
	x.MarkProblem(callbackCode(status))
	s.Responder.Page(x, status, func(b *bytes.Buffer) error {
		x.Header().Set("Referrer-Policy", "no-referrer") // our address holds the code
		return e.Message(b, web.MessagePage{
			Title: e.Text("callback."+title+".title", nil), Text: e.Text("callback."+text+".text", nil), RequestID: x.Client.RequestID,
			Primary:   web.Link{Label: e.Text("button.try_again", nil), Href: again},
			Secondary: web.Link{Label: e.Text("button.home", nil), Href: s.Pages.Home()},
		})
	})
}

// callbackCode is the code of the contract for a sign-in that failed at the provider.
func callbackCode(status int) string {
	switch status {
	case http.StatusForbidden:
		return "forbidden"
	case http.StatusServiceUnavailable:
		return "provider_unavailable"
	}
	return "bad_request"
}
