package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sessiongate/cmd/sessiongate/program"
	"sessiongate/session/token"
)

// TestIdleAndAbsolute: silence and age end a session, looking at it does not
// prolong it, and the client is told why.
func TestIdleAndAbsolute(t *testing.T) {
	s := newEnvironment(t, options{session: "idle_timeout: 1h, absolute_lifetime: 3h"})
	watcher, worker := s.browser(), s.browser()
	watcher.ada()
	worker.ada()
	for range 5 {
		s.clock.Advance(30 * time.Minute)
		watcher.get("/auth/session?touch=false")
		worker.ok("/api/x")
	}
	if a := watcher.ok("/auth/session?touch=false"); !strings.Contains(a.body, `"reason":"idle"`) {
		t.Errorf("the watcher: %s", a)
	}
	if a := watcher.get("/api/x"); a.status != 401 || a.code() != "session_expired" {
		t.Errorf("the watcher: %s", a)
	}
	s.clock.Advance(31 * time.Minute)
	if a := worker.get("/api/x"); a.status != 401 || a.code() != "session_expired" || !strings.Contains(a.body, `"reason":"absolute"`) {
		t.Errorf("the worker: %s", a)
	}
	for _, b := range []*browser{watcher, worker} {
		if b.cookie() == "" {
			t.Error("a 401 cleared the cookie")
		}
	}
}

// TestReplicasWithWrongClocks: replicas whose clocks differ by four minutes agree, because only
// the store's clock counts; and an API with the right time takes their tokens.
func TestReplicasWithWrongClocks(t *testing.T) {
	s := newEnvironment(t, options{gateways: 3, access: "1m"})
	pem, err := os.ReadFile(filepath.Join(s.dir, "signing.pem"))
	if err != nil {
		t.Fatal(err)
	}
	key, err := token.ParseSigningKey("k1", pem)
	if err != nil {
		t.Fatal(err)
	}
	ring, err := token.NewRing([]token.SigningKey{key}, nil)
	if err != nil {
		t.Fatal(err)
	}
	verifier, err := token.NewVerifier(token.VerifierOptions{
		Keys: ring, Issuer: publicOrigin, Audience: []string{"test"}, Leeway: 2 * time.Second, Now: s.clock.Now,
	})
	if err != nil {
		t.Fatal(err)
	}
	s.gateways[1].skew.Store(int64(2 * time.Minute))
	s.gateways[2].skew.Store(int64(-2 * time.Minute))
	for first := range s.gateways {
		b := s.browser().at(s.gateways[first].addr)
		b.ada()
		for step := range 12 {
			for i, g := range s.gateways {
				at := b.at(g.addr)
				at.ok("/api/x")
				if _, err := verifier.Verify(t.Context(), s.upstream.last(t).bearer()); err != nil {
					t.Fatalf("login at %d, step %d, gateway %d: the API refuses the token: %v", first, step, i, err)
				}
			}
			s.clock.Advance(13 * time.Second)
		}
	}
}

// ring writes a key section with these cookie and seal keys, "id from" each.
func (s *environment) ring(cookie, sealing []string) string {
	s.t.Helper()
	list := func(kind string, keys []string) string {
		var items []string
		for _, k := range keys {
			id, from, _ := strings.Cut(k, " ")
			dir := filepath.Join(s.dir, id)
			if id == "c1" || id == "s1" {
				dir = s.dir
			} else {
				newKeys(s.t, dir)
			}
			item := fmt.Sprintf("{id: %s, file: %s/%s.key}", id, dir, kind)
			if from != "" {
				item = strings.TrimSuffix(item, "}") + ", from: " + from + "}"
			}
			items = append(items, item)
		}
		return "[" + strings.Join(items, ", ") + "]"
	}
	return fmt.Sprintf("\n  cookie: %s\n  seal: %s\n  signing: [{id: k1, file: %s/signing.pem}]", list("cookie", cookie), list("seal", sealing), s.dir)
}

// TestKeyRotation: a new key is deployed with a later `from`, comes into force,
// and the old one goes. Old and new replicas run side by side, and nobody is
// signed out.
func TestKeyRotation(t *testing.T) {
	s := newEnvironment(t, options{})
	from := s.clock.Now().Add(time.Hour).UTC().Format(time.RFC3339)
	oldOnly := s.gateways[0]
	both := s.start(s.config(options{keys: s.ring([]string{"c1", "c2 " + from}, []string{"s1", "s2 " + from})}), program.Overrides{})
	b := s.browser()
	b.ada()
	for range 8 { // 88 minutes; the new keys are in force from the sixth round on
		for _, g := range []*liveGateway{oldOnly, both, oldOnly} {
			if g == oldOnly && s.clock.Now().After(time.Now().Add(time.Hour)) {
				continue // every replica has the new keys by then
			}
			b.at(g.addr).ok("/api/x")
		}
		s.clock.Advance(11 * time.Minute)
	}
	b.at(both.addr).ok("/api/x")
	if _, err := s.handles.Open(b.cookie()); err == nil {
		t.Error("the new key is not in use")
	}
	newOnly := s.start(s.config(options{keys: s.ring([]string{"c2"}, []string{"s2"})}), program.Overrides{})
	b.at(newOnly.addr).ok("/api/x")
}

// TestUnknownSealKey: a replica that lacks a key cannot read the session. That is
// the operator's fault: 503, and session and cookie stay.
func TestUnknownSealKey(t *testing.T) {
	s := newEnvironment(t, options{})
	wrong := s.start(s.config(options{keys: s.ring([]string{"c1"}, []string{"s9"})}), program.Overrides{})
	b := s.browser()
	b.ada()
	cookie := b.cookie()
	for range 3 {
		a := b.at(wrong.addr).get("/api/x")
		if _, is := a.set(); a.status != 503 || a.code() != "store_unavailable" || is {
			t.Errorf("%s", a)
		}
	}
	if s.logs.count(`"msg":"unsealable_record"`, `"level":"ERROR"`) == 0 {
		t.Error("no alarm")
	}
	b.ok("/api/x")
	if b.cookie() != cookie {
		t.Error("the cookie changed")
	}
	// Signing out needs no key: the session is over, whether its record can be read or not.
	if a := b.at(wrong.addr).do("POST", "/auth/logout"); a.status != 200 {
		t.Errorf("logout: %s", a)
	}
	if a := b.with(cookie).get("/api/x"); a.status != 401 {
		t.Errorf("after logout: %s", a)
	}
}
