package e2e

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"sessiongate/cmd/sessiongate/program"
	"sessiongate/session"
	"sessiongate/session/redisstore"
	"sessiongate/session/sessiontest"
	"sessiongate/session/testserver"
)

// crowdedAPI is an API with login and refresh that counts, and that answers no
// refresh before it is told to.
type crowdedAPI struct {
	*httptest.Server
	answer chan struct{} // closed when refreshes are to be answered

	mu        sync.Mutex
	n         int
	now, most int // refreshes under way
	calls     map[string]int
}

func newCrowdedAPI(t *testing.T) *crowdedAPI {
	a := &crowdedAPI{answer: make(chan struct{}), calls: make(map[string]int)}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /auth/login", func(w http.ResponseWriter, r *http.Request) {
		var in struct{ Username string }
		_ = json.NewDecoder(r.Body).Decode(&in)
		a.issue(w, in.Username)
	})
	mux.HandleFunc("POST /auth/refresh", func(w http.ResponseWriter, r *http.Request) {
		var in struct {
			Token string `json:"refresh_token"`
		}
		_ = json.NewDecoder(r.Body).Decode(&in)
		a.arrive(in.Token)
		select {
		case <-a.answer:
		case <-r.Context().Done():
		}
		a.depart()
		user, _, _ := strings.Cut(in.Token, ".")
		a.issue(w, user)
	})
	a.Server = httptest.NewServer(mux)
	t.Cleanup(a.Close)
	return a
}

func (a *crowdedAPI) arrive(token string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.calls[token]++
	a.now++
	a.most = max(a.most, a.now)
}

// held is how many refreshes wait for their answer.
func (a *crowdedAPI) held() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.now
}

func (a *crowdedAPI) depart() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.now--
}

func (a *crowdedAPI) issue(w http.ResponseWriter, user string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.n++
	claims, _ := json.Marshal(map[string]any{"sub": user, "jti": a.n})
	_ = json.NewEncoder(w).Encode(map[string]any{
		"access_token":  "e30." + base64.RawURLEncoding.EncodeToString(claims) + ".c2ln",
		"refresh_token": fmt.Sprintf("%s.%d", user, a.n), "expires_in": 600,
	})
}

// TestRefreshStorm: the tokens of 200 sessions expire in the same second, and each
// session's page asks four times at once. Every request is answered, no refresh
// token is spent twice, and the API never sees more calls at a time than stated.
func TestRefreshStorm(t *testing.T) {
	api := newCrowdedAPI(t)
	s := &environment{
		t: t, clock: sessiontest.NewClock(), embedded: redisstore.StartEmbedded(), dir: t.TempDir(), logs: &logBuffer{},
		upstream: newUpstream(t, nil),
	}
	t.Cleanup(s.embedded.Close)
	redis := testserver.Redis(t) // the embedded store would be what is stormed
	s.handles = newKeys(t, s.dir)
	s.start(s.tokenAPIConfig("redis: redis://"+redis.Addr(),
		fmt.Sprintf("  - {name: api, kind: tokenapi, base_url: %q, login: {path: /auth/login}, refresh: {path: /auth/refresh}}", api.URL),
		fmt.Sprintf("  - {path: /api/, upstreams: [%q]}\nrate_limits: {login: {per_ip: 100000/1m}}", s.upstream.server.URL)), program.Overrides{})
	pages := make([]*browser, 200)
	for i := range pages {
		pages[i] = s.browser()
		pages[i].login(fmt.Sprintf("user%d", i), "x")
	}
	s.clock.Advance(11 * time.Minute)
	release := sync.OnceFunc(func() { close(api.answer) })
	defer release()
	asked, done := scriptsRun(redis), make(chan struct{})
	go func() {
		defer close(done)
		together(4*len(pages), func(i int) {
			a, err := pages[i/4].try("GET", "/api/x")
			if err != nil || a.status != http.StatusOK {
				t.Errorf("%v %s", err, a)
			}
		})
	}()
	// All were judged, and those that may have asked for their lease.
	eventually(t, "the API has all the requests it may have", func() bool {
		return api.held() >= session.RefreshesAtOnce && scriptsRun(redis)-asked >= len(pages)+session.RefreshesAtOnce
	})
	release()
	<-done
	if api.most != session.RefreshesAtOnce {
		t.Errorf("%d calls at a time, want %d", api.most, session.RefreshesAtOnce)
	}
	for token, n := range api.calls {
		if n != 1 {
			t.Errorf("%q was spent %d times", token, n)
		}
	}
	tokens := make(map[string]bool)
	for _, r := range s.upstream.take() {
		tokens[r.bearer()] = true
	}
	if len(api.calls) != len(pages) || len(tokens) != len(pages) {
		t.Errorf("%d refreshes and %d tokens for %d sessions", len(api.calls), len(tokens), len(pages))
	}
}

// scriptsRun is how many scripts a Redis has run.
func scriptsRun(redis *testserver.RedisServer) int {
	for line := range strings.Lines(redis.CLI("INFO", "commandstats")) {
		var n int
		if _, err := fmt.Sscanf(line, "cmdstat_evalsha:calls=%d,", &n); err == nil {
			return n
		}
	}
	return 0
}
