package e2e

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"sessiongate/cmd/sessiongate/program"
	"sessiongate/configs"
	"sessiongate/session"
	"sessiongate/session/redisstore"
	"sessiongate/session/seal"
	"sessiongate/session/sessiontest"
	"sessiongate/session/token"
)

// publicOrigin is what the configuration calls server.public_url. Nobody listens
// there: a test's browser is wired to the gateway it shall reach, so that several
// gateways can share one origin, as replicas behind a balancer do.
const publicOrigin = "http://localhost:8080"

// engine is the value of server.http1 with which the stories run: each must hold with both.
func engine() string { return or(os.Getenv("SESSIONGATE_TEST_HTTP1"), "fast") }

const userAgent = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36"

// options is what a story changes about the ordinary environment. The zero value is one
// gateway on the embedded store, with a clock that stands still.
type options struct {
	gateways int
	access   string // access_lifetime
	session  string // inside `session: {…}`
	store    string // inside `store: {…}`; with it the embedded store is not used
	keys     string // the whole `keys:` section; empty: fresh keys shared by all gateways
	routes   string // further lines of `routes:`; UPSTREAM stands for the upstream's URL
	extra    string // further sections
	realTime bool
	// busyTimeout is [program.Overrides.BusyTimeout]; 0: long enough for a busy machine.
	busyTimeout time.Duration
	upstream    http.HandlerFunc // nil: answers 200 with a few words
	users       string           // of the provider; empty: the demo's
}

// environment is one or several gateways that share keys and a store, with a recording
// upstream behind them.
type environment struct {
	t        *testing.T
	clock    *sessiontest.Clock
	embedded *redisstore.Embedded
	dir      string // with the key files
	handles  *seal.Handles
	upstream *upstreamServer
	logs     *logBuffer
	gateways []*liveGateway
	options  options
}

// liveGateway is a gateway that serves on a real listener.
type liveGateway struct {
	*program.Program
	addr string
	skew atomic.Int64 // of its own clock, not of the store's
	stop func()       // and wait
}

func newEnvironment(t *testing.T, o options) *environment {
	t.Helper()
	s := &environment{
		t: t, clock: sessiontest.NewClock(), embedded: redisstore.StartEmbedded(),
		dir: t.TempDir(), logs: &logBuffer{}, options: o,
	}
	t.Cleanup(s.embedded.Close)
	s.upstream = newUpstream(t, o.upstream)
	s.handles = newKeys(t, s.dir)
	for range max(1, o.gateways) {
		s.start(s.config(o), program.Overrides{})
	}
	return s
}

// newKeys makes the three key files and returns the ring that seals cookies.
func newKeys(t *testing.T, dir string) *seal.Handles {
	t.Helper()
	writeKeys(t, dir)
	text, err := os.ReadFile(filepath.Join(dir, "cookie.key"))
	if err != nil {
		t.Fatal(err)
	}
	secret, err := seal.ParseKey(bytes.TrimSpace(text))
	if err != nil {
		t.Fatal(err)
	}
	handles, err := seal.NewHandles("cookie", []seal.Key{{ID: "c1", Secret: secret}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return handles
}

// writeKeys makes the files that `sessiongate keys generate` makes; like that it makes the folder
// and keeps the keys that are there.
func writeKeys(tb testing.TB, dir string) {
	tb.Helper()
	if err := os.MkdirAll(dir, 0o700); err != nil {
		tb.Fatal(err)
	}
	signing, err := token.GenerateSigningKey(token.EdDSA)
	if err != nil {
		tb.Fatal(err)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		tb.Fatal(err)
	}
	for name, content := range map[string][]byte{
		"cookie.key": []byte(seal.GenerateKey() + "\n"), "seal.key": []byte(seal.GenerateKey() + "\n"), "signing.pem": signing,
	} {
		file := filepath.Join(dir, name)
		if _, err := os.Stat(file); err == nil {
			continue
		}
		if err := os.WriteFile(file, content, 0o600); err != nil {
			tb.Fatal(err)
		}
	}
}

func or(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}

// config is the text of the configuration file.
func (s *environment) config(o options) string {
	keys := fmt.Sprintf(`
  cookie:  [{id: c1, file: %[1]s/cookie.key}]
  seal:    [{id: s1, file: %[1]s/seal.key}]
  signing: [{id: k1, file: %[1]s/signing.pem}]`, s.dir)
	return fmt.Sprintf(`
server: {public_url: "%s", http1: `+engine()+`, listen: "127.0.0.1:0", admin: ""}
log: {level: debug, access: all}
store: {%s}
keys: %s
session: {%s}
providers:
  - {name: local, kind: local, users: %s, access_lifetime: %s, audience: test}
%s
routes:
  - {path: /api/, upstreams: ["%[8]s"]}
  - {path: /api/admin/, upstreams: ["%[8]s"], require: {roles: [admin]}}
  - {path: /open/, upstreams: ["%[8]s"], session: none}
  - {path: /maybe/, upstreams: ["%[8]s"], session: optional}
  - {path: /page/, upstreams: ["%[8]s"], unauthenticated: login}
%[9]s`, publicOrigin, or(o.store, "embedded: true"), or(o.keys, keys), or(o.session, "cache_ttl: 5s"),
		or(o.users, "demo"), or(o.access, "10m"), o.extra, s.upstream.server.URL, strings.ReplaceAll(o.routes, "UPSTREAM", s.upstream.server.URL))
}

// start adds a gateway and waits until it serves and follows the store's feed.
func (s *environment) start(text string, w program.Overrides) *liveGateway {
	s.t.Helper()
	g := &liveGateway{}
	if !s.options.realTime {
		w.Now = func() time.Time { return s.clock.Now().Add(time.Duration(g.skew.Load())) }
		w.Offset = s.clock.Offset
		if s.embedded != nil {
			s.embedded.StopClock(s.clock.Start())
		}
	}
	w.BusyTimeout = cmp.Or(s.options.busyTimeout, 20*time.Second)
	if w.Embedded == nil {
		w.Embedded = s.embedded
	}
	loaded, err := configs.LoadBytes("test.yaml", []byte(text), os.LookupEnv)
	if err != nil {
		s.t.Fatalf("configuration: %v\n%s", err, text)
	}
	if w.Public, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
		s.t.Fatal(err)
	}
	g.addr = w.Public.Addr().String()
	if g.Program, err = program.Open(&loaded.Config, program.NewLogger(s.logs, loaded.Config.Log), w); err != nil {
		s.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); _ = g.Run(ctx) }()
	g.stop = sync.OnceFunc(func() { cancel(); <-done })
	s.t.Cleanup(g.stop)
	eventually(s.t, "the feed is up", g.Manager().StoreUp)
	s.gateways = append(s.gateways, g)
	return g
}

// open reads a cookie value.
func (s *environment) open(value string) session.Handle {
	s.t.Helper()
	payload, err := s.handles.Open(value)
	if err != nil {
		s.t.Fatalf("open cookie: %v", err)
	}
	h, err := session.ParseHandle(session.Browser, payload)
	if err != nil {
		s.t.Fatal(err)
	}
	return h
}

// generation is what the store says, and whether the session lives.
func (s *environment) generation(id session.ID) (uint32, bool) {
	s.t.Helper()
	r, err := s.gateways[0].Store().Get(context.Background(), id)
	if err != nil {
		s.t.Fatal(err)
	}
	if r.Record == nil {
		return 0, false
	}
	return r.Record.Facts.Generation, true
}

// upstreamServer is an application server that remembers what it saw.
type upstreamServer struct {
	server  *httptest.Server
	handler atomic.Pointer[http.HandlerFunc]

	mu   sync.Mutex
	seen []seenRequest
}

type seenRequest struct {
	Method, URI string
	Header      http.Header
	Body        string
}

func (r seenRequest) bearer() string {
	return strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
}

func newUpstream(t *testing.T, handler http.HandlerFunc) *upstreamServer {
	u := &upstreamServer{}
	if handler == nil {
		handler = func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "hello from upstream") }
	}
	u.handler.Store(&handler)
	u.server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		u.mu.Lock()
		u.seen = append(u.seen, seenRequest{r.Method, r.RequestURI, r.Header.Clone(), string(body)})
		u.mu.Unlock()
		(*u.handler.Load())(w, r)
	}))
	t.Cleanup(u.server.Close)
	return u
}

func (u *upstreamServer) answer(h http.HandlerFunc) { u.handler.Store(&h) }

// take returns what was seen since the last call.
func (u *upstreamServer) take() []seenRequest {
	u.mu.Lock()
	defer u.mu.Unlock()
	list := u.seen
	u.seen = nil
	return list
}

// last returns the latest request.
func (u *upstreamServer) last(t *testing.T) seenRequest {
	t.Helper()
	list := u.take()
	if len(list) == 0 {
		t.Fatal("the upstream has seen nothing")
	}
	return list[len(list)-1]
}

// together makes n requests at the same time.
func together(n int, f func(i int)) {
	var all sync.WaitGroup
	start := make(chan struct{})
	for i := range n {
		all.Go(func() { <-start; f(i) })
	}
	close(start)
	all.Wait()
}

// knownForLong is `session:` where a session is served from memory for longer than [eventually]
// waits: what another process ended meanwhile, only the store's feed can have told.
const knownForLong = "cache_ttl: 1m"

// eventually waits for a condition, for at most 20 s.
func eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	within(t, 20*time.Second, what, is)
}

func within(t *testing.T, limit time.Duration, what string, is func() bool) {
	t.Helper()
	deadline := time.NewTimer(limit)
	defer deadline.Stop()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for !is() {
		select {
		case <-tick.C:
		case <-deadline.C:
			t.Fatalf("not within %s: %s", limit, what)
		}
	}
}

// logBuffer collects log lines of several gateways.
type logBuffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

// Write implements io.Writer.
func (l *logBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *logBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// count counts the lines that hold all the words.
func (l *logBuffer) count(words ...string) (n int) {
	for line := range strings.Lines(l.String()) {
		if !slices.ContainsFunc(words, func(w string) bool { return !strings.Contains(line, w) }) {
			n++
		}
	}
	return n
}
