package e2e

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"sessiongate/cmd/sessiongate/program"
	"sessiongate/session/redisstore"
	"sessiongate/session/sessiontest"
)

// mortalAPI is a login API whose tokens die: by the clock, or because it forgets them. It checks the
// token of every request, as APIs do.
type mortalAPI struct {
	*httptest.Server
	now  func() time.Time
	life time.Duration
	says func(now time.Time, life time.Duration) string // a member of its grants

	mu        sync.Mutex
	n         int
	access    map[string]time.Time // until when
	refresh   string               // in force
	refreshes int
	denied    int            // requests with a token that was no good
	done      map[string]int // requests that were carried out
	down      bool           // refreshes fail
	no        http.HandlerFunc
}

func newMortalAPI(t *testing.T, now func() time.Time) *mortalAPI {
	a := &mortalAPI{
		now: now, life: 15 * time.Minute, access: make(map[string]time.Time), done: make(map[string]int),
		says: func(time.Time, time.Duration) string { return "" },
		no:   func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusUnauthorized) },
	}
	a.Server = httptest.NewServer(http.HandlerFunc(a.serve))
	t.Cleanup(a.Close)
	return a
}

func (a *mortalAPI) serve(w http.ResponseWriter, r *http.Request) {
	data, _ := io.ReadAll(r.Body)
	a.mu.Lock()
	defer a.mu.Unlock()
	switch r.URL.Path {
	case "/auth/login":
		a.grant(w)
	case "/auth/refresh":
		a.refreshes++
		switch {
		case a.down:
			w.WriteHeader(http.StatusBadGateway)
		case a.refresh == "" || !strings.Contains(string(data), a.refresh):
			w.WriteHeader(http.StatusUnauthorized)
			fmt.Fprint(w, `{"error":"invalid"}`)
		default:
			a.grant(w)
		}
	default:
		until := a.access[strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")]
		if !a.now().Before(until) || r.URL.Path == "/forbidden" {
			a.denied++
			a.no(w, r)
			return
		}
		a.done[r.Method+" "+r.URL.Path+" "+string(data)]++
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprint(w, `{"code": 200,  "data": "fine"}`)
	}
}

func (a *mortalAPI) grant(w http.ResponseWriter) {
	a.n++
	access := fmt.Sprintf("opaque-%d", a.n)
	a.access[access] = a.now().Add(a.life)
	a.refresh = fmt.Sprintf("refresh-%d", a.n)
	said := a.says(a.now(), a.life)
	if said != "" {
		said = "," + said
	}
	fmt.Fprintf(w, `{"access_token":%q,"refresh_token":%q,"sub":"ada"%s}`, access, a.refresh, said)
}

// forget makes all access tokens worthless, as a restart with another key does.
func (a *mortalAPI) forget() {
	a.mu.Lock()
	defer a.mu.Unlock()
	clear(a.access)
}

func (a *mortalAPI) set(change func()) {
	a.mu.Lock()
	defer a.mu.Unlock()
	change()
}

// count returns what was counted since the last call.
func (a *mortalAPI) count() (refreshes, denied int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	refreshes, denied = a.refreshes, a.denied
	a.refreshes, a.denied = 0, 0
	return refreshes, denied
}

// mortal is gateways in front of such an API. Only a test moves its clock.
func mortal(t *testing.T, gateways int, keys string) (*environment, *mortalAPI) {
	t.Helper()
	s := &environment{
		t: t, clock: sessiontest.NewClock(), embedded: redisstore.StartEmbedded(), dir: t.TempDir(), logs: &logBuffer{},
	}
	t.Cleanup(s.embedded.Close)
	s.handles = newKeys(t, s.dir)
	a := newMortalAPI(t, s.clock.Now)
	for range gateways {
		s.start(s.tokenAPIConfig("embedded: true",
			fmt.Sprintf("  - {name: api, kind: tokenapi, base_url: %q, login: {path: /auth/login}, refresh: {path: /auth/refresh}, identity: {from: reply}, %s}", a.URL, keys),
			fmt.Sprintf("  - {path: /api/, upstreams: [%q], strip_prefix: /api}", a.URL)), program.Overrides{})
	}
	return s, a
}

// deadToken is such a gateway, and a browser whose session has a token that the API has forgotten.
func deadToken(t *testing.T) (*environment, *mortalAPI, *browser) {
	t.Helper()
	s, api := mortal(t, 1, "access_lifetime: 1d")
	b := s.browser()
	b.ada()
	s.clock.Advance(time.Minute)
	api.forget()
	return s, api, b
}

// However an API says when its tokens expire, or if it does not, no page sees a 401 of a token that
// ran out. What it says is enough where it can be read: then the API sees no dead token either.
func TestExpiryForms(t *testing.T) {
	t.Parallel()
	member := func(format string, value func(now time.Time, life time.Duration) any) func(time.Time, time.Duration) string {
		return func(now time.Time, life time.Duration) string { return fmt.Sprintf(format, value(now, life)) }
	}
	end := func(now time.Time, life time.Duration) time.Time { return now.Add(life).UTC() }
	const wrong = "access_lifetime: 30d" // what counts where nothing can be read
	for name, row := range map[string]struct {
		keys string
		says func(time.Time, time.Duration) string
		read bool
	}{
		"seconds":      {wrong, member(`"expires_in":%d`, func(_ time.Time, l time.Duration) any { return int(l.Seconds()) }), true},
		"milliseconds": {wrong + ", reply: {expires_unit: ms}", member(`"expires_in":%d`, func(_ time.Time, l time.Duration) any { return l.Milliseconds() }), true},
		"epoch":        {wrong, member(`"expires_in":%d`, func(n time.Time, l time.Duration) any { return end(n, l).Unix() }), true},
		"epoch ms":     {wrong, member(`"expires_in":%d`, func(n time.Time, l time.Duration) any { return end(n, l).UnixMilli() }), true},
		"ISO 8601":     {wrong, member(`"expires_in":%q`, func(n time.Time, l time.Duration) any { return end(n, l).Format("2006-01-02T15:04:05.000000") }), true},
		"text":         {wrong, member(`"expires_in":%q`, func(time.Time, time.Duration) any { return "15m" }), true},
		"none":         {wrong, member("%v", func(time.Time, time.Duration) any { return `"x":1` }), false},
		"the unit":     {wrong, member(`"expires_in":%d`, func(_ time.Time, l time.Duration) any { return l.Milliseconds() }), false},
		"nonsense":     {wrong, member(`"expires_in":%q`, func(time.Time, time.Duration) any { return "soon" }), false},
		"over":         {wrong, member(`"expires_in":%q`, func(n time.Time, _ time.Duration) any { return n.Add(-time.Hour).Format(time.RFC3339) }), false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, api := mortal(t, 1, row.keys)
			api.says = row.says
			b := s.browser()
			b.ada()
			const steps = 30 // of four minutes: two hours
			for range steps {
				s.clock.Advance(4 * time.Minute)
				b.ok("/api/orders")
			}
			refreshes, denied := api.count()
			if refreshes < 6 || refreshes > 12 || (denied == 0) != row.read || denied > refreshes {
				t.Errorf("%d refreshes, %d requests with a dead token", refreshes, denied)
			}
			if lines := s.logs.count("is no expiry"); lines > 1 || (lines == 1) != (name == "nonsense" || name == "over") {
				t.Errorf("told %d times\n%s", lines, s.logs)
			}
		})
	}
}

// Fifty requests at two replicas find out together that their token is dead: one refresh, and
// nobody is told.
func TestHealingInAStorm(t *testing.T) {
	t.Parallel()
	s, api := mortal(t, 2, "access_lifetime: 1d")
	b := s.browser()
	b.ada()
	s.clock.Advance(time.Minute)
	for _, g := range s.gateways {
		b.at(g.addr).ok("/api/orders")
	}
	api.forget()
	api.count()
	var wrong sync.Map
	together(50, func(i int) {
		if a := b.at(s.gateways[i%2].addr).get("/api/orders"); a.status != 200 {
			wrong.Store(i, a.String())
		}
	})
	wrong.Range(func(i, a any) bool { t.Errorf("%v: %v", i, a); return true })
	if refreshes, denied := api.count(); refreshes != 1 || denied > 50 {
		t.Errorf("%d refreshes, %d requests with a dead token", refreshes, denied)
	}
}

// The handshake of a WebSocket is a safe request: its page cannot even read a 401.
func TestHealingOfAHandshake(t *testing.T) {
	t.Parallel()
	_, api, b := deadToken(t)
	_, res, err := b.dial("/api/socket", publicOrigin)
	if err == nil || res == nil || res.StatusCode != 200 { // this API knows no WebSockets: it answers the GET
		t.Errorf("%v %v", res, err)
	}
	if refreshes, denied := api.count(); refreshes != 1 || denied != 1 {
		t.Errorf("%d refreshes, %d requests with a dead token", refreshes, denied)
	}
}

// What cannot be sent twice is not: its page is told that it may be.
func TestHealingOfAForm(t *testing.T) {
	t.Parallel()
	s, api := mortal(t, 1, `access_lifetime: 1d, stale: [401, "200 code=401"]`)
	b := s.browser()
	b.ada()
	order := body("application/json", `{"item":1}`)
	for name, c := range map[string]struct {
		no     http.HandlerFunc
		status int
		said   string
	}{
		"a 401": {api.no, 401, ""},
		"a code": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			fmt.Fprint(w, `{"code":  401}`)
		}, 200, `{"code":  401}`},
	} {
		api.set(func() { api.no = c.no; clear(api.done) })
		s.clock.Advance(time.Minute)
		api.forget()
		api.count()
		a := b.do("POST", "/api/orders", order)
		if a.status != c.status || a.body != c.said || a.header.Get("X-Sessiongate-Retry") != "1" || (a.header.Get("X-Sessiongate-Upstream") == "401") != (c.status == 401) {
			t.Errorf("%s: %v %v", name, a, a.header)
		}
		a = b.do("POST", "/api/orders", order)
		if a.status != 200 || a.body != `{"code": 200,  "data": "fine"}` || a.header.Get("X-Sessiongate-Retry") != "" {
			t.Errorf("%s, again: %v %v", name, a, a.header)
		}
		if refreshes, _ := api.count(); refreshes != 1 || api.done[`POST /orders {"item":1}`] != 1 {
			t.Errorf("%s: %d refreshes, done %v", name, refreshes, api.done)
		}
		s.clock.Advance(time.Minute)
		api.forget()
		if a = b.get("/api/orders"); a.status != 200 || a.body != `{"code": 200,  "data": "fine"}` {
			t.Errorf("%s, a safe one: %v", name, a)
		}
	}
}

// An API that means "not allowed" by 401 costs a refresh a minute for each path, and ends nothing.
func TestAForbiddenPathIsNotRefreshedFor(t *testing.T) {
	t.Parallel()
	s, api := mortal(t, 1, "access_lifetime: 1d")
	b := s.browser()
	b.ada()
	s.clock.Advance(time.Minute)
	for range 20 {
		if a := b.get("/api/forbidden"); a.status != 401 || a.header.Get("X-Sessiongate-Upstream") != "401" {
			t.Fatalf("%v %v", a, a.header)
		}
		if a := b.do("POST", "/api/forbidden"); a.status != 401 {
			t.Fatalf("%v", a)
		}
		s.clock.Advance(2 * time.Second)
	}
	if refreshes, denied := api.count(); refreshes > 2 || denied > 43 {
		t.Errorf("%d refreshes for 40 requests, of which the API saw %d", refreshes, denied)
	}
	api.forget()
	b.ok("/api/orders")
}

// What the API says to the forced refresh decides: a refusal is the end, and the page hears of it
// now; a fault leaves all as it was.
func TestHealingThatFails(t *testing.T) {
	t.Parallel()
	s, api, b := deadToken(t)
	api.set(func() { api.down = true })
	if a := b.get("/api/orders"); a.status != 401 || a.header.Get("X-Sessiongate-Upstream") != "401" || a.header.Get("X-Sessiongate-Retry") != "" {
		t.Errorf("the API is down: %v %v", a, a.header)
	}
	if a := b.do("POST", "/api/orders"); a.status != 401 || a.header.Get("X-Sessiongate-Retry") != "" {
		t.Errorf("the API is down, a form: %v %v", a, a.header)
	}
	api.set(func() { api.down = false })
	s.clock.Advance(20 * time.Second)
	b.ok("/api/orders")

	s.clock.Advance(time.Minute)
	api.forget()
	api.set(func() { api.refresh = "" })
	a := b.get("/api/orders")
	if a.status != 401 || a.code() != "session_ended" || a.header.Get("X-Sessiongate-Upstream") != "" {
		t.Errorf("the API refuses: %v %v", a, a.header)
	}
	if a = b.get("/api/orders"); a.status != 401 || a.code() == "" {
		t.Errorf("afterwards: %v", a)
	}
}

// A page cannot make an upstream believe in a mark, nor an upstream a page.
func TestMarksOfOthers(t *testing.T) {
	t.Parallel()
	s := newEnvironment(t, options{upstream: func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Sessiongate-Retry", "1")
		w.Header().Set("X-Sessiongate-Upstream", "401")
		w.Header().Set("X-Sessiongate-Session", "started")
		w.Header().Set("X-Sessiongate-Problem", "session_ended")
		fmt.Fprint(w, r.Header["X-Sessiongate-Retry"], r.Header["X-Sessiongate-Upstream"], r.Header["X-Sessiongate-Session"])
	}})
	b := s.browser()
	b.ada()
	mine := func(name string) change { return header(name, "1") }
	a := b.ok("/api/x", mine("X-Sessiongate-Retry"), mine("X-Sessiongate-Upstream"), mine("X-Sessiongate-Session"))
	if a.body != "[] [] []" || a.header["X-Sessiongate-Retry"] != nil || a.header["X-Sessiongate-Upstream"] != nil || a.header["X-Sessiongate-Session"] != nil ||
		a.header["X-Sessiongate-Problem"] != nil {
		t.Errorf("%v %v", a, a.header)
	}
}
