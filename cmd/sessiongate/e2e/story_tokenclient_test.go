package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"
)

// tokenClientOptions is the ordinary environment with token clients allowed and routes that
// take its tokens.
func tokenClientOptions(o options) options {
	o.extra += "\nexplicit_tokens: {enabled: true}"
	return o
}

func tokenClientEnvironment(t *testing.T, o options) *environment {
	t.Helper()
	t.Parallel()
	o.routes += `
  - {path: /both/, upstreams: ["UPSTREAM"], bearer: allow}
  - {path: /both/admin/, upstreams: ["UPSTREAM"], bearer: allow, require: {roles: [admin]}}
  - {path: /both/scoped/, upstreams: ["UPSTREAM"], bearer: allow, require: {scopes: ["orders:read"]}}
  - {path: /both/fresh/, upstreams: ["UPSTREAM"], bearer: allow, require: {auth_age: 5m}}
  - {path: /both/maybe/, upstreams: ["UPSTREAM"], bearer: allow, session: optional}`
	return newEnvironment(t, tokenClientOptions(o))
}

// app is a program that keeps its tokens itself, on somebody's phone.
type app struct {
	*browser
	access, refresh string
}

func (s *environment) app() *app { return s.appAt(0) }

func (s *environment) appAt(gateway int) *app {
	b := newBrowser(s.t, s.gateways[gateway].addr)
	b.userAgent = "ShopApp/3.2 (Linux; Android 16)"
	return &app{browser: b}
}

// native leaves out what only browsers send.
func native() change { return without("Origin", "Sec-Fetch-Site", "Sec-Fetch-Mode", "Sec-Fetch-Dest") }

func bearing(token string) change { return header("Authorization", "Bearer "+token) }

func jsonBody(v any) change {
	text, _ := json.Marshal(v)
	return body("application/json", string(text))
}

func refreshing(token string) change { return jsonBody(map[string]string{"refresh_token": token}) }

func (a *app) post(what string, changes ...change) answer {
	a.t.Helper()
	return a.do("POST", "/auth/token/"+what, append([]change{native()}, changes...)...)
}

func (a *app) call(path, token string, changes ...change) answer {
	a.t.Helper()
	return a.get(path, append([]change{native(), bearing(token)}, changes...)...)
}

// pair is what login and refresh answer.
type pair struct {
	Access           string `json:"access_token"`
	Refresh          string `json:"refresh_token"`
	Type             string `json:"token_type"`
	ExpiresIn        int    `json:"expires_in"`
	RefreshExpiresIn int    `json:"refresh_expires_in"`
}

// keep takes the pair of an answer, which must be one.
func (a *app) keep(res answer) pair {
	a.t.Helper()
	var p pair
	if err := json.Unmarshal([]byte(res.body), &p); err != nil || res.status != 200 || p.Access == "" || p.Refresh == "" {
		a.t.Fatalf("no pair of tokens: %s", res)
	}
	a.access, a.refresh = p.Access, p.Refresh
	return p
}

func (a *app) signIn(user, password string) pair {
	a.t.Helper()
	credentials := jsonBody(map[string]string{"username": user, "password": password})
	return a.keep(inTurn(a.t, func() answer { return a.post("login", credentials) }))
}

func (a *app) ada() pair { a.t.Helper(); return a.signIn("ada", "lovelace-1843") }

func (a *app) renew() pair { a.t.Helper(); return a.keep(a.post("refresh", refreshing(a.refresh))) }

// refused checks a 401 and its challenge.
func refused(t *testing.T, what string, a answer, code string) {
	t.Helper()
	if a.status != 401 || a.code() != code || !strings.HasPrefix(a.header.Get("Www-Authenticate"), "Bearer") {
		t.Errorf("%s: %s (%s), want 401 %s", what, a, a.header.Get("Www-Authenticate"), code)
	}
	if _, set := a.set(); set {
		t.Errorf("%s: sets a cookie", what)
	}
}

// TestTutorialTranscript is the curl session at the end of the FastAPI tutorial,
// against our own token endpoints.
func TestTutorialTranscript(t *testing.T) {
	s := tokenClientEnvironment(t, options{access: "15m"})
	a := s.app()
	if res := a.post("login", jsonBody(map[string]string{"username": "ada", "password": "wrong"})); res.status != 401 || res.code() != "invalid_credentials" {
		t.Fatalf("wrong password: %s", res)
	}
	first := a.ada()
	if first.Type != "bearer" || first.ExpiresIn < 890 || first.ExpiresIn > 900 || first.RefreshExpiresIn <= first.ExpiresIn {
		t.Errorf("login answers %+v", first)
	}
	if !strings.HasPrefix(first.Refresh, "sgr_") || strings.Count(first.Access, ".") != 2 {
		t.Errorf("the tokens look like %.12s… and %.12s…", first.Refresh, first.Access)
	}
	if res := a.call("/both/me", first.Access); res.status != 200 {
		t.Fatalf("call: %s", res)
	}
	if seen := s.upstream.last(t); seen.bearer() != first.Access {
		t.Error("the upstream did not get the client's access token")
	}

	second := a.renew()
	if second.Refresh == first.Refresh || second.Access == first.Access {
		t.Error("refresh has not rotated")
	}
	if res := a.call("/both/me", second.Access); res.status != 200 {
		t.Errorf("call with the new token: %s", res)
	}
	refused(t, "the old refresh token", a.post("refresh", refreshing(first.Refresh)), "session_reused")
	refused(t, "the family after the reuse", a.post("refresh", refreshing(second.Refresh)), "session_reused")
	refused(t, "its access token", a.call("/both/me", second.Access), "session_reused")

	third := a.ada()
	for range 2 {
		if res := a.post("logout", refreshing(third.Refresh)); res.status != 200 || res.body != `{"ok":true}` {
			t.Errorf("logout: %s", res)
		}
	}
	refused(t, "refresh after logout", a.post("refresh", refreshing(third.Refresh)), "session_ended")
	refused(t, "call after logout", a.call("/both/me", third.Access), "session_ended")
}

// TestTokenClientIsOffByDefault: the endpoints do not exist, and no token is taken.
func TestTokenClientIsOffByDefault(t *testing.T) {
	t.Parallel()
	s := newEnvironment(t, options{routes: `
  - {path: /both/, upstreams: ["UPSTREAM"], bearer: allow}`})
	a := s.app()
	for _, what := range []string{"login", "refresh", "logout"} {
		if res := a.post(what, jsonBody(map[string]string{"username": "ada", "password": "lovelace-1843"})); res.status != 404 {
			t.Errorf("%s: %s", what, res)
		}
	}
	refused(t, "some token", a.call("/both/x", "a.b.c"), "authentication_required")
}

// TestTokenClientTokenPlaces: the refresh token may stand in the header or in the
// body, or in both if it is the same.
func TestTokenClientTokenPlaces(t *testing.T) {
	s := tokenClientEnvironment(t, options{})
	a := s.app()
	a.ada()
	a.keep(a.post("refresh", bearing(a.refresh)))
	a.keep(a.post("refresh", header("Authorization", "bearer  "+a.refresh))) // the scheme's case is free
	a.keep(a.post("refresh", refreshing(a.refresh)))
	a.keep(a.post("refresh", bearing(a.refresh), refreshing(a.refresh)))
	a.keep(a.post("refresh", bearing("something.of.others"), refreshing(a.refresh)))

	other := s.app()
	other.ada()
	for what, changes := range map[string][]change{
		"two different tokens":    {bearing(a.refresh), refreshing(other.refresh)},
		"another scheme":          {header("Authorization", "Basic "+a.refresh)},
		"two headers":             {header("Authorization", "Bearer "+a.refresh, "Bearer "+a.refresh)},
		"two tokens in a header":  {bearing(a.refresh + " " + a.refresh)},
		"a body that is not JSON": {body("application/json", "refresh_token="+a.refresh)},
	} {
		if res := a.post("refresh", changes...); res.status != 400 || res.code() != "bad_request" {
			t.Errorf("%s: %s, want 400", what, res)
		}
	}
	for what, changes := range map[string][]change{
		"no token":            nil,
		"an empty token":      {refreshing("")},
		"not one of ours":     {refreshing("abc.def")},
		"made up":             {refreshing("sgr_abc")},
		"one character wrong": {refreshing(flip(a.refresh))},
		"only an access one":  {bearing(a.access)},
	} {
		refused(t, what, a.post("refresh", changes...), "authentication_required")
	}
	if res := a.post("refresh", refreshing(strings.Repeat("x", 20_000))); res.status != 413 {
		t.Errorf("a huge body: %s", res)
	}
	a.renew() // none of it cost anybody anything
	other.renew()
}

// flip changes one character in the middle.
func flip(token string) string {
	b := []byte(token)
	b[len(b)/2] ^= 1
	return string(b)
}

// TestTokenClientParallelRefresh: what presents one token at the same time gets one
// answer, in one process and over two; the family lives on.
func TestTokenClientParallelRefresh(t *testing.T) {
	s := tokenClientEnvironment(t, options{gateways: 2})
	one, two := s.app(), s.appAt(1)
	one.ada()
	together(50, func(i int) { // open the connections, so that the burst is one
		_, _ = []*app{one, two}[i%2].try("GET", "/open/x", native())
		_, _ = one.try("GET", "/open/x", native())
	})
	for name, apps := range map[string][]*app{"one process": {one}, "two processes": {one, two}} {
		old := one.refresh
		answers := make([]answer, 50)
		together(len(answers), func(i int) {
			a := apps[i%len(apps)]
			res, err := a.try("POST", "/auth/token/refresh", native(), refreshing(old))
			if err != nil {
				t.Error(err)
			}
			answers[i] = res
		})
		texts := map[string]bool{}
		for _, res := range answers {
			if res.status != 200 {
				t.Fatalf("%s: %s", name, res)
			}
			texts[one.keep(res).Refresh] = true
		}
		if len(texts) != len(apps) {
			t.Errorf("%s: %d spellings of the successor, want one per process", name, len(texts))
		}
		for text := range texts { // whichever spelling: one handle
			one.refresh = text
		}
		if one.renew(); one.refresh == old {
			t.Errorf("%s: nothing rotated", name)
		}
	}
	if n := s.logs.count("reuse_detected"); n > 0 {
		t.Errorf("%d reuses were reported", n)
	}
}

// TestTokenClientReuse: a retired token ends the family at once, on every replica.
func TestTokenClientReuse(t *testing.T) {
	s := tokenClientEnvironment(t, options{gateways: 2})
	a, elsewhere := s.app(), s.appAt(1)
	stolen := a.ada().Refresh
	a.renew()
	if res := elsewhere.call("/both/x", a.access); res.status != 200 {
		t.Fatalf("before: %s", res)
	}
	bystander := s.app()
	bystander.ada()
	refused(t, "the stolen token", elsewhere.post("refresh", refreshing(stolen)), "session_reused")
	refused(t, "the owner's access token, there", elsewhere.call("/both/x", a.access), "session_reused")
	eventually(t, "the owner's access token is refused here", func() bool { return a.call("/both/x", a.access).status == 401 })
	refused(t, "the owner's refresh token", a.post("refresh", refreshing(a.refresh)), "session_reused")
	bystander.renew()
	if n := s.logs.count("reuse_detected", `"security":true`); n != 1 {
		t.Errorf("%d security events, want 1", n)
	}
}

// TestTokenClientGrace: with a window, a lost answer may be asked for again; two
// generations back stays theft.
func TestTokenClientGrace(t *testing.T) {
	t.Parallel()
	s := newEnvironment(t, options{extra: "explicit_tokens: {enabled: true, grace: 10s}"})
	a := s.app()
	first := a.ada()
	second := a.renew() // and imagine it lost
	again := a.keep(a.post("refresh", refreshing(first.Refresh)))
	if again.Access != second.Access {
		t.Error("the repeated refresh got a token of its own")
	}
	a.renew()
	s.clock.Advance(11 * time.Second)
	refused(t, "past the window", a.post("refresh", refreshing(again.Refresh)), "session_reused")
	b := s.app()
	old := b.ada()
	b.renew()
	b.renew()
	refused(t, "two generations back", b.post("refresh", refreshing(old.Refresh)), "session_reused")
}

// TestTokenClientOldAccessToken: a refresh that names the old access token revokes
// it, also where it was just seen to be good.
func TestTokenClientOldAccessToken(t *testing.T) {
	s := tokenClientEnvironment(t, options{gateways: 2})
	a, elsewhere := s.app(), s.appAt(1)
	old := a.ada()
	for _, at := range []*app{a, elsewhere} {
		if res := at.call("/both/x", old.Access); res.status != 200 {
			t.Fatalf("before: %s", res)
		}
	}
	a.keep(a.post("refresh", bearing(old.Access), refreshing(old.Refresh)))
	refused(t, "the old access token", a.call("/both/x", old.Access), "authentication_required")
	eventually(t, "it is refused elsewhere", func() bool { return elsewhere.call("/both/x", old.Access).status == 401 })
	for _, at := range []*app{a, elsewhere} {
		if res := at.call("/both/x", a.access); res.status != 200 {
			t.Errorf("the new one: %s", res)
		}
	}
	kept := a.access
	a.renew() // without naming it
	if res := a.call("/both/x", kept); res.status != 200 {
		t.Errorf("an access token that nobody revoked: %s", res)
	}
	s.clock.Advance(11 * time.Minute)
	a.keep(a.post("refresh", bearing(kept), refreshing(a.refresh))) // an expired one is taken for what it was
}

// TestKindsOfClientDoNotMix: neither sort of token is taken in the other's place.
func TestKindsOfClientDoNotMix(t *testing.T) {
	s := tokenClientEnvironment(t, options{})
	a, b := s.app(), s.browser()
	a.ada()
	b.ada()
	b.ok("/both/x")
	cookieAccess := s.upstream.last(t).bearer()

	refused(t, "a cookie as refresh token", a.post("refresh", refreshing("sgr_"+b.cookie())), "authentication_required")
	refused(t, "a cookie session's access token", a.call("/both/x", cookieAccess), "authentication_required")
	if res := b.with(strings.TrimPrefix(a.refresh, "sgr_")).get("/both/x"); res.status != 401 || res.code() != "authentication_required" {
		t.Errorf("a refresh token as cookie: %s", res)
	}
	if res := b.with(a.access).get("/both/x"); res.status != 401 {
		t.Errorf("an access token as cookie: %s", res)
	}
	refused(t, "a refresh token as access token", a.call("/both/x", a.refresh), "authentication_required")
	if res := a.call("/api/x", a.access); res.status != 401 {
		t.Errorf("a route that does not say bearer: allow: %s", res)
	}
	if res := a.post("logout", refreshing("sgr_"+b.cookie())); res.status != 200 {
		t.Errorf("logout with a cookie: %s", res)
	}
	b.ok("/both/x")
	a.renew()
}

// TestBearerNeverFallsBack: with an Authorization header the cookie is not read.
func TestBearerNeverFallsBack(t *testing.T) {
	s := tokenClientEnvironment(t, options{})
	a, b := s.app(), s.browser()
	a.ada()
	b.grace()
	for what, value := range map[string][]string{
		"garbage": {"Bearer nonsense"}, "another scheme": {"Basic YWRhOng="}, "nothing": {"Bearer"}, "empty": {""},
		"two": {"Bearer " + a.access, "Bearer " + a.access}, "unsigned": {"Bearer " + unsigned(a.access)},
	} {
		for _, path := range []string{"/both/x", "/both/maybe/x"} {
			refused(t, what+" at "+path, b.get(path, header("Authorization", value...)), "authentication_required")
		}
	}
	b.ok("/both/x", bearing(a.access))
	if seen := s.upstream.last(t); seen.bearer() != a.access {
		t.Error("the cookie's session was used beside an access token")
	}
	if res := b.get("/both/admin/x", bearing(a.access)); res.status != 403 {
		t.Errorf("the bearer's roles count, not the cookie's: %s", res)
	}
	b.ok("/both/admin/x")
	b.ok("/both/maybe/x", without("Cookie"))
	if seen := s.upstream.last(t); seen.bearer() != "" {
		t.Error("an anonymous request went on with a token")
	}
}

// unsigned keeps what a token says and says that nobody signed it.
func unsigned(token string) string {
	parts := strings.Split(token, ".")
	return "eyJhbGciOiJub25lIiwidHlwIjoiYXQrand0In0." + parts[1] + "."
}

// TestTokensAreNotForPages: what a browser's page sends is refused before any
// credential is looked at; routes keep their cross-origin defence.
func TestTokensAreNotForPages(t *testing.T) {
	s := tokenClientEnvironment(t, options{})
	a := s.app()
	a.ada()
	for what, changes := range map[string][]change{
		"a foreign page": {header("Origin", "https://evil.example")},
		"our own page":   {header("Origin", publicOrigin)},
		"no Origin":      {header("Sec-Fetch-Site", "same-origin")},
	} {
		for _, endpoint := range []string{"login", "refresh", "logout"} {
			if res := a.post(endpoint, append(changes, refreshing(a.refresh))...); res.status != 403 || res.code() != "cross_origin_refused" {
				t.Errorf("%s at %s: %s", what, endpoint, res)
			}
		}
	}
	if res := a.call("/both/x", a.access, header("Origin", "https://evil.example")); res.status != 403 {
		t.Errorf("a foreign page with a token: %s", res)
	}
	if res := a.do("POST", "/both/x", native(), bearing(a.access), header("Cookie", "__Host-session=x")); res.status != 200 {
		t.Errorf("a program with a token and some cookie: %s", res)
	}
	if res := a.do("GET", "/auth/token/login", native()); res.status != 405 {
		t.Errorf("GET: %s", res)
	}
	a.renew()
}

// TestTokenClientLogoutNeedsTheSecret: the public session id ends nothing.
func TestTokenClientLogoutNeedsTheSecret(t *testing.T) {
	s := tokenClientEnvironment(t, options{})
	a, b := s.app(), s.browser()
	a.ada()
	b.ada()
	var list struct {
		Sessions []struct{ ID string }
	}
	_ = json.Unmarshal([]byte(b.ok("/auth/sessions").body), &list)
	if len(list.Sessions) != 2 {
		t.Fatalf("devices: %+v", list)
	}
	for _, known := range list.Sessions {
		for _, text := range []string{known.ID, "sgr_" + known.ID, known.ID + "." + a.refresh, flip(a.refresh)} {
			if res := a.post("logout", refreshing(text)); res.status != 200 || res.body != `{"ok":true}` {
				t.Errorf("logout with %q: %s", text, res)
			}
		}
	}
	a.renew()
	if res := a.post("logout"); res.status != 200 {
		t.Errorf("logout with nothing: %s", res)
	}
	if res := a.post("logout", bearing(a.refresh)); res.status != 200 {
		t.Errorf("logout by header: %s", res)
	}
	refused(t, "after it", a.post("refresh", refreshing(a.refresh)), "session_ended")

	a.ada()
	// It is revoked, but APIs hold it too: the client must hear that it has not signed out.
	refused(t, "logout with an access token", a.post("logout", bearing(a.access)), "authentication_required")
	refused(t, "the access token that was given up", a.call("/both/x", a.access), "authentication_required")
	a.renew()
}

// TestTokenClientDevices: a phone is a device like any other, and can be ended from
// the browser.
func TestTokenClientDevices(t *testing.T) {
	s := tokenClientEnvironment(t, options{gateways: 2})
	a, b := s.app(), s.browser()
	a.keep(a.post("login", jsonBody(map[string]string{"username": "ada", "password": "lovelace-1843", "device_name": "Ada's phone"})))
	b.ada()
	if res := s.appAt(1).call("/both/x", a.access); res.status != 200 {
		t.Fatal(res)
	}
	var list struct {
		Sessions []struct {
			ID      string
			Current bool
			Device  any
		}
	}
	_ = json.Unmarshal([]byte(b.ok("/auth/sessions").body), &list)
	ended := false
	for _, d := range list.Sessions {
		if strings.Contains(fmt.Sprint(d.Device), "Ada's phone") {
			ended = b.do("DELETE", "/auth/sessions/"+d.ID).status == 204
		}
	}
	if !ended {
		t.Fatalf("the phone is not in the list: %+v", list)
	}
	eventually(t, "the phone is out everywhere", func() bool { return s.appAt(1).call("/both/x", a.access).status == 401 })
	refused(t, "its refresh", a.post("refresh", refreshing(a.refresh)), "session_ended")
}

// TestTokenClientErrorsSayOneThing: why a refresh token is no good is for the log.
func TestTokenClientErrorsSayOneThing(t *testing.T) {
	s := tokenClientEnvironment(t, options{session: "idle_timeout: 30m, absolute_lifetime: 2h"})
	expired, revoked := s.app(), s.app()
	expired.ada()
	s.clock.Advance(31 * time.Minute)
	revoked.ada()
	revoked.post("logout", refreshing(revoked.refresh))
	a := expired.post("refresh", refreshing(expired.refresh))
	b := revoked.post("refresh", refreshing(revoked.refresh))
	refused(t, "expired", a, "session_ended")
	if strip(a.body) != strip(b.body) {
		t.Errorf("the answers differ:\n%s\n%s", a.body, b.body)
	}
	refused(t, "bad format", expired.post("refresh", refreshing("no.token")), "authentication_required")
	refused(t, "not sealed", expired.post("refresh", refreshing(flip(expired.refresh))), "authentication_required")
	for _, cause := range []string{"expired: idle", "revoked: logout", "bad format", "not sealed by us"} {
		if n := s.logs.count(`"msg":"refresh_refused"`, cause); n != 1 {
			t.Errorf("%q is in the log %d times", cause, n)
		}
	}
	for _, secret := range []string{expired.refresh, revoked.refresh, revoked.access, "lovelace-1843"} {
		if strings.Contains(s.logs.String(), secret) {
			t.Error("a secret is in the log")
		}
	}
}

// strip takes the request id out of a problem.
func strip(problem string) string {
	var p map[string]any
	_ = json.Unmarshal([]byte(problem), &p)
	delete(p, "request_id")
	return fmt.Sprint(p)
}

// TestRequire: what a route demands, of a cookie and of an access token.
func TestRequire(t *testing.T) {
	s := tokenClientEnvironment(t, options{})
	a, b := s.app(), s.browser()
	a.ada()
	b.ada()
	admin, adminApp := s.browser(), s.app()
	admin.grace()
	adminApp.signIn("grace", "hopper-1952")
	if res := b.get("/both/admin/x"); res.status != 403 || res.code() != "forbidden" || !strings.Contains(res.body, "role admin") {
		t.Errorf("no role: %s", res)
	}
	if res := a.call("/both/admin/x", a.access); res.status != 403 || !strings.Contains(res.body, "role admin") {
		t.Errorf("no role, by token: %s", res)
	}
	admin.ok("/both/admin/x")
	if res := adminApp.call("/both/admin/x", adminApp.access); res.status != 200 {
		t.Errorf("the role, by token: %s", res)
	}
	res := a.call("/both/scoped/x", a.access)
	if res.status != 403 || !strings.Contains(res.header.Get("Www-Authenticate"), `error="insufficient_scope", scope="orders:read"`) {
		t.Errorf("no scope: %s, %v", res, res.header)
	}

	b.ok("/both/fresh/x")
	s.clock.Advance(6 * time.Minute)
	res = b.get("/both/fresh/x")
	challenge := res.header.Get("Www-Authenticate")
	if res.status != 401 || res.code() != "reauthentication_required" || !strings.Contains(res.body, "max_age=300") ||
		!strings.Contains(challenge, `error="insufficient_user_authentication"`) || !strings.Contains(challenge, `max_age="300"`) {
		t.Errorf("an old sign-in: %s, %s", res, challenge)
	}
	if page := b.get("/auth/login?max_age=300&return_to=%2Fboth%2Ffresh%2Fx", navigating("same-origin")); page.status != 200 {
		t.Errorf("the login page sends away who should sign in again: %d", page.status)
	}
	b.ada()
	b.ok("/both/fresh/x")
	if res := a.call("/both/fresh/x", a.access); res.status != 401 || res.code() != "reauthentication_required" || strings.Contains(res.body, "login_url") {
		t.Errorf("an old sign-in, by token: %s", res)
	}
	a.renew() // a refresh proves nothing about the person
	if res := a.call("/both/fresh/x", a.access); res.status != 401 {
		t.Errorf("after a refresh: %s", res)
	}
	a.ada()
	if res := a.call("/both/fresh/x", a.access); res.status != 200 {
		t.Errorf("after a new sign-in: %s", res)
	}
}

// TestTokenClientOutage: without the store nobody is signed out, and nothing is
// accepted for long that cannot be checked.
func TestTokenClientOutage(t *testing.T) {
	s := tokenClientEnvironment(t, options{})
	a := s.app()
	a.ada()
	if res := a.call("/both/x", a.access); res.status != 200 {
		t.Fatal(res)
	}
	s.embedded.Close()
	eventually(t, "the feed is down", func() bool { return !s.gateways[0].Manager().StoreUp() })
	if res := a.call("/both/x", a.access); res.status != 200 {
		t.Errorf("within cache_ttl: %s", res)
	}
	s.clock.Advance(6 * time.Second)
	for what, res := range map[string]answer{
		"call": a.call("/both/x", a.access), "refresh": a.post("refresh", refreshing(a.refresh)), "logout": a.post("logout", refreshing(a.refresh)),
	} {
		if res.status != http.StatusServiceUnavailable || res.code() != "store_unavailable" || res.header.Get("Retry-After") == "" {
			t.Errorf("%s: %s", what, res)
		}
	}
}

// TestTokenClientOverATokenAPI: with an API that issues the tokens, the client gets
// its access token and a refresh token of ours; the API's stays here, and is
// spent once however many ask.
func TestTokenClientOverATokenAPI(t *testing.T) {
	t.Parallel()
	api := startTutorial(t, time.Minute)
	providers, routes := api.behind()
	s := tokenAPIEnvironment(t, 2, providers, routes+"\nexplicit_tokens: {enabled: true}")
	a, elsewhere := s.app(), s.appAt(1)
	first := a.signIn("alice", "password123")
	given := api.pair()
	if first.Access != given.Access || first.Refresh == given.Refresh || !strings.HasPrefix(first.Refresh, "sgr_") {
		t.Errorf("the client got %+v, the API gave %+v", first, given)
	}
	answers := make([]answer, 20)
	together(len(answers), func(i int) {
		at := []*app{a, elsewhere}[i%2]
		res, err := at.try("POST", "/auth/token/refresh", native(), bearing(first.Access), refreshing(first.Refresh))
		if err != nil {
			t.Error(err)
		}
		answers[i] = res
	})
	for _, res := range answers {
		if second := a.keep(res); second.Access != api.pair().Access || second.Refresh == first.Refresh {
			t.Errorf("refreshed: %s", res)
		}
	}
	if n := api.count("POST /auth/refresh"); n != 1 {
		t.Errorf("the API was asked for %d refreshes, want 1", n)
	}
	api.down.Store(true)
	if res := a.post("refresh", refreshing(a.refresh)); res.status != 503 || res.code() != "provider_unavailable" {
		t.Errorf("while the API is down: %s", res)
	}
	api.down.Store(false)
	eventually(t, "the refresh token is still good", func() bool {
		res := a.post("refresh", refreshing(a.refresh))
		if res.status == 200 {
			a.keep(res)
		}
		return res.status == 200
	})
	last := api.pair()
	a.post("logout", refreshing(a.refresh))
	eventually(t, "the API's token is revoked", func() bool {
		status, _ := api.direct("POST", "/auth/refresh", fmt.Sprintf(`{"refresh_token":%q}`, last.Refresh))
		return status == 401
	})
}

// TestTokenClientStreamsEnd: a stream that began with an access token ends with its
// family.
func TestTokenClientStreamsEnd(t *testing.T) {
	s := tokenClientEnvironment(t, options{upstream: func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		_, _ = w.Write([]byte("data: hello\n\n"))
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
	}})
	a := s.app()
	a.ada()
	res, err := a.wire.RoundTrip(a.request("GET", "/both/stream", native(), bearing(a.access)))
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for buf := make([]byte, 64); ; {
			if _, err := res.Body.Read(buf); err != nil {
				return
			}
		}
	}()
	select {
	case <-ended:
		t.Fatal("the stream ended before the logout")
	default:
	}
	a.post("logout", refreshing(a.refresh))
	select {
	case <-ended:
	case <-time.After(20 * time.Second):
		t.Error("the stream goes on after the logout")
	}
}
