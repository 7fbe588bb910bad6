package gateway

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"sessiongate/gateway/problem"
	"sessiongate/session"
	"sessiongate/web"
)

// mostLoginBody bounds a login request; a password may have 1024 bytes.
const mostLoginBody = 16 << 10

// credentials are what a login request says, as JSON or as a form.
type credentials struct {
	Username   string         `json:"username"`
	Password   session.Secret `json:"password"`
	Provider   string         `json:"provider"`
	DeviceName string         `json:"device_name"`
	ReturnTo   string         `json:"return_to"`
	demoUser   string         // form only: the demo's one-click sign-in
}

// loginForm shows the login page, or moves on whoever is signed in already.
func (s *Server) loginForm(x *exchange) error {
	q := x.r.URL.Query()
	to := returnURL(q.Get("return_to"))
	_, err := s.authenticate(x, session.ResolveOptions{})
	switch {
	case asksForMore(q):
	case err == nil && q.Get(begun) != "": // another tab was faster, and the fragment is in its place
		return s.continueTo(x, to)
	case err == nil:
		return seeOther(x, to)
	case errors.Is(err, session.ErrStale) && repeatable(x.r):
		return err
	}
	if name := q.Get("provider"); name != "" && !s.knowsProvider(name) {
		return s.noSuchProvider(x, name, to)
	}
	if handled, err := s.redirectLogin(x, to, err); handled {
		return err
	}
	s.setProbe(x.Header())
	s.loginPageFor(x, http.StatusOK, web.LoginPage{ReturnTo: to})
	return nil
}

func (s *Server) knowsProvider(name string) bool {
	return slices.Contains(s.manager.RedirectProviders(), name) || slices.Contains(s.manager.PasswordProviders(), name)
}

// noSuchProvider says that an address names a provider that is not there, rather than
// sign in somewhere else.
func (s *Server) noSuchProvider(x *exchange, name, to string) error {
	if !navigation(x.r) {
		return problem.BadRequest("There is no provider "+strconv.Quote(session.PlainText(name, 64))+" here.", nil)
	}
	s.setProbe(x.Header())
	s.loginPageFor(x, http.StatusBadRequest, web.LoginPage{
		ReturnTo: to, Error: "The address names a way to sign in that does not exist here: " + strconv.Quote(session.PlainText(name, 64)) + ". Choose another.",
	})
	return nil
}

// loginPageFor fills in what every showing of the login page shares. The probe
// parameter tells the POST that this browser was given a probe cookie.
func (s *Server) loginPageFor(x *exchange, status int, page web.LoginPage) {
	page.Action = s.prefix + "/login?probe=1"
	page.DemoUsers = s.demoUsers
	for _, name := range s.manager.PasswordProviders() {
		page.Password = true
		page.PasswordProviders = append(page.PasswordProviders, web.PasswordProvider{Name: name, Label: s.labels[name]})
	}
	page.SignedOut = s.justSignedOut(x.r)
	page.Providers = s.providerLinks(x, page.ReturnTo)
	s.page(x, status, func(b *bytes.Buffer) error { return s.pages.Login(b, page) })
}

// login signs in with user name and password: a session document for a program,
// a redirect for a form. The new session never takes over a presented handle.
func (s *Server) login(x *exchange) error {
	form, c, err := readCredentials(x)
	if err != nil {
		return err
	}
	if form {
		c = s.demoLogin(c)
	}
	if form && s.cookiesDropped(x) {
		s.setProbe(x.Header())
		s.loginPageFor(x, http.StatusOK, web.LoginPage{
			ReturnTo: returnURL(c.ReturnTo), Username: c.Username, CookieProbeFailed: true,
		})
		return nil
	}
	signedIn, err := s.limits.Login(x.r.Context(), session.Login{
		Provider: c.Provider, Username: c.Username, Password: c.Password,
		DeviceName: session.PlainText(strings.TrimSpace(c.DeviceName), 64),
		IPPrefix:   ipPrefix(x.client.IP), PriorCookies: x.presented(), Client: x.client,
	})
	if err != nil {
		return s.loginFailed(x, form, c, err)
	}
	value, maxAge, ok := s.manager.CookieValue(signedIn)
	if !ok {
		return errors.New("seal session cookie")
	}
	s.setSession(x.Header(), value, maxAge)
	if form {
		return seeOther(x, returnURL(c.ReturnTo))
	}
	return s.sendSession(x, signedIn)
}

// demoLogin fills in the credentials of the demo user whose button was pressed.
// The login page shows them to everyone; outside the demo there are none.
func (s *Server) demoLogin(c credentials) credentials {
	for _, u := range s.demoUsers {
		if c.demoUser != "" && u.Name == c.demoUser {
			c.Username, c.Password, c.Provider = u.Name, session.Secret(u.Password), s.demoProvider
		}
	}
	return c
}

// cookiesDropped reports that the browser was given a probe cookie with the
// login page and did not send it back: it will not keep the session either.
func (s *Server) cookiesDropped(x *exchange) bool {
	if x.r.URL.Query().Get("probe") == "" {
		return false
	}
	_, err := x.r.Cookie(probeCookie)
	return err != nil && !x.hasSessionCookie()
}

func (s *Server) loginFailed(x *exchange, form bool, c credentials, err error) error {
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
	s.loginPageFor(x, p.Status, web.LoginPage{
		ReturnTo: returnURL(c.ReturnTo), Username: session.PlainText(c.Username, 256), Provider: c.Provider,
		Error: p.Title + ". " + p.Detail, WrongCredentials: p.Status == http.StatusUnauthorized,
	})
	return nil
}

// readCredentials takes JSON or a form, nothing else, and not much of either.
func readCredentials(x *exchange) (form bool, c credentials, err error) {
	kind, _, err := mime.ParseMediaType(x.r.Header.Get("Content-Type"))
	if err != nil && x.r.Header.Get("Content-Type") != "" {
		return false, c, problem.BadRequest("The Content-Type header is malformed.", nil)
	}
	body, err := io.ReadAll(http.MaxBytesReader(x, x.r.Body, mostLoginBody))
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		return false, c, problem.PayloadTooLarge()
	case err != nil:
		return false, c, problem.BadRequest("The body could not be read.", err)
	}
	switch kind {
	case "application/json":
		err = json.Unmarshal(body, &c)
		if err != nil {
			return false, c, problem.BadRequest(`Send a JSON object: {"username": "…", "password": "…"}.`, nil)
		}
	case "application/x-www-form-urlencoded":
		form = true
		values, err := url.ParseQuery(string(body))
		if err != nil {
			return true, c, problem.BadRequest("The form is malformed.", nil)
		}
		c = credentials{
			Username: values.Get("username"), Password: session.Secret(values.Get("password")),
			Provider: values.Get("provider"), DeviceName: values.Get("device_name"), ReturnTo: values.Get("return_to"),
			demoUser: values.Get("demo_user"),
		}
	default:
		return false, c, problem.BadRequest("Send application/json or application/x-www-form-urlencoded.", nil)
	}
	if !form && (c.Username == "" || c.Password == "") {
		return form, c, problem.BadRequest("Both username and password are needed.", nil)
	}
	return form, c, nil
}

func seeOther(x *exchange, to string) error {
	x.Header().Set("Location", to)
	x.Header().Set("Cache-Control", "no-store")
	x.WriteHeader(http.StatusSeeOther)
	return nil
}
