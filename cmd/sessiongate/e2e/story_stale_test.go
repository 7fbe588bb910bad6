package e2e

import (
	"encoding/base64"
	"encoding/binary"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"sessiongate/session"
	"sessiongate/session/seal"
)

const staleCookie = "__Host-session-stale"

// retire signs ada in and brings her session to the third generation, seen at once.
// The windows of the older ones have passed; what she did since is what silent says:
// nothing, or a request more than a minute after the rotation. It returns her browser
// and the cookies of generations 1 to 3.
func (s *environment) retire(silent bool) (owner *browser, cookies [4]string) {
	s.t.Helper()
	owner = s.browser()
	owner.ada()
	cookies[1] = owner.cookie()
	for g := 2; g <= 3; g++ {
		owner.ok("/api/x")
		s.clock.Advance(11 * time.Minute)
		owner.ok("/api/x") // rotates
		owner.ok("/api/x") // and shows the new handle
		cookies[g] = owner.cookie()
	}
	if g := s.open(owner.cookie()).Generation(); g != 3 {
		s.t.Fatalf("generation %d", g)
	}
	s.clock.Advance(45 * time.Second)
	if !silent {
		s.clock.Advance(time.Minute)
		owner.ok("/api/x")
	}
	return owner, cookies
}

// mark is the stale mark the browser holds.
func (b *browser) mark() string {
	b.jar.mu.Lock()
	defer b.jar.mu.Unlock()
	return b.jar.cookies[staleCookie]
}

// holding is a separate browser that holds this handle and this mark.
func (b *browser) holding(value, mark string) *browser {
	c := b.with(value)
	if mark != "" {
		c.jar.cookies[staleCookie] = mark
	}
	return c
}

// ours are the handle and the mark that an answer sets.
func (a answer) ours() (list []*http.Cookie) {
	for _, c := range (&http.Response{Header: a.header}).Cookies() {
		if strings.HasPrefix(c.Name, "__Host-session") {
			list = append(list, c)
		}
	}
	return list
}

// wantStale checks an answer to a retired handle, and whether it brings a mark.
func wantStale(t *testing.T, what string, a answer, marked bool) {
	t.Helper()
	set := a.ours()
	if a.status != 401 || a.code() != "session_stale" || len(set) > 1 || (len(set) == 1) != marked {
		t.Fatalf("%s: %s, cookies %v; want session_stale, marked %v", what, a, set, marked)
	}
	if !marked {
		return
	}
	c := set[0]
	if c.Name != staleCookie || c.MaxAge != 3600 || !c.Secure || !c.HttpOnly || c.SameSite != http.SameSiteStrictMode || c.Path != "/" || c.Domain != "" {
		t.Errorf("%s: %+v", what, c)
	}
}

// wantCode checks that an answer is a 401 with the code and sets no cookie of ours.
func wantCode(t *testing.T, what string, a answer, code string) {
	t.Helper()
	if a.status != 401 || a.code() != code || len(a.ours()) != 0 {
		t.Fatalf("%s: %s, cookies %v; want %s", what, a, a.ours(), code)
	}
}

// TestStolenHandleWithoutMark: whoever replays a retired handle and keeps no cookies
// gets nothing and ends nothing, however often. It is counted.
func TestStolenHandleWithoutMark(t *testing.T) {
	s := newEnvironment(t, options{gateways: 2})
	owner, cookies := s.retire(false)
	for round := range 10 {
		for _, g := range []int{1, 2} {
			thief := owner.with(cookies[g]).at(s.gateways[round%2].addr)
			wantStale(t, "replayed", thief.get("/api/x"), true)
		}
		owner.ok("/api/x")
		s.clock.Advance(7 * time.Second)
	}
	if n := s.logs.count(`"msg":"reuse_detected"`); n != 0 {
		t.Errorf("%d reuse events without proof", n)
	}
	if n := s.logs.count(`"msg":"retired_handle"`); n == 0 || n > 20 {
		t.Errorf("%d lines about retired handles, want some, and not one each", n)
	}
}

// TestStolenHandleWithMark: the retired handle comes back with its mark. What happens
// depends on which handle it is and on how long the owner has been silent.
func TestStolenHandleWithMark(t *testing.T) {
	t.Run("the owner is active", func(t *testing.T) {
		s := newEnvironment(t, options{})
		owner, cookies := s.retire(false)
		thief := owner.with(cookies[2])
		wantStale(t, "first", thief.get("/api/x"), true)
		owner.ok("/api/x")
		wantCode(t, "again", thief.get("/api/x"), "session_reused")
		wantCode(t, "the owner", owner.get("/api/x"), "session_reused")
		if n := s.logs.count(`"msg":"reuse_detected"`, `"security":true`); n != 1 {
			t.Errorf("%d reuse events", n)
		}
	})
	t.Run("the owner is silent and g-2 comes", func(t *testing.T) {
		s := newEnvironment(t, options{})
		owner, cookies := s.retire(true)
		thief := owner.with(cookies[1])
		wantStale(t, "first", thief.get("/api/x"), true)
		wantCode(t, "again", thief.get("/api/x"), "session_reused")
		wantCode(t, "the owner", owner.get("/api/x"), "session_reused")
	})
	t.Run("the owner is silent and g-1 comes", func(t *testing.T) {
		s := newEnvironment(t, options{})
		owner, cookies := s.retire(true)
		thief := owner.with(cookies[2])
		wantStale(t, "first", thief.get("/api/x"), true)
		a := thief.ok("/api/x")
		if set := a.ours(); len(set) != 1 || set[0].Name != "__Host-session" || s.open(set[0].Value).Generation() != 4 {
			t.Fatalf("recovered: %v", set)
		}
		thief.ok("/api/x")
		if n := s.logs.count(`"msg":"session_recovered"`, `"security":true`, `"device_user_agent"`, `"user_agent"`); n != 1 {
			t.Errorf("%d recoveries", n)
		}
		s.clock.Advance(time.Hour)
		// The owner's next request ends it.
		wantStale(t, "the owner", owner.get("/api/x"), true)
		wantCode(t, "the owner again", owner.get("/api/x"), "session_reused")
		wantCode(t, "the thief", thief.get("/api/x"), "session_reused")
	})
	t.Run("taking turns", func(t *testing.T) {
		s := newEnvironment(t, options{})
		owner, cookies := s.retire(true)
		thief := owner.with(cookies[2])
		wantStale(t, "the thief", thief.get("/api/x"), true)
		wantStale(t, "before the owner", owner.with(cookies[2]).get("/api/x"), true)
		thief.ok("/api/x") // recovers
		wantStale(t, "the owner", owner.get("/api/x"), true)
		thief.ok("/api/x")
		wantCode(t, "the owner comes back", owner.get("/api/x"), "session_reused")
		wantCode(t, "the thief", thief.get("/api/x"), "session_reused")
	})
	t.Run("another kind of browser", func(t *testing.T) {
		s := newEnvironment(t, options{})
		owner, cookies := s.retire(true)
		thief := owner.with(cookies[2])
		thief.userAgent = "Mozilla/5.0 (Windows NT 10.0; rv:140.0) Gecko/20100101 Firefox/140.0"
		wantStale(t, "first", thief.get("/api/x"), true)
		wantCode(t, "again", thief.get("/api/x"), "session_reused")
	})
}

// TestOtherBrowserInTheWindow: it gets nothing, marks nothing and ends nothing, not
// even with a mark from elsewhere.
func TestOtherBrowserInTheWindow(t *testing.T) {
	s := newEnvironment(t, options{})
	owner := s.browser()
	owner.ada()
	owner.ok("/api/x")
	first := owner.cookie()
	s.clock.Advance(11 * time.Minute)
	owner.ok("/api/x")
	owner.ok("/api/x")
	thief := owner.holding(first, s.seal(t, s.open(first), s.clock.Now().Add(-time.Second)))
	thief.userAgent = "curl/8.5.0"
	for range 3 {
		wantStale(t, "in the window", thief.get("/api/x"), false)
		s.clock.Advance(6 * time.Second)
	}
	owner.ok("/api/x")
	if a := owner.with(first).ok("/api/x"); len(a.ours()) != 1 {
		t.Error("the owner's own straggler did not converge")
	}
}

// seal makes a mark as a gateway of the environment does.
func (s *environment) seal(t *testing.T, h session.Handle, issued time.Time, keys ...seal.Key) string {
	t.Helper()
	if keys == nil {
		text, err := os.ReadFile(filepath.Join(s.dir, "cookie.key"))
		if err != nil {
			t.Fatal(err)
		}
		secret, err := seal.ParseKey(text)
		if err != nil {
			t.Fatal(err)
		}
		keys = []seal.Key{{ID: "c1", Secret: secret}}
	}
	marks, err := seal.NewHandles("stale", keys, nil)
	if err != nil {
		t.Fatal(err)
	}
	payload, err := base64.RawURLEncoding.DecodeString(string(h.ID()))
	if err != nil {
		t.Fatal(err)
	}
	payload = binary.BigEndian.AppendUint32(payload, h.Generation())
	payload = binary.BigEndian.AppendUint64(payload, uint64(issued.UnixMilli()))
	value, err := marks.Seal(payload)
	if err != nil {
		t.Fatal(err)
	}
	return value
}

// TestMarksThatProveNothing: each of them counts as none, and brings a fresh one.
func TestMarksThatProveNothing(t *testing.T) {
	s := newEnvironment(t, options{})
	owner, cookies := s.retire(false)
	stranger := s.browser()
	stranger.grace()
	h, now := s.open(cookies[2]), s.clock.Now()
	good := s.seal(t, h, now.Add(-time.Second))
	other, err := seal.ParseKey([]byte(seal.GenerateKey()))
	if err != nil {
		t.Fatal(err)
	}
	for what, value := range map[string]string{
		"of another handle":   s.seal(t, s.open(cookies[1]), now.Add(-time.Second)),
		"of the current one":  s.seal(t, s.open(cookies[3]), now.Add(-time.Second)),
		"of another session":  s.seal(t, s.open(stranger.cookie()).At(2), now.Add(-time.Second)),
		"too old":             s.seal(t, h, now.Add(-session.MarkLife-time.Minute)),
		"from the future":     s.seal(t, h, now.Add(time.Minute)),
		"under a foreign key": s.seal(t, h, now.Add(-time.Second), seal.Key{ID: "c1", Secret: other}),
		"changed":             good[:len(good)-5] + "AAAA=",
		"a handle":            cookies[2],
		"nonsense":            "nonsense",
		"nothing":             "",
		"twice":               good + "; " + staleCookie + "=" + good,
		"beside two handles":  good + "; __Host-session=" + cookies[1],
	} {
		pair := "__Host-session=" + cookies[2] + "; " + staleCookie + "=" + value
		wantStale(t, what, owner.get("/api/x", header("Cookie", pair)), true)
	}
	owner.ok("/api/x", header("Cookie", "__Host-session="+cookies[3]+"; "+staleCookie+"="+good)) // left over
	wantCode(t, "the good one", owner.get("/api/x", header("Cookie", "__Host-session="+cookies[2]+"; "+staleCookie+"="+good)), "session_reused")
}

// TestTwoHandlesInOneRequest: a retired first value ends no session whose second
// value lives.
func TestTwoHandlesInOneRequest(t *testing.T) {
	s := newEnvironment(t, options{})
	owner, cookies := s.retire(false)
	stranger := s.browser()
	stranger.grace()
	mark := staleCookie + "=" + s.seal(t, s.open(cookies[2]), s.clock.Now().Add(-time.Second))
	for what, pair := range map[string]string{
		"retired, current": "__Host-session=" + cookies[2] + "; __Host-session=" + cookies[3],
		"current, retired": "__Host-session=" + cookies[3] + "; __Host-session=" + cookies[2],
		"older, current":   "__Host-session=" + cookies[1] + "; __Host-session=" + cookies[3],
		"of two users":     "__Host-session=" + cookies[2] + "; __Host-session=" + stranger.cookie(),
	} {
		a := owner.ok("/api/x", header("Cookie", pair+"; "+mark))
		if set := a.ours(); len(set) != 0 {
			t.Errorf("%s: %v", what, set)
		}
	}
	owner.ok("/api/x")
	stranger.ok("/api/x")
	if n := s.logs.count(`"msg":"reuse_detected"`) + s.logs.count(`"msg":"session_ended"`); n != 0 {
		t.Errorf("%d ends", n)
	}
}

// TestReadLate: two of three replicas stood still. What was sent in time with the
// current handle is read 45 s after its successor was seen, request after request,
// and ends nobody's session.
func TestReadLate(t *testing.T) {
	s := newEnvironment(t, options{gateways: 3})
	var browsers []*browser
	var sent []string
	for range 20 {
		b := s.browser()
		b.ada()
		b.ok("/api/x")
		browsers, sent = append(browsers, b), append(sent, b.cookie())
	}
	s.clock.Advance(11 * time.Minute)
	for _, b := range browsers {
		b.ok("/api/x")
		b.ok("/api/x")
	}
	s.clock.Advance(45 * time.Second)
	for range 3 { // the queues of the two that stood still
		for i, b := range browsers {
			for _, g := range s.gateways[1:] {
				a := b.with(sent[i]).at(g.addr).get("/api/x")
				wantStale(t, "read late", a, true)
				// The browser's other tab had the answer and the newer cookie: the
				// repeat goes through, the mark notwithstanding.
				repeat := b.holding(b.cookie(), a.ours()[0].Value).at(g.addr)
				repeat.ok("/api/x")
			}
		}
		s.clock.Advance(6 * time.Second)
	}
	for _, b := range browsers {
		b.ok("/api/x")
	}
	for _, event := range []string{"reuse_detected", "session_recovered", "session_ended"} {
		if n := s.logs.count(`"msg":"` + event + `"`); n != 0 {
			t.Errorf("%d × %s", n, event)
		}
	}
}

// TestRestoredTabs: the browser lost its last cookies in a crash. Three tabs come
// back with the handle from the disk, and all of them go on.
func TestRestoredTabs(t *testing.T) {
	for _, ttl := range []string{"cache_ttl: 5s", "cache_ttl: 0s"} {
		s := newEnvironment(t, options{gateways: 2, session: ttl})
		owner, cookies := s.retire(true)
		restored := owner.with(cookies[2])
		s.upstream.take()
		for i := range 3 {
			tab := restored.at(s.gateways[i%2].addr)
			a, err := tab.try("GET", "/api/tab")
			if err != nil || i == 0 && a.status != 401 {
				t.Fatalf("tab %d: %v %s", i, err, a)
			}
			if a.status == 401 {
				wantStale(t, "the first sight", a, true)
				restored.at(s.gateways[(i+1)%2].addr).ok("/api/tab")
			}
			tab.ok("/api/tab")
		}
		// A tab that was judged before the others' recovery comes back after it.
		late := owner.holding(cookies[2], restored.mark())
		if a := late.ok("/api/late"); len(a.ours()) != 1 || s.open(a.ours()[0].Value).Generation() != 4 {
			t.Errorf("a late tab: %s", a)
		}
		s.clock.Advance(11 * time.Minute)
		restored.ok("/api/x")
		restored.ok("/api/x")
		if n := s.logs.count(`"msg":"session_recovered"`); n != 1 {
			t.Errorf("%s: %d recoveries", ttl, n)
		}
		if n := s.logs.count(`"msg":"reuse_detected"`); n != 0 {
			t.Errorf("%s: %d reuse events", ttl, n)
		}
	}
}

// TestRecoveryRefreshesDueTokens, under the new handle and without another rotation;
// an answer that is lost costs nothing.
func TestRecoveryRefreshesDueTokens(t *testing.T) {
	s := newEnvironment(t, options{})
	owner, cookies := s.retire(true)
	before := s.upstream.last(t).bearer()
	s.clock.Advance(20 * time.Minute)
	restored := owner.with(cookies[2])
	wantStale(t, "first", restored.get("/api/x"), true)
	lost := restored.holding(restored.cookie(), restored.mark())
	lost.ok("/api/x") // whose answer never arrives
	a := restored.ok("/api/x")
	if set := a.ours(); len(set) != 1 || s.open(set[0].Value).Generation() != 4 {
		t.Errorf("cookies %v", set)
	}
	if got := s.upstream.last(t).bearer(); got == before {
		t.Error("an expired token went on")
	}
	restored.ok("/api/x")
	if g, _ := s.generation(s.open(cookies[2]).ID()); g != 4 {
		t.Errorf("generation %d", g)
	}
}

// TestNoRecoveryAfterAnHour, or when the new handle was in use for longer.
func TestNoRecoveryAfterAnHour(t *testing.T) {
	s := newEnvironment(t, options{})
	owner, cookies := s.retire(true)
	s.clock.Advance(time.Hour)
	late := owner.with(cookies[2])
	wantStale(t, "first", late.get("/api/x"), true)
	wantCode(t, "again", late.get("/api/x"), "session_reused")
}

// TestLateUseIsSeen: a cached copy, or a looking page, does not hide from the store
// that the new handle is in lasting use.
func TestLateUseIsSeen(t *testing.T) {
	for _, ttl := range []string{"cache_ttl: 60s", "cache_ttl: 0s"} {
		s := newEnvironment(t, options{session: ttl})
		owner, cookies := s.retire(true)
		for range 8 { // the rotation was 45 s ago
			owner.ok("/auth/session?touch=false")
			owner.ok("/api/x")
			s.clock.Advance(2 * time.Second)
		}
		owner.ok("/auth/session?touch=false")
		thief := owner.with(cookies[2])
		wantStale(t, "first", thief.get("/api/x"), true)
		wantCode(t, ttl, thief.get("/api/x"), "session_reused")
	}
}

// TestStaleNavigation: a person's click gets a page that asks again; everything else
// is answered as a program.
func TestStaleNavigation(t *testing.T) {
	s := newEnvironment(t, options{})
	owner, cookies := s.retire(false)
	old := func() *browser { return owner.with(cookies[2]) }
	frame := func(r *http.Request) { navigating("same-origin")(r); r.Header.Set("Sec-Fetch-Dest", "iframe") }
	prefetch := func(r *http.Request) { navigating("none")(r); r.Header.Set("Sec-Purpose", "prefetch;prerender") }
	plain := func(r *http.Request) {
		navigating("none")(r)
		without("Sec-Fetch-Site", "Sec-Fetch-Mode", "Sec-Fetch-Dest")(r)
	}

	var page string
	for _, path := range []string{"/api/x", "/page/x", "/maybe/x?a=<script>#f", "/auth/login", "/auth/login?return_to=/page/x", "/auth/account", "/auth/logout"} {
		for what, kind := range map[string]change{"click": navigating("same-origin"), "typed": navigating("none"), "no metadata": plain} {
			a := old().get(path, kind)
			if a.status != 401 || !strings.Contains(a.body, "location.reload()") || !strings.Contains(a.header.Get("Content-Security-Policy"), "script-src 'sha256-") {
				t.Fatalf("%s %s: %s", what, path, a)
			}
			if set := a.ours(); len(set) != 1 || set[0].Name != staleCookie || len(a.header["Set-Cookie"]) != 1 {
				t.Errorf("%s %s: cookies %v", what, path, a.header["Set-Cookie"])
			}
			if page == "" {
				page = a.body
			}
			if a.body != page || a.header.Get("Cache-Control") != "no-store" || a.header.Get("Location") != "" {
				t.Errorf("%s %s: not the constant page", what, path)
			}
		}
	}

	for what, c := range map[string]struct {
		path   string
		kind   change
		status int
	}{
		"a frame":             {"/api/x", frame, 401},
		"a frame, login":      {"/page/x", frame, 303},
		"a prefetch":          {"/api/x", prefetch, 401},
		"the sign-in, a form": {"/auth/login?prompt=login", navigating("none"), 200},
	} {
		a := old().get(c.path, c.kind)
		if a.status != c.status || strings.Contains(a.body, "location.reload()") {
			t.Errorf("%s: %s", what, a)
		}
		marked := slices.ContainsFunc(a.ours(), func(c *http.Cookie) bool { return c.Name == staleCookie })
		if marked != (c.status == 401) || len(a.ours()) > 1 {
			t.Errorf("%s: cookies %v", what, a.ours())
		}
	}

	form := func(r *http.Request) {
		navigating("same-origin")(r)
		r.Header.Set("Origin", publicOrigin)
		body("application/x-www-form-urlencoded", "a=1")(r)
	}
	s.upstream.take()
	for _, path := range []string{"/api/x", "/page/x", "/maybe/x"} {
		a := old().do("POST", path, form)
		if a.status != 401 || !strings.Contains(a.body, "send this again") || strings.Contains(a.body, "<script") || len(a.ours()) != 1 {
			t.Errorf("a sent form, %s: %s, cookies %v", path, a, a.ours())
		}
	}
	wantStale(t, "a fetch with a body", old().do("POST", "/api/x", body("text/plain", "x")), true)
	wantStale(t, "on an optional route", old().get("/maybe/x"), true)
	wantStale(t, "the session document", old().get("/auth/session"), true)
	wantStale(t, "a refresh", old().do("POST", "/auth/refresh"), true)
	wantStale(t, "an event stream", old().get("/auth/events", header("Accept", "text/event-stream")), true)
	_, res, err := old().dial("/api/ws", publicOrigin)
	if err == nil || res == nil || res.StatusCode != 401 || !strings.HasPrefix(res.Header.Get("Set-Cookie"), staleCookie+"=") {
		t.Errorf("a WebSocket: %v, %v", err, res)
	}
	if seen := s.upstream.take(); len(seen) != 0 {
		t.Errorf("%d requests reached the upstream", len(seen))
	}
	owner.ok("/api/x")
}

// TestRestoredNavigation: the reload signs the person in where they were, also on the
// login page.
func TestRestoredNavigation(t *testing.T) {
	for path, want := range map[string]int{"/page/x": 200, "/auth/login?return_to=/page/x": 303} {
		s := newEnvironment(t, options{})
		owner, cookies := s.retire(true)
		restored := owner.with(cookies[2])
		if a := restored.get(path, navigating("none")); a.status != 401 {
			t.Fatalf("%s: %s", path, a)
		}
		if a := restored.get(path, navigating("same-origin")); a.status != want {
			t.Errorf("%s: %s", path, a)
		}
		restored.ok("/page/x", navigating("same-origin"))
	}
}

// TestBlockedCookies: where the mark never arrives, nothing goes round, nobody's
// session ends, and there is a way to sign in.
func TestBlockedCookies(t *testing.T) {
	s := newEnvironment(t, options{})
	owner, cookies := s.retire(false)
	for range 5 {
		a := owner.with(cookies[2]).get("/page/x", navigating("same-origin"))
		if a.status != 401 || a.header.Get("Location") != "" || !strings.Contains(a.body, `href="/auth/login?prompt=login"`) {
			t.Fatalf("%s", a)
		}
		s.clock.Advance(6 * time.Second)
	}
	owner.ok("/api/x")
	if a := owner.with(cookies[2]).get("/auth/login?prompt=login&return_to=/page/x", navigating("same-origin")); !strings.Contains(a.body, `name="password"`) {
		t.Errorf("no way to sign in: %s", a)
	}
}

// TestMarkStaysOurs: no upstream sees it or sets it.
func TestMarkStaysOurs(t *testing.T) {
	s := newEnvironment(t, options{})
	b := s.browser()
	b.ada()
	s.upstream.answer(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Add("Set-Cookie", staleCookie+"=forged; Path=/; Secure")
		w.Header().Add("Set-Cookie", "app=1; Path=/")
	})
	for _, path := range []string{"/api/x", "/open/x", "/maybe/x"} {
		a := b.ok(path, header("Cookie", "a=1; "+staleCookie+"=x; __Host-session="+b.cookie()+"; b=2"))
		if got := a.header["Set-Cookie"]; len(got) != 1 || got[0] != "app=1; Path=/" {
			t.Errorf("%s: %q", path, got)
		}
		if got := s.upstream.last(t).Header.Get("Cookie"); got != "a=1; b=2" {
			t.Errorf("%s: the upstream got %q", path, got)
		}
	}
}
