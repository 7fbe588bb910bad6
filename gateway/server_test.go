package gateway_test

import (
	"bytes"
	"context"
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

	"sessiongate/gateway"
	"sessiongate/gateway/limits"
	"sessiongate/gateway/routing"
	"sessiongate/gateway/streams"
	"sessiongate/gateway/telemetry"
	"sessiongate/session"
)

// resolver is a Resolver whose sessions come from a function.
type resolver struct {
	gateway.Resolver
	resolve func() (*session.Session, error)
}

func (r resolver) Resolve(context.Context, string, session.ResolveOptions) (*session.Session, error) {
	return r.resolve()
}

func (resolver) Successor(context.Context, *session.Session) (string, time.Duration, bool) {
	return "", 0, false
}

type signIn struct{ gateway.SignIn }

func (signIn) PasswordProviders() []string { return []string{"local"} }
func (signIn) ExtraFields(string) []string { return nil }

type redirects struct{ gateway.Redirects }

func (redirects) RedirectProviders() []string { return nil }

type watcher struct{ streams.Watcher }

func alice() (*session.Session, error) {
	return session.NewSession(session.ReadPoint{Track: session.NewTrack("alice-id"), Began: time.Now()}, time.Now(), session.Handle{}, &session.Record{
		Identity: session.Identity{Subject: "alice"}, Tokens: session.Tokens{Access: "token"},
	}, time.Hour), nil
}

// options are those of a gateway with one application and one folder, of another host.
func options(t *testing.T) gateway.Options {
	t.Helper()
	upstream := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/api/broken" {
			w.Header().Set("Content-Length", "100")
			_, _ = io.WriteString(w, "x")
			_ = http.NewResponseController(w).Flush()
			panic(http.ErrAbortHandler)
		}
		_, _ = io.WriteString(w, r.Header.Get("Authorization"))
	}))
	t.Cleanup(upstream.Close)
	address, _ := url.Parse(upstream.URL)
	public, _ := url.Parse("https://app.example.com")
	return gateway.Options{
		Services: gateway.Services{Resolver: resolver{resolve: alice}, SignIn: signIn{}, Redirects: redirects{}},
		Routes: []*routing.Route{
			{Path: "/api/", Upstream: routing.Upstream{Addresses: []*url.URL{address}}},
			{Path: "/", Host: "docs.example.com", Static: fstest.MapFS{"a": {Data: []byte("a file")}}, Access: routing.Access{Session: routing.SessionNone}},
		},
		PublicURL: public, AuthPrefix: "/auth", Streams: streams.New(watcher{}), HSTS: time.Hour,
	}
}

func serve(t *testing.T, o gateway.Options) *gateway.Server {
	t.Helper()
	s, err := gateway.NewServer(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

func ask(h http.Handler, host, target string) *httptest.ResponseRecorder {
	// The proxy panics under a server only.
	underServer := context.WithValue(context.Background(), http.ServerContextKey, &http.Server{})
	r := httptest.NewRequestWithContext(underServer, http.MethodGet, target, nil)
	r.Host = host
	r.Header.Set("Cookie", "__Host-session=handle")
	rec := httptest.NewRecorder()
	h.ServeHTTP(rec, r)
	return rec
}

const own = "app.example.com"

// TestWhereARequestGoes: host and path choose an application route, another host's route, an
// endpoint of ours, or nothing.
func TestWhereARequestGoes(t *testing.T) {
	o := options(t)
	o.KeySet, o.Metadata, o.TokenEndpoints = []byte(`{"keys":[]}`), []byte(`{}`), true
	s := serve(t, o)
	for name, row := range map[string]struct {
		host, target string
		status       int
		body         string
	}{
		"an application":       {own, "/api/x", 200, "Bearer token"},
		"by its usual port":    {"App.Example.com:443", "/api/x", 200, "Bearer token"},
		"another host's":       {"docs.example.com", "/a", 200, "a file"},
		"ours there":           {"docs.example.com", "/auth/session", 421, "misdirected_request"},
		"an endpoint":          {own, "/auth/session", 200, `"sub":"alice"`},
		"no endpoint":          {own, "/auth/nothing", 404, "not_found"},
		"no route":             {own, "/nothing", 404, "not_found"},
		"an unknown host":      {"evil.example", "/api/x", 421, "https://app.example.com"},
		"keys, by any name":    {"gateway.internal:9", "/.well-known/jwks.json", 200, "keys"},
		"logout, by any name":  {"gateway.internal:9", "/auth/back-channel-logout/x", 405, "method_not_allowed"},
		"two readings of it":   {own, "/api/%2e%2e/auth/x", 400, "more than one way"},
		"a broken application": {own, "/api/", 200, "Bearer token"},
	} {
		rec := ask(s, row.host, row.target)
		if rec.Code != row.status || !strings.Contains(rec.Body.String(), row.body) {
			t.Errorf("%s: %d %s", name, rec.Code, rec.Body)
		}
		if rec.Header().Get("Strict-Transport-Security") != "max-age=3600" {
			t.Errorf("%s: no Strict-Transport-Security", name)
		}
	}
}

// TestAnHTTP2RequestThatIsMalformed is refused before any route sees it.
func TestAnHTTP2RequestThatIsMalformed(t *testing.T) {
	r := httptest.NewRequest(http.MethodGet, "/api/x", nil)
	r.ProtoMajor, r.Host = 2, own
	r.Header.Set("Host", "evil.example")
	rec := httptest.NewRecorder()
	serve(t, options(t)).ServeHTTP(rec, r)
	if rec.Code != http.StatusBadRequest {
		t.Errorf("%d", rec.Code)
	}
}

func TestTooManyAtOnce(t *testing.T) {
	o := options(t)
	o.Capacity = limits.NewCapacity(1)
	inner := make(chan int, 1)
	var s *gateway.Server
	o.Resolver = resolver{resolve: func() (*session.Session, error) {
		if len(inner) == 0 {
			inner <- ask(s, own, "/api/x").Code
		}
		return alice()
	}}
	s = serve(t, o)
	if first := ask(s, own, "/api/x"); first.Code != 200 || <-inner != http.StatusServiceUnavailable {
		t.Errorf("%d", first.Code)
	}
	if again := ask(s, own, "/api/x"); again.Code != 200 {
		t.Errorf("a place was not given back: %d", again.Code)
	}
}

// TestPanics: one is a 500 and a line in the log; the proxy's, for a response that broke off, is
// the server's to see.
func TestPanics(t *testing.T) {
	o, log := options(t), &bytes.Buffer{}
	o.Log, o.Access = slog.New(slog.NewTextHandler(log, nil)), telemetry.AccessAll
	good := o.Resolver
	o.Resolver = resolver{resolve: func() (*session.Session, error) { panic("a mistake") }}
	if rec := ask(serve(t, o), own, "/api/x"); rec.Code != 500 || !strings.Contains(rec.Body.String(), "internal_error") {
		t.Errorf("%d %s", rec.Code, rec.Body)
	}
	if !strings.Contains(log.String(), "a mistake") || !strings.Contains(log.String(), "status=500") {
		t.Errorf("%s", log)
	}
	o.Resolver = good
	s := serve(t, o)
	defer func() {
		if fault := recover(); fault != http.ErrAbortHandler { //nolint:errorlint // recover gives the value itself
			t.Errorf("%v", fault)
		}
		if !strings.Contains(log.String(), "session=alice-id") {
			t.Errorf("the broken response is not in the log: %s", log)
		}
	}()
	ask(s, own, "/api/broken")
}

func TestOptionsThatCannotBe(t *testing.T) {
	for name, change := range map[string]func(*gateway.Options){
		"two routes in one place": func(o *gateway.Options) { o.Routes = append(o.Routes, o.Routes[0]) },
		"a route of ours":         func(o *gateway.Options) { o.Routes[0].Path = "/auth/x/" },
		"a route to nowhere":      func(o *gateway.Options) { o.Routes[0].Upstream.Addresses = nil },
	} {
		o := options(t)
		change(&o)
		if _, err := gateway.NewServer(o); err == nil || !strings.Contains(err.Error(), "route") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestTheEndOfAServer(t *testing.T) {
	o := options(t)
	o.Resolver = resolver{resolve: func() (*session.Session, error) { return nil, errors.New("none") }}
	s := serve(t, o)
	ctx, stop := context.WithCancel(t.Context())
	stop()
	s.Run(ctx)
	s.Drain()
	s.Drain()
}
