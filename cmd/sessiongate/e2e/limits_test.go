package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"sessiongate/session/testserver"
)

// from is the same browser at another address of this machine.
func (b *browser) from(ip string) *browser {
	b.t.Helper()
	c := b.at(b.addr)
	c.jar = &jar{cookies: map[string]string{}}
	c.wire.DialContext = func(ctx context.Context, _, _ string) (net.Conn, error) {
		d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(ip)}}
		return d.DialContext(ctx, "tcp", b.addr)
	}
	return c
}

func (b *browser) attempt(user, password string, changes ...change) answer {
	b.t.Helper()
	text, _ := json.Marshal(map[string]string{"username": user, "password": password})
	return b.do("POST", "/auth/login", append([]change{body("application/json", string(text))}, changes...)...)
}

// retryAfter checks that an answer is the contract's 429 and returns its wait.
func retryAfter(t *testing.T, a answer) time.Duration {
	t.Helper()
	n, err := strconv.Atoi(a.header.Get("Retry-After"))
	if a.status != http.StatusTooManyRequests || a.code() != "rate_limited" || err != nil || n < 1 {
		t.Fatalf("want 429 rate_limited with Retry-After, got %q %s", a.header.Get("Retry-After"), a)
	}
	var p struct {
		RetryAfter int `json:"retry_after"`
	}
	if _ = json.Unmarshal([]byte(a.body), &p); p.RetryAfter != n {
		t.Errorf("body says retry_after %d, header %d", p.RetryAfter, n)
	}
	return time.Duration(n) * time.Second
}

// A thousand wrong passwords from one address, spread over two replicas.
func TestPasswordGuessingFromOneAddress(t *testing.T) {
	// Per hour, so that nothing drains while the test runs.
	s := newEnvironment(t, options{gateways: 2, extra: "rate_limits: {login: {per_ip: 20/1h, per_username_and_ip: 5/1h}}"})
	thief := []*browser{s.browser().from("127.0.0.2"), newBrowser(t, s.gateways[1].addr).from("127.0.0.2")}
	refused, passed := 0, 0
	var last answer
	for i := range 1000 {
		// A header that anybody can write opens no new bucket.
		last = thief[i%2].attempt("ada", fmt.Sprintf("guess-%d", i), header("X-Forwarded-For", fmt.Sprintf("203.0.113.%d", i%250)))
		switch last.status {
		case http.StatusTooManyRequests:
			refused++
		case http.StatusUnauthorized:
			passed++
		default:
			t.Fatalf("attempt %d: %s", i, last)
		}
	}
	if passed != 5 || refused != 995 {
		t.Errorf("%d attempts were judged, %d refused; want 5 and 995", passed, refused)
	}
	wait := retryAfter(t, last)
	if wait > 12*time.Minute {
		t.Errorf("a wait of %v for five per hour", wait)
	}
	if a := s.browser().from("127.0.0.3").attempt("ada", "lovelace-1843"); a.status != http.StatusOK {
		t.Errorf("the right password from another address: %s", a)
	}
	if a := thief[0].attempt("ada", "lovelace-1843"); a.status != http.StatusTooManyRequests {
		t.Errorf("the right password among the guesses tells itself apart: %s", a)
	}
	s.clock.Advance(wait)
	if a := thief[0].attempt("ada", "one more"); a.status != http.StatusUnauthorized {
		t.Errorf("after the wait it named: %s", a)
	}
	if n := s.logs.count("login_failed"); n != 6 {
		t.Errorf("%d failed logins in the audit log, want 6", n)
	}
	if n := s.logs.count(`"limit":"login.per_`); n != 996 {
		t.Errorf("%d limit hits in the audit log, want 996", n)
	}
}

// Failures count, successes do not; every attempt counts for the address.
func TestLoginLimitsCountWhatTheyShould(t *testing.T) {
	s := newEnvironment(t, options{extra: "rate_limits: {login: {per_ip: 12/1h, per_username_and_ip: 3/1h}}"})
	b := s.browser().from("127.0.0.2")
	for range 5 {
		b.ada()
	}
	for _, name := range []string{"ada", "ADA", " ada "} { // one name to many a provider, one bucket
		if a := b.attempt(name, "wrong"); a.status != http.StatusUnauthorized {
			t.Fatalf("%q: %s", name, a)
		}
	}
	retryAfter(t, b.attempt("ada", "lovelace-1843"))
	b.grace()
	b.grace()
	b.grace() // the twelfth attempt: the refused one counts too
	if wait := retryAfter(t, b.attempt("grace", "hopper-1952")); wait < 4*time.Minute || wait > 5*time.Minute {
		t.Errorf("wait %v, want a twelfth of an hour", wait)
	}
}

func TestManyAttemptsAtOnceAreCounted(t *testing.T) {
	s := newEnvironment(t, options{extra: "rate_limits: {login: {per_ip: 1000/1h, per_username_and_ip: 3/1h}}"})
	b := s.browser().from("127.0.0.2")
	statuses := make([]int, 40)
	together(len(statuses), func(i int) { statuses[i] = b.attempt("ada", "wrong").status })
	judged := 0
	for _, status := range statuses {
		if status == http.StatusUnauthorized {
			judged++
		}
	}
	if judged != 3 {
		t.Errorf("%d of 40 guesses sent at once were judged, want 3", judged)
	}
	c := s.browser().from("127.0.0.3")
	together(20, func(int) { // the right password is no failure, however often at once
		if a := c.attempt("ada", "lovelace-1843"); a.status != http.StatusOK {
			t.Errorf("%s", a)
		}
	})
}

// Nobody can lock a user out, but somebody tries hard: seen, slowed, not refused.
func TestGuessingFromManyAddresses(t *testing.T) {
	s := newEnvironment(t, options{realTime: true, extra: "rate_limits: {login: {per_ip: 1000/1h, per_username_and_ip: 2/1h}}"})
	for i := range 5 {
		for range 2 {
			if a := s.browser().from(fmt.Sprintf("127.0.1.%d", i+1)).attempt("ada", "wrong"); a.status != http.StatusUnauthorized {
				t.Fatalf("%s", a)
			}
		}
	}
	began := time.Now()
	if a := s.browser().from("127.0.2.1").attempt("ada", "lovelace-1843"); a.status != http.StatusOK {
		t.Errorf("the user from an address of her own: %s", a)
	}
	if took := time.Since(began); took < time.Second {
		t.Errorf("no delay while the name is under attack: %v", took)
	}
	if n := s.logs.count(`"msg":"guessing"`); n != 1 {
		t.Errorf("%d alarms, want one a minute", n)
	}
	if n := s.logs.count(`"username":"ada"`); n != 1 {
		t.Errorf("the alarm does not name whom to help, or more than the alarm does: %d", n)
	}
}

// What a person types into the field for the name may be a password.
func TestFailedLoginsAreNotWrittenDown(t *testing.T) {
	s := newEnvironment(t, options{})
	const canary = "my-password-in-the-wrong-field"
	for range 8 {
		s.browser().attempt(canary, canary)
	}
	if strings.Contains(s.logs.String(), canary) {
		t.Error("what was typed stands in the log")
	}
}

func TestUnknownUserAndWrongPasswordAreOneAnswer(t *testing.T) {
	s := newEnvironment(t, options{extra: "rate_limits: {login: {per_ip: 1000/1h}}"})
	b := s.browser()
	strip := func(a answer) string {
		var p map[string]any
		if err := json.Unmarshal([]byte(a.body), &p); err != nil {
			t.Fatal(err)
		}
		delete(p, "request_id")
		if a.status == http.StatusTooManyRequests { // the wait runs down between the two
			delete(p, "retry_after")
			delete(p, "detail")
		}
		text, _ := json.Marshal(p)
		return fmt.Sprint(a.status, string(text))
	}
	for range 8 { // the limit sets in at the same attempt as well
		known, unknown := b.attempt("ada", "wrong"), b.attempt("nobody", "wrong")
		if strip(known) != strip(unknown) {
			t.Fatalf("%s\n%s", known, unknown)
		}
	}
}

func TestRefreshLimit(t *testing.T) {
	s := newEnvironment(t, options{extra: "rate_limits: {refresh: {per_ip: 10/1m}}"})
	b := s.browser()
	b.ada()
	together(100, func(int) { // not one of these is a failure
		if a := b.do("POST", "/auth/refresh"); a.status != http.StatusOK {
			t.Errorf("refresh: %s", a)
		}
	})
	bad := b.with(b.cookie() + "x")
	for i := range 10 {
		if a := bad.do("POST", "/auth/refresh"); a.status != http.StatusUnauthorized {
			t.Fatalf("bad refresh %d: %s", i, a)
		}
	}
	if wait := retryAfter(t, bad.do("POST", "/auth/refresh")); wait > 6*time.Second {
		t.Errorf("wait %v, want a tenth of a minute", wait)
	}
	if a := b.do("POST", "/auth/refresh"); a.status != http.StatusOK {
		t.Errorf("a good session behind the same address: %s", a)
	}
}

func TestLoginFailsClosedWithoutTheStore(t *testing.T) {
	server := testserver.Redis(t)
	s := newEnvironment(t, options{realTime: true, store: "redis: redis://" + server.Addr()})
	server.Stop()
	a := s.browser().attempt("ada", "lovelace-1843")
	if a.status != http.StatusServiceUnavailable || a.code() != "store_unavailable" || a.header.Get("Retry-After") == "" {
		t.Errorf("login without a store: %s", a)
	}
}

// The login page says it in words.
func TestLoginPageWhenLimited(t *testing.T) {
	s := newEnvironment(t, options{extra: "rate_limits: {login: {per_ip: 1/1h}}"})
	b := s.browser()
	b.get("/auth/login", navigating("none"))
	form := body("application/x-www-form-urlencoded", "username=ada&password=wrong")
	b.do("POST", "/auth/login", form, navigating("same-origin"), header("Origin", publicOrigin))
	a := b.do("POST", "/auth/login", form, navigating("same-origin"), header("Origin", publicOrigin))
	if a.status != http.StatusTooManyRequests || a.header.Get("Retry-After") != "3600" ||
		!strings.Contains(a.body, "Too many attempts. Try again in 60 minutes.") {
		t.Errorf("%q %s", a.header.Get("Retry-After"), a)
	}
}

// Sign-ins that only begin at a provider leave something in the store each, so a stranger can begin
// so many and no more; whoever comes from elsewhere is not kept waiting.
func TestSignInsThatOnlyBeginAreLimited(t *testing.T) {
	t.Parallel()
	s := newOIDCEnvironment(t, oidcOptions{routes: "rate_limits: {login: {start_per_ip: 3/1h}}"})
	b := s.person()
	for range 3 {
		if a := b.get("/auth/login", navigating("none")); a.status != http.StatusSeeOther {
			t.Fatalf("%s", a)
		}
	}
	a := b.get("/auth/login", navigating("none"))
	if a.status != http.StatusTooManyRequests || a.header.Get("Retry-After") == "" {
		t.Errorf("the fourth: %s", a)
	}
}
