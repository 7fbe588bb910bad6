package app_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"sessiongate/gateway/app"
	"sessiongate/gateway/exchange"
	"sessiongate/gateway/routing"
	"sessiongate/gateway/streams"
	"sessiongate/gateway/telemetry"
	"sessiongate/session"
	"sessiongate/web"
)

// services are the services that the package asks, as functions.
type services struct {
	resolve      func() (*session.Session, error)
	refresh      func() (*session.Session, error)
	authenticate func(raw string) (*session.Bearer, error)
	watched      int
	healer       app.Healer // of the provider; nil: it has none
	now          func() time.Time
}

func (s *services) Resolve(context.Context, string, session.ResolveOptions) (*session.Session, error) {
	return s.resolve()
}

func (s *services) Successor(context.Context, *session.Session) (string, time.Duration, bool) {
	return "", 0, false
}

func (s *services) ForceRefresh(context.Context, *session.Session, session.Client) (*session.Session, error) {
	return s.refresh()
}

func (s *services) Authenticate(_ context.Context, raw string) (*session.Bearer, error) {
	return s.authenticate(raw)
}

func (s *services) Watch(*session.Session) (<-chan session.Notice, func()) {
	s.watched++
	return make(chan session.Notice), func() {}
}

func (s *services) Touch(context.Context, *session.Session) {}
func (s *services) TouchInterval() time.Duration            { return time.Minute }
func (s *services) RedirectProviders() []string             { return nil }
func (s *services) PasswordProviders() []string             { return []string{"local"} }

func signedIn(token string) *session.Session { return signedInAt(token, time.Time{}) }

// signedInAt is signedIn with a token that was stored at a time.
func signedInAt(token string, at time.Time) *session.Session {
	return session.NewSession(session.ReadPoint{Track: session.NewTrack("id"), Began: time.Now()}, time.Now(), session.Handle{}, &session.Record{
		Identity: session.Identity{Subject: "alice", Provider: "local", Roles: []string{"user"}, Scopes: []string{"read"}},
		Tokens:   session.Tokens{Access: session.Secret(token)},
		Facts:    session.State{TokensAt: at},
	}, time.Hour)
}

// desk serves one route.
type desk struct {
	route    *app.Route
	pool     *exchange.Pool
	services *services
	routes   *app.Routes
}

func newDesk(t *testing.T, route *routing.Route, s *services) *desk {
	t.Helper()
	pages, err := web.NewPages(web.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if s.resolve == nil {
		s.resolve = func() (*session.Session, error) { return signedIn("good"), nil }
	}
	public, _ := url.Parse("https://app.example.com")
	site, cookies := exchange.NewSite(public, "/auth", ""), exchange.NewCookies(0)
	responder, err := exchange.NewResponder(exchange.ResponderOptions{Site: site, Pages: pages, Cookies: cookies, Providers: s, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	route.Path = "/"
	healers := map[string]app.Healer{}
	if s.healer != nil {
		healers["local"] = s.healer
	}
	if s.now == nil {
		s.now = time.Now
	}
	routes, err := app.NewRoutes([]*routing.Route{route}, app.Options{
		Sessions: s, Tokens: s, Guard: exchange.NewGuard(site.Origin, nil, responder), Responder: responder, Streams: streams.New(s),
		Metrics: telemetry.NewMetrics(func() bool { return true }), Log: slog.New(slog.DiscardHandler), Site: site, Now: s.now, Reserved: []string{"/auth"}, Healers: healers,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(routes.Close)
	return &desk{routes.Of(route), exchange.NewPool(exchange.PoolOptions{Sessions: s, Cookies: cookies, Now: time.Now}), s, routes}
}

func (d *desk) ask(method string, fields ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, "/a?b=c", nil)
	for _, f := range fields {
		name, value, _ := strings.Cut(f, ": ")
		r.Header.Add(name, value)
	}
	rec := httptest.NewRecorder()
	d.route.Serve(d.pool.Get(rec, r), routing.Target{Path: "/a", Query: "b=c", HasQuery: true})
	return rec
}

func upstream(t *testing.T, h http.HandlerFunc) []*url.URL {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	u, err := url.Parse(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	return []*url.URL{u}
}

// forTo is a route to upstreams.
func forTo(addresses []*url.URL, access routing.Access) *routing.Route {
	return &routing.Route{Upstream: routing.Upstream{Addresses: addresses}, Access: access}
}

// echo answers with what the upstream was told.
func echo(w http.ResponseWriter, r *http.Request) {
	_, _ = io.WriteString(w, r.Header.Get("Authorization")+"|"+r.Header.Get("X-User")+"|"+r.Header.Get("Cookie"))
}

const cookie = "Cookie: __Host-session=handle"

func TestWhoMayGoOn(t *testing.T) {
	ended := func() (*session.Session, error) { return nil, &session.EndedError{Reason: session.Logout} }
	down := func() (*session.Session, error) {
		return nil, &session.UnavailableError{Subsystem: session.SubsystemStore}
	}
	stale := func() (*session.Session, error) { return nil, &session.StaleError{Mark: "m"} }
	person := []string{cookie, "Sec-Fetch-Mode: navigate", "Sec-Fetch-Dest: document"}
	for name, row := range map[string]struct {
		access  routing.Access
		resolve func() (*session.Session, error)
		method  string
		fields  []string
		status  int
		want    string // in the body or in Location
	}{
		"a session":            {routing.Access{}, nil, "GET", []string{cookie}, 200, "Bearer good|alice|"},
		"none":                 {routing.Access{}, nil, "GET", nil, 401, "authentication_required"},
		"ended":                {routing.Access{}, ended, "GET", []string{cookie}, 401, "session_ended"},
		"a person":             {routing.Access{Unauthenticated: routing.Login}, ended, "GET", person, 303, "/auth/login?return_to=%2Fa%3Fb%3Dc"},
		"stale":                {routing.Access{Unauthenticated: routing.Login}, stale, "GET", person, 401, "prompt=login"},
		"the store is down":    {routing.Access{Session: routing.SessionOptional}, down, "GET", []string{cookie}, 503, "store_unavailable"},
		"optional":             {routing.Access{Session: routing.SessionOptional}, ended, "GET", []string{cookie}, 200, "||"},
		"no session wanted":    {routing.Access{Session: routing.SessionNone}, ended, "GET", []string{cookie}, 200, "||"},
		"a role is missing":    {routing.Access{Require: routing.Require{Roles: []string{"admin"}}}, nil, "GET", []string{cookie}, 403, "role admin"},
		"method":               {routing.Access{Methods: []string{"GET"}}, nil, "DELETE", []string{cookie, "X-Requested-With: x"}, 405, "method_not_allowed"},
		"method, open":         {routing.Access{Methods: []string{"GET"}, Session: routing.SessionNone}, nil, "DELETE", nil, 405, "method_not_allowed"},
		"another site's page":  {routing.Access{}, nil, "POST", []string{cookie, "Origin: https://evil.example"}, 403, "cross_origin_refused"},
		"a preflight, open":    {routing.Access{Session: routing.SessionNone, CORS: &routing.CORS{Origins: []string{"*"}}}, nil, "OPTIONS", []string{"Origin: https://a.example", "Access-Control-Request-Method: GET"}, 204, ""},
		"stronger sign-in":     {routing.Access{Require: routing.Require{ACR: []string{"gold"}}}, nil, "GET", []string{cookie}, 401, "acr_values=gold"},
		"to sign in, stronger": {routing.Access{Unauthenticated: routing.Login, Require: routing.Require{ACR: []string{"gold"}, AuthAge: 1}}, nil, "GET", person, 303, "acr_values=gold"},
	} {
		route := forTo(upstream(t, echo), row.access)
		route.Headers.Request.Claims = []routing.Field{{Name: "X-User", Value: "sub"}}
		rec := newDesk(t, route, &services{resolve: row.resolve}).ask(row.method, row.fields...)
		if rec.Code != row.status || !strings.Contains(rec.Body.String()+rec.Header().Get("Location"), row.want) {
			t.Errorf("%s: %d %s %v, want %d with %q", name, rec.Code, rec.Body, rec.Header(), row.status, row.want)
		}
	}
}

func TestTokensOfClients(t *testing.T) {
	authenticate := func(raw string) (*session.Bearer, error) {
		switch raw {
		case "mine":
			return session.NewBearer(raw, signedIn("inner"), time.Hour), nil
		case "old":
			return nil, session.ErrAccessExpired
		}
		return nil, &session.UnavailableError{Subsystem: session.SubsystemStore}
	}
	for name, row := range map[string]struct {
		require   routing.Require
		fields    []string
		status    int
		challenge string
	}{
		"mine":           {routing.Require{}, []string{"Authorization: Bearer mine"}, 200, ""},
		"old":            {routing.Require{}, []string{"Authorization: Bearer old", cookie}, 401, `Bearer error="invalid_token"`},
		"no token":       {routing.Require{}, []string{"Authorization: Basic eA==", cookie}, 401, `Bearer error="invalid_token"`},
		"nobody knows":   {routing.Require{}, []string{"Authorization: Bearer other"}, 503, ""},
		"a scope less":   {routing.Require{Scopes: []string{"write"}}, []string{"Authorization: Bearer mine"}, 403, `scope="write"`},
		"sent by a page": {routing.Require{}, []string{"Authorization: Bearer mine", "Origin: https://evil.example"}, 403, ""},
	} {
		route := forTo(upstream(t, echo), routing.Access{Bearer: true, Require: row.require})
		rec := newDesk(t, route, &services{authenticate: authenticate}).ask("GET", row.fields...)
		if rec.Code != row.status || !strings.Contains(rec.Header().Get("WWW-Authenticate"), row.challenge) {
			t.Errorf("%s: %d %v", name, rec.Code, rec.Header())
		}
	}
}

// A token that the upstream refuses gets one forced refresh.
func TestARefusedTokenIsRenewedOnce(t *testing.T) {
	for name, row := range map[string]struct {
		refresh func() (*session.Session, error)
		status  int
	}{
		"renewed": {func() (*session.Session, error) { return signedIn("fresh"), nil }, 200},
		"not":     {func() (*session.Session, error) { return nil, errors.New("no") }, 401},
	} {
		route := forTo(upstream(t, func(w http.ResponseWriter, r *http.Request) {
			if r.Header.Get("Authorization") != "Bearer fresh" {
				w.Header().Set("WWW-Authenticate", `Bearer error="invalid_token"`)
				w.WriteHeader(http.StatusUnauthorized)
			}
		}), routing.Access{})
		rec := newDesk(t, route, &services{refresh: row.refresh}).ask("GET", cookie)
		if rec.Code != row.status || (rec.Code == 401) != (rec.Header().Get("X-Sessiongate-Upstream") == "401") {
			t.Errorf("%s: %d %v", name, rec.Code, rec.Header())
		}
	}
}

// An application that wants a stronger sign-in is answered as a route that does.
func TestAnApplicationAsksForAnotherSignIn(t *testing.T) {
	route := forTo(upstream(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("WWW-Authenticate", `Bearer error="insufficient_user_authentication", max_age="60", acr_values="gold silver"`)
		w.Header().Set("X-Sessiongate-Upstream", "forged")
		w.WriteHeader(http.StatusUnauthorized)
	}), routing.Access{Session: routing.SessionOptional})
	d := newDesk(t, route, &services{})
	rec := d.ask("GET", cookie)
	var doc map[string]any
	_ = json.Unmarshal(rec.Body.Bytes(), &doc)
	if rec.Code != 401 || doc["code"] != "reauthentication_required" || doc["login_url"] != "/auth/login?acr_values=gold+silver&max_age=60&provider=local" ||
		rec.Header().Get("X-Sessiongate-Problem") != "reauthentication_required" || rec.Header()["X-Sessiongate-Upstream"] != nil {
		t.Errorf("%d %v", rec.Code, doc)
	}
	if rec := d.ask("GET"); rec.Code != 401 || rec.Header().Get("X-Sessiongate-Upstream") != "401" {
		t.Errorf("of nobody it asks nothing: %d %v", rec.Code, rec.Header())
	}
}

// What an application says that the gateway says too is marked as the application's, and says nothing
// under the gateway's own names.
func TestAnswersThatCouldBeOurs(t *testing.T) {
	for status, mark := range map[int]string{200: "", 401: "401", 403: "", 429: "429", 500: "", 502: "", 503: "503", 504: ""} {
		route := forTo(upstream(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("X-Sessiongate-Upstream", "forged")
			w.Header().Set("X-Sessiongate-Problem", "overloaded")
			w.WriteHeader(status)
		}), routing.Access{})
		rec := newDesk(t, route, &services{}).ask("POST", cookie, "X-Requested-With: x")
		if h := rec.Header(); rec.Code != status || h.Get("X-Sessiongate-Upstream") != mark || h["X-Sessiongate-Problem"] != nil {
			t.Errorf("%d: %d %v", status, rec.Code, h)
		}
	}
}

func TestFailuresOfTheUpstream(t *testing.T) {
	nobody := upstream(t, echo)
	nobody[0].Host = "127.0.0.1:1"
	d := newDesk(t, forTo(nobody, routing.Access{}), &services{})
	if rec := d.ask("GET", cookie); rec.Code != 502 || !strings.Contains(rec.Body.String(), "upstream_unreachable") ||
		rec.Header().Get("X-Sessiongate-Problem") != "upstream_unreachable" || rec.Header()["X-Sessiongate-Upstream"] != nil {
		t.Errorf("%d %s", rec.Code, rec.Body)
	}
	defer func() {
		if fault := recover(); fault != http.ErrAbortHandler { //nolint:errorlint // recover gives the value itself
			t.Errorf("%v", fault)
		}
	}()
	ctx, cancel := context.WithCancel(t.Context())
	hangs := newDesk(t, forTo(upstream(t, func(_ http.ResponseWriter, r *http.Request) { cancel(); <-r.Context().Done() }), routing.Access{}), &services{})
	r := httptest.NewRequestWithContext(ctx, "GET", "/", nil)
	r.Header.Set("Cookie", "__Host-session=h")
	hangs.route.Serve(hangs.pool.Get(httptest.NewRecorder(), r), routing.Target{Path: "/"})
}

func TestEventStreamsAreWatched(t *testing.T) {
	s := &services{}
	d := newDesk(t, forTo(upstream(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		_, _ = io.WriteString(w, "data: x\n\n")
	}), routing.Access{}), s)
	if rec := d.ask("GET", cookie); rec.Body.String() != "data: x\n\n" || s.watched != 1 {
		t.Errorf("%q, watched %d times", rec.Body, s.watched)
	}
}

func TestFolders(t *testing.T) {
	route := &routing.Route{Static: fstest.MapFS{"a": {Data: []byte("file")}}}
	route.Headers.Response.Set = []routing.Field{{Name: "X-Rule", Value: "1"}}
	d := newDesk(t, route, &services{})
	if rec := d.ask("GET", cookie); rec.Body.String() != "file" || rec.Header().Get("X-Rule") != "1" {
		t.Errorf("%q %v", rec.Body, rec.Header())
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	d.routes.Run(ctx)
}

func TestMistakesNameTheRoute(t *testing.T) {
	_, err := app.NewRoutes([]*routing.Route{{Path: "/x/"}}, app.Options{Metrics: telemetry.NewMetrics(func() bool { return true })})
	if err == nil || !strings.Contains(err.Error(), "/x/") {
		t.Errorf("%v", err)
	}
}
