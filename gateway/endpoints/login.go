package endpoints

import (
	"bytes"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"sessiongate/gateway/exchange"
	"sessiongate/gateway/problem"
	"sessiongate/session"
	"sessiongate/web"
)

// signIn is the sign-in of browsers: the login page, and providers' own pages.
type signIn struct {
	*Options
	memory *logoutMemory
}

// loginForm shows the login page, or moves on whoever is signed in already.
func (s *signIn) loginForm(x *exchange.Exchange) error {
	q := x.Request.URL.Query()
	to := exchange.ReturnURL(q.Get("return_to"))
	_, err := x.Authenticate(session.ResolveOptions{})
	switch {
	case asksForMore(q):
	case err == nil && q.Get(begun) != "": // another tab was faster, and the fragment is in its place
		return s.continueTo(x, to)
	case err == nil:
		return x.SeeOther(to)
	case errors.Is(err, session.ErrStale) && exchange.Repeatable(x.Request):
		return err
	}
	if name := q.Get("provider"); name != "" && !s.knowsProvider(name) {
		return s.noSuchProvider(x, name, to)
	}
	if handled, err := s.redirectLogin(x, to, err); handled {
		return err
	}
	s.Cookies.SetProbe(x.Header())
	s.loginPageFor(x, http.StatusOK, web.LoginPage{ReturnTo: to, Notice: s.Responder.WhyEnded(x, err)})
	return nil
}

func (s *signIn) knowsProvider(name string) bool {
	return slices.Contains(s.Providers.RedirectProviders(), name) || slices.Contains(s.Providers.PasswordProviders(), name)
}

// noSuchProvider says that an address names a provider that is not there, rather than
// sign in somewhere else.
func (s *signIn) noSuchProvider(x *exchange.Exchange, name, to string) error {
	if !exchange.Navigation(x.Request) {
		return problem.BadRequest("There is no provider "+strconv.Quote(session.PlainText(name, 64))+" here.", nil)
	}
	s.Cookies.SetProbe(x.Header())
	x.MarkProblem("bad_request")
	label := strconv.Quote(session.PlainText(name, 64))
	s.loginPageFor(x, http.StatusBadRequest, web.LoginPage{
		ReturnTo: to, Error: s.Responder.Edition(x.Request).Text("login.no_such_provider", web.Args{"label": label}),
	})
	return nil
}

// loginPageFor fills in what every showing of the login page shares. The probe
// parameter tells the POST that this browser was given a probe cookie.
func (s *signIn) loginPageFor(x *exchange.Exchange, status int, page web.LoginPage) {
	page.Action = s.Responder.Along(x.Request, s.Site.Prefix+"/login?probe=1"+demands(x.Request.URL.Query()))
	page.Confirm = s.confirm(x, page.ReturnTo)
	s.fillIn(x, &page)
	page.DemoUsers = s.DemoUsers
	for _, name := range s.Providers.PasswordProviders() {
		page.Password = true
		page.PasswordProviders = append(page.PasswordProviders, web.PasswordProvider{Name: name, Label: s.ProviderLabels[name]})
	}
	page.SignedOut = s.memory.recent(x.Request)
	page.Providers = s.providerLinks(x, page.ReturnTo)
	s.Responder.Page(x, status, func(b *bytes.Buffer) error { return s.Responder.Edition(x.Request).Login(b, page) })
}

// demands are what the address asks of the sign-in, to be asked again where it fails.
func demands(q url.Values) string {
	next := make(url.Values)
	for _, key := range []string{"max_age", "acr_values"} {
		if v := q.Get(key); v != "" {
			next.Set(key, v)
		}
	}
	if len(next) == 0 {
		return ""
	}
	return "&" + next.Encode()
}

// login signs in with user name and password: a session document for a program,
// a redirect for a form. The new session never takes over a presented handle.
func (s *signIn) login(x *exchange.Exchange) error {
	form, c, err := readCredentials(x, s.Fields)
	if err != nil {
		return err
	}
	if form {
		c = s.demoLogin(c)
	}
	if form && s.cookiesDropped(x) {
		s.Cookies.SetProbe(x.Header())
		s.loginPageFor(x, http.StatusOK, web.LoginPage{
			ReturnTo: exchange.ReturnURL(c.ReturnTo), Username: c.Username, CookieProbeFailed: true,
		})
		return nil
	}
	signedIn, err := s.Limits.Login(x.Request.Context(), session.Login{
		Provider: c.Provider, Username: c.Username, Password: c.Password, Extra: c.extra,
		DeviceName: session.PlainText(strings.TrimSpace(c.DeviceName), 64),
		IPPrefix:   exchange.IPPrefix(x.Client.IP), PriorCookies: x.SessionCookies(), Client: x.Client,
	})
	if err != nil {
		return s.loginFailed(x, form, c, err)
	}
	value, maxAge, ok := s.Resolver.CookieValue(signedIn)
	if !ok {
		return errors.New("seal session cookie")
	}
	s.Cookies.SetSession(x.Header(), value, maxAge)
	if form {
		return x.SeeOther(exchange.ReturnURL(c.ReturnTo))
	}
	return sendSession(x, signedIn, s.Now())
}

// demoLogin fills in the credentials of the demo user whose button was pressed.
// The login page shows them to everyone; outside the demo there are none.
func (s *signIn) demoLogin(c credentials) credentials {
	for _, u := range s.DemoUsers {
		if c.demoUser != "" && u.Name == c.demoUser {
			c.Username, c.Password, c.Provider = u.Name, session.Secret(u.Password), s.DemoProvider
		}
	}
	return c
}

// cookiesDropped reports that the browser was given a probe cookie with the
// login page and did not send it back: it will not keep the session either.
func (s *signIn) cookiesDropped(x *exchange.Exchange) bool {
	if x.Request.URL.Query().Get("probe") == "" {
		return false
	}
	return !x.KeptProbe() && !x.HasSessionCookie()
}

func (s *signIn) loginFailed(x *exchange.Exchange, form bool, c credentials, err error) error {
	if !form {
		return err
	}
	p := problem.Of(err)
	switch p.Status {
	case http.StatusUnauthorized, http.StatusForbidden, http.StatusTooManyRequests, http.StatusServiceUnavailable:
	default:
		return err
	}
	if p.RetryAfter > 0 {
		x.Header().Set("Retry-After", strconv.Itoa(problem.Seconds(p.RetryAfter)))
	}
	e := s.Responder.Edition(x.Request)
	title, text := s.Responder.Words(x, p)
	page := web.LoginPage{
		ReturnTo: exchange.ReturnURL(c.ReturnTo), Username: session.PlainText(c.Username, 256), Provider: c.Provider,
		Error: title + ". " + text, WrongCredentials: p.Status == http.StatusUnauthorized && p.Reason == "",
	}
	s.askForStep(e, &page, c, err)
	x.MarkProblem(p.Code)
	s.loginPageFor(x, p.Status, page)
	return nil
}

// askForStep shows the further fields of an account that needs them, and goes on showing them to
// whoever filled them in wrong.
func (s *signIn) askForStep(e *web.Edition, page *web.LoginPage, c credentials, err error) {
	var step *session.StepRequiredError
	asked, answered := errors.As(err, &step), len(c.extra) > 0
	if !asked && !answered {
		return
	}
	page.Extra = s.Fields.ExtraFields(c.Provider)
	switch {
	case len(page.Extra) == 0:
		page.WrongCredentials = false
		page.Error = e.Text("login.step_elsewhere", nil)
	case !answered:
		page.WrongCredentials, page.Error = false, "" // the page says what to do
	case page.WrongCredentials: // or what was typed beside them
		page.Error = e.Text("login.step_wrong", nil)
	}
}
