package e2e

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"sessiongate/session/testserver"
)

type listedDevice struct {
	ID         string    `json:"id"`
	Current    bool      `json:"current"`
	CreatedAt  time.Time `json:"created_at"`
	LastSeenAt time.Time `json:"last_seen_at"`
	Device     string    `json:"device"`
	IPPrefix   string    `json:"ip_prefix"`
	Provider   string    `json:"provider"`
}

func (b *browser) devices() []listedDevice {
	b.t.Helper()
	var doc struct{ Sessions []listedDevice }
	if err := json.Unmarshal([]byte(b.ok("/auth/sessions").body), &doc); err != nil {
		b.t.Fatal(err)
	}
	return doc.Sessions
}

func TestDevicesAreListed(t *testing.T) {
	s := newEnvironment(t, options{gateways: 2})
	desk, phone := s.browser(), newBrowser(t, s.gateways[1].addr)
	phone.userAgent = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Mobile/15E148 Safari/604.1"
	desk.ada()
	s.clock.Advance(time.Minute)
	a := phone.do("POST", "/auth/login", body("application/json",
		`{"username":"ada","password":"lovelace-1843","device_name":" Ada's\u001b[31m <phone> "}`))
	if a.status != http.StatusOK {
		t.Fatal(a)
	}
	s.browser().grace()

	list := desk.devices()
	if len(list) != 2 || list[0].Current || !list[1].Current {
		t.Fatalf("want the phone first and this device marked, got %+v", list)
	}
	if list[0].Device != "Ada's[31m <phone>" || list[1].Device != "Chrome on Linux" {
		t.Errorf("devices %q and %q", list[0].Device, list[1].Device)
	}
	for _, d := range list {
		if d.IPPrefix != "127.0.0.0/24" || d.Provider != "local" || d.CreatedAt.Location() != time.UTC ||
			d.LastSeenAt.Before(d.CreatedAt) || strings.Contains(desk.cookie(), d.ID) {
			t.Errorf("%+v", d)
		}
		// An id is a name, not a key.
		if a := desk.with(d.ID).get("/auth/sessions"); a.status != http.StatusUnauthorized {
			t.Errorf("an id as a cookie: %s", a)
		}
	}
	if got := phone.devices(); len(got) != 2 || !got[0].Current || got[1].Current {
		t.Errorf("the phone sees %+v", got)
	}
	raw := desk.ok("/auth/sessions")
	if raw.header.Get("Cache-Control") != "no-store" || strings.Contains(raw.body, "Mozilla") {
		t.Errorf("list %s", raw)
	}
}

func TestOneDeviceIsSignedOut(t *testing.T) {
	s := newEnvironment(t, options{gateways: 2})
	desk, phone, other := s.browser(), newBrowser(t, s.gateways[1].addr), s.browser()
	desk.ada()
	phone.ada()
	other.grace()
	phone.ok("/api/x") // cached over there
	var id, foreign string
	for _, d := range desk.devices() {
		if !d.Current {
			id = d.ID
		}
	}
	foreign = other.devices()[0].ID

	for _, path := range []string{foreign, "AAAAAAAAAAAAAAAAAAAAAA", "x", strings.Repeat("A", 500), id + "%20"} {
		if a := desk.do("DELETE", "/auth/sessions/"+path); a.status != http.StatusNotFound || a.code() != "not_found" {
			t.Errorf("DELETE of %q: %s", path, a)
		}
	}
	if a := desk.do("DELETE", "/auth/sessions/%00"); a.code() != "bad_request" { // no path holds such
		t.Errorf("%s", a)
	}
	other.ok("/api/x")
	a := desk.do("DELETE", "/auth/sessions/"+id)
	if _, set := a.set(); a.status != http.StatusNoContent || set {
		t.Errorf("%s", a)
	}
	eventually(t, "the phone is signed out on the other replica", func() bool {
		a := phone.get("/api/x")
		return a.status == http.StatusUnauthorized && a.code() == "session_ended" && strings.Contains(a.body, `"revoked_by_user"`)
	})
	if a := desk.do("DELETE", "/auth/sessions/"+id); a.status != http.StatusNotFound {
		t.Errorf("twice: %s", a)
	}
	if a := s.browser().do("DELETE", "/auth/sessions/"+id); a.status != http.StatusUnauthorized {
		t.Errorf("by nobody: %s", a)
	}
	desk.ok("/api/x")
}

func TestAllDevicesAreSignedOut(t *testing.T) {
	s := newEnvironment(t, options{gateways: 2, extra: "rate_limits: {login: {per_ip: 1000/1m}}"})
	desk, other := s.browser(), s.browser()
	desk.ada()
	other.grace()
	var all []*browser
	for i := range 12 {
		b := newBrowser(t, s.gateways[i%2].addr)
		b.ada()
		all = append(all, b)
	}
	for _, query := range []string{"?keep=", "?keep=all", "?keep=current&keep=x", "?Keep=current", "?x=1", "?keep=current;x"} {
		if a := desk.do("DELETE", "/auth/sessions"+query); a.status != http.StatusBadRequest {
			t.Errorf("%s: %s", query, a)
		}
	}
	if a := desk.do("DELETE", "/auth/sessions?keep=current"); a.status != http.StatusOK || a.body != `{"ended":12}` {
		t.Fatalf("%s", a)
	}
	eventually(t, "all others are signed out everywhere", func() bool {
		for _, b := range all {
			if b.get("/api/x").status != http.StatusUnauthorized {
				return false
			}
		}
		return true
	})
	if list := desk.devices(); len(list) != 1 || !list[0].Current {
		t.Errorf("left: %+v", list)
	}
	a := desk.do("DELETE", "/auth/sessions")
	if _, set := a.set(); a.body != `{"ended":1}` || set {
		t.Errorf("%s, cookie written: %v", a, set)
	}
	if a := desk.get("/api/x"); a.code() != "session_ended" || !strings.Contains(a.body, `"logout_everywhere"`) {
		t.Errorf("%s", a)
	}
	other.ok("/api/x")
}

// Logins that run while everything is ended either lose or are in the list.
func TestLoginsDuringSignOutEverywhere(t *testing.T) {
	s := newEnvironment(t, options{gateways: 2, extra: "rate_limits: {login: {per_ip: 1000/1m}}"})
	desk := s.browser()
	desk.ada()
	var mu sync.Mutex
	var made []*browser
	together(9, func(i int) {
		if i == 0 {
			desk.do("DELETE", "/auth/sessions?keep=current")
			return
		}
		b := newBrowser(t, s.gateways[i%2].addr)
		b.ada()
		mu.Lock()
		defer mu.Unlock()
		made = append(made, b)
	})
	alive := 1
	for _, b := range made {
		if b.get("/api/x").status == http.StatusOK {
			alive++
		}
	}
	if got := len(desk.devices()); got != alive {
		t.Errorf("%d sessions work, %d are listed: one that is not listed cannot be ended", alive, got)
	}
	desk.do("DELETE", "/auth/sessions?keep=current")
	eventually(t, "the rest is over", func() bool {
		for _, b := range made {
			if b.get("/api/x").status == http.StatusOK {
				return false
			}
		}
		return true
	})
}

// The list lies on another shard than the sessions: a fail-over can lose it alone.
func TestAListThatWasLost(t *testing.T) {
	server := testserver.Redis(t)
	s := newEnvironment(t, options{realTime: true, access: "2s", store: "redis: redis://" + server.Addr()})
	desk, phone := s.browser(), s.browser()
	desk.ada()
	phone.ada()
	server.CLI("DEL", server.CLI("--raw", "KEYS", "sg:u:*"))
	if list := desk.devices(); len(list) != 1 || !list[0].Current {
		t.Errorf("this device is not in its own list: %+v", list)
	}
	// The next refresh lists a session again.
	phone.do("POST", "/auth/refresh", func(r *http.Request) { r.URL.RawQuery = "force=true" })
	if list := desk.devices(); len(list) != 2 {
		t.Errorf("the phone is still missing: %+v", list)
	}
	server.CLI("DEL", server.CLI("--raw", "KEYS", "sg:u:*"))
	if a := desk.do("DELETE", "/auth/sessions"); a.body != `{"ended":1}` || desk.get("/api/x").status != http.StatusUnauthorized {
		t.Errorf("ending all leaves the one that asks: %s", a)
	}
}

func TestSessionsPerUser(t *testing.T) {
	t.Run("evict", func(t *testing.T) {
		s := newEnvironment(t, options{gateways: 2, session: "per_user: {max: 3, when_full: evict}"})
		var all []*browser
		for i := range 4 {
			b := newBrowser(t, s.gateways[i%2].addr)
			b.ada()
			s.clock.Advance(time.Second)
			all = append(all, b)
		}
		eventually(t, "the oldest is evicted", func() bool {
			a := all[0].get("/api/x")
			return a.code() == "session_ended" && strings.Contains(a.body, `"evicted"`)
		})
		all[3].ada() // replaces its own session, pushes nobody out
		for _, b := range all[1:] {
			b.ok("/api/x")
		}
		s.browser().grace()
	})
	t.Run("refuse", func(t *testing.T) {
		s := newEnvironment(t, options{session: "per_user: {max: 2, when_full: refuse}"})
		first, second := s.browser(), s.browser()
		first.ada()
		second.ada()
		a := s.browser().attempt("ada", "lovelace-1843")
		if _, set := a.set(); a.status != http.StatusForbidden || a.code() != "forbidden" || set {
			t.Errorf("%s", a)
		}
		second.ada() // the same browser again
		second.do("POST", "/auth/logout")
		s.browser().ada()
		first.ok("/api/x")
	})
	t.Run("many at once", func(t *testing.T) {
		for _, full := range []string{"evict", "refuse"} {
			s := newEnvironment(t, options{
				gateways: 2, session: "per_user: {max: 3, when_full: " + full + "}",
				extra: "rate_limits: {login: {per_ip: 1000/1m}}",
			})
			together(10, func(i int) { newBrowser(t, s.gateways[i%2].addr).attempt("ada", "lovelace-1843") })
			b := s.browser()
			if full == "evict" {
				b.ada()
			} else if a := b.attempt("ada", "lovelace-1843"); a.status == http.StatusForbidden {
				continue // full, and not more than that: see the count below for evict
			}
			if n := len(b.devices()); n > 3 {
				t.Errorf("%s: %d sessions, want 3 at most", full, n)
			}
		}
	})
}

// stream follows /auth/events.
type stream struct {
	status int
	events chan string
	stop   func()
}

func (b *browser) events() *stream {
	b.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	r := b.request("GET", "/auth/events").WithContext(ctx)
	res, err := b.wire.RoundTrip(r)
	if err != nil {
		b.t.Fatal(err)
	}
	s := &stream{status: res.StatusCode, events: make(chan string, 100), stop: cancel}
	go func() {
		defer close(s.events)
		defer res.Body.Close()
		name := ""
		for lines := bufio.NewScanner(res.Body); lines.Scan(); {
			if after, ok := strings.CutPrefix(lines.Text(), "event: "); ok {
				name = after
			} else if after, ok := strings.CutPrefix(lines.Text(), "data: "); ok {
				s.events <- name + " " + after
			}
		}
	}()
	b.t.Cleanup(cancel)
	return s
}

// next returns the next event, "" at the end of the stream.
func (s *stream) next(t *testing.T) string {
	t.Helper()
	select {
	case e := <-s.events:
		return e
	case <-time.After(30 * time.Second):
		t.Fatal("no event")
		return ""
	}
}

func TestEvents(t *testing.T) {
	s := newEnvironment(t, options{gateways: 2, realTime: true, access: "3s"})
	desk, phone := s.browser(), newBrowser(t, s.gateways[1].addr)
	desk.ada()
	events := desk.events()
	phone.ada()
	if got := events.next(t); got != "sessions_changed {}" {
		t.Errorf("a login elsewhere: %q", got)
	}
	desk.at(s.gateways[1].addr).do("POST", "/auth/refresh", func(r *http.Request) { r.URL.RawQuery = "force=true" })
	if got := events.next(t); !strings.HasPrefix(got, `refreshed {"access_expires_in":`) {
		t.Errorf("a refresh on another replica: %q", got)
	}
	phone.do("POST", "/auth/logout")
	if got := events.next(t); got != "sessions_changed {}" {
		t.Errorf("a logout elsewhere: %q", got)
	}
	laptop := newBrowser(t, s.gateways[1].addr)
	laptop.ada()
	if got := events.next(t); got != "sessions_changed {}" {
		t.Errorf("another login elsewhere: %q", got)
	}
	laptop.do("DELETE", "/auth/sessions?keep=current")
	got := events.next(t)
	for got == "sessions_changed {}" || strings.HasPrefix(got, "refreshed") {
		got = events.next(t)
	}
	if got != `ended {"reason":"logout_everywhere"}` {
		t.Errorf("the end: %q", got)
	}
	if got := events.next(t); got != "" {
		t.Errorf("after the end: %q", got)
	}
	if again := desk.events(); again.status != http.StatusUnauthorized {
		t.Errorf("connected again: %d", again.status)
	}
}

// An open event stream keeps no session alive, and says that the end is near.
func TestEventsDoNotTouch(t *testing.T) {
	s := newEnvironment(t, options{realTime: true, access: "1s", session: "idle_timeout: 3s, cache_ttl: 0s"})
	b := s.browser()
	b.ada()
	events := b.events()
	var seen []string
	for e := events.next(t); e != ""; e = events.next(t) {
		name, _, _ := strings.Cut(e, " ")
		seen = append(seen, name)
		if name == "ended" && e != `ended {"reason":"idle"}` {
			t.Errorf("%s", e)
		}
	}
	if got := strings.Join(seen, " "); got != "expiring ended" {
		t.Errorf("events %q", got)
	}
	if n := s.logs.count("session_ended", `"reason":"idle"`); n != 1 {
		t.Errorf("the end stands %d times in the audit log", n)
	}
}

func TestEventsAreBoundedAndDrain(t *testing.T) {
	s := newEnvironment(t, options{})
	b := s.browser()
	b.ada()
	var open []*stream
	for range 16 {
		e := b.events()
		if e.status != http.StatusOK {
			t.Fatalf("stream %d: %d", len(open)+1, e.status)
		}
		open = append(open, e)
	}
	if e := b.events(); e.status != http.StatusTooManyRequests {
		t.Errorf("one more: %d", e.status)
	}
	open[0].stop()
	eventually(t, "a place is free again", func() bool { return b.events().status == http.StatusOK })
	s.gateways[0].Revisions().Drain()
	for _, e := range open[1:] {
		if got := e.next(t); got != "" {
			t.Errorf("%q", got)
		}
	}
}

func TestSessionsCommand(t *testing.T) {
	server := testserver.Redis(t)
	store := "redis: redis://" + server.Addr()
	s := newEnvironment(t, options{gateways: 2, realTime: true, store: store, session: knownForLong})
	file := filepath.Join(t.TempDir(), "sessiongate.yaml")
	if err := os.WriteFile(file, []byte(s.config(options{store: store})), 0o600); err != nil {
		t.Fatal(err)
	}
	run := func(args ...string) (string, error) {
		var out bytes.Buffer
		cmd := sessiongate(t, append([]string{"sessions"}, args...)...)
		cmd.Stdout, cmd.Stderr = &out, s.logs
		err := cmd.Run()
		return out.String(), err
	}
	desk, phone, other := s.browser(), newBrowser(t, s.gateways[1].addr), s.browser()
	desk.ada()
	phone.ada()
	other.grace()
	var subject string
	{
		var doc struct{ User struct{ Sub string } }
		_ = json.Unmarshal([]byte(desk.ok("/auth/session").body), &doc)
		subject = doc.User.Sub
	}
	id := phone.devices()[0].ID

	out, err := run("list", "--config", file, "--user", subject)
	if err != nil || strings.Count(out, "Chrome on Linux") != 2 || !strings.Contains(out, id) {
		t.Errorf("list: %v\n%s", err, out)
	}
	if out, err := run("revoke", "--config", file, "--session", id); err != nil || out != "ended 1\n" {
		t.Errorf("revoke one: %v %q", err, out)
	}
	ended := func(b *browser) func() bool {
		return func() bool {
			a := b.get("/api/x")
			return a.code() == "session_ended" && strings.Contains(a.body, `"revoked_by_operator"`)
		}
	}
	eventually(t, "the phone is out", ended(phone))
	if _, err := run("revoke", "--config", file, "--session", id); err == nil {
		t.Error("ended what is over")
	}
	if out, err := run("revoke", "--config", file, "--user", subject, "--provider", "local"); err != nil || out != "ended 1\n" {
		t.Errorf("revoke all: %v %q", err, out)
	}
	eventually(t, "the desk is out", ended(desk))
	other.ok("/api/x")
	if out, err := run("list", "--config", file, "--user", subject); err != nil || out != "no sessions\n" {
		t.Errorf("list: %v %q", err, out)
	}
	for _, bad := range [][]string{
		{"revoke", "--config", file},
		{"revoke", "--config", file, "--user", "x", "--session", "y"},
		{"revoke", "--config", file, "--session", "../x"},
		{"list", "--config", file, "--user", "ada", "--provider", "nope"},
		{"list", "--config", file},
	} {
		if _, err := run(bad...); err == nil {
			t.Errorf("%v: accepted", bad)
		}
	}
}

// TestSessionsOfANameInAnotherSpelling: the operator types the name with combining accents, the
// users file has it without, and both mean the same user.
func TestSessionsOfANameInAnotherSpelling(t *testing.T) {
	t.Parallel()
	redis := testserver.Redis(t)
	store := "redis: redis://" + redis.Addr()
	dir := t.TempDir()
	list := filepath.Join(dir, "users.yaml")
	if _, err := runCommand(t, "long enough\n", "users", "add", "jos\u00e9", "--file", list); err != nil {
		t.Fatal(err)
	}
	s := newEnvironment(t, options{realTime: true, store: store, session: knownForLong, users: "{file: " + list + "}"})
	file := filepath.Join(dir, "sessiongate.yaml")
	if err := os.WriteFile(file, []byte(s.config(s.options)), 0o600); err != nil {
		t.Fatal(err)
	}
	b := s.browser()
	b.login("jose\u0301", "long enough")
	if out, err := runCommand(t, "", "sessions", "list", "--config", file, "--user", "jose\u0301"); err != nil || !strings.Contains(out, "Chrome") {
		t.Errorf("list: %v %s", err, out)
	}
	if out, err := runCommand(t, "", "sessions", "revoke", "--config", file, "--user", "jose\u0301"); err != nil || !strings.Contains(out, "ended 1") {
		t.Errorf("revoke: %v %s", err, out)
	}
	eventually(t, "signed out", func() bool { return b.get("/api/x").code() == "session_ended" })
}

// An end that the feed did not tell of is found when the feed is back.
func TestEventsAfterAGapInTheFeed(t *testing.T) {
	server := testserver.Redis(t)
	s := newEnvironment(t, options{realTime: true, store: "redis: redis://" + server.Addr()})
	b := s.browser()
	b.ada()
	events := b.events()
	id := b.devices()[0].ID
	server.CLI("DEL", "sg:{"+id+"}:s", "sg:{"+id+"}:t")
	server.CLI("HSET", "sg:{"+id+"}:s", "why", "revoked_by_operator")
	server.CLI("CLIENT", "KILL", "TYPE", "pubsub")
	got := events.next(t)
	for got == "sessions_changed {}" { // the sign-in's own, or said because the list may have changed in the gap
		got = events.next(t)
	}
	if got != `ended {"reason":"revoked_by_operator"}` {
		t.Errorf("%q", got)
	}
}

// TestDevicesWithoutScripts: a browser without scripts ends another device's session by the page's own
// form, which asks first and then says what it has done. Another site's form ends nothing.
func TestDevicesWithoutScripts(t *testing.T) {
	t.Parallel()
	s := newEnvironment(t, options{})
	here, phone := s.browser(), s.browser()
	here.ada()
	phone.ada()
	form := func(fields string, site string, origin string) answer {
		return here.do("POST", "/auth/account", navigating(site), header("Origin", origin), body("application/x-www-form-urlencoded", fields))
	}
	list := here.get("/auth/account", navigating("same-origin"))
	found := regexp.MustCompile(`name="end" value="([A-Za-z0-9_-]{22})"`).FindStringSubmatch(list.body)
	if found == nil {
		t.Fatalf("no form in %s", list)
	}
	end := "end=" + found[1]
	if a := form(end, "same-origin", publicOrigin); a.status != http.StatusOK || !strings.Contains(a.body, `value="`+found[1]+`"`) || !strings.Contains(a.body, `name="confirm" value="yes"`) {
		t.Errorf("asks: %s", a)
	}
	if a := form(end+"&confirm=yes", "cross-site", "https://evil.example"); a.status != http.StatusForbidden {
		t.Errorf("another site: %s", a)
	}
	phone.ok("/api/x")
	a := form(end+"&confirm=yes", "same-origin", publicOrigin)
	if a.status != http.StatusSeeOther || a.header.Get("Location") != "/auth/account?done=one" {
		t.Fatalf("%s %v", a, a.header)
	}
	if a := phone.get("/api/x"); a.code() != "session_ended" {
		t.Errorf("the phone: %s", a)
	}
	said := here.ok(a.header.Get("Location"), navigating("same-origin"))
	if !strings.Contains(said.body, "is signed out") || strings.Contains(said.body, found[1]) {
		t.Errorf("says %s", said)
	}
	here.ok("/api/x")
}
