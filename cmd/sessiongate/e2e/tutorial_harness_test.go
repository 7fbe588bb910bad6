package e2e

import (
	"bufio"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"sessiongate/cmd/sessiongate/program"
	"sessiongate/session/redisstore"
	"sessiongate/session/sessiontest"
	"sessiongate/session/testserver"
)

// tutorial is the FastAPI tutorial's app, run by the real FastAPI, behind a front that counts calls
// and can cut the line. Nothing in the app knows of it.
type tutorial struct {
	t      *testing.T
	front  *httptest.Server
	target atomic.Pointer[httputil.ReverseProxy]
	down   atomic.Bool
	stop   func() // kill the app

	mu     sync.Mutex
	calls  map[string]int // "POST /auth/refresh"
	tokens []tokenPair    // given out, oldest first
}

type tokenPair struct {
	Access  string `json:"access_token"`
	Refresh string `json:"refresh_token"`
}

// startTutorial runs the app with the given life of its access tokens.
func startTutorial(t *testing.T, access time.Duration) *tutorial {
	t.Helper()
	a := &tutorial{t: t, calls: make(map[string]int)}
	a.run(access)
	a.front = httptest.NewServer(http.HandlerFunc(a.serve))
	t.Cleanup(a.front.Close)
	return a
}

// run starts the app on a free port and waits until it serves.
func (a *tutorial) run(access time.Duration) {
	a.t.Helper()
	python := testserver.Need(a.t, "python-fastapi")
	app, err := filepath.Abs("../../../session/tokenapi/testdata/tutorial")
	if err != nil {
		a.t.Fatal(err)
	}
	cmd := exec.Command(python, "-B", "-m", "uvicorn", "main:app", "--app-dir", app, "--host", "127.0.0.1", "--port", "0")
	cmd.Env = append(os.Environ(), fmt.Sprintf("TUTORIAL_ACCESS_SECONDS=%g", access.Seconds()))
	out, err := cmd.StderrPipe()
	if err != nil {
		a.t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		a.t.Fatal(err)
	}
	a.stop = sync.OnceFunc(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	a.t.Cleanup(a.stop)
	base := make(chan string, 1)
	go func() {
		defer close(base)
		running := regexp.MustCompile(`running on (http://127\.0\.0\.1:\d+)`)
		for lines := bufio.NewScanner(out); lines.Scan(); {
			if m := running.FindStringSubmatch(lines.Text()); m != nil {
				base <- m[1]
			}
		}
	}()
	select {
	case text := <-base:
		u, err := url.Parse(text)
		if err != nil || text == "" {
			a.t.Fatalf("the app did not start: %q, %v", text, err)
		}
		a.target.Store(&httputil.ReverseProxy{
			Rewrite: func(r *httputil.ProxyRequest) {
				r.SetURL(u)
				r.Out.Header["X-Forwarded-For"] = r.In.Header["X-Forwarded-For"]
			},
			ErrorLog: discardLog(),
			ErrorHandler: func(http.ResponseWriter, *http.Request, error) {
				panic(http.ErrAbortHandler) // an app that is not there answers nothing
			},
		})
	case <-time.After(60 * time.Second):
		a.t.Fatal("the app did not start")
	}
}

func (a *tutorial) serve(w http.ResponseWriter, r *http.Request) {
	a.mu.Lock()
	a.calls[r.Method+" "+r.URL.Path]++
	a.mu.Unlock()
	if a.down.Load() {
		panic(http.ErrAbortHandler)
	}
	if !strings.HasPrefix(r.URL.Path, "/auth/") {
		a.target.Load().ServeHTTP(w, r)
		return
	}
	rec := httptest.NewRecorder()
	a.target.Load().ServeHTTP(rec, r)
	var pair tokenPair
	if json.Unmarshal(rec.Body.Bytes(), &pair) == nil && pair.Access != "" {
		a.mu.Lock()
		a.tokens = append(a.tokens, pair)
		a.mu.Unlock()
	}
	for name, values := range rec.Header() {
		w.Header()[name] = values
	}
	w.WriteHeader(rec.Code)
	_, _ = w.Write(rec.Body.Bytes())
}

// count returns how often a path was called, as "POST /auth/refresh".
func (a *tutorial) count(call string) int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.calls[call]
}

// pair returns the tokens given out last.
func (a *tutorial) pair() tokenPair {
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.tokens) == 0 {
		a.t.Fatal("the API has given no tokens")
	}
	return a.tokens[len(a.tokens)-1]
}

// expired waits until the tokens given out last have run out by themselves.
func (a *tutorial) expired() {
	a.t.Helper()
	payload, err := base64.RawURLEncoding.DecodeString(strings.Split(a.pair().Access, ".")[1])
	if err != nil {
		a.t.Fatal(err)
	}
	var claims struct{ Exp int64 }
	if err := json.Unmarshal(payload, &claims); err != nil {
		a.t.Fatal(err)
	}
	// A little more: the gateway's count began when the token had arrived.
	end := time.Unix(claims.Exp, 0).Add(300 * time.Millisecond)
	eventually(a.t, "the access token has expired", func() bool { return time.Now().After(end) })
}

// direct calls the API without the gateway, as the tutorial's curl does.
func (a *tutorial) direct(method, path, json string) (int, string) {
	a.t.Helper()
	req, err := http.NewRequest(method, a.front.URL+path, strings.NewReader(json))
	if err != nil {
		a.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		a.t.Fatal(err)
	}
	defer res.Body.Close()
	text, _ := io.ReadAll(res.Body)
	return res.StatusCode, string(text)
}

// tokenAPIEnvironment is gateways in front of token APIs: on real time, since the APIs have clocks
// of their own.
func tokenAPIEnvironment(t *testing.T, gateways int, providers, routes string) *environment {
	t.Helper()
	s := &environment{
		t: t, clock: sessiontest.NewClock(), embedded: redisstore.StartEmbedded(), dir: t.TempDir(),
		logs: &logBuffer{}, options: options{realTime: true},
	}
	t.Cleanup(s.embedded.Close)
	s.handles = newKeys(t, s.dir)
	for range gateways {
		s.start(s.tokenAPIConfig("embedded: true", providers, routes), program.Overrides{})
	}
	return s
}

func (s *environment) tokenAPIConfig(store, providers, routes string) string {
	return fmt.Sprintf(`
server: {public_url: "%s", http1: `+engine()+`, listen: "127.0.0.1:0", admin: ""}
log: {level: debug, access: all}
store: {%s}
keys:
  cookie:  [{id: c1, file: %[3]s/cookie.key}]
  seal:    [{id: s1, file: %[3]s/seal.key}]
  signing: [{id: k1, file: %[3]s/signing.pem}]
providers:
%s
routes:
%s
`, publicOrigin, store, s.dir, providers, routes)
}

// behind is the configuration of the text: one preset, one URL.
func (a *tutorial) behind() (providers, routes string) {
	return fmt.Sprintf(`  - {name: api, kind: tokenapi, preset: fastapi-tutorial, base_url: "%s"}`, a.front.URL),
		fmt.Sprintf(`  - {path: /api/, upstreams: ["%s"], strip_prefix: /api}`, a.front.URL)
}
