package proxy_test

import (
	"bufio"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"sessiongate/gateway/proxy"
	"sessiongate/gateway/routing"
)

// guarded is a gateway with an open route and one whose policy refuses everything, both with the
// same upstream behind them, which records what reaches it.
type guarded struct {
	*httptest.Server
	mu   sync.Mutex
	seen []string
}

func newGuarded(t *testing.T) *guarded {
	t.Helper()
	g := &guarded{}
	up := newUpstream(t, func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return // broken off: nothing anyone would act on
		}
		g.mu.Lock()
		g.seen = append(g.seen, r.Method+" "+r.RequestURI+" "+string(body))
		g.mu.Unlock()
		_, _ = io.WriteString(w, "upstream")
	})
	open := &routing.Route{Path: "/api/", Upstream: routing.Upstream{Addresses: up}}
	closed := &routing.Route{Path: "/api/admin/", Upstream: routing.Upstream{Addresses: up}, Access: routing.Access{Methods: []string{"NONE"}}}
	table, err := routing.NewTable([]*routing.Route{open, closed}, []string{"/auth"})
	if err != nil {
		t.Fatal(err)
	}
	forwarder, err := proxy.NewForwarder(open, proxy.Options{Cookies: ourCookies})
	if err != nil {
		t.Fatal(err)
	}
	g.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		m, err := table.Match(r.RequestURI)
		switch {
		case errors.Is(err, routing.ErrBadPath):
			w.WriteHeader(400)
		case err != nil:
			w.WriteHeader(404)
		case m.Route != open:
			w.WriteHeader(403)
		default:
			answer(w, forwarder.Serve(w, r, nil, m.Target, proxy.GatewayHeaders{Bearer: "Bearer real"}))
		}
	}))
	t.Cleanup(g.Close)
	t.Cleanup(forwarder.Close)
	return g
}

// raw sends bytes and returns the statuses of all the answers, of which so many are expected.
func (g *guarded) raw(t *testing.T, text string, expected int) (statuses []int) {
	t.Helper()
	conn, err := net.Dial("tcp", g.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_, _ = io.WriteString(conn, text)
	r := bufio.NewReader(conn)
	for {
		limit := time.Minute
		if len(statuses) >= expected { // what else comes, comes now
			limit = 300 * time.Millisecond
		}
		_ = conn.SetDeadline(time.Now().Add(limit))
		res, err := http.ReadResponse(r, nil)
		if err != nil {
			return statuses
		}
		_, _ = io.Copy(io.Discard, res.Body)
		res.Body.Close()
		statuses = append(statuses, res.StatusCode)
	}
}

func (g *guarded) take() []string {
	g.mu.Lock()
	defer g.mu.Unlock()
	seen := g.seen
	g.seen = nil
	return seen
}

// Each row is what an attacker writes on one connection. No row may put a request under /api/admin,
// or one that the gateway did not see as such, before the upstream; and afterwards the upstream
// connections are in step.
func TestSmuggling(t *testing.T) {
	const smuggled = "GET /api/admin/x HTTP/1.1\r\nHost: h\r\n\r\n"
	for name, c := range map[string]struct {
		raw  string
		want []int    // statuses
		seen []string // by the upstream
	}{
		// Framing: RFC 9112 §6.3.
		"CL and TE": {
			raw:  "POST /api/a HTTP/1.1\r\nHost: h\r\nContent-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + smuggled,
			want: []int{200}, seen: []string{"POST /api/a "}, // chunked counts, and the connection is closed
		},
		"two lengths":        {raw: "POST /api/a HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\nContent-Length: 0\r\n\r\n" + smuggled, want: []int{400}},
		"list of lengths":    {raw: "POST /api/a HTTP/1.1\r\nHost: h\r\nContent-Length: 0, 5\r\n\r\n" + smuggled, want: []int{400}},
		"signed length":      {raw: "POST /api/a HTTP/1.1\r\nHost: h\r\nContent-Length: +5\r\n\r\n" + smuggled, want: []int{400}},
		"negative length":    {raw: "POST /api/a HTTP/1.1\r\nHost: h\r\nContent-Length: -1\r\n\r\n" + smuggled, want: []int{400}},
		"hexadecimal length": {raw: "POST /api/a HTTP/1.1\r\nHost: h\r\nContent-Length: 0x5\r\n\r\n" + smuggled, want: []int{400}},
		"huge length":        {raw: "POST /api/a HTTP/1.1\r\nHost: h\r\nContent-Length: 99999999999999999999\r\n\r\n" + smuggled, want: []int{400}},
		"TE with a twin":     {raw: "POST /api/a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n" + smuggled, want: []int{501}},
		"TE unknown":         {raw: "POST /api/a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n" + smuggled, want: []int{501}},
		"TE list":            {raw: "POST /api/a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n" + smuggled, want: []int{501}},
		"TE before colon":    {raw: "POST /api/a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding : chunked\r\n\r\n0\r\n\r\n" + smuggled, want: []int{400}},
		"TE in HTTP/1.0":     {raw: "POST /api/a HTTP/1.0\r\nHost: h\r\nTransfer-Encoding: chunked\r\nContent-Length: 0\r\n\r\n" + smuggled, want: []int{200}, seen: []string{"POST /api/a "}},
		"TE with underscore": {raw: "POST /api/a HTTP/1.1\r\nHost: h\r\nTransfer_Encoding: chunked\r\nContent-Length: 5\r\nConnection: close\r\n\r\n0\r\n\r\n", want: []int{200}, seen: []string{"POST /api/a 0\r\n\r\n"}},
		"bad chunk size":     {raw: "POST /api/a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\n\r\n" + smuggled, want: []int{400}},
		"chunk size in LF":   {raw: "POST /api/a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabcX\r\n0\r\n\r\n" + smuggled, want: []int{400}},
		"body of a GET":      {raw: "GET /api/a HTTP/1.1\r\nHost: h\r\nContent-Length: 38\r\nConnection: close\r\n\r\n" + smuggled[:38], want: []int{200}, seen: []string{"GET /api/a " + smuggled[:38]}},
		// Lines: RFC 9112 §2.2, §5.2.
		"folded header":     {raw: "GET /api/a HTTP/1.1\r\nHost: h\r\nX-A: b\r\n Content-Length: 5\r\nConnection: close\r\n\r\n", want: []int{200}, seen: []string{"GET /api/a "}},
		"bare CR in value":  {raw: "GET /api/a HTTP/1.1\r\nHost: h\r\nX-A: b\rContent-Length: 5\r\n\r\n" + smuggled, want: []int{400}},
		"NUL in value":      {raw: "GET /api/a HTTP/1.1\r\nHost: h\r\nX-A: b\x00c\r\n\r\n" + smuggled, want: []int{400}},
		"space in name":     {raw: "GET /api/a HTTP/1.1\r\nHost: h\r\nX A: b\r\n\r\n" + smuggled, want: []int{400}},
		"no colon":          {raw: "GET /api/a HTTP/1.1\r\nHost: h\r\nX-A\r\n\r\n" + smuggled, want: []int{400}},
		"space in target":   {raw: "GET /api/a /api/admin/x HTTP/1.1\r\nHost: h\r\n\r\n", want: []int{400}},
		"CR in target":      {raw: "GET /api/a\r/admin HTTP/1.1\r\nHost: h\r\n\r\n", want: []int{400}},
		"method with space": {raw: "GET\t/api/a HTTP/1.1\r\nHost: h\r\n\r\n", want: []int{400}},
		// Authority: RFC 9112 §3.2.
		"two hosts":           {raw: "GET /api/a HTTP/1.1\r\nHost: h\r\nHost: admin\r\n\r\n", want: []int{400}},
		"no host":             {raw: "GET /api/a HTTP/1.1\r\n\r\n", want: []int{400}},
		"bad host":            {raw: "GET /api/a HTTP/1.1\r\nHost: h/api/admin\r\n\r\n", want: []int{400}},
		"absolute form":       {raw: "GET http://elsewhere.test/api/admin/x HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n", want: []int{403}},
		"absolute, authority": {raw: "GET http://h@elsewhere.test/api/a HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n", want: []int{400}},
		"authority form":      {raw: "CONNECT /api/admin/x HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n", want: []int{403}},
		"asterisk":            {raw: "OPTIONS * HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n", want: []int{200}},
		"other scheme":        {raw: "GET file:///api/a HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n", want: []int{400}},
		// Headers named by Connection: RFC 9110 §7.6.1.
		"nominates ours": {
			raw:  "GET /api/a HTTP/1.1\r\nHost: h\r\nConnection: close, Authorization, Content-Length\r\nAuthorization: Bearer forged\r\n\r\n",
			want: []int{200}, seen: []string{"GET /api/a "},
		},
		"upgrade to h2c": {raw: "GET /api/a HTTP/1.1\r\nHost: h\r\nConnection: Upgrade, HTTP2-Settings, close\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\r\n\r\n", want: []int{200}, seen: []string{"GET /api/a "}},
		// Paths.
		"parameters": {raw: "GET /api/..;/api/admin/x HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n", want: []int{400}},
		"dots":       {raw: "GET /api/a/../admin/x HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n", want: []int{400}},
		"%2e":        {raw: "GET /api/a/%2e%2e/admin/x HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n", want: []int{400}},
		"%2f":        {raw: "GET /api%2fadmin/x HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n", want: []int{400}},
		"%252f":      {raw: "GET /api/%2561dmin/x HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n", want: []int{400}},
		"//":         {raw: "GET /api//admin/x HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n", want: []int{400}},
		"backslash":  {raw: "GET /api\\admin/x HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n", want: []int{400}},
		"fragment":   {raw: "GET /api/a#/../admin HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n", want: []int{400}},
		"NUL":        {raw: "GET /api/admin%00/x HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n", want: []int{400}},
		// Pipelining is fine: each request is one.
		"pipelined": {
			raw:  "GET /api/a HTTP/1.1\r\nHost: h\r\n\r\n" + smuggled + "GET /api/b HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n",
			want: []int{200, 403, 200}, seen: []string{"GET /api/a ", "GET /api/b "},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := newGuarded(t)
			if got := g.raw(t, c.raw, len(c.want)); !slices.Equal(got, c.want) {
				t.Errorf("answers %v, want %v", got, c.want)
			}
			seen := g.take()
			for _, s := range seen {
				if strings.HasPrefix(s[strings.IndexByte(s, ' ')+1:], "/api/admin") {
					t.Errorf("the upstream saw %q", s)
				}
			}
			if !slices.Equal(seen, c.seen) {
				t.Errorf("the upstream saw %q, want %q", seen, c.seen)
			}
			for range 3 { // in step?
				if got := g.raw(t, "GET /api/next HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n", 1); !slices.Equal(got, []int{200}) {
					t.Errorf("afterwards: %v", got)
				}
			}
			if seen := g.take(); !slices.Equal(seen, []string{"GET /api/next ", "GET /api/next ", "GET /api/next "}) {
				t.Errorf("afterwards the upstream saw %q", seen)
			}
		})
	}
}
