package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"sessiongate/cmd/sessiongate/program"
	"sessiongate/session/redisstore"
	"sessiongate/session/sessiontest"
	"sessiongate/session/testserver"
)

// What a login API says besides yes and no, and what becomes of it at the app, at our page and in
// the log.

// refusingAPI has a user for each thing to say, all with the password "right".
type refusingAPI struct {
	*httptest.Server
	dead atomic.Bool // something in front of it refuses every refresh
}

// apiToken never reaches a browser.
const apiToken = "opaque-token-of-the-api"

func newRefusingAPI(t *testing.T) *refusingAPI {
	a := &refusingAPI{}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /login", a.login)
	mux.HandleFunc("POST /refresh", func(w http.ResponseWriter, _ *http.Request) {
		if a.dead.Load() {
			w.WriteHeader(http.StatusForbidden)
			_, _ = fmt.Fprint(w, "<h1>Blocked</h1>")
			return
		}
		a.grant(w, "ada")
	})
	mux.HandleFunc("GET /data", func(w http.ResponseWriter, _ *http.Request) { _, _ = fmt.Fprint(w, "data") })
	a.Server = httptest.NewServer(mux)
	t.Cleanup(a.Close)
	return a
}

func (a *refusingAPI) grant(w http.ResponseWriter, user string) {
	_, _ = fmt.Fprintf(w, `{"access_token":%q,"refresh_token":"refresh-%s","expires_in":60,"sub":%q}`, apiToken, user, user)
}

func (a *refusingAPI) login(w http.ResponseWriter, r *http.Request) {
	var c struct{ Username, Password, OTP string }
	_ = json.NewDecoder(r.Body).Decode(&c)
	say := func(status int, text string) {
		w.WriteHeader(status)
		_, _ = fmt.Fprint(w, text)
	}
	switch {
	case c.Password != "right":
		say(400, `{"error_code":"invalid_credentials","msg":"Invalid login credentials"}`)
	case c.Username == "new":
		say(400, `{"error_code":"email_not_confirmed","msg":"Email not confirmed"}`)
	case c.Username == "locked":
		say(200, `{"code":1002,"msg":"locked"}`)
	case c.Username == "eager":
		w.Header().Set("Retry-After", "86400")
		say(429, `{}`)
	case c.Username == "careful" && c.OTP == "":
		say(403, `{"error":"mfa_required","mfa_token":"one-time-ticket","methods":["totp"],"session":"`+apiToken+`","refresh_token":"`+apiToken+`"}`)
	case c.Username == "careful" && c.OTP != "123456":
		say(401, `{"error":"bad code"}`)
	default:
		a.grant(w, c.Username)
	}
}

// provider is its configuration.
func (a *refusingAPI) provider() string {
	return `  - name: api
    kind: tokenapi
    base_url: ` + a.URL + `
    login:
      path: /login
      extra: [otp]
      send: ["otp: {{extra.otp}}"]
      answers: ["email_not_confirmed: 400 error_code=email_not_confirmed", "mfa_required: 403 error=mfa_required", "account_locked: code=1002*"]
      relay: [mfa_token, methods, session]
    refresh: {path: /refresh}
    identity: {from: reply, subject: sub}`
}

func (a *refusingAPI) start(t *testing.T) *environment {
	s := &environment{
		t: t, clock: sessiontest.NewClock(), embedded: redisstore.StartEmbedded(), dir: t.TempDir(), logs: &logBuffer{},
	}
	t.Cleanup(s.embedded.Close)
	s.handles = newKeys(t, s.dir)
	s.start(s.tokenAPIConfig("embedded: true", a.provider(), fmt.Sprintf("  - {path: /api/, upstreams: [%q], strip_prefix: /api}", a.URL)), program.Overrides{})
	return s
}

func TestWhatALoginAPISays(t *testing.T) {
	t.Parallel()
	s := newRefusingAPI(t).start(t)
	for name, row := range map[string]struct {
		credentials string
		status      int
		code        string
		has, page   string // in the JSON, on our page
	}{
		"wrong password": {`"username":"ada","password":"no"`, 401, "invalid_credentials", "", "Wrong user name or password"},
		"not confirmed":  {`"username":"new","password":"right"`, 401, "invalid_credentials", `"reason":"email_not_confirmed"`, "Confirm your e-mail address first"},
		"locked":         {`"username":"locked","password":"right"`, 401, "invalid_credentials", `"reason":"account_locked"`, "This account is locked"},
		"too many":       {`"username":"eager","password":"right"`, 429, "rate_limited", `"retry_after":300`, "Too many attempts"},
		"a second step":  {`"username":"careful","password":"right"`, 401, "login_step_required", `"step":{"methods":["totp"],"mfa_token":"one-time-ticket"}`, `name="otp"`},
		"a wrong code":   {`"username":"careful","password":"right","otp":"000000"`, 401, "invalid_credentials", "", "That did not match"},
	} {
		b := s.browser()
		a := b.do("POST", "/auth/login", body("application/json", "{"+row.credentials+"}"))
		if a.status != row.status || a.code() != row.code || !strings.Contains(strings.Replace(a.body, `"mfa_token":"one-time-ticket","methods":["totp"]`, `"methods":["totp"],"mfa_token":"one-time-ticket"`, 1), row.has) {
			t.Errorf("%s: %s", name, a)
		}
		var fields map[string]string
		_ = json.Unmarshal([]byte("{"+row.credentials+"}"), &fields)
		form := url.Values{}
		for field, value := range fields {
			form.Set(field, value)
		}
		p := b.do("POST", "/auth/login", body("application/x-www-form-urlencoded", form.Encode()))
		if p.status != row.status || !strings.Contains(p.body, row.page) {
			t.Errorf("%s, our page: %s", name, p)
		}
		for _, never := range []string{apiToken, "Email not confirmed", "Invalid login", "bad code", "one-time-ticket"} {
			if strings.Contains(p.body, never) || never != "one-time-ticket" && strings.Contains(a.body, never) {
				t.Errorf("%s: %q reached a browser", name, never)
			}
		}
	}
	if s.logs.count(`"msg":"login_failed"`, `"reason":"email_not_confirmed"`) != 2 || s.logs.count(`"msg":"login_step_required"`) != 2 ||
		s.logs.count(`"msg":"rate_limited"`, `"limit":"provider"`) != 2 {
		t.Errorf("the log: %s", s.logs)
	}
	b := s.browser()
	if a := b.do("POST", "/auth/login", body("application/json", `{"username":"careful","password":"right","otp":"123456"}`)); a.status != 200 {
		t.Fatalf("with the code: %s", a)
	}
	b.ok("/api/data")
	for _, secret := range []string{apiToken, "000000", "123456", "one-time-ticket"} {
		if strings.Contains(s.logs.String(), secret) {
			t.Errorf("the log has %s", secret)
		}
	}
}

// The only session of a site can never be settled by another's success, and its user is not stuck
// all the same: the 503 leads to the login, and the login replaces it. Signing in proves nothing of
// the way to refresh: what refuses every refresh would otherwise sign everybody out.
func TestNobodyIsStuckInDoubt(t *testing.T) {
	t.Parallel()
	api := newRefusingAPI(t)
	s := api.start(t)
	b := s.browser()
	b.login("ada", "right")
	api.dead.Store(true)
	s.clock.Advance(2 * time.Minute)
	for range 3 {
		a := b.get("/api/data")
		if a.status != 503 || a.code() != "provider_unavailable" || !strings.Contains(a.body, `"login_url":"/auth/login`) {
			t.Fatalf("in doubt: %s", a)
		}
		s.clock.Advance(time.Minute)
	}
	if a := b.get("/api/data", navigating("none")); a.status != 503 || !strings.Contains(a.body, "Sign in again") {
		t.Errorf("a person in doubt: %s", a)
	}
	other := s.browser()
	other.login("ada", "right")
	if a := b.get("/api/data"); a.status != 503 {
		t.Errorf("somebody's sign-in is no proof: %s", a)
	}
	if a := b.get("/auth/login?return_to=/api/data", navigating("none")); a.status != 200 || !strings.Contains(a.body, `name="password"`) {
		t.Fatalf("the login page: %s", a)
	}
	a := b.do("POST", "/auth/login", body("application/x-www-form-urlencoded", "username=ada&password=right&return_to=/api/data"))
	if a.status != 303 || a.header.Get("Location") != "/api/data" {
		t.Fatalf("signing in again: %s", a)
	}
	b.ok("/api/data")
	if s.logs.count(`"msg":"session_ended"`, `"reason":"replaced"`) != 1 || s.logs.count(`"reason":"provider_refused"`) != 0 {
		t.Errorf("the log: %s", s.logs)
	}
	s.clock.Advance(2 * time.Minute)
	if a := other.get("/api/data"); a.status != 503 {
		t.Errorf("another session in doubt: %s", a)
	}
	api.dead.Store(false)
	s.clock.Advance(time.Minute)
	other.ok("/api/data")
}

// A person with a second factor signs in on our page.
func TestChromiumSecondStep(t *testing.T) {
	tab := testserver.Chromium(t)
	api := newRefusingAPI(t)
	s, origin := onItsOwnOrigin(t, options{extra: api.provider()})
	shots := os.Getenv("SESSIONGATE_TEST_SCREENSHOTS")
	shoot := func(name string) {
		for _, width := range []int64{390, 1280} {
			if shots != "" {
				testserver.Screenshot(tab, filepath.Join(shots, fmt.Sprintf("%s-%d.png", name, width)), width, 844)
			}
		}
	}
	signIn := func(user, otp string) {
		testserver.Eval[string](tab, `document.querySelector("#provider").value = "api"`)
		testserver.Eval[string](tab, `document.querySelector("#username").value = ""`)
		testserver.Fill(tab, "#username", user)
		testserver.Fill(tab, "#password", "right")
		if otp != "" {
			testserver.Fill(tab, "#extra-otp", otp)
		}
		testserver.Click(tab, ".stack button")
	}
	testserver.Navigate(tab, origin+"/auth/login?return_to=/auth/account")
	signIn("new", "")
	testserver.WaitFor(tab, `document.querySelector("#error")?.textContent.includes("Confirm your e-mail")`)
	shoot("not-confirmed")
	signIn("careful", "")
	testserver.WaitFor(tab, `document.querySelector("#extra-otp") !== null`)
	if chosen := testserver.Eval[string](tab, `document.querySelector("#provider").value`); chosen != "api" {
		t.Errorf("the account is %q", chosen)
	}
	shoot("step")
	signIn("careful", "000000")
	testserver.WaitFor(tab, `document.querySelector("#error")?.textContent.includes("did not match")`)
	shoot("wrong-code")
	signIn("careful", "123456")
	testserver.WaitFor(tab, `location.pathname === "/auth/account"`)
	if problems := testserver.ConsoleErrors(tab); len(problems) > 0 {
		// The two refusals are 401s, which the browser notes.
		for _, p := range problems {
			if !strings.Contains(p, "401") {
				t.Error(p)
			}
		}
	}
	if strings.Contains(s.logs.String(), "123456") {
		t.Error("the log has the code")
	}
}
