package e2e

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
)

// TestCrossOriginRefusals: what another origin's page can make a browser send is
// refused before the cookie is looked at.
func TestCrossOriginRefusals(t *testing.T) {
	s := newEnvironment(t, options{extra: `cross_origin: {allowed_origins: ["https://app.example"]}`})
	b := s.browser()
	b.ada()
	cookie := b.cookie()
	const evil, sibling, listed = "https://evil.example", "http://localhost:9999", "https://app.example"
	upgrade := func(r change) []change {
		return []change{
			r, header("Connection", "Upgrade"), header("Upgrade", "websocket"),
			header("Sec-Websocket-Version", "13"), header("Sec-Websocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
			without("Sec-Fetch-Site", "Sec-Fetch-Mode", "Sec-Fetch-Dest"),
		}
	}
	for name, c := range map[string]struct {
		method, path string
		changes      []change
		status       int
	}{
		"cross-site POST":              {"POST", "/api/x", []change{header("Origin", evil), header("Sec-Fetch-Site", "cross-site")}, 403},
		"cross-site POST, origin only": {"POST", "/api/x", []change{header("Origin", evil), without("Sec-Fetch-Site")}, 403},
		"cross-site POST, lying site":  {"POST", "/api/x", []change{header("Origin", evil)}, 403},
		"sibling POST":                 {"POST", "/api/x", []change{header("Origin", sibling), header("Sec-Fetch-Site", "same-site")}, 403},
		"sandboxed POST":               {"POST", "/api/x", []change{header("Origin", "null"), header("Sec-Fetch-Site", "cross-site")}, 403},
		"two origins":                  {"POST", "/api/x", []change{header("Origin", publicOrigin, evil)}, 403},
		"cross-site GET of a script":   {"GET", "/api/x", []change{header("Sec-Fetch-Site", "cross-site"), header("Sec-Fetch-Mode", "no-cors"), header("Sec-Fetch-Dest", "script")}, 403},
		"cross-site iframe":            {"GET", "/api/x", []change{navigating("cross-site"), header("Sec-Fetch-Dest", "iframe")}, 403},
		"cross-site iframe, no cookie": {"GET", "/api/x", []change{navigating("cross-site"), header("Sec-Fetch-Dest", "iframe"), without("Cookie")}, 403},
		"cross-site form":              {"POST", "/api/x", []change{navigating("cross-site"), header("Origin", evil)}, 403},
		"foreign WebSocket":            {"GET", "/api/ws", upgrade(header("Origin", evil)), 403},
		"sibling WebSocket":            {"GET", "/api/ws", upgrade(header("Origin", sibling)), 403},
		"cross-site logout":            {"POST", "/auth/logout", []change{header("Origin", evil), header("Sec-Fetch-Site", "cross-site")}, 403},
		"cross-site login":             {"POST", "/auth/login", []change{header("Origin", evil), header("Sec-Fetch-Site", "cross-site")}, 403},
		"cross-site session document":  {"GET", "/auth/session", []change{header("Origin", evil), header("Sec-Fetch-Site", "cross-site")}, 403},
		"curl POST with our cookie":    {"POST", "/api/x", []change{without("Origin", "Sec-Fetch-Site", "Sec-Fetch-Mode")}, 403},
		"curl POST with the header":    {"POST", "/api/x", []change{without("Origin", "Sec-Fetch-Site", "Sec-Fetch-Mode"), header("X-Requested-With", "curl")}, 200},
		"curl GET":                     {"GET", "/api/x", []change{without("Sec-Fetch-Site", "Sec-Fetch-Mode")}, 200},
		"our own POST":                 {"POST", "/api/x", nil, 200},
		"listed POST":                  {"POST", "/api/x", []change{header("Origin", listed), header("Sec-Fetch-Site", "cross-site")}, 200},
		"typed address":                {"GET", "/api/x", []change{navigating("none")}, 200},
		"preflight of a stranger":      {"OPTIONS", "/api/x", []change{header("Origin", evil), header("Access-Control-Request-Method", "PUT")}, 403},
		"preflight of a listed origin": {"OPTIONS", "/api/x", []change{header("Origin", listed), header("Access-Control-Request-Method", "PUT"), header("Access-Control-Request-Headers", "x-a")}, 204},
		"listed preflight at our own":  {"OPTIONS", "/auth/session", []change{header("Origin", listed), header("Access-Control-Request-Method", "GET")}, 204},
		"strange preflight at our own": {"OPTIONS", "/auth/session", []change{header("Origin", evil), header("Access-Control-Request-Method", "GET")}, 403},
		"strange preflight at login":   {"OPTIONS", "/auth/login", []change{header("Origin", evil), header("Access-Control-Request-Method", "POST")}, 403},
	} {
		t.Run(name, func(t *testing.T) {
			s.upstream.take()
			a := b.do(c.method, c.path, c.changes...)
			if a.status != c.status {
				t.Fatalf("%d, want %d: %s", a.status, c.status, a.body)
			}
			_, touched := a.set()
			if touched || b.cookie() != cookie {
				t.Error("the cookie was touched")
			}
			if c.status == 403 && a.code() != "cross_origin_refused" && !strings.Contains(a.body, "<html") {
				t.Errorf("answer %s", a)
			}
			if n := len(s.upstream.take()); (n > 0) != (c.status == 200) {
				t.Errorf("the upstream saw %d requests", n)
			}
			allow := a.header.Get("Access-Control-Allow-Origin")
			if listedOne := strings.Contains(name, "listed"); listedOne && (allow != listed || a.header.Get("Access-Control-Allow-Credentials") != "true" || !strings.Contains(strings.Join(a.header.Values("Vary"), ","), "Origin")) ||
				!listedOne && allow != "" {
				t.Errorf("CORS answer %v", a.header)
			}
		})
	}
}

// TestBounce: a click on another site arrives without the Strict cookie and is
// asked again from our own origin; nothing else is.
func TestBounce(t *testing.T) {
	s := newEnvironment(t, options{})
	b := s.browser()
	b.ada()
	a := b.get("/page/x", navigating("cross-site"), without("Cookie"))
	if a.status != 200 || !strings.Contains(a.body, "location.reload()") || len(s.upstream.take()) != 0 {
		t.Fatalf("no bounce page: %s", a)
	}
	for name, want := range map[string]string{"Cache-Control": "no-store", "Vary": "Sec-Fetch-Site, Cookie"} {
		if got := a.header.Get(name); got != want {
			t.Errorf("%s: %q", name, got)
		}
	}
	if csp := a.header.Get("Content-Security-Policy"); !strings.Contains(csp, "frame-ancestors 'none'") || !strings.Contains(csp, "sha256-") {
		t.Errorf("CSP %q", csp)
	}
	for name, changes := range map[string][]change{
		"same-origin reload":  {navigating("same-origin")},
		"sibling subdomain":   {navigating("same-site")},
		"with a cookie (Lax)": {navigating("cross-site")},
	} {
		if a := b.get("/page/x", changes...); a.status != 200 || a.body != "hello from upstream" {
			t.Errorf("%s: %s", name, a)
		}
	}
	for name, changes := range map[string][]change{
		"prefetch":      {navigating("cross-site"), without("Cookie"), header("Sec-Purpose", "prefetch")},
		"not a browser": {without("Cookie", "Sec-Fetch-Site", "Sec-Fetch-Mode", "Sec-Fetch-Dest")},
	} {
		if a := b.get("/page/x", changes...); strings.Contains(a.body, "location.reload()") {
			t.Errorf("%s got the bounce page", name)
		}
	}
	if a := b.do("POST", "/page/x", navigating("cross-site"), without("Cookie"), header("Origin", "https://evil.example")); a.status != 403 {
		t.Errorf("cross-site form: %s", a)
	}
}

// TestMutatedCookies: ten thousand cookies that are nearly right make no error
// and no session.
func TestMutatedCookies(t *testing.T) {
	s := newEnvironment(t, options{})
	b := s.browser()
	b.ada()
	good := b.cookie()
	b.ok("/api/x")
	s.upstream.take()
	r := rand.New(rand.NewPCG(1, 2)) // the same ten thousand each time
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_=|.%\"\\ \x80\xff"
	mutate := func() string {
		v := []byte(good)
		at := r.IntN(len(v))
		switch r.IntN(8) {
		case 0:
			return string(v[:at])
		case 1:
			v[at] = alphabet[r.IntN(len(alphabet))]
		case 2:
			return good + string(alphabet[r.IntN(len(alphabet))])
		case 3:
			return strings.Repeat(good, 2+r.IntN(8))
		case 4:
			v[at] ^= 1 << r.IntN(8)
		case 5:
			return string(append(append([]byte{}, v[at:]...), v[:at]...))
		case 6:
			return string(v[at:])
		case 7:
			return string(v[:at]) + string(alphabet[r.IntN(len(alphabet))]) + string(v[at:])
		}
		return string(v)
	}
	const workers = 4
	values := make([]string, 0, 10_000)
	for len(values) < cap(values) {
		v := strings.Map(func(r rune) rune { // what net/http would refuse to send
			if r < ' ' || r == 0x7f {
				return -1
			}
			return r
		}, mutate())
		if v = strings.Trim(v, " \t"); v != good && !strings.HasPrefix(v, good+";") {
			values = append(values, v)
		}
	}
	together(workers, func(w int) {
		for i := w; i < len(values); i += workers {
			cookie := "__Host-session=" + values[i]
			if i%5 == 0 {
				cookie += "; __Host-session=" + values[(i+1)%len(values)]
			}
			a, err := b.try("GET", "/api/x", header("Cookie", cookie))
			if err != nil || a.status != 401 && a.status != 400 {
				t.Errorf("%q: %v %s", cookie, err, a)
			}
			if _, is := a.set(); is {
				t.Errorf("%q: the cookie was touched", cookie)
			}
		}
	})
	if n := len(s.upstream.take()); n != 0 {
		t.Errorf("%d mutated cookies reached the upstream", n)
	}
	// Beside garbage the right one still counts, wherever it stands among the first four.
	for n := range 4 {
		b.ok("/api/x", header("Cookie", strings.Repeat("__Host-session=junk; ", n)+"__Host-session="+good))
	}
	if a := b.get("/api/x", header("Cookie", strings.Repeat("__Host-session=junk; ", 4)+"__Host-session="+good)); a.status != 401 {
		t.Errorf("the fifth value counted: %s", a)
	}
	if fmt.Sprint(s.logs.count(`"status":500`)) != "0" {
		t.Error("an internal error in the log")
	}
}
