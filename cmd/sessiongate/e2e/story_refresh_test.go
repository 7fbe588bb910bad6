package e2e

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// TestOneRefreshOverProcesses: 200 requests with one expired session, over three
// processes on one Redis, make exactly one new generation and all succeed.
func TestOneRefreshOverProcesses(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 3, options{})
	b := c.browser()
	b.ada()
	id := c.open(b.cookie()).ID()
	for round := uint32(1); round <= 3; round++ {
		c.pass(id, 11*time.Minute)
		everyone := c.each(b.with(b.cookie()))
		answers := make([]answer, 200)
		together(len(answers), func(i int) {
			a, err := everyone[i%3].try("GET", fmt.Sprintf("/api/x?n=%d", i), header("Cookie", "__Host-session="+b.cookie()))
			if err != nil {
				t.Error(err)
			}
			answers[i] = a
		})
		next := ""
		for _, a := range answers {
			if a.status != 200 {
				t.Fatalf("round %d: %s", round, a)
			}
			value, is := a.set()
			if !is {
				continue // answered before the new generation was known there
			}
			if h := c.open(value); h.Generation() != round+1 || h.ID() != id {
				t.Fatalf("round %d: Set-Cookie of generation %d", round, h.Generation())
			}
			next = value
		}
		if next == "" {
			t.Fatalf("round %d: nobody got the new cookie", round)
		}
		if g := c.field(id, "g"); g != int64(round)+1 {
			t.Errorf("round %d: generation %d", round, g)
		}
		tokens := make(map[string]bool)
		for _, r := range c.upstream.take() {
			tokens[r.bearer()] = true
		}
		if len(tokens) != 1 {
			t.Errorf("round %d: the upstream saw %d tokens of 200 requests", round, len(tokens))
		}
		b = b.with(next)
	}
}

// TestLostResponses: every second answer is cut before the browser reads it. The
// browser never misses more than a cookie it can do without.
func TestLostResponses(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 3, options{})
	b := c.browser()
	b.ada()
	id := c.open(b.cookie()).ID()
	for round := range 4 {
		c.pass(id, 11*time.Minute)
		everyone := c.each(b)
		cookie := b.cookie()
		var newest atomic.Pointer[string]
		together(100, func(i int) {
			if i%2 == 0 {
				cut(t, everyone[i%3].addr, cookie)
				return
			}
			a, err := everyone[i%3].try("GET", "/api/x", header("Cookie", "__Host-session="+cookie))
			if err != nil || a.status != 200 {
				t.Errorf("round %d: %v %s", round, err, a)
			}
			if v, is := a.set(); is {
				newest.Store(&v)
			}
		})
		// In even rounds not one answer brings the cookie home.
		if v := newest.Load(); round%2 == 1 && v != nil {
			b = b.with(*v)
		} else {
			b = b.with(cookie)
		}
		b.ok("/api/x")
	}
}

// cut sends a request and closes the connection at the first byte of the answer,
// which it does not read.
func cut(t *testing.T, addr, cookie string) {
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Error(err)
		return
	}
	defer conn.Close()
	fmt.Fprintf(conn, "GET /api/cut HTTP/1.1\r\nHost: localhost:8080\r\nUser-Agent: %s\r\nSec-Fetch-Site: same-origin\r\nCookie: __Host-session=%s\r\n\r\n", userAgent, cookie)
	if _, err := bufio.NewReader(conn).Peek(1); err != nil {
		t.Errorf("no answer to cut: %v", err)
	}
}

// TestTabsWakeUp: ten tabs wake an hour after a refresh whose answer never
// arrived. They still hold g−1, and all of them succeed.
func TestTabsWakeUp(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 2, options{})
	b := c.browser()
	b.ada()
	id := c.open(b.cookie()).ID()
	c.pass(id, 11*time.Minute)
	cut(t, b.addr, b.cookie())
	if g := c.field(id, "g"); g != 2 {
		t.Fatalf("generation %d", g)
	}
	c.pass(id, time.Hour)
	tabs := c.each(b)
	cookie := b.cookie()
	together(10, func(i int) {
		a, err := tabs[i%2].try("GET", "/api/x", header("Cookie", "__Host-session="+cookie))
		if err != nil || a.status != 200 {
			t.Errorf("tab %d: %v %s", i, err, a)
			return
		}
		if v, is := a.set(); !is || c.open(v).Generation() != 2 {
			t.Errorf("tab %d: set %v, not the successor", i, is)
		}
	})
	b.ok("/api/x") // with the cookie some tab got
}

// TestUpstreamRefusesEverything: an upstream that answers 401 invalid_token to
// every request causes neither a logout nor a storm of refreshes.
func TestUpstreamRefusesEverything(t *testing.T) {
	s := newEnvironment(t, options{})
	b := s.browser()
	b.ada()
	s.clock.Advance(2 * time.Minute) // old enough to rotate
	refuse := func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("WWW-Authenticate", `Bearer error="invalid_token"`)
		w.WriteHeader(http.StatusUnauthorized)
		_, _ = io.WriteString(w, "the upstream's own words")
	}
	s.upstream.answer(refuse)
	start := s.logs.count(`"msg":"refreshed"`)
	for round := range 20 {
		together(50, func(int) {
			a, err := b.try("GET", "/api/x")
			if err != nil || a.status != 401 || a.body != "the upstream's own words" {
				t.Errorf("round %d: %v %s", round, err, a)
			}
		})
	}
	if n := s.logs.count(`"msg":"refreshed"`) - start; n != 1 {
		t.Errorf("%d refreshes for 1000 refusals at one moment, want 1", n)
	}
	s.upstream.take()
	s.upstream.answer(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(204) })
	if a := b.get("/api/x"); a.status != 204 {
		t.Errorf("afterwards: %s", a)
	}
}

// TestUpstreamRefusesOldToken: one forced refresh, one retry, and the browser
// sees nothing but the answer. A request with a body is not sent twice.
func TestUpstreamRefusesOldToken(t *testing.T) {
	s := newEnvironment(t, options{})
	b := s.browser()
	b.ada()
	b.ok("/api/x")
	old := s.upstream.last(t).bearer()
	s.clock.Advance(2 * time.Minute)
	s.upstream.answer(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") == "Bearer "+old {
			w.Header().Set("WWW-Authenticate", `Bearer error="invalid_token", error_description="revoked"`)
			w.Header().Set("Set-Cookie", "leftover=1")
			w.WriteHeader(http.StatusUnauthorized)
		}
	})
	if a := b.do("POST", "/api/x", body("text/plain", "once")); a.status != 401 || len(s.upstream.take()) != 1 {
		t.Errorf("a POST: %s", a)
	}
	a := b.ok("/api/x")
	if n := len(s.upstream.take()); n != 2 || len(a.header.Values("Set-Cookie")) != 1 {
		t.Errorf("%d requests upstream, header %v", n, a.header)
	}
	if s.open(b.cookie()).Generation() != 2 {
		t.Error("the forced refresh did not rotate")
	}
	b.ok("/api/x")
	if n := len(s.upstream.take()); n != 1 {
		t.Errorf("%d requests upstream with the new token", n)
	}
}

// TestSlowRefusalIsNoTheft: an upstream takes longer than the grace to refuse a
// token. The handle its request came with is old by then, which is not the
// browser's fault.
func TestSlowRefusalIsNoTheft(t *testing.T) {
	s := newEnvironment(t, options{})
	b := s.browser()
	b.ada()
	b.ok("/api/x")
	hold, arrived := make(chan struct{}), make(chan struct{}, 10)
	let := sync.OnceFunc(func() { close(hold) })
	t.Cleanup(let)
	s.upstream.answer(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/api/slow" {
			arrived <- struct{}{}
			<-hold
			w.Header().Set("WWW-Authenticate", `Bearer error="invalid_token"`)
			w.WriteHeader(http.StatusUnauthorized)
		}
	})
	var slow sync.WaitGroup
	old := b.with(b.cookie())
	for range 2 {
		slow.Go(func() { _, _ = old.try("GET", "/api/slow") })
		<-arrived
	}
	s.clock.Advance(11 * time.Minute)
	b.ok("/api/x") // rotates
	b.ok("/api/x") // and shows the new handle
	s.clock.Advance(2 * time.Minute)
	b.ok("/api/x")
	let()
	slow.Wait()
	if n := s.logs.count(`"msg":"stale_handle"`); n != 0 {
		t.Errorf("%d stale handles for a slow upstream", n)
	}
	b.ok("/api/x")
}

// TestRetiredHandleDuringRefresh: while a refresh is held open, 200 requests with
// g−2 neither get its successor nor reach the upstream.
func TestRetiredHandleDuringRefresh(t *testing.T) {
	s := newEnvironment(t, options{gateways: 2})
	b := s.browser()
	b.ada()
	first := b.cookie()
	for range 2 {
		b.ok("/api/x")
		s.clock.Advance(11 * time.Minute)
		b.ok("/api/x")
	}
	b.ok("/api/x")
	if g := s.open(b.cookie()).Generation(); g != 3 {
		t.Fatalf("generation %d", g)
	}
	s.clock.Advance(11 * time.Minute)
	s.upstream.take()
	owner := b.with(b.cookie())
	var wg sync.WaitGroup
	for range 50 { // the owner's own refresh, in the middle of it all
		wg.Go(func() { _, _ = owner.try("GET", "/api/owner") })
	}
	together(200, func(i int) {
		thief := b.with(first).at(s.gateways[i%2].addr)
		a, err := thief.try("GET", "/api/thief")
		if err != nil || a.status != 401 {
			t.Errorf("%v %s", err, a)
		}
		if _, is := a.set(); is {
			t.Error("a retired handle got a cookie")
		}
	})
	wg.Wait()
	for _, r := range s.upstream.take() {
		if r.URI == "/api/thief" {
			t.Fatal("a retired handle reached the upstream")
		}
	}
}

// TestReuseEndsTheFamily: a handle two generations old that comes back with the mark
// of its refusal ends the session in every process within a second, and leaves a
// security event.
func TestReuseEndsTheFamily(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 3, options{session: knownForLong})
	b := c.browser()
	b.ada()
	id := c.open(b.cookie()).ID()
	stolen := b.cookie()
	everyone := func() []*browser { return c.each(b) }
	for range 2 {
		for _, p := range everyone() {
			p.ok("/api/x")
		}
		c.pass(id, 11*time.Minute)
		b.ok("/auth/session")          // moves nothing along: cached or not, the session lives
		b.do("POST", "/auth/refresh")  // rotates
		for _, p := range everyone() { // and every process has a copy of the new handle
			p.ok("/api/x")
		}
	}
	if g := c.open(b.cookie()).Generation(); g != 3 {
		t.Fatalf("generation %d", g)
	}
	owner := b.cookie()
	thief := b.with(stolen).at(c.processes[1].addr)
	if a := thief.get("/api/x"); a.status != 401 || a.code() != "session_stale" {
		t.Fatalf("the stolen handle at first sight: %s", a)
	}
	b.ok("/api/x")
	a := thief.get("/api/x")
	if _, is := a.set(); a.status != 401 || a.code() != "session_reused" || is {
		t.Fatalf("the stolen handle: %s", a)
	}
	eventually(t, "the family is dead in every process", func() bool {
		for _, p := range everyone() {
			if a := p.with(owner).get("/api/x"); a.status != 401 || a.code() != "session_reused" {
				return false
			}
		}
		return true
	})
	if n := c.processes[1].logs.count(`"msg":"reuse_detected"`, `"security":true`, string(id)); n != 1 {
		t.Errorf("%d security events", n)
	}
}
