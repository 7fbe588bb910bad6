package endpoints

import (
	"cmp"
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"sessiongate/gateway/exchange"
	"sessiongate/gateway/limits"
	"sessiongate/session"
	"sessiongate/web"
)

const (
	own    = "https://app.example.com"
	cookie = "Cookie: __Host-session=handle"
)

// services are all services that the endpoints ask, as functions. One that is nil is not asked.
type services struct {
	public        string // the site; empty: own
	resolve       func(session.ResolveOptions) (*session.Session, error)
	login         func(session.Login) (*session.Session, error)
	startLogin    func(session.LoginStart) (string, error)
	finishLogin   func(session.LoginReturn) (session.LoginDone, error)
	startLogout   func() *session.LogoutRedirect
	redeemLogout  func(ticket string) (string, error)
	finishLogout  func(state string) (string, error)
	logoutOrigin  string
	logout        func(value string) (*session.Record, error)
	logoutToken   func(provider, token string) (int, error)
	ownSessions   func() ([]session.Record, error)
	endOwn        func(session.ID) error
	endAllOwn     func(keep bool) (int, error)
	watch         chan session.Notice
	refreshTokens func(session.TokenClientRefresh) (session.TokenPair, error)
	logoutTokens  func(session.TokenClientRefresh) error
	redirects     []string
	passwords     []string
	fields        []string
	unsealable    bool
	events        []session.Event
}

func (s *services) Resolve(_ context.Context, _ string, o session.ResolveOptions) (*session.Session, error) {
	return s.resolve(o)
}

func (s *services) Successor(context.Context, *session.Session) (string, time.Duration, bool) {
	return "", 0, false
}

func (s *services) CookieValue(*session.Session) (string, time.Duration, bool) {
	return "new", time.Hour, !s.unsealable
}

func (s *services) Login(_ context.Context, l session.Login) (*session.Session, error) {
	return s.login(l)
}

func (s *services) StartLogin(_ context.Context, l session.LoginStart) (string, error) {
	return s.startLogin(l)
}

func (s *services) FinishLogin(_ context.Context, r session.LoginReturn) (session.LoginDone, error) {
	return s.finishLogin(r)
}

func (s *services) StartLogout(context.Context, *session.Record, string, string) *session.LogoutRedirect {
	return s.startLogout()
}

func (s *services) RedeemLogout(_ context.Context, _, ticket string) (string, error) {
	return s.redeemLogout(ticket)
}

func (s *services) FinishLogout(_ context.Context, _, state string) (string, error) {
	return s.finishLogout(state)
}
func (s *services) LogoutOrigin(context.Context, string) string { return s.logoutOrigin }

func (s *services) Logout(_ context.Context, _ session.Kind, value string, _ session.Reason, _ session.Client) (*session.Record, error) {
	return s.logout(value)
}

func (s *services) HandleLogoutToken(_ context.Context, provider, token string, _ session.Client) (int, error) {
	return s.logoutToken(provider, token)
}

func (s *services) OwnSessions(context.Context, *session.Session) ([]session.Record, error) {
	return s.ownSessions()
}

func (s *services) EndOwn(_ context.Context, _ *session.Session, id session.ID, _ session.Reason, _ session.Client) error {
	return s.endOwn(id)
}

func (s *services) EndAllOwn(_ context.Context, _ *session.Session, keep bool, _ session.Reason, _ session.Client) (int, error) {
	return s.endAllOwn(keep)
}

func (s *services) Watch(*session.Session) (<-chan session.Notice, func()) {
	return s.watch, func() {}
}

func (s *services) TokenPair(found *session.Session) (session.TokenPair, error) {
	return session.TokenPair{Session: found, Access: "access", Refresh: "sgr_1", AccessTTL: time.Minute, RefreshTTL: time.Hour}, nil
}

func (s *services) RefreshTokenClient(_ context.Context, r session.TokenClientRefresh) (session.TokenPair, error) {
	return s.refreshTokens(r)
}

func (s *services) LogoutTokenClient(_ context.Context, r session.TokenClientRefresh) error {
	return s.logoutTokens(r)
}
func (s *services) RedirectProviders() []string { return s.redirects }
func (s *services) PasswordProviders() []string { return s.passwords }
func (s *services) ExtraFields(string) []string { return s.fields }
func (s *services) Record(e session.Event)      { s.events = append(s.events, e) }

func alice() *session.Session {
	now := time.Now()
	return session.NewSession(session.ReadPoint{Track: session.NewTrack("alice-id"), Began: now}, now, session.Handle{}, &session.Record{
		Identity: session.Identity{Subject: "alice", Name: "Alice", Provider: "local"}, Tokens: session.Tokens{Access: "t"},
		Created: now, Expires: now.Add(time.Minute), Facts: session.State{Absolute: now.Add(time.Hour), LastSeen: now},
	}, time.Hour)
}

func here(session.ResolveOptions) (*session.Session, error) { return alice(), nil }

func gone(session.ResolveOptions) (*session.Session, error) {
	return nil, &session.EndedError{Reason: session.Logout}
}

// desk is a router over fakes.
type desk struct {
	*Router
	pool *exchange.Pool
}

func newDesk(t *testing.T, s *services, change ...func(*Options)) *desk {
	t.Helper()
	pages, err := web.NewPages(web.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if s.resolve == nil {
		s.resolve = here
	}
	public, _ := url.Parse(cmp.Or(s.public, own))
	site, cookies := exchange.NewSite(public, "/auth", ""), exchange.NewCookies(0)
	log := slog.New(slog.DiscardHandler)
	responder, err := exchange.NewResponder(exchange.ResponderOptions{Site: site, Pages: pages, Cookies: cookies, Providers: s, Log: log})
	if err != nil {
		t.Fatal(err)
	}
	o := Options{
		Resolver: s, Redirects: s, Terminator: s, Watcher: s, TokenClients: s, Providers: s, Fields: s, Recorder: s,
		Limits: limits.NewSignIn(limits.Options{Passwords: s, Recorder: s}), Site: site, Cookies: cookies,
		Guard: exchange.NewGuard(site.Origin, nil, responder), Responder: responder, Pages: pages, Log: log, Now: time.Now,
	}
	for _, f := range change {
		f(&o)
	}
	return &desk{New(o), exchange.NewPool(exchange.PoolOptions{Sessions: s, Cookies: cookies, Now: time.Now})}
}

// request is one with these header fields, "Name: value".
func request(method, target, body string, fields ...string) *http.Request {
	r := httptest.NewRequest(method, target, strings.NewReader(body))
	for _, f := range fields {
		name, value, _ := strings.Cut(f, ": ")
		r.Header.Add(name, value)
	}
	return r
}

func (d *desk) ask(method, target, body string, fields ...string) *httptest.ResponseRecorder {
	rec := httptest.NewRecorder()
	d.Serve(d.pool.Get(rec, request(method, target, body, append(fields, "X-Requested-With: test")...)))
	return rec
}

// person asks as a browser's window does.
func (d *desk) person(method, target, body string, fields ...string) *httptest.ResponseRecorder {
	return d.ask(method, target, body, append(fields, "Sec-Fetch-Mode: navigate", "Sec-Fetch-Dest: document", "Sec-Fetch-Site: same-origin")...)
}

// answer is what a response must be; empty parts are not looked at. Every problem says that it is one
// of the gateway, and nothing else does.
type answer struct {
	status              int
	body, location, jar string
}

func (a answer) check(t *testing.T, name string, rec *httptest.ResponseRecorder) {
	t.Helper()
	body := strings.ReplaceAll(rec.Body.String(), "&amp;", "&")
	jar := strings.Join(rec.Header().Values("Set-Cookie"), "\n")
	if rec.Code != a.status || !strings.Contains(body, a.body) || !strings.Contains(jar, a.jar) || !strings.HasPrefix(rec.Header().Get("Location"), a.location) {
		t.Errorf("%s: %d, Location %q, cookies %q, %s; want %+v", name, rec.Code, rec.Header().Get("Location"), jar, body, a)
	}
	if code := rec.Header().Get("X-Sessiongate-Problem"); (code != "") != (rec.Code >= 400) {
		t.Errorf("%s: %d is the problem %q", name, rec.Code, code)
	}
}
