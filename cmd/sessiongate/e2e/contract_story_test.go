package e2e

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"sessiongate/cmd/sessiongate/program"
	"sessiongate/session/oidc/oidctest"
	"sessiongate/session/sessiontest"
	"sessiongate/session/testserver"
)

// contractStory is a gateway on a real Redis, with both kinds of sign-in and tokens for
// clients that keep them.
type contractStory struct {
	*oidcEnvironment
	jars []*jar
}

func newContractStory(t *testing.T, redis *testserver.RedisServer) *contractStory {
	t.Helper()
	s := &contractStory{oidcEnvironment: &oidcEnvironment{
		environment: &environment{t: t, clock: sessiontest.NewClock(), dir: t.TempDir(), logs: &logBuffer{}},
		idp:         oidctest.New(t),
	}}
	s.upstream = newUpstream(t, nil)
	s.handles = newKeys(t, s.dir)
	s.idp.Register(publicOrigin+"/auth/callback/corp", publicOrigin+"/auth/logout/done")
	secret := filepath.Join(s.dir, "client")
	if err := os.WriteFile(secret, []byte(oidctest.ClientSecret), 0o600); err != nil {
		t.Fatal(err)
	}
	s.options = options{
		store: fmt.Sprintf(`redis: "redis://%s"`, redis.Addr()),
		extra: fmt.Sprintf(`
  - {name: corp, kind: oidc, issuer: "%s", client_id: %s, client_secret_file: %s}
explicit_tokens: {enabled: true}`, s.idp.Issuer(), oidctest.ClientID, secret),
		routes: `
  - {path: /both/, upstreams: ["UPSTREAM"], bearer: allow}`,
	}
	s.start(s.config(s.options), program.Overrides{})
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("gateway log:\n%s", s.logs)
		}
	})
	return s
}

// person is a new browser whose cookies are kept for the contract.
func (s *contractStory) person() *oidcBrowser {
	b := s.oidcEnvironment.person()
	s.jars = append(s.jars, b.jar)
	return b
}

// lines are all Set-Cookie lines that came so far.
func (s *contractStory) lines() (list []string) {
	for _, j := range s.jars {
		j.mu.Lock()
		list = append(list, j.lines...)
		j.mu.Unlock()
	}
	return list
}

// tell goes through everything that a store, a browser and the metrics take part in.
func (s *contractStory) tell() {
	s.byPassword()
	s.atTheProvider()
	s.tokenClient()
}

func (s *contractStory) byPassword() {
	b := s.person()
	b.get("/auth/login", navigating("none"))
	b.do("POST", "/auth/login", body("application/json", `{"username":"ada","password":"wrong"}`))
	b.ada()
	b.ok("/api/x")
	first := b.cookie()
	for range 2 {
		s.clock.Advance(11 * time.Minute)
		b.ok("/api/x") // rotates
		b.ok("/api/x") // and shows the new handle
	}
	b.do("POST", "/auth/refresh")
	s.clock.Advance(2 * time.Minute)
	b.ok("/api/x")
	thief := s.person()
	thief.jar.cookies["__Host-session"] = first
	if a := thief.get("/api/x"); a.code() != "session_stale" {
		s.t.Fatalf("an old handle: %s", a)
	}
	thief.get("/api/x")
	b.ada() // in the place of the session that ended
	b.ok("/auth/sessions")
	b.do("DELETE", "/auth/sessions?keep=current")
	b.do("POST", "/auth/logout")
	b.ada()
	b.do("DELETE", "/auth/sessions")
}

func (s *contractStory) atTheProvider() {
	b := s.person()
	leave := "/auth/login?provider=corp&return_to=/page/home"
	b.back(b.atProvider(b.leave(leave)))
	b.ok("/api/x")
	s.idp.Set(func(o *oidctest.Behaviour) { o.TokenStatus = 503 })
	s.clock.Advance(6 * time.Minute)
	b.get("/api/x") // the provider is out of order
	s.idp.Set(func(o *oidctest.Behaviour) { o.TokenStatus = 0 })
	s.clock.Advance(time.Minute)
	b.ok("/api/x")
	at := s.clock.Now().Unix()
	token := s.idp.LogoutToken(map[string]any{"iat": at, "exp": at + 60})
	if a := s.notify(token); a.status != 200 && a.status != 204 {
		s.t.Fatalf("back-channel logout: %s", a)
	}
	b.get("/api/x")
	b.back(b.atProvider(b.leave(leave)))
	if page, ok := strings.CutPrefix(b.logoutURL(), publicOrigin); ok {
		b.back(b.atProvider(b.get(page, navigating("same-origin")).header.Get("Location")))
	}
}

func (s *contractStory) tokenClient() {
	a := s.app()
	a.ada()
	a.call("/both/x", a.access)
	a.renew()
	a.post("logout", refreshing(a.refresh))
}

// metricNames are the names that the admin listener serves, with their kinds and labels,
// but for those of the Go runtime and the process.
func (s *contractStory) metricNames() (names []string) {
	w := httptest.NewRecorder()
	s.gateways[0].Admin().ServeHTTP(w, httptest.NewRequest("GET", "http://localhost/metrics", nil))
	label := regexp.MustCompile(`([a-z_]+)="(?:[^"\\]|\\.)*"`)
	for line := range strings.Lines(w.Body.String()) {
		line = strings.TrimSpace(line)
		if kind, ok := strings.CutPrefix(line, "# TYPE sessiongate_"); ok {
			names = append(names, "sessiongate_"+kind)
		}
		if !strings.HasPrefix(line, "sessiongate_") {
			continue
		}
		line = line[:strings.LastIndexByte(line, ' ')]
		names = append(names, label.ReplaceAllString(line, "$1"))
	}
	return sortedSet(names)
}

// cookieShapes are cookies with their attributes, without what is another's each time.
func cookieShapes(lines []string) (shapes []string) {
	for _, line := range lines {
		name, rest, _ := strings.Cut(line, "=")
		value, attributes, _ := strings.Cut(rest, ";")
		if value != "" {
			value = "…"
		}
		if name == "__Host-session" && value != "" {
			attributes = regexp.MustCompile(`Max-Age=\d+`).ReplaceAllString(attributes, "Max-Age=…")
		}
		shapes = append(shapes, name+"="+value+";"+attributes)
	}
	return sortedSet(shapes)
}

// monitor has Redis report every command until the returned function is called.
func monitor(t *testing.T, redis *testserver.RedisServer) (stop func() []string) {
	t.Helper()
	conn, err := net.Dial("tcp", redis.Addr())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	if _, err := io.WriteString(conn, "MONITOR\r\n"); err != nil {
		t.Fatal(err)
	}
	in := bufio.NewScanner(conn)
	in.Buffer(nil, 16<<20)
	if !in.Scan() || in.Text() != "+OK" {
		t.Fatalf("MONITOR: %q", in.Text())
	}
	const last = "the end of the story" // what came before it has been reported before it
	var lines []string
	var reading sync.WaitGroup
	reading.Go(func() {
		for in.Scan() && !strings.Contains(in.Text(), last) {
			lines = append(lines, in.Text())
		}
	})
	return func() []string {
		_ = conn.SetReadDeadline(time.Now().Add(30 * time.Second))
		redis.CLI("ECHO", last)
		reading.Wait()
		return lines
	}
}

// redisNames are the keys with the fields of hashes and the messages of channels, from
// what MONITOR says: +1700000000.1 [0 lua] "HSET" "sg:{…}:s" "g" "1".
func redisNames(lines []string) (names []string) {
	for _, line := range lines {
		words := quotedWords(line)
		if len(words) < 2 || !strings.HasPrefix(words[1], "sg:") {
			continue
		}
		key := withoutIDs(words[1])
		for _, field := range fieldsOf(strings.ToUpper(words[0]), words[2:]) {
			names = append(names, key+" "+withoutIDs(field))
		}
	}
	return sortedSet(names)
}

var quoted = regexp.MustCompile(`"(?:[^"\\]|\\.)*"`)

func quotedWords(line string) (words []string) {
	for _, q := range quoted.FindAllString(line, -1) {
		word, err := strconv.Unquote(q)
		if err != nil {
			word = q
		}
		words = append(words, word)
	}
	return words
}

// fieldsOf is what a command names within a key: fields, the kind of the key, or the
// message; nothing for commands about any kind of key.
func fieldsOf(command string, args []string) (fields []string) {
	switch command {
	case "HSET":
		for i := 0; i < len(args); i += 2 {
			fields = append(fields, "field "+args[i])
		}
	case "HGET", "HMGET", "HDEL":
		for _, f := range args {
			fields = append(fields, "field "+f)
		}
	case "HSETNX":
		fields = append(fields, "field "+args[0])
	case "SET", "GET", "GETRANGE":
		fields = append(fields, "string")
	case "ZADD", "ZRANGE", "ZREVRANGE", "ZSCORE":
		fields = append(fields, "sorted set")
	case "PUBLISH":
		if words := strings.Fields(args[0]); len(words) > 1 {
			fields = append(fields, "message of kind "+words[1])
		}
	}
	return fields
}

var (
	braces  = regexp.MustCompile(`\{[^}]*\}`)
	randoms = regexp.MustCompile(`[A-Za-z0-9_-]{16,}`)
)

// withoutIDs leaves what is the same in every run.
func withoutIDs(s string) string {
	return randoms.ReplaceAllString(braces.ReplaceAllString(s, "{…}"), "…")
}
