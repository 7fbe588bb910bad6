package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
)

// browser keeps cookies as a browser does for one origin: by name, Secure and
// all. It is safe for concurrent use.
type browser struct {
	t         *testing.T
	userAgent string
	addr      string
	origin    string // of its pages; empty: publicOrigin
	wire      *http.Transport
	jar       *jar
}

type jar struct {
	mu      sync.Mutex
	cookies map[string]string
	lines   []string // every Set-Cookie that came
}

// browser returns a fresh browser in front of the first gateway.
func (s *environment) browser() *browser { return newBrowser(s.t, s.gateways[0].addr) }

func newBrowser(t *testing.T, addr string) *browser {
	b := &browser{t: t, userAgent: userAgent, jar: &jar{cookies: map[string]string{}}}
	return b.at(addr)
}

// at is the same browser, whose requests now reach another gateway.
func (b *browser) at(addr string) *browser {
	c := *b
	c.addr = addr
	c.wire = &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, "tcp", addr)
		},
		DisableCompression: true, MaxIdleConnsPerHost: 256,
	}
	b.t.Cleanup(c.wire.CloseIdleConnections)
	return &c
}

// cookie returns the session cookie.
func (b *browser) cookie() string {
	b.jar.mu.Lock()
	defer b.jar.mu.Unlock()
	return b.jar.cookies["__Host-session"]
}

// with is a separate browser that holds this session cookie and nothing else.
func (b *browser) with(value string) *browser {
	c := *b
	c.jar = &jar{cookies: map[string]string{"__Host-session": value}}
	return &c
}

// answer is a response, read to its end.
type answer struct {
	status int
	header http.Header
	body   string
}

// set is the session cookie the response sets: its value, and whether it does at
// all. A cleared cookie is set to "".
func (a answer) set() (value string, is bool) {
	for _, c := range (&http.Response{Header: a.header}).Cookies() {
		if c.Name == "__Host-session" {
			value, is = c.Value, true
		}
	}
	return value, is
}

// code is the problem code of an error.
func (a answer) code() string {
	var p struct {
		Code string `json:"code"`
	}
	_ = json.Unmarshal([]byte(a.body), &p)
	return p.Code
}

func (a answer) String() string { return fmt.Sprintf("%d %s", a.status, a.body) }

// change is a deviation from the request a script of the page would make.
type change func(*http.Request)

func header(name string, values ...string) change {
	return func(r *http.Request) { r.Header[name] = values }
}

func without(names ...string) change {
	return func(r *http.Request) {
		for _, n := range names {
			delete(r.Header, n)
		}
	}
}

func body(kind, text string) change {
	return func(r *http.Request) {
		r.Header.Set("Content-Type", kind)
		r.Body, r.ContentLength = io.NopCloser(strings.NewReader(text)), int64(len(text))
	}
}

// navigating makes the request a person's click: site is where the link stood.
func navigating(site string) change {
	return func(r *http.Request) {
		delete(r.Header, "Origin")
		r.Header.Set("Sec-Fetch-Site", site)
		r.Header.Set("Sec-Fetch-Mode", "navigate")
		r.Header.Set("Sec-Fetch-Dest", "document")
		r.Header.Set("Accept", "text/html,application/xhtml+xml,*/*;q=0.8")
	}
}

// request is what fetch() of a page on our origin sends.
func (b *browser) request(method, path string, changes ...change) *http.Request {
	b.t.Helper()
	r, err := http.NewRequest(method, or(b.origin, publicOrigin)+path, nil)
	if err != nil {
		b.t.Fatal(err)
	}
	r.Header = http.Header{
		"User-Agent": {b.userAgent}, "Sec-Fetch-Site": {"same-origin"}, "Sec-Fetch-Mode": {"cors"}, "Sec-Fetch-Dest": {"empty"},
	}
	if method != http.MethodGet && method != http.MethodHead {
		r.Header.Set("Origin", or(b.origin, publicOrigin))
	}
	b.jar.mu.Lock()
	var pairs []string
	for _, name := range slices.Sorted(maps.Keys(b.jar.cookies)) {
		pairs = append(pairs, name+"="+b.jar.cookies[name])
	}
	b.jar.mu.Unlock()
	if len(pairs) > 0 {
		r.Header.Set("Cookie", strings.Join(pairs, "; "))
	}
	for _, c := range changes {
		c(r)
	}
	return r
}

// try sends a request and keeps the cookies of the answer.
func (b *browser) try(method, path string, changes ...change) (answer, error) {
	b.t.Helper()
	res, err := b.wire.RoundTrip(b.request(method, path, changes...))
	if err != nil {
		return answer{}, err
	}
	b.jar.keep(res)
	text, err := io.ReadAll(res.Body)
	_ = res.Body.Close()
	return answer{res.StatusCode, res.Header, string(text)}, err
}

func (j *jar) keep(res *http.Response) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.lines = append(j.lines, res.Header["Set-Cookie"]...)
	for _, c := range res.Cookies() {
		if c.MaxAge < 0 {
			delete(j.cookies, c.Name)
			continue
		}
		j.cookies[c.Name] = c.Value
	}
}

// do is try for requests that must be answered.
func (b *browser) do(method, path string, changes ...change) answer {
	b.t.Helper()
	a, err := b.try(method, path, changes...)
	if err != nil {
		b.t.Fatalf("%s %s: %v", method, path, err)
	}
	return a
}

func (b *browser) get(path string, changes ...change) answer {
	b.t.Helper()
	return b.do(http.MethodGet, path, changes...)
}

// ok is get for requests that must succeed.
func (b *browser) ok(path string, changes ...change) answer {
	b.t.Helper()
	a := b.get(path, changes...)
	if a.status != http.StatusOK {
		b.t.Fatalf("GET %s: %s", path, a)
	}
	return a
}

// inTurn sends a sign-in again as long as too many are under way, which says nothing about it: a
// process on a busy machine checks few passwords in the time it gives each to wait.
func inTurn(t *testing.T, send func() answer) (a answer) {
	t.Helper()
	eventually(t, "its turn to sign in", func() bool {
		a = send()
		return a.status != http.StatusServiceUnavailable || !strings.Contains(a.body, "Too many sign-ins at once")
	})
	return a
}

// login signs in as a page does with fetch.
func (b *browser) login(user, password string) answer {
	b.t.Helper()
	credentials := body("application/json", fmt.Sprintf(`{"username":%q,"password":%q}`, user, password))
	a := inTurn(b.t, func() answer { return b.do("POST", "/auth/login", credentials) })
	if a.status != http.StatusOK {
		b.t.Fatalf("login: %s", a)
	}
	return a
}

func (b *browser) ada() answer   { b.t.Helper(); return b.login("ada", "lovelace-1843") }
func (b *browser) grace() answer { b.t.Helper(); return b.login("grace", "hopper-1952") }
