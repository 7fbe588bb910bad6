package e2e

import (
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net/http"
	"strings"
	"testing"
	"time"

	"sessiongate/session/testserver"
)

func discardLog() *log.Logger { return log.New(io.Discard, "", 0) }

// The tutorial's app runs behind the gateway unchanged: sign in, call, outlive the access token,
// sign out.
func TestTutorialBehindTheGateway(t *testing.T) {
	t.Parallel()
	api := startTutorial(t, 3*time.Second)
	providers, routes := api.behind()
	s := tokenAPIEnvironment(t, 1, providers, routes)
	b := s.browser()

	if a := b.do("POST", "/auth/login", body("application/json", `{"username":"alice","password":"wrong"}`)); a.status != 401 || a.code() != "invalid_credentials" {
		t.Fatalf("wrong password: %s", a)
	}
	doc := b.login("alice", "password123")
	first := api.pair()
	for _, secret := range []string{first.Access, first.Refresh, "password123"} {
		if strings.Contains(doc.body, secret) || strings.Contains(fmt.Sprint(doc.header), secret) {
			t.Error("the answer to the login gives a token or the password away")
		}
	}
	var session struct {
		User struct {
			Sub, Name string
			Roles     []string
		}
		Session struct{ Provider string }
	}
	if err := json.Unmarshal([]byte(doc.body), &session); err != nil || session.User.Sub != "alice" ||
		fmt.Sprint(session.User.Roles) != "[user]" || session.Session.Provider != "api" {
		t.Errorf("session document %s", doc.body)
	}
	if a := b.ok("/api/me"); a.body != `{"username":"alice","role":"user"}` {
		t.Errorf("/me: %s", a.body)
	}
	if a := b.get("/api/admin/metrics"); a.status != 403 || !strings.Contains(a.body, "Admins only") {
		t.Errorf("/admin/metrics for a user: %s", a)
	}

	api.expired()
	b.ok("/api/me")
	second := api.pair()
	if second.Access == first.Access || second.Refresh == first.Refresh {
		t.Error("the API has not rotated")
	}
	if status, text := api.direct("POST", "/auth/refresh", fmt.Sprintf(`{"refresh_token":%q}`, first.Refresh)); status != 401 {
		t.Errorf("the spent refresh token: %d %s", status, text)
	}

	last := api.pair()
	if a := b.do("POST", "/auth/logout"); a.status != 200 {
		t.Fatalf("logout: %s", a)
	}
	if a := b.get("/api/me"); a.status != 401 {
		t.Errorf("after the logout: %s", a)
	}
	eventually(t, "the API has heard of the logout", func() bool {
		status, _ := api.direct("POST", "/auth/refresh", fmt.Sprintf(`{"refresh_token":%q}`, last.Refresh))
		return api.count("POST /auth/logout") == 1 && status == 401
	})
	for _, secret := range []string{first.Access, first.Refresh, second.Refresh, "password123"} {
		if strings.Contains(s.logs.String(), secret) {
			t.Error("a secret is in the log")
		}
	}
}

// An admin of the API is an admin here too: the role claim is one text.
func TestTutorialAdmin(t *testing.T) {
	t.Parallel()
	api := startTutorial(t, time.Minute)
	providers, routes := api.behind()
	s := tokenAPIEnvironment(t, 1, providers, routes+fmt.Sprintf(`
  - {path: /ops/, upstreams: ["%s"], strip_prefix: /ops, require: {roles: [admin]}}`, api.front.URL))
	b := s.browser()
	b.login("root", "toor-password")
	if a := b.ok("/ops/admin/metrics"); !strings.Contains(a.body, "requests_today") {
		t.Errorf("%s", a)
	}
	b.login("alice", "password123")
	if a := b.get("/ops/admin/metrics"); a.status != 403 || a.code() != "forbidden" {
		t.Errorf("alice on a route for admins: %s", a)
	}
}

// bursts makes 100 calls at once with an expired token over the gateways, twice: all succeed, on
// one refresh at the API.
func bursts(t *testing.T, api *tutorial, browsers []*browser) {
	t.Helper()
	for round := range 2 {
		api.expired()
		before, began := api.count("POST /auth/refresh"), time.Now()
		cookie := browsers[0].cookie()
		together(100, func(i int) {
			a, err := browsers[i%len(browsers)].try("GET", "/api/me", header("Cookie", "__Host-session="+cookie))
			if err != nil || a.status != 200 {
				t.Errorf("round %d, call %d: %v %s", round, i, err, a)
			}
		})
		// The new token has whole seconds, at least two, and is renewed early in its last half: on
		// a slow machine a long burst may rightly see the next refresh.
		most := 1 + int(time.Since(began)/time.Second)
		if n := api.count("POST /auth/refresh") - before; n < 1 || n > most {
			t.Errorf("round %d: %d refreshes at the API within %v", round, n, time.Since(began))
		}
	}
}

// 100 parallel calls at expiry are one refresh at the API and no 401, with one gateway and with two
// on one store.
func TestTutorialOneRefreshPerExpiry(t *testing.T) {
	t.Parallel()
	for _, gateways := range []int{1, 2} {
		t.Run(fmt.Sprint(gateways), func(t *testing.T) {
			t.Parallel()
			api := startTutorial(t, 3*time.Second)
			providers, routes := api.behind()
			s := tokenAPIEnvironment(t, gateways, providers, routes)
			b := s.browser()
			b.login("alice", "password123")
			var everywhere []*browser
			for _, g := range s.gateways {
				everywhere = append(everywhere, b.at(g.addr))
			}
			bursts(t, api, everywhere)
		})
	}
}

// The same with two processes on a real Redis.
func TestTutorialOneRefreshOverProcesses(t *testing.T) {
	t.Parallel()
	redis := testserver.Redis(t)
	api := startTutorial(t, 3*time.Second)
	providers, routes := api.behind()
	s := tokenAPIEnvironment(t, 0, "", "")
	text := s.tokenAPIConfig(fmt.Sprintf("redis: %q", "redis://"+redis.Addr()), providers, routes)
	first, second := serve(t, text), serve(t, text)
	b := newBrowser(t, first.addr)
	b.login("alice", "password123")
	bursts(t, api, []*browser{b, b.at(second.addr)})
}

// The API does not answer for a while: nobody is logged out, and its return is all it takes.
func TestTutorialOutage(t *testing.T) {
	t.Parallel()
	api := startTutorial(t, 3*time.Second)
	providers, routes := api.behind()
	s := tokenAPIEnvironment(t, 1, providers, routes)
	b := s.browser()
	b.login("alice", "password123")
	api.down.Store(true)
	api.expired()
	for range 3 {
		a := b.get("/api/me")
		if _, set := a.set(); a.status != 503 || a.code() != "provider_unavailable" || a.header.Get("Retry-After") == "" || set {
			t.Fatalf("while the API is down: %s %v", a, a.header)
		}
	}
	if a := b.do("POST", "/auth/login", body("application/json", `{"username":"alice","password":"password123"}`)); a.status != 503 {
		t.Errorf("login while the API is down: %s", a)
	}
	api.down.Store(false)
	eventually(t, "the session works again", func() bool { return b.get("/api/me").status == 200 })
	if n := api.count("POST /auth/login"); n != 2 {
		t.Errorf("%d logins: the session should have survived without one", n)
	}
}

// The API is killed and starts with an empty memory: while it is gone nobody is logged out, and its
// 401 to the refresh is its own final word.
func TestTutorialForgets(t *testing.T) {
	t.Parallel()
	api := startTutorial(t, 3*time.Second)
	providers, routes := api.behind()
	s := tokenAPIEnvironment(t, 1, providers, routes)
	b := s.browser()
	b.login("alice", "password123")
	api.stop()
	api.expired()
	if a := b.get("/api/me"); a.status != 503 {
		t.Fatalf("while the API is gone: %s", a)
	}
	api.run(3 * time.Second)
	var last answer
	eventually(t, "the API refuses the refresh token", func() bool { last = b.get("/api/me"); return last.status != 503 })
	var problem struct{ Code, Reason string }
	_ = json.Unmarshal([]byte(last.body), &problem)
	if last.status != 401 || problem.Code != "session_ended" || problem.Reason != "provider_refused" {
		t.Errorf("after the API's 401: %s", last)
	}
	if s.logs.count(`"msg":"provider_refused"`, "401") == 0 {
		t.Error("the log does not say why")
	}
}

// Page JavaScript cannot fetch tokens through the gateway: the API's own login, refresh and logout
// are not there, however they are spelt and whatever the route asks for.
func TestTokenEndpointsAreHidden(t *testing.T) {
	t.Parallel()
	api := startTutorial(t, time.Minute)
	providers, _ := api.behind()
	other := strings.Replace(api.front.URL, "127.0.0.1", "localhost", 1)
	s := tokenAPIEnvironment(t, 1, providers, fmt.Sprintf(`
  - {path: /api/, upstreams: ["%[1]s"], strip_prefix: /api}
  - {path: /open/, upstreams: ["%[2]s"], strip_prefix: /open, session: none}
  - {path: /deep/, upstreams: ["%[1]s/auth"], strip_prefix: /deep, session: none}`, api.front.URL, other))
	b := s.browser()
	b.login("alice", "password123")
	logins := api.count("POST /auth/login")
	credentials := body("application/json", `{"username":"alice","password":"password123"}`)
	for _, path := range []string{
		"/api/auth/login", "/open/auth/login", "/deep/login", "/open/auth/refresh", "/open/auth/logout",
		"/open/auth/login/", "/open/auth/%6Cogin", "/open/auth/log%69n?x=1", "/open/auth%2Flogin", "/open//auth/login",
		"/open/x/../auth/login", "/open/auth/./login", "/open/AUTH/login", "/open/auth/login;a=b", "/deep/%2e/login",
		"/open/auth/%256Cogin", "/deep/LOGIN/",
	} {
		for _, method := range []string{"POST", "GET", "PUT"} {
			a := b.do(method, path, credentials)
			if a.status != 404 && a.status != 400 || strings.Contains(a.body, "access_token") {
				t.Errorf("%s %s: %s", method, path, a)
			}
		}
	}
	if a := b.do("POST", "/open/auth/login", credentials); a.status != http.StatusNotFound || a.code() != "not_found" {
		t.Errorf("plain spelling: %s", a)
	}
	if n := api.count("POST /auth/login"); n != logins {
		t.Errorf("%d logins reached the API", n-logins)
	}
}
