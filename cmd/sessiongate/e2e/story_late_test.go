package e2e

import (
	"fmt"
	"net/http"
	"sync"
	"testing"
	"time"
)

// slowly sends a request whose answer the upstream holds back, and returns once
// the upstream has it. release lets it go and returns the answer.
func (s *environment) slowly(b *browser, cookie string) (release func() answer) {
	s.t.Helper()
	hold, arrived, done := make(chan struct{}), make(chan struct{}, 1), make(chan answer, 1)
	s.upstream.answer(func(_ http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/api/slow" {
			arrived <- struct{}{}
			<-hold
		}
	})
	go func() {
		a, err := b.try("GET", "/api/slow", header("Cookie", "__Host-session="+cookie))
		if err != nil {
			s.t.Error(err)
		}
		done <- a
	}()
	select {
	case <-arrived:
	case a := <-done:
		s.t.Fatalf("the slow request was answered at once: %s", a)
	}
	open := sync.OnceFunc(func() { close(hold) })
	s.t.Cleanup(open)
	return func() answer { open(); return <-done }
}

// TestSlowResponseAfterAnotherLogin: what session A's slow response says does not
// move a browser that signed in as B in between.
func TestSlowResponseAfterAnotherLogin(t *testing.T) {
	for name, second := range map[string]int{"same gateway": 0, "another gateway": 1} {
		t.Run(name, func(t *testing.T) {
			s := newEnvironment(t, options{gateways: 2})
			b := s.browser()
			b.ada()
			a := b.cookie()
			b.ok("/api/x")
			s.clock.Advance(11 * time.Minute) // the slow request refreshes and rotates
			release := s.slowly(b, a)
			if g, _ := s.generation(s.open(a).ID()); g != 2 {
				t.Fatalf("generation %d", g)
			}
			b.at(s.gateways[second].addr).grace()
			signedIn := b.cookie()
			s.clock.Advance(time.Second)
			if late := release(); late.status != 200 {
				t.Errorf("the slow answer: %s", late)
			} else if v, is := late.set(); is {
				t.Errorf("the slow answer of the ended session set a cookie of generation %d", s.open(v).Generation())
			}
			if b.cookie() != signedIn {
				t.Error("the browser is not grace any more")
			}
		})
	}
}

// TestSlowResponseAfterRotation: a response that began under g never sets g once
// g+1 is out: it carries g+1 or nothing.
func TestSlowResponseAfterRotation(t *testing.T) {
	for name, second := range map[string]int{"same gateway": 0, "another gateway": 1} {
		t.Run(name, func(t *testing.T) {
			s := newEnvironment(t, options{gateways: 2})
			b := s.browser()
			b.ada()
			b.ok("/api/x")
			s.clock.Advance(11 * time.Minute)
			release := s.slowly(b, b.cookie()) // this one rotates to 2
			s.clock.Advance(11 * time.Minute)
			other := b.with(b.cookie()).at(s.gateways[second].addr)
			other.ok("/api/x") // g−1, unacked: converges on 2
			other.do("POST", "/auth/refresh?force=true")
			if g := s.open(other.cookie()).Generation(); g != 3 {
				t.Fatalf("generation %d", g)
			}
			late := release()
			if v, is := late.set(); is && s.open(v).Generation() != 3 {
				t.Errorf("the slow answer set generation %d", s.open(v).Generation())
			}
		})
	}
}

// TestSlowResponseAfterLogout sets nothing.
func TestSlowResponseAfterLogout(t *testing.T) {
	s := newEnvironment(t, options{gateways: 2})
	b := s.browser()
	b.ada()
	s.clock.Advance(11 * time.Minute)
	release := s.slowly(b, b.cookie())
	b.at(s.gateways[1].addr).do("POST", "/auth/logout")
	s.clock.Advance(time.Second)
	if v, is := release().set(); is {
		t.Errorf("set %q", v)
	}
}

// TestHeaderDoesNotWaitForTheBody: a response was judged, its header is written, and its
// body takes until the session has rotated several times. What it sets reaches the
// browser when it was judged, not when the body comes: it would take the browser back to
// a handle that is long retired, and with the mark of an older request that would look
// like a theft.
func TestHeaderDoesNotWaitForTheBody(t *testing.T) {
	plain := func(*http.Request) {}
	for name, kind := range map[string]change{"plain": plain, "by net/http": chunked} {
		for _, method := range []string{"GET", "POST"} {
			t.Run(name+" "+method, func(t *testing.T) {
				s := newEnvironment(t, options{gateways: 2})
				b := s.browser()
				b.ada()
				b.ok("/api/x")
				s.clock.Advance(11 * time.Minute) // the slow request rotates
				release := s.slowBody(b, method, kind)
				other := b.at(s.gateways[1].addr)
				for range 3 {
					other.ok("/api/x")
					s.clock.Advance(11 * time.Minute)
					other.ok("/api/x")
				}
				newest := b.cookie()
				s.clock.Advance(45 * time.Second)
				if a := release(); a.status != 200 || a.body != "late" {
					t.Errorf("the slow answer: %s", a)
				}
				if b.cookie() != newest {
					t.Errorf("the browser went back from generation %d to %d", s.open(newest).Generation(), s.open(b.cookie()).Generation())
				}
				b.ok("/api/x")
				other.ok("/api/x")
				if n := s.logs.count(`"msg":"retired_handle"`) + s.logs.count(`"msg":"reuse_detected"`); n != 0 {
					t.Errorf("%d events", n)
				}
			})
		}
	}
}

// chunked makes a request one that net/http serves.
func chunked(r *http.Request) {
	if r.Method == http.MethodPost {
		body("text/plain", "x")(r)
		r.ContentLength = -1
		return
	}
	r.Header.Set("Connection", "keep-alive, x-other")
}

// slowBody sends a request whose answer has come but for its body, and returns once the
// browser has what it sets.
func (s *environment) slowBody(b *browser, method string, kind change) (release func() answer) {
	s.t.Helper()
	hold, done := make(chan struct{}), make(chan answer, 1)
	s.upstream.answer(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/api/slow" {
			w.Header().Set("Content-Length", "4")
			_ = http.NewResponseController(w).Flush()
			<-hold
			fmt.Fprint(w, "late")
		}
	})
	open := sync.OnceFunc(func() { close(hold) })
	s.t.Cleanup(open)
	before := b.cookie()
	go func() {
		a, err := b.try(method, "/api/slow", kind)
		if err != nil {
			s.t.Error(err)
		}
		done <- a
	}()
	eventually(s.t, "the header is here", func() bool { return b.cookie() != before })
	return func() answer { open(); return <-done }
}
