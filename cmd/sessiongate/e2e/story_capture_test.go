package e2e

import (
	"cmp"
	"compress/gzip"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"
)

// signup is an API that signs people in on many paths. Each token that it gives has the word canary
// in it, at the end.
type signup struct {
	*httptest.Server
	mu      sync.Mutex
	n       int
	given   []string // tokens
	revoked []string // refresh tokens
	seen    []seenRequest
	mode    string // of the next answers: br, large, broken, echo …
	page    string // at /app
	refresh int
	expires int64  // of the next access tokens; 0: far away
	meet    func() // what happens while the API signs somebody up; nil: nothing
}

func newSignup(t *testing.T) *signup {
	a := &signup{}
	a.Server = httptest.NewServer(http.HandlerFunc(a.serve))
	t.Cleanup(a.Close)
	return a
}

// mint makes the tokens of a user.
func (a *signup) mint(user string) (access, refresh string) {
	a.n++
	e := base64.RawURLEncoding
	claims, _ := json.Marshal(map[string]any{"iss": "signup", "sub": user, "name": user, "n": a.n, "exp": cmp.Or(a.expires, 4102444800)})
	access = e.EncodeToString([]byte(`{"alg":"HS256"}`)) + "." + e.EncodeToString(claims) + ".Y2FuYXJ5"
	refresh = fmt.Sprintf("%s-%d-canary-refresh", user, a.n)
	a.given = append(a.given, access, refresh)
	return access, refresh
}

// answerTo is the JSON of a sign-in: with what a lax API repeats elsewhere.
func (a *signup) answerTo(user string) string {
	access, refresh := a.mint(user)
	return fmt.Sprintf(`{"user":{"id":%q,"name":"caf\u00e9"},"access_token":%q,"refresh_token":%q,"expires_in":900,"links":{"next":"/x?t=%s"},"again":"%s"}`,
		user, access, refresh, access, strings.ReplaceAll(refresh, "-", `\u002d`))
}

func (a *signup) serve(w http.ResponseWriter, r *http.Request) {
	data, _ := io.ReadAll(r.Body)
	a.mu.Lock()
	defer a.mu.Unlock()
	a.seen = append(a.seen, seenRequest{r.Method, r.RequestURI, r.Header.Clone(), string(data)})
	var in struct{ Username, Password, Email, Query, Refresh_token string }
	_ = json.Unmarshal(data, &in)
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Etag", `"1"`)
	switch r.Method + " " + r.URL.Path {
	case "POST /v1/auth/login":
		if in.Password != "right" {
			w.WriteHeader(401)
			_, _ = io.WriteString(w, `{"message":"Unknown user or password, says the API"}`)
			return
		}
		_, _ = io.WriteString(w, a.answerTo(in.Username))
	case "POST /v1/auth/refresh":
		a.refresh++
		a.expires = 0
		user, _, _ := strings.Cut(in.Refresh_token, "-")
		_, _ = io.WriteString(w, a.answerTo(user))
	case "POST /v1/auth/logout":
		a.revoked = append(a.revoked, in.Refresh_token)
		w.WriteHeader(204)
	case "POST /v1/auth/register":
		if a.meet != nil {
			a.meet()
		}
		a.register(w, in.Email)
	case "POST /v1/auth/mfa":
		_, _ = io.WriteString(w, a.answerTo("mfa"))
	case "POST /v1/auth/reset":
		access, refresh := a.mint("reset")
		h.Add("Set-Cookie", "rt="+refresh+"; Path=/; HttpOnly")
		h.Add("Set-Cookie", "csrftoken=stays; Path=/")
		h.Set("Content-Digest", "sha-256=:x:")
		_, _ = fmt.Fprintf(w, `{"access_token":%q}`, access)
	case "POST /v1/graphql":
		a.graphql(w, in.Query)
	case "GET /v1/auth/google":
		http.Redirect(w, r, "https://google.example/authorize?state=1", http.StatusFound)
	case "GET /v1/auth/google/callback":
		access, _ := a.mint("google")
		h.Set("Location", "/welcome?lang=en#token="+access+"&state=1")
		w.WriteHeader(http.StatusFound)
	case "GET /app":
		h.Set("Content-Type", "text/html")
		_, _ = io.WriteString(w, a.page)
	case "GET /v1/me":
		_, _ = fmt.Fprintf(w, `{"authorization":%q}`, strings.Repeat("x", min(1, len(r.Header.Get("Authorization")))))
	default:
		w.WriteHeader(404)
	}
}

func (a *signup) register(w http.ResponseWriter, email string) {
	h := w.Header()
	switch a.mode {
	case "confirm":
		w.WriteHeader(201)
		_, _ = io.WriteString(w, `{"message":"Look into your mail"}`)
	case "br":
		h.Set("Content-Encoding", "br")
		_, _ = io.WriteString(w, a.answerTo(email))
	case "gzip":
		h.Set("Content-Encoding", "gzip")
		z := gzip.NewWriter(w)
		_, _ = io.WriteString(z, a.answerTo(email))
		_ = z.Close()
	case "large":
		_, _ = io.WriteString(w, strings.TrimSuffix(a.answerTo(email), "}")+`,"x":"`+strings.Repeat("x", 2<<20)+`"}`)
	case "broken":
		_, _ = io.WriteString(w, strings.TrimSuffix(a.answerTo(email), "}"))
	case "base64":
		access, refresh := a.mint(email)
		_, _ = fmt.Fprintf(w, `{"access_token":%q,"refresh_token":%q,"blob":%q}`, access, refresh, base64.StdEncoding.EncodeToString([]byte("{"+access+"}")))
	case "twice":
		access, refresh := a.mint(email)
		_, _ = fmt.Fprintf(w, `{"access_token":%q,"refresh_token":%q,"blob":%q}`, access, refresh, strings.ReplaceAll(refresh, "-", `\u002d`))
	case "CRLF":
		_, _ = io.WriteString(w, `{"access_token":"a\r\nSet-Cookie: b","refresh_token":"canary"}`)
	case "nobody":
		_, _ = io.WriteString(w, `{"access_token":"opaque-canary","refresh_token":"nobody-canary"}`)
	case "taken":
		w.WriteHeader(409)
		_, _ = io.WriteString(w, `{"message":"taken"}`)
	default:
		h.Add("Set-Cookie", "csrftoken=stays; Path=/")
		w.WriteHeader(201)
		_, _ = io.WriteString(w, a.answerTo(email))
	}
}

func (a *signup) graphql(w http.ResponseWriter, query string) {
	switch {
	case strings.Contains(query, "login"):
		access, refresh := a.mint("gql")
		_, _ = fmt.Fprintf(w, `{"data":{"login":{"access_token":%q,"refresh_token":%q,"user":{"id":"gql"}},"b":{"jwt":%q}}}`, access, refresh, access)
	case strings.Contains(query, "alias"):
		access, _ := a.mint("gql")
		_, _ = fmt.Fprintf(w, `{"data":{"a":{"access_token":%q}}}`, access)
	default:
		_, _ = io.WriteString(w, `{"data":{"orders":[{"id":1}]}}`)
	}
}

func (a *signup) with(mode string) { a.mu.Lock(); defer a.mu.Unlock(); a.mode = mode }

// counts are how many requests the API saw to a path, and how many tokens were given back.
func (a *signup) asked(path string) (n int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, r := range a.seen {
		if r.URI == path {
			n++
		}
	}
	return n
}

func (a *signup) gaveBack() int { a.mu.Lock(); defer a.mu.Unlock(); return len(a.revoked) }

// leaked says which token of the API stands in a text.
func (a *signup) leaked(texts ...string) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, text := range texts {
		for _, token := range append([]string{"canary", "Y2FuYXJ5"}, a.given...) {
			if strings.Contains(text, token) {
				return true
			}
		}
	}
	return false
}

const signupProvider = `  - name: api
    kind: tokenapi
    base_url: %s/v1
    login: {path: /auth/login}
    refresh: {path: /auth/refresh}
    logout: {path: /auth/logout}
    reply: {access_token: [access_token, data.login.access_token, "location:token"], refresh_token: [refresh_token, data.login.refresh_token, "cookie:rt"]}
    %s
    capture:
      - {path: /auth/register}
      - {path: /auth/mfa}
      - {path: /auth/reset}
      - {path: /graphql}
      - {path: /auth/google/callback, methods: [GET], begins: /auth/google}`

const signupRoutes = `  - {path: /api/, upstreams: ["%[1]s/v1"], strip_prefix: /api}
  - {path: /open/, upstreams: ["%[1]s/v1"], strip_prefix: /open, session: none}
  - {path: /page/, upstreams: ["%[1]s/v1"], strip_prefix: /page, unauthenticated: login}
  - {path: /both/, upstreams: ["%[1]s/v1"], strip_prefix: /both, bearer: allow}`

func (a *signup) environment(t *testing.T, keys string) *environment {
	return tokenAPIEnvironment(t, 1, fmt.Sprintf(signupProvider, a.URL, keys), fmt.Sprintf(signupRoutes, a.URL))
}

// wantStarted checks an answer that began a session: our cookie and no token.
func (a *signup) wantStarted(t *testing.T, got answer) {
	t.Helper()
	value, set := got.set()
	if got.header.Get("X-Sessiongate-Session") != "started" || !set || value == "" || got.header.Get("Cache-Control") != "no-store" {
		t.Fatalf("no session: %d %s %v", got.status, got.body, got.header)
	}
	for name, lines := range got.header {
		if name != "Set-Cookie" && a.leaked(lines...) {
			t.Errorf("a token in %s: %q", name, lines)
		}
	}
	if a.leaked(got.body) || a.leaked(got.header["Set-Cookie"]...) {
		t.Errorf("a token: %s %v", got.body, got.header)
	}
	for _, name := range []string{"Etag", "Content-Digest", "Accept-Ranges"} {
		if got.header.Get(name) != "" {
			t.Errorf("%s is of another body", name)
		}
	}
}

func (b *browser) whoami() string {
	b.t.Helper()
	var doc struct{ User struct{ Sub string } }
	_ = json.Unmarshal([]byte(b.ok("/auth/session").body), &doc)
	return doc.User.Sub
}

func posting(text string) change { return body("application/json", text) }

// TestCapturedAnswersSignIn: sign-up, reset, the second step and GraphQL end in a session, on routes
// of every kind, and the page gets the rest of the answer.
func TestCapturedAnswersSignIn(t *testing.T) {
	t.Parallel()
	a := newSignup(t)
	s := a.environment(t, "")
	for name, c := range map[string]struct{ path, send, want, user string }{
		"register":         {"/api/auth/register", `{"email":"new"}`, `"user":{"id":"new","name":"caf\u00e9"},"access_token":"session"`, "new"},
		"no route session": {"/open/auth/register", `{"email":"open"}`, `"refresh_token":"session"`, "open"},
		"another spelling": {"/page/auth/Register/", `{"email":"x"}`, ``, ""},
		"second step":      {"/page/auth/mfa", `{"otp":"123456"}`, `"expires_in":900`, "mfa"},
		"reset":            {"/both/auth/reset", `{}`, `{"access_token":"session"`, "reset"},
		"GraphQL":          {"/api/graphql", `{"query":"mutation{login}"}`, `{"data":{"login":{"access_token":"session"`, "gql"},
	} {
		t.Run(name, func(t *testing.T) {
			b := s.browser()
			got := b.do("POST", c.path, posting(c.send))
			if c.user == "" { // the API does not know the spelling
				if got.status != 404 {
					t.Errorf("%s", got)
				}
				return
			}
			a.wantStarted(t, got)
			if !strings.Contains(got.body, c.want) || b.whoami() != c.user || !json.Valid([]byte(got.body)) {
				t.Errorf("%s; signed in as %s", got, b.whoami())
			}
			if name != "GraphQL" && strings.Contains(strings.Join(got.header["Set-Cookie"], "\n"), "rt=") {
				t.Errorf("%v", got.header["Set-Cookie"])
			}
			if (name == "register" || name == "reset") != strings.Contains(strings.Join(got.header["Set-Cookie"], "\n"), "csrftoken=stays") && name != "no route session" {
				t.Errorf("csrftoken: %v", got.header["Set-Cookie"])
			}
			if me := b.ok("/api/me"); me.body != `{"authorization":"x"}` {
				t.Errorf("%s", me)
			}
		})
	}
	if n := s.logs.count("msg=login", "via=/auth/register", "subject=new"); n != 1 {
		if n := s.logs.count(`"msg":"login"`, `"via":"/auth/register"`, `"subject":"new"`); n != 1 {
			t.Errorf("%d lines in the audit log\n%s", n, s.logs)
		}
	}
	if a.leaked(s.logs.String()) {
		t.Error("a token in the log")
	}
}

// TestCapturedAnswersWithoutTokens go on: the mail that asks for a click, the no, GraphQL's other
// queries with the session's token, and an alias, which signs nobody in and shows nothing.
func TestCapturedAnswersWithoutTokens(t *testing.T) {
	t.Parallel()
	a := newSignup(t)
	s := a.environment(t, "")
	b := s.browser()
	a.with("confirm")
	if got := b.do("POST", "/api/auth/register", posting(`{"email":"new"}`)); got.status != 201 || got.body != `{"message":"Look into your mail"}` || got.header.Get("Etag") == "" || b.cookie() != "" {
		t.Errorf("%s %v", got, got.header)
	}
	a.with("taken")
	if got := b.do("POST", "/api/auth/register", posting(`{"email":"new"}`)); got.status != 409 || got.body != `{"message":"taken"}` {
		t.Errorf("%s", got)
	}
	if got := b.do("POST", "/api/graphql", posting(`{"query":"alias"}`)); got.status != 200 || a.leaked(got.body) || b.cookie() != "" {
		t.Errorf("%s", got)
	}
	if n := s.logs.count("POST /graphql", "was taken out"); n != 1 {
		t.Errorf("%d warnings that a token stands where reply does not say", n)
	}
	b.login("ada", "right")
	cookie := b.cookie()
	for range 40 { // more than rate_limits.login allows attempts
		got := b.do("POST", "/api/graphql", posting(`{"query":"orders"}`))
		if got.status != 200 || got.body != `{"data":{"orders":[{"id":1}]}}` || b.cookie() != cookie {
			t.Fatalf("%s", got)
		}
	}
	a.mu.Lock()
	last := a.seen[len(a.seen)-1].Header
	a.mu.Unlock()
	if !strings.HasPrefix(last.Get("Authorization"), "Bearer eyJ") {
		t.Errorf("%v", last)
	}
	for _, path := range []string{"/api/auth/login", "/api/auth/refresh", "/api/auth/logout"} {
		if got := b.do("POST", path, posting(`{}`)); got.code() != "not_found" {
			t.Errorf("%s: %s", path, got)
		}
	}
}

// TestCaptureFailsClosed: what cannot be read or cleaned is not passed on, and no session begins.
func TestCaptureFailsClosed(t *testing.T) {
	t.Parallel()
	a := newSignup(t)
	s := a.environment(t, "")
	for mode, want := range map[string]struct {
		code  string
		given int // back
	}{
		"br": {"upstream_unreadable", 0}, "large": {"upstream_unreadable", 0}, "broken": {"upstream_unreadable", 0},
		"base64": {"upstream_unreadable", 1}, "twice": {"upstream_unreadable", 1}, "CRLF": {"provider_unavailable", 1}, "nobody": {"provider_unavailable", 1},
	} {
		b, before := s.browser(), a.gaveBack()
		a.with(mode)
		got := b.do("POST", "/api/auth/register", posting(`{"email":"new"}`))
		if got.code() != want.code || b.cookie() != "" || a.leaked(got.body) {
			t.Errorf("%s: %s", mode, got)
		}
		for name, lines := range got.header {
			if a.leaked(lines...) || name == "X-Sessiongate-Session" {
				t.Errorf("%s: %s %q", mode, name, lines)
			}
		}
		eventually(t, mode+": tokens come back", func() bool { return a.gaveBack() == before+want.given })
	}
	a.with("gzip")
	b := s.browser()
	got := b.do("POST", "/api/auth/register", posting(`{"email":"zip"}`))
	a.wantStarted(t, got)
	if b.whoami() != "zip" || got.header.Get("Content-Encoding") != "" {
		t.Errorf("%s %v", got, got.header)
	}
	if a.leaked(strings.ReplaceAll(s.logs.String(), "upstream_unreadable", "")) {
		t.Error("a token in the log")
	}
}

// TestCaptureAndFormerSession: the session is a new one. The old one ends; the API's tokens go back if
// they were another's.
func TestCaptureAndFormerSession(t *testing.T) {
	t.Parallel()
	a := newSignup(t)
	s := a.environment(t, "")
	for user, back := range map[string]int{"ada": 0, "grace": 1} {
		b, before := s.browser(), a.gaveBack()
		b.login("ada", "right")
		old := b.cookie()
		got := b.do("POST", "/api/auth/register", posting(`{"email":"`+user+`"}`))
		a.wantStarted(t, got)
		if n := strings.Count(strings.Join(got.header["Set-Cookie"], "\n"), "__Host-session="); n != 1 || b.cookie() == old {
			t.Errorf("%d session cookies", n)
		}
		if b.whoami() != user {
			t.Errorf("signed in as %s", b.whoami())
		}
		if got := b.with(old).get("/api/me"); got.status != 401 {
			t.Errorf("the old session: %s", got)
		}
		eventually(t, "tokens come back", func() bool { return a.gaveBack() == before+back })
	}
}

// TestCaptureCrossOrigin: another site's page signs nobody in, on routes without sessions either.
func TestCaptureCrossOrigin(t *testing.T) {
	t.Parallel()
	a := newSignup(t)
	s := a.environment(t, "app_calls: [login, refresh, logout]")
	b := s.browser()
	foreign := func(r *http.Request) {
		r.Header.Set("Origin", "https://evil.example")
		r.Header.Set("Sec-Fetch-Site", "cross-site")
	}
	for _, path := range []string{"/api/auth/register", "/open/auth/register", "/open/auth/login", "/api/auth/logout"} {
		if got := b.do("POST", path, posting(`{"email":"x","username":"x","password":"right"}`), foreign); got.code() != "cross_origin_refused" {
			t.Errorf("%s: %s", path, got)
		}
	}
	if n := len(a.seen); n != 0 {
		t.Errorf("the API was asked %d times", n)
	}
}

// TestCaptureCallback: a social login ends in a session in the browser that began it, once; what comes
// by a link alone does not.
func TestCaptureCallback(t *testing.T) {
	t.Parallel()
	a := newSignup(t)
	s := a.environment(t, "")
	b := s.browser()
	callback := "/api/auth/google/callback?code=1"
	if got := b.get(callback, navigating("cross-site")); got.status != 400 || a.asked("/v1/auth/google/callback?code=1") != 0 {
		t.Errorf("not begun: %s", got)
	}
	begin := b.get("/api/auth/google", navigating("same-origin"))
	if begin.status != 302 || !strings.HasPrefix(begin.header.Get("Location"), "https://google.example") ||
		!strings.Contains(strings.Join(begin.header["Set-Cookie"], "\n"), "__Host-login=") {
		t.Fatalf("%s %v", begin, begin.header)
	}
	if got := s.browser().get(callback, navigating("cross-site")); got.status != 400 {
		t.Errorf("another browser: %s", got)
	}
	if got := b.get(callback, func(r *http.Request) {
		r.Header.Set("Sec-Fetch-Mode", "no-cors")
		r.Header.Set("Sec-Fetch-Site", "cross-site")
	}); got.status != 403 {
		t.Errorf("an image: %s", got)
	}
	got := b.get(callback, navigating("cross-site"))
	a.wantStarted(t, got)
	if got.header.Get("Location") != "/welcome?lang=en#state=1" || b.whoami() != "google" {
		t.Errorf("%v, signed in as %s", got.header, b.whoami())
	}
	if got := b.get(callback, navigating("cross-site")); got.status != 400 {
		t.Errorf("twice: %s", got)
	}
}

// TestAppCalls: an application signs in by its own form, calls with what it was given, refreshes and
// signs out at the API's paths, and never holds a token.
func TestAppCalls(t *testing.T) {
	t.Parallel()
	a := newSignup(t)
	s := a.environment(t, "app_calls: [login, refresh, logout]")
	b := s.browser()
	got := b.do("POST", "/api/auth/login", posting(`{"username":"ada","password":"wrong"}`))
	if got.status != 401 || got.body != `{"message":"Unknown user or password, says the API"}` {
		t.Fatalf("the API's own words: %s", got)
	}
	got = b.do("POST", "/api/auth/login", posting(`{"username":"ada","password":"right"}`))
	a.wantStarted(t, got)
	var given struct {
		Access  string `json:"access_token"`
		Refresh string `json:"refresh_token"`
	}
	if err := json.Unmarshal([]byte(got.body), &given); err != nil || given.Access != "session" || given.Refresh != "session" {
		t.Fatalf("%s", got)
	}
	with := header("Authorization", "Bearer "+given.Access)
	for _, path := range []string{"/api/me", "/both/me"} {
		if me := b.ok(path, with); me.body != `{"authorization":"x"}` {
			t.Errorf("%s: %s", path, me)
		}
	}
	refreshed := b.do("POST", "/api/auth/refresh", posting(`{"refresh_token":"session"}`), with)
	var doc map[string]any
	if err := json.Unmarshal([]byte(refreshed.body), &doc); err != nil || refreshed.status != 200 || a.leaked(refreshed.body) || a.refresh != 0 {
		t.Errorf("%s", refreshed)
	}
	if got := b.get("/api/auth/login"); got.status != 404 {
		t.Errorf("GET: %s", got)
	}
	if got := b.do("POST", "/api/auth/logout", posting(`{}`), with); got.status != 204 || b.cookie() != "" {
		t.Errorf("%s", got)
	}
	eventually(t, "the API hears of it", func() bool { return a.gaveBack() == 1 })
	if got := b.get("/both/me", with); got.code() != "authentication_required" {
		t.Errorf("%s", got)
	}
	if got := b.do("POST", "/api/auth/refresh", posting(`{}`)); got.status != 401 {
		t.Errorf("%s", got)
	}
	for range 5 {
		got = b.do("POST", "/api/auth/login", posting(`{"username":"ada","password":"wrong"}`))
	}
	if got.code() != "rate_limited" {
		t.Errorf("guesses at one name: %s", got)
	}
	if got := b.do("POST", "/api/auth/login", posting(`{"username":"ada","x":"`+strings.Repeat("x", 17<<10)+`"}`)); got.status != 413 {
		t.Errorf("%s", got)
	}
}

// TestCaptureWithoutStore: without the store the API is not asked, so that nobody has an account and no
// session; if the store goes away after, the tokens go back.
func TestCaptureWithoutStore(t *testing.T) {
	t.Parallel()
	a := newSignup(t)
	s := a.environment(t, "app_calls: [login]")
	a.mu.Lock()
	a.meet = s.embedded.Close
	a.mu.Unlock()
	b := s.browser()
	if got := b.do("POST", "/api/auth/register", posting(`{"email":"after"}`)); got.code() != "store_unavailable" || a.leaked(got.body) || b.cookie() != "" {
		t.Errorf("it went away after: %s", got)
	}
	eventually(t, "the tokens come back", func() bool { return a.gaveBack() == 1 })
	for _, path := range []string{"register", "login"} {
		got := b.do("POST", "/api/auth/"+path, posting(`{"email":"before","username":"before","password":"right"}`))
		if got.code() != "store_unavailable" || a.asked("/v1/auth/"+path) != map[string]int{"register": 1}[path] {
			t.Errorf("%s: %s, asked %d times", path, got, a.asked("/v1/auth/"+path))
		}
	}
}

// TestFiftyTabsAfterACapture have one session and one refresh.
func TestFiftyTabsAfterACapture(t *testing.T) {
	t.Parallel()
	a := newSignup(t)
	s := a.environment(t, "")
	a.expires = time.Now().Add(3 * time.Second).Unix()
	b := s.browser()
	a.wantStarted(t, b.do("POST", "/api/auth/register", posting(`{"email":"tabs"}`)))
	tabs := func() {
		together(50, func(int) {
			if got, err := b.try("GET", "/api/me"); err != nil || got.body != `{"authorization":"x"}` {
				t.Errorf("%s, %v", got, err)
			}
		})
	}
	eventually(t, "a refresh", func() bool {
		tabs()
		a.mu.Lock()
		defer a.mu.Unlock()
		return a.refresh > 0 || t.Failed()
	})
	tabs()
	var list struct{ Sessions []struct{ ID string } }
	if err := json.Unmarshal([]byte(b.ok("/auth/sessions").body), &list); err != nil || len(list.Sessions) != 1 {
		t.Errorf("%d sessions, %v", len(list.Sessions), err)
	}
	if a.refresh != 1 {
		t.Errorf("%d refreshes", a.refresh)
	}
}

// TestCaptureReadsRequestsAsTheyCome: the body of a login is read for the name and goes on unchanged,
// chunked or awaited; the API is asked for a whole answer that can be read.
func TestCaptureReadsRequestsAsTheyCome(t *testing.T) {
	t.Parallel()
	a := newSignup(t)
	s := a.environment(t, "app_calls: [login]")
	const text = `{ "username":"ada", "password":"right", "otp":"\u0031" }`
	for name, change := range map[string]change{
		"plain":    func(*http.Request) {},
		"chunked":  func(r *http.Request) { r.ContentLength = -1 },
		"expected": func(r *http.Request) { r.Header.Set("Expect", "100-continue") },
	} {
		b := s.browser()
		b.wire.ExpectContinueTimeout = time.Minute
		got := b.do("POST", "/api/auth/login", posting(text), change, header("Accept-Encoding", "br"), header("Range", "bytes=0-1"),
			header("If-None-Match", `"1"`), header("Authorization", "Bearer stolen"), header("Idempotency-Key", "k"))
		a.wantStarted(t, got)
		a.mu.Lock()
		last := a.seen[len(a.seen)-1]
		a.mu.Unlock()
		if last.Body != text || last.Header.Get("Accept-Encoding") != "identity" || last.Header.Get("Idempotency-Key") != "k" {
			t.Errorf("%s: %q %v", name, last.Body, last.Header)
		}
		for _, gone := range []string{"Range", "If-None-Match", "Authorization", "Expect"} {
			if last.Header.Get(gone) != "" {
				t.Errorf("%s: %s reached the API", name, gone)
			}
		}
	}
}

// TestCaptureIsLimited: attempts without a session count as those of our own login.
func TestCaptureIsLimited(t *testing.T) {
	t.Parallel()
	a := newSignup(t)
	s := a.environment(t, "")
	b := s.browser()
	send := func(n int, mode, path, text string) (last answer) {
		a.with(mode)
		for range n {
			last = b.do("POST", path, posting(text))
		}
		return last
	}
	if got := send(30, "", "/api/graphql", `{"query":"orders"}`); got.status != 200 {
		t.Errorf("queries are no attempts: %s", got)
	}
	send(15, "taken", "/api/auth/register", `{"email":"x"}`)
	if got := send(10, "", "/api/auth/mfa", `{"otp":"1"}`); got.code() != "rate_limited" || a.asked("/v1/auth/mfa") != 5 {
		t.Errorf("%s, asked %d times", got, a.asked("/v1/auth/mfa"))
	}
}

// TestCaptureOfCookies: an API that puts its tokens into cookies signs in whatever its body is, or
// without one. A page goes on as it comes.
func TestCaptureOfCookies(t *testing.T) {
	t.Parallel()
	a := newSignup(t)
	answers := map[string]func(w http.ResponseWriter){
		"/page": func(w http.ResponseWriter) {
			w.Header().Set("Content-Type", "text/html")
			_, _ = io.WriteString(w, "<p>Welcome")
			_ = http.NewResponseController(w).Flush()
			_, _ = io.WriteString(w, "</p>")
		},
		"/empty": func(w http.ResponseWriter) { w.WriteHeader(204) },
		"/json":  func(w http.ResponseWriter) { _, _ = io.WriteString(w, `{"ok":true}`) },
	}
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		a.mu.Lock()
		access, refresh := a.mint("cookies")
		a.mu.Unlock()
		for _, line := range []string{"at=" + access + "; Path=/; HttpOnly", "rt=" + refresh + "; Path=/refresh", "csrftoken=stays; Path=/", "__Host-session=planted; Path=/; Secure"} {
			w.Header().Add("Set-Cookie", line)
		}
		w.Header().Set("Content-Type", "application/json")
		answers[r.URL.Path](w)
	}))
	t.Cleanup(api.Close)
	s := tokenAPIEnvironment(t, 1, fmt.Sprintf(`  - name: api
    kind: tokenapi
    base_url: %s
    login: {path: /login}
    reply: {access_token: "cookie:at", refresh_token: "cookie:rt"}
    capture: [{path: /page}, {path: /json}, {path: /empty, statuses: [204]}]`, api.URL), fmt.Sprintf("  - {path: /, upstreams: [%q]}", api.URL))
	for path, want := range map[string]string{"/page": "<p>Welcome</p>", "/empty": "", "/json": `{"ok":true}`} {
		b := s.browser()
		got := b.do("POST", path, posting(`{}`))
		a.wantStarted(t, got)
		lines := strings.Join(got.header["Set-Cookie"], "\n")
		if got.body != want || strings.Contains(lines, "at=") || strings.Contains(lines, "rt=") || strings.Contains(lines, "planted") ||
			!strings.Contains(lines, "csrftoken=stays") || b.whoami() != "cookies" {
			t.Errorf("%s: %s %q", path, got, lines)
		}
	}
}
