package exchange_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"sessiongate/gateway/exchange"
	"sessiongate/gateway/problem"
	"sessiongate/gateway/proxy"
	"sessiongate/gateway/routing"
	"sessiongate/session"
	"sessiongate/web"
)

const (
	own     = "https://app.example.com"
	allowed = "https://other.example.com"
)

// sessions is an exchange.Sessions of functions.
type sessions struct {
	resolve   func(value string, o session.ResolveOptions) (*session.Session, error)
	successor func() (string, time.Duration, bool)
}

func (s sessions) Resolve(_ context.Context, value string, o session.ResolveOptions) (*session.Session, error) {
	return s.resolve(value, o)
}

func (s sessions) Successor(context.Context, *session.Session) (string, time.Duration, bool) {
	return s.successor()
}

// providers is an exchange.Providers of lists.
type providers struct{ redirect, password []string }

func (p providers) RedirectProviders() []string { return p.redirect }
func (p providers) PasswordProviders() []string { return p.password }

// desk is all that answers a request, on fakes.
type desk struct {
	pool      *exchange.Pool
	responder *exchange.Responder
	guard     *exchange.Guard
	log       *bytes.Buffer
}

func newDesk(t *testing.T, s sessions, p providers) *desk {
	t.Helper()
	pages, err := web.NewPages(web.Options{})
	if err != nil {
		t.Fatal(err)
	}
	public, _ := url.Parse(own)
	site, cookies := exchange.NewSite(public, "/auth", ""), exchange.NewCookies(0)
	d := &desk{log: &bytes.Buffer{}}
	d.responder, err = exchange.NewResponder(exchange.ResponderOptions{
		Site: site, Pages: pages, Cookies: cookies, Providers: p,
		Log: slog.New(slog.NewTextHandler(d.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
	})
	if err != nil {
		t.Fatal(err)
	}
	d.guard = exchange.NewGuard(site.Origin, []string{allowed}, d.responder)
	d.pool = exchange.NewPool(exchange.PoolOptions{Sessions: s, Cookies: cookies, HSTS: time.Hour, Now: time.Now})
	return d
}

// begin is a request with these header fields, "Name: value".
func (d *desk) begin(method, target string, fields ...string) (*exchange.Exchange, *httptest.ResponseRecorder) {
	r := httptest.NewRequest(method, target, nil)
	for _, f := range fields {
		name, value, _ := strings.Cut(f, ": ")
		r.Header.Add(name, value)
	}
	rec := httptest.NewRecorder()
	return d.pool.Get(rec, r), rec
}

func alice() *session.Session {
	return session.NewSession(session.ReadPoint{Track: session.NewTrack("alice-id"), Began: time.Now()}, time.Now(), session.Handle{}, &session.Record{
		Identity: session.Identity{Subject: "alice", Provider: "local"}, Tokens: session.Tokens{Access: "token"},
	}, time.Hour)
}

func TestTheFirstLiveCookieCounts(t *testing.T) {
	ended := &session.EndedError{Reason: session.Logout}
	found := alice()
	d := newDesk(t, sessions{resolve: func(value string, o session.ResolveOptions) (*session.Session, error) {
		switch value {
		case "live":
			if o.RequestID == "" || o.Mark != "" {
				t.Errorf("%+v", o)
			}
			return found, nil
		case "ended":
			return nil, ended
		}
		return nil, session.ErrUnauthentic
	}}, providers{})
	for cookie, want := range map[string]error{
		"": problem.ErrAnonymous, "__Host-session=forged": problem.ErrAnonymous, "__Host-session=ended": ended,
		"__Host-session=ended; __Host-session=live": nil, "__Host-session=ended; __Host-session=forged": ended,
	} {
		x, _ := d.begin("GET", "/", "Cookie: "+cookie)
		got, err := x.Authenticate(session.ResolveOptions{})
		if !errors.Is(err, want) || (err == nil) != (got == found && x.Session == found && x.Owner() == found && x.Identity().Subject == "alice") {
			t.Errorf("%q: %v, want %v", cookie, err, want)
		}
		if err != nil && (!exchange.SignedOut(err) || x.Owner() != nil || x.Identity() != nil) {
			t.Errorf("%q: %v", cookie, err)
		}
	}
	if exchange.SignedOut(&session.UnavailableError{}) {
		t.Error("a store out of reach signs nobody out")
	}
}

// A stale mark proves something only beside the one handle it belongs to.
func TestTheMarkBelongsToOneHandle(t *testing.T) {
	var got string
	d := newDesk(t, sessions{resolve: func(_ string, o session.ResolveOptions) (*session.Session, error) {
		got = o.Mark
		return nil, session.ErrUnauthentic
	}}, providers{})
	for cookie, want := range map[string]string{
		"__Host-session=a; __Host-session-stale=m": "m", "__Host-session=a": "",
		"__Host-session=a; __Host-session=b; __Host-session-stale=m": "",
	} {
		x, _ := d.begin("GET", "/", "Cookie: "+cookie)
		_, _ = x.Authenticate(session.ResolveOptions{})
		if got != want {
			t.Errorf("%q: %q, want %q", cookie, got, want)
		}
	}
}

// The successor is asked when the headers go out, by whatever sends them, and once.
func TestHeadersCarryTheSuccessor(t *testing.T) {
	for name, send := range map[string]func(x *exchange.Exchange){
		"WriteHeader": func(x *exchange.Exchange) { x.WriteHeader(http.StatusNoContent); x.WriteHeader(http.StatusOK) },
		"Write":       func(x *exchange.Exchange) { _, _ = x.Write([]byte("ok")) },
		"ReadFrom":    func(x *exchange.Exchange) { _, _ = x.ReadFrom(strings.NewReader("ok")) },
		"Flush":       func(x *exchange.Exchange) { x.Flush() },
		"SendJSON":    func(x *exchange.Exchange) { _ = x.SendJSON(http.StatusOK, struct{}{}) },
		"SeeOther":    func(x *exchange.Exchange) { _ = x.SeeOther("/") },
		"Hijack":      func(x *exchange.Exchange) { _, _, _ = x.Hijack() },
	} {
		asked := 0
		d := newDesk(t, sessions{successor: func() (string, time.Duration, bool) { asked++; return "newer", time.Minute, true }}, providers{})
		x, rec := d.begin("GET", "/")
		x.Session = alice()
		x.WriteHeader(http.StatusEarlyHints)
		if asked != 0 || x.Answered() {
			t.Errorf("%s: an informational response is none", name)
		}
		send(x)
		if got := rec.Header().Get("Set-Cookie"); asked != 1 || !x.Answered() || got != "__Host-session=newer; Path=/; Max-Age=60; HttpOnly; Secure; SameSite=Strict" {
			t.Errorf("%s: asked %d times, %q", name, asked, got)
		}
		if rec.Header().Get("Strict-Transport-Security") != "max-age=3600" || rec.Header().Get("Cache-Control") != "no-store" {
			t.Errorf("%s: %v", name, rec.Header())
		}
	}
}

func TestCookiesOfSignIn(t *testing.T) {
	d, c := newDesk(t, sessions{}, providers{}), exchange.NewCookies(http.SameSiteLaxMode)
	x, rec := d.begin("GET", "/", "Cookie: a=1", "Cookie: __Host-session=s")
	first := c.BindBrowser(x)
	if again := c.BindBrowser(x); again != first || exchange.BoundBrowser(x.Request) != first {
		t.Errorf("%q, then %q", first, again)
	}
	c.SetProbe(x.Header())
	c.ClearSession(x.Header())
	c.SetSession(x.Header(), "v", 0)
	lines := strings.Join(rec.Header().Values("Set-Cookie"), "\n")
	for _, want := range []string{
		"__Host-login=" + first + "; Path=/; Max-Age=2592000; HttpOnly; Secure; SameSite=Lax",
		"__Host-probe=1; Path=/; Max-Age=3600; HttpOnly; Secure; SameSite=Strict",
		"__Host-session=; Path=/; Max-Age=0; HttpOnly; Secure; SameSite=Lax",
		"__Host-session=v; Path=/; Max-Age=1; HttpOnly; Secure; SameSite=Lax",
	} {
		if !strings.Contains(lines, want) {
			t.Errorf("no %s in\n%s", want, lines)
		}
	}
	if x.KeptProbe() || !x.HasSessionCookie() {
		t.Error("what the request presented is noted before the binding is replaced")
	}
	if forged, _ := d.begin("GET", "/", "Cookie: __Host-login=short"); exchange.BoundBrowser(forged.Request) != "" {
		t.Error("a value that we never made binds a browser")
	}
}

func decode(t *testing.T, rec *httptest.ResponseRecorder) (doc map[string]any) {
	t.Helper()
	if err := json.Unmarshal(rec.Body.Bytes(), &doc); err != nil {
		t.Fatalf("%v: %s", err, rec.Body)
	}
	return doc
}

func TestProgramsGetProblemDocuments(t *testing.T) {
	d := newDesk(t, sessions{}, providers{redirect: []string{"corp"}, password: []string{"local"}})
	x, rec := d.begin("GET", "/api?q=1")
	d.responder.Fail(x, problem.ErrAnonymous)
	doc := decode(t, rec)
	if rec.Code != 401 || doc["code"] != "authentication_required" || doc["login_url"] != "/auth/login" || doc["request_id"] != x.Client.RequestID {
		t.Errorf("%d %v", rec.Code, doc)
	}
	if rec.Header().Get("WWW-Authenticate") != `Cookie realm="`+own+`"` || rec.Header().Get("Content-Type") != "application/problem+json" {
		t.Errorf("%v", rec.Header())
	}
	if rec.Header().Get("X-Sessiongate-Problem") != "authentication_required" {
		t.Errorf("%v", rec.Header())
	}
	again := problem.SignInAgain("corp", "x")
	again.SignIn.MaxAge = "60"
	x, rec = d.begin("GET", "/api")
	d.responder.Fail(x, again)
	if doc := decode(t, rec); doc["login_url"] != "/auth/login?max_age=60&provider=corp" {
		t.Errorf("%v", doc)
	}
	x, rec = d.begin("GET", "/api")
	d.responder.Fail(x, problem.RateLimited(90*time.Second))
	if doc := decode(t, rec); doc["retry_after"] != 90.0 || rec.Header().Get("Retry-After") != "90" {
		t.Errorf("%v", doc)
	}
	x, rec = d.begin("HEAD", "/api")
	d.responder.Fail(x, problem.MethodNotAllowed("GET"))
	if rec.Body.Len() != 0 || rec.Header().Get("Allow") != "GET" {
		t.Errorf("HEAD: %q", rec.Body)
	}
	x, rec = d.begin("GET", "/api")
	x.WriteHeader(http.StatusOK)
	d.responder.Fail(x, errors.New("inner address"))
	if rec.Body.Len() != 0 || !strings.Contains(d.log.String(), "inner address") {
		t.Error("what comes after the headers is for the log alone")
	}
}

func TestPeopleGetPages(t *testing.T) {
	d := newDesk(t, sessions{}, providers{redirect: []string{"corp"}})
	for name, row := range map[string]struct {
		method, path string
		err          error
		want         string
	}{
		"sign in":        {"GET", "/a?b=c", problem.ErrAnonymous, "/auth/login?return_to=%2Fa%3Fb%3Dc"},
		"a form":         {"POST", "/a", problem.ErrAnonymous, "/auth/login?return_to=%2Fauth%2Fdone"},
		"a step-up form": {"POST", "/a", problem.SignInAgain("corp", "x"), "stronger sign-in. Confirm in a new tab"},
		"back":           {"POST", "/a", problem.PayloadTooLarge(), "Back to the form"},
		"other user":     {"GET", "/a", problem.Forbidden("role", "admin"), `href="/auth/logout?return_to=%2Fauth%2Flogin%3Freturn_to%3D%252Fa"`},
		"for the form":   {"POST", "/a", problem.Forbidden("role", "admin"), `href="/auth/logout?return_to=%2Fauth%2Flogin%3Freturn_to%3D%252Fform"`},
		"another host":   {"GET", "/a", problem.Misdirected(own), `href="` + own + `"`},
		"a busy site":    {"GET", "/a?b", problem.Overloaded(), `href="/a?b"`},
		"with a form":    {"POST", "/a?b", problem.Overloaded(), `href="/form"`},
		"out of service": {"GET", "/a", problem.OfUpstream(&proxy.Failure{Kind: proxy.Unavailable}), "out of service"},
		"no answer":      {"GET", "/a", problem.OfUpstream(&proxy.Failure{Kind: proxy.Unreachable}), "No answer from the application"},
		"nothing here":   {"GET", "/a", problem.NotFound(), "To the start page"},
		"a form's may":   {"POST", "/a", &session.UnavailableError{Subsystem: session.SubsystemProvider}, `href="/auth/login?return_to=%2Fform"`},
		"may help":       {"GET", "/a", &session.UnavailableError{Subsystem: session.SubsystemProvider}, "Sign in again"},
		"stale":          {"GET", "/a", &session.StaleError{Mark: "m"}, "prompt=login"},
		"stale form":     {"POST", "/a", &session.StaleError{Mark: "m"}, "send the form once more"},
		"step up there":  {"GET", "/a", &problem.Problem{Status: 401, SignIn: problem.SignIn{Helps: true, Provider: "corp", MaxAge: "9"}}, "provider=corp"},
	} {
		x, rec := d.begin(row.method, row.path, "Sec-Fetch-Mode: navigate", "Sec-Fetch-Dest: document", "Referer: "+own+"/form")
		d.responder.Fail(x, row.err)
		if !strings.Contains(strings.ReplaceAll(rec.Body.String(), "&amp;", "&"), row.want) {
			t.Errorf("%s: no %q in %s", name, row.want, rec.Body)
		}
		if kind := rec.Header().Get("Content-Type"); !strings.HasPrefix(kind, "text/html") || rec.Header().Get("Content-Security-Policy") == "" {
			t.Errorf("%s: %v", name, rec.Header())
		}
		if code := rec.Header().Get("X-Sessiongate-Problem"); code != problem.Of(row.err).Code {
			t.Errorf("%s: %q", name, code)
		}
		if mark := rec.Header().Get("Set-Cookie"); strings.HasPrefix(name, "stale") != strings.HasPrefix(mark, "__Host-session-stale=m") {
			t.Errorf("%s: %q", name, mark)
		}
	}
}

// Who is answered with a page, by what the client says of itself.
func TestWhoWaitsForAPage(t *testing.T) {
	const html, form = "Accept: text/html,*/*;q=0.8", "Content-Type: application/x-www-form-urlencoded"
	for name, row := range map[string]struct {
		method string
		fields []string
		want   bool
	}{
		"a link":                    {"GET", []string{"Sec-Fetch-Mode: navigate"}, true},
		"a form":                    {"POST", []string{"Sec-Fetch-Mode: navigate", form}, true},
		"another method":            {"PUT", []string{"Sec-Fetch-Mode: navigate"}, true},
		"a fetch":                   {"POST", []string{"Sec-Fetch-Mode: cors", html, form}, false},
		"an old browser's link":     {"GET", []string{html}, true},
		"an old browser's form":     {"POST", []string{html, form + "; charset=utf-8"}, true},
		"a file":                    {"POST", []string{html, "Content-Type: multipart/form-data; boundary=x"}, true},
		"a plain form":              {"POST", []string{html, "Content-Type: text/plain"}, true},
		"an old browser's script":   {"POST", []string{html, "Content-Type: application/json"}, false},
		"a script without a body":   {"DELETE", []string{html}, false},
		"a form that wants JSON":    {"POST", []string{"Accept: application/json", form}, false},
		"a program":                 {"GET", nil, false},
		"with a token of its own":   {"GET", []string{"Sec-Fetch-Mode: navigate", "Authorization: Bearer x"}, false},
		"and it says it reads HTML": {"POST", []string{html, form, "Authorization: Bearer x"}, false},
	} {
		r := httptest.NewRequest(row.method, "/", nil)
		for _, f := range row.fields {
			field, value, _ := strings.Cut(f, ": ")
			r.Header.Set(field, value)
		}
		if got := exchange.ByPerson(r); got != row.want {
			t.Errorf("%s: %v", name, got)
		}
		if got := exchange.Navigation(r); got != (row.want && row.method == "GET") {
			t.Errorf("%s navigates: %v", name, got)
		}
	}
}

// A client that hung up is no failure of ours, and must not see an empty 200.
func TestAClientThatHungUp(t *testing.T) {
	d := newDesk(t, sessions{}, providers{})
	x, rec := d.begin("GET", "/")
	ctx, cancel := context.WithCancel(t.Context())
	x.Request = x.Request.WithContext(ctx)
	cancel()
	defer func() {
		if fault := recover(); fault != http.ErrAbortHandler || x.Status() != problem.StatusClientGone || rec.Body.Len() > 0 { //nolint:errorlint // recover gives the value itself
			t.Errorf("%v, status %d", fault, x.Status())
		}
	}()
	d.responder.Fail(x, errors.New("x"))
}

func TestTheGuard(t *testing.T) {
	list := &routing.CORS{Origins: []string{"https://route.example"}, Methods: []string{"PUT"}, Headers: []string{"X-A"}, Expose: []string{"X-B"}, MaxAge: time.Minute}
	preflight := []string{"Access-Control-Request-Method: PUT", "Access-Control-Request-Headers: x-c"}
	for name, row := range map[string]struct {
		method string
		fields []string
		cors   *routing.CORS
		goesOn bool
		status int
		header string // "Name: value" that the response has
	}{
		"ours":                {"POST", []string{"Origin: " + own}, nil, true, 200, ""},
		"allowed":             {"POST", []string{"Origin: " + allowed}, nil, true, 200, "Access-Control-Allow-Origin: " + allowed},
		"evil":                {"POST", []string{"Origin: https://evil.example"}, nil, false, 403, ""},
		"no header":           {"POST", []string{"Cookie: __Host-session=a"}, nil, false, 403, ""},
		"preflight":           {"OPTIONS", append(preflight, "Origin: "+allowed), nil, false, 204, "Access-Control-Allow-Headers: x-c"},
		"our own preflight":   {"OPTIONS", append(preflight, "Origin: "+own), nil, false, 204, ""},
		"the route's list":    {"OPTIONS", append(preflight, "Origin: https://route.example"), list, false, 204, "Access-Control-Allow-Methods: PUT"},
		"not the route's":     {"POST", []string{"Origin: " + allowed}, list, false, 403, "Vary: Origin"},
		"exposed":             {"GET", []string{"Origin: https://route.example"}, list, true, 200, "Access-Control-Expose-Headers: X-B"},
		"a link from outside": {"GET", []string{"Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: navigate", "Sec-Fetch-Dest: document"}, nil, false, 200, "Vary: Sec-Fetch-Site, Cookie"},
	} {
		d := newDesk(t, sessions{}, providers{})
		x, rec := d.begin(row.method, "/", row.fields...)
		x.CORS = row.cors
		if got := d.guard.CheckOrigin(x); got != row.goesOn {
			t.Errorf("%s: goes on: %v", name, got)
		}
		if row.goesOn {
			x.WriteHeader(http.StatusOK)
		}
		field, value, _ := strings.Cut(row.header, ": ")
		if rec.Code != row.status || field != "" && !strings.Contains(strings.Join(rec.Header().Values(field), ", "), value) {
			t.Errorf("%s: %d %v", name, rec.Code, rec.Header())
		}
	}
}

// A page of another origin that may ask may read what the gateway says in header fields, beside what
// the route or the application lets it read.
func TestOtherOriginsReadOurMarks(t *testing.T) {
	list := &routing.CORS{Origins: []string{allowed}, Expose: []string{"X-B"}}
	for name, row := range map[string]struct {
		origin string
		cors   *routing.CORS
		theirs string
		err    error
		want   string
	}{
		"allowed":        {allowed, nil, "X-A", nil, "X-A"},
		"a problem":      {allowed, nil, "", problem.NotFound(), "X-Sessiongate-Problem"},
		"a wait":         {allowed, nil, "", problem.Overloaded(), "X-Sessiongate-Problem, Retry-After"},
		"the route's":    {allowed, list, "X-A", problem.NotFound(), "X-B, X-Sessiongate-Problem"},
		"none":           {allowed, list, "X-A", nil, "X-B"},
		"ours":           {own, nil, "X-A", problem.NotFound(), "X-A"},
		"ours, by route": {own, list, "X-A", problem.NotFound(), "X-B"},
	} {
		d := newDesk(t, sessions{}, providers{})
		x, rec := d.begin("GET", "/", "Origin: "+row.origin)
		x.CORS = row.cors
		if row.theirs != "" {
			x.Header().Set("Access-Control-Expose-Headers", row.theirs)
		}
		if !d.guard.CheckOrigin(x) {
			t.Errorf("%s: refused", name)
			continue
		}
		if row.err != nil {
			d.responder.Fail(x, row.err)
		}
		x.WriteHeader(http.StatusOK)
		if got := strings.Join(rec.Header().Values("Access-Control-Expose-Headers"), ", "); got != row.want {
			t.Errorf("%s: %q, want %q", name, got, row.want)
		}
	}
}

// Where no session is at stake nothing is refused.
func TestPublicRoutes(t *testing.T) {
	open := &routing.CORS{Origins: []string{"*"}}
	for name, row := range map[string]struct {
		cors   *routing.CORS
		fields []string
		goesOn bool
		origin string
	}{
		"the application's own": {nil, []string{"Origin: https://evil.example"}, true, ""},
		"open to all":           {open, []string{"Origin: https://evil.example"}, true, "*"},
		"ours":                  {open, []string{"Origin: " + own}, true, ""},
		"one of a list":         {&routing.CORS{Origins: []string{allowed}}, []string{"Origin: " + allowed}, true, allowed},
		"none of the list":      {&routing.CORS{Origins: []string{allowed}}, []string{"Origin: https://evil.example"}, true, ""},
		"a preflight":           {open, []string{"Origin: https://evil.example", "Access-Control-Request-Method: PUT"}, false, "*"},
	} {
		d := newDesk(t, sessions{}, providers{})
		x, rec := d.begin("OPTIONS", "/", row.fields...)
		x.CORS = row.cors
		if got := d.guard.CheckPublic(x); got != row.goesOn {
			t.Errorf("%s: goes on: %v", name, got)
		}
		x.WriteHeader(http.StatusOK)
		if got := rec.Header().Get("Access-Control-Allow-Origin"); got != row.origin {
			t.Errorf("%s: %q, want %q", name, got, row.origin)
		}
	}
}

func TestBodiesHaveTime(t *testing.T) {
	bodies := exchange.NewBodyTimes(time.Minute, 1000)
	d := newDesk(t, sessions{}, providers{})
	x, _ := d.begin("POST", "/")
	x.Request = httptest.NewRequest("POST", "/", strings.NewReader("body"))
	bodies.Begin(x)
	bodies.Whole(x)
	var got bytes.Buffer
	if _, err := got.ReadFrom(x.Request.Body); err != nil || got.String() != "body" {
		t.Errorf("%q %v", got.String(), err)
	}
	none, _ := d.begin("GET", "/")
	before := none.Request.Body
	if exchange.NewBodyTimes(0, 0).Whole(none); none.Request.Body != before {
		t.Error("a request without a body needs no deadline")
	}
}

// Only the exchange of a forwarded request is used again.
func TestThePool(t *testing.T) {
	d := newDesk(t, sessions{}, providers{})
	x, _ := d.begin("GET", "/", "User-Agent: curl/8")
	if x.Client.UserAgent != "curl/8" || len(x.Client.RequestID) != 32 || !strings.HasPrefix(x.TraceParent, "00-"+x.Client.RequestID) || x.Elapsed() < 0 {
		t.Errorf("%+v", x.Client)
	}
	d.pool.Put(x)
	if x.Request == nil {
		t.Error("an exchange that somebody may hold was cleared")
	}
	x.Reusable = true
	if d.pool.Put(x); x.Request != nil || x.Reusable {
		t.Error("a reused exchange knows its last request")
	}
}
