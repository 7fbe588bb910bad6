package e2e

import (
	"encoding/json"
	"testing"
	"time"
)

// The paths by which a token stops being good, with the clock in the test's hand:
// expired access, expired refresh (idle and absolute), revoked, and replicas whose
// clocks disagree.

// TestExpiredAccessToken: an access token is good to the second it says, by the
// store's clock, and a refresh is all it takes to go on.
func TestExpiredAccessToken(t *testing.T) {
	s := tokenClientEnvironment(t, options{access: "10m"})
	a := s.app()
	first := a.ada()
	s.clock.Advance(10*time.Minute - 3*time.Second)
	if res := a.call("/both/x", first.Access); res.status != 200 {
		t.Errorf("shortly before the end: %s", res)
	}
	s.clock.Advance(4 * time.Second) // though the answer of a moment ago is remembered for five
	refused(t, "after the end", a.call("/both/x", first.Access), "authentication_required")
	a.renew()
	if res := a.call("/both/x", a.access); res.status != 200 {
		t.Errorf("after a refresh: %s", res)
	}
	refused(t, "the expired one beside a new one", a.call("/both/x", first.Access), "authentication_required")
}

// TestExpiredRefreshToken: silence ends the session of a token client, and so does age,
// whatever is done to keep it alive.
func TestExpiredRefreshToken(t *testing.T) {
	s := tokenClientEnvironment(t, options{session: "idle_timeout: 30m, absolute_lifetime: 2h"})
	a, b := s.app(), s.app()
	if p := a.ada(); p.RefreshExpiresIn < 1790 || p.RefreshExpiresIn > 1800 {
		t.Errorf("the refresh token is said to live %d s, want 30 m", p.RefreshExpiresIn)
	}
	b.ada()
	for range 5 { // use keeps the one alive
		s.clock.Advance(20 * time.Minute)
		a.renew()
	}
	refused(t, "idle", b.post("refresh", refreshing(b.refresh)), "session_ended")
	refused(t, "its access token", b.call("/both/x", b.access), "session_expired")
	s.clock.Advance(15 * time.Minute)
	if p := a.renew(); p.ExpiresIn > 300 || p.RefreshExpiresIn > 300 {
		t.Errorf("tokens that outlive the session: %+v", p)
	}
	s.clock.Advance(5 * time.Minute)
	refused(t, "absolute", a.post("refresh", refreshing(a.refresh)), "session_ended")
	refused(t, "its access token", a.call("/both/x", a.access), "session_expired")
}

// TestCallsDoNotKeepARefreshTokenAlive: only a refresh is use.
func TestCallsDoNotKeepARefreshTokenAlive(t *testing.T) {
	s := tokenClientEnvironment(t, options{access: "25m", session: "idle_timeout: 30m, absolute_lifetime: 2h"})
	a := s.app()
	a.ada()
	s.clock.Advance(24 * time.Minute)
	if res := a.call("/both/x", a.access); res.status != 200 {
		t.Fatal(res)
	}
	s.clock.Advance(7 * time.Minute)
	refused(t, "refresh", a.post("refresh", refreshing(a.refresh)), "session_ended")
}

// TestClockSkew: replicas two minutes fast and slow agree with each other, since
// one clock, the store's, decides.
func TestClockSkew(t *testing.T) {
	s := tokenClientEnvironment(t, options{gateways: 3, session: "idle_timeout: 30m, absolute_lifetime: 2h"})
	s.gateways[1].skew.Store(int64(2 * time.Minute))
	s.gateways[2].skew.Store(int64(-2 * time.Minute))
	b := s.browser()
	b.ada()
	apps := []*app{s.app(), s.appAt(1), s.appAt(2)}
	apps[1].ada() // signed in at the fast one
	access, refresh := apps[1].access, apps[1].refresh

	everywhere := func(when, cookie, token string) {
		t.Helper()
		for i, g := range s.gateways {
			a := b.at(g.addr).get("/auth/session?touch=false")
			var doc struct {
				Reason        string
				Authenticated bool
				Session       struct {
					Idle   int `json:"idle_expires_in"`
					Access int `json:"access_expires_in"`
				}
			}
			_ = json.Unmarshal([]byte(a.body), &doc)
			state := doc.Reason
			if doc.Authenticated {
				state = "alive"
			}
			if state != cookie || doc.Session.Idle > 1800 || doc.Session.Access > 600 {
				t.Errorf("%s, gateway %d: %s, want %s", when, i, a, cookie)
			}
			got := "taken"
			if res := apps[i].call("/both/x", access); res.status != 200 {
				got = res.code()
			}
			if got != token {
				t.Errorf("%s, gateway %d: the access token is %s, want %s", when, i, got, token)
			}
		}
	}
	everywhere("at once", "alive", "taken")
	s.clock.Advance(9 * time.Minute)
	everywhere("a minute before the access token's end", "alive", "taken")
	s.clock.Advance(61 * time.Second)
	everywhere("after it", "alive", "authentication_required")

	apps[0].refresh = refresh
	for _, i := range []int{0, 1, 2} { // a refresh anywhere is good everywhere
		apps[i].keep(apps[i].post("refresh", refreshing(apps[0].refresh)))
		apps[0].refresh, access = apps[i].refresh, apps[i].access
		everywhere("refreshed", "alive", "taken")
	}
	s.clock.Advance(21 * time.Minute)
	everywhere("after silence of 31 minutes in the browser", "idle", "authentication_required")
}
