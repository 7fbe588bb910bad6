package session_test

import (
	"encoding/json"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"sessiongate/session"
)

// The clocks of these tests stand far apart: nothing may depend on both showing one time.
func storeClock() time.Time { return time.UnixMilli(1_800_000_000_000).UTC() }
func localClock() time.Time { return time.UnixMilli(1_700_000_000_000).UTC() }

// aSession is a look at a session that began an hour ago: its token is soft-due in 8 minutes,
// hard-due in 9 and expired in 10; it is idle in 59 minutes and over in 23 hours.
func aSession(change func(*session.Look)) (session.Look, session.Handle) {
	h := session.NewHandle(session.Browser)
	now := storeClock()
	look := session.Look{
		ReadPoint: session.ReadPoint{Track: session.NewTrack(h.ID()), Epoch: 4, Began: localClock(), Connected: true},
		Now:       now,
		Record: &session.Record{
			ID: h.ID(), Created: now.Add(-time.Hour), Expires: now.Add(10 * time.Minute),
			Facts: session.State{
				Found: true, Generation: 1, Late: 1, RotatedAt: now.Add(-time.Hour), LastSeen: now.Add(-time.Minute), Absolute: now.Add(23 * time.Hour),
				SoftAt: now.Add(8 * time.Minute), HardAt: now.Add(9 * time.Minute), Grace: 30 * time.Second, TokensHash: "hash",
			},
			Identity: session.Identity{Subject: "ada", Provider: "corp", AuthTime: now.Add(-2 * time.Hour)},
			Tokens:   session.Tokens{Access: "access", Refresh: "refresh"},
		},
	}
	if change != nil {
		change(&look)
	}
	return look, h
}

const idle = time.Hour

// A session is what the record says, on this process's clock.
func TestSessionOfALook(t *testing.T) {
	look, h := aSession(nil)
	s := look.Session(h, idle)
	if s.ID() != h.ID() || s.Handle() != h || s.Generation() != 1 || s.Track() != look.Track || s.ReadPoint() != look.ReadPoint {
		t.Errorf("%s is of another handle or look", s)
	}
	if s.Authorization != "Bearer access" || s.AccessToken().Reveal() != "access" || s.TokensHash() != "hash" || s.Grace() != 30*time.Second {
		t.Errorf("%q", s.Authorization)
	}
	if !s.Created().Equal(storeClock().Add(-time.Hour)) {
		t.Errorf("created %s: it is the store's time, not ours", s.Created())
	}
	idleEnd, absolute := s.Deadlines()
	if !idleEnd.Equal(localClock().Add(59*time.Minute)) || !absolute.Equal(localClock().Add(23*time.Hour)) {
		t.Errorf("idle %s, absolute %s", idleEnd, absolute)
	}
	if look.Track.Newest() != 1 {
		t.Error("the track has not learnt the generation")
	}
}

// What is left runs down with this process's clock and is never negative. Idle time does not
// outlast the session.
func TestRemaining(t *testing.T) {
	for name, c := range map[string]struct {
		passed                 time.Duration
		change                 func(*session.Look)
		absolute, idle, access time.Duration
	}{
		"at once":        {0, nil, 23 * time.Hour, 59 * time.Minute, 10 * time.Minute},
		"a moment later": {time.Minute, nil, 22*time.Hour + 59*time.Minute, 58 * time.Minute, 9 * time.Minute},
		"token expired":  {20 * time.Minute, nil, 22*time.Hour + 40*time.Minute, 39 * time.Minute, 0},
		"all over":       {24 * time.Hour, nil, 0, 0, 0},
		"absolute first": {
			0, func(l *session.Look) { l.Record.Facts.Absolute = storeClock().Add(5 * time.Minute) }, 5 * time.Minute, 5 * time.Minute, 10 * time.Minute,
		},
	} {
		look, h := aSession(c.change)
		absolute, idleLeft, access := look.Session(h, idle).Remaining(localClock().Add(c.passed))
		if absolute != c.absolute || idleLeft != c.idle || access != c.access {
			t.Errorf("%s: %s, %s, %s; want %s, %s, %s", name, absolute, idleLeft, access, c.absolute, c.idle, c.access)
		}
	}
}

// How long ago the user proved who they are, by the store's clock; never negative, though a
// provider's clock may be ahead of it.
func TestAuthAge(t *testing.T) {
	for proved, want := range map[time.Duration]time.Duration{-2 * time.Hour: 2*time.Hour + time.Minute, -time.Second: 61 * time.Second, time.Hour: 0} {
		look, h := aSession(func(l *session.Look) { l.Record.Identity.AuthTime = storeClock().Add(proved) })
		if got := look.Session(h, idle).AuthAge(localClock().Add(time.Minute)); got != want {
			t.Errorf("proved %s before the look: %s, want %s", -proved, got, want)
		}
	}
}

// A token becomes due, and expires, at the very moment that the record names.
func TestDue(t *testing.T) {
	look, h := aSession(nil)
	s := look.Session(h, idle)
	for passed, want := range map[time.Duration]struct{ soft, expired bool }{
		0:                                {false, false},
		8*time.Minute - time.Nanosecond:  {false, false},
		8 * time.Minute:                  {true, false},
		10*time.Minute - time.Nanosecond: {true, false},
		10 * time.Minute:                 {true, true},
	} {
		now := localClock().Add(passed)
		if s.SoftDue(now) != want.soft || s.AccessExpired(now) != want.expired || look.Expired(now) != want.expired {
			t.Errorf("after %s: soft-due %t, expired %t, the look %t", passed, s.SoftDue(now), s.AccessExpired(now), look.Expired(now))
		}
	}
}

// A cached copy may be used until its time is up, a deadline comes, something is heard of the
// session, or the feed has a gap.
func TestFresh(t *testing.T) {
	idleSoon := func(l *session.Look) { l.Record.Facts.LastSeen = storeClock().Add(time.Minute - idle) }
	late := func(l *session.Look) {
		l.Record.Facts.Late, l.Record.Facts.RotatedAt = 0, storeClock().Add(-30*time.Second)
	}
	for name, c := range map[string]struct {
		change func(*session.Look)
		after  func(*session.Session)
		passed time.Duration
		ttl    time.Duration
		epoch  uint64
		want   bool
	}{
		"at once":                     {nil, nil, 0, time.Second, 4, true},
		"just in time":                {nil, nil, time.Second - 1, time.Second, 4, true},
		"its time is up":              {nil, nil, time.Second, time.Second, 4, false},
		"no cache":                    {nil, nil, 0, 0, 4, false},
		"a gap in the feed":           {nil, nil, 0, time.Second, 5, false},
		"changed since":               {nil, func(s *session.Session) { s.Track().Invalidate() }, 0, time.Second, 4, false},
		"a newer generation, told":    {nil, func(s *session.Session) { s.Track().Advance(9) }, 0, time.Second, 4, true},
		"before the token is due":     {nil, nil, 9*time.Minute - 1, time.Hour, 4, true},
		"the token is due":            {nil, nil, 9 * time.Minute, time.Hour, 4, false},
		"idle":                        {idleSoon, nil, time.Minute, time.Hour, 4, false},
		"not yet idle":                {idleSoon, nil, time.Minute - 1, time.Hour, 4, true},
		"over":                        {func(l *session.Look) { l.Record.Facts.Absolute = storeClock().Add(time.Minute) }, nil, time.Minute, time.Hour, 4, false},
		"lasting use not yet noted":   {late, nil, 30*time.Second + time.Millisecond, time.Hour, 4, false},
		"before there is lasting use": {late, nil, 30 * time.Second, time.Hour, 4, true},
	} {
		look, h := aSession(c.change)
		s := look.Session(h, idle)
		if c.after != nil {
			c.after(s)
		}
		now := localClock().Add(c.passed)
		if got := s.Fresh(now, c.ttl, c.epoch); got != c.want {
			t.Errorf("%s: %t", name, got)
		}
		if n := testing.AllocsPerRun(10, func() { s.Fresh(now, c.ttl, c.epoch) }); n != 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
}

// One of all that ask of a copy refreshes in the background, and one more each time that this
// came to nothing.
func TestClaimRefreshOnce(t *testing.T) {
	look, h := aSession(nil)
	s := look.Session(h, idle)
	for round := range 3 {
		var all sync.WaitGroup
		var claims atomic.Int32
		for range 16 {
			all.Go(func() {
				if s.ClaimRefresh() {
					claims.Add(1)
				}
			})
		}
		if all.Wait(); claims.Load() != 1 {
			t.Errorf("round %d: %d claims", round, claims.Load())
		}
		s.YieldRefresh()
	}
	if another := look.Session(h, idle); !another.ClaimRefresh() {
		t.Error("another copy cannot be claimed")
	}
}

// Every word that a copy holds on to counts in full; lists are shared, and do not.
func TestSizeGrowsWithItsStrings(t *testing.T) {
	const more = 1000
	long := strings.Repeat("x", more)
	size := func(change func(*session.Record)) uint32 {
		look, h := aSession(func(l *session.Look) { change(l.Record) })
		return look.Session(h, idle).Size()
	}
	empty := size(func(*session.Record) {})
	for name, c := range map[string]struct {
		change func(*session.Record)
		grows  uint32
	}{
		"access token":     {func(r *session.Record) { r.Tokens.Access += session.Secret(long) }, more},
		"claims":           {func(r *session.Record) { r.Identity.Claims = json.RawMessage(long) }, more},
		"subject":          {func(r *session.Record) { r.Identity.Subject += long }, more},
		"name":             {func(r *session.Record) { r.Identity.Name = long }, more},
		"acr":              {func(r *session.Record) { r.Identity.ACR = long }, more},
		"sid":              {func(r *session.Record) { r.Identity.SID = long }, more},
		"hash":             {func(r *session.Record) { r.Facts.TokensHash += long }, more},
		"refresh token":    {func(r *session.Record) { r.Tokens.Refresh = session.Secret(long) }, 0},
		"ID token":         {func(r *session.Record) { r.Tokens.ID = session.Secret(long) }, 0},
		"device":           {func(r *session.Record) { r.Device = session.Device{Name: long, UserAgent: long} }, 0},
		"roles are shared": {func(r *session.Record) { r.Identity.Roles = []string{long} }, 0},
	} {
		if got := size(c.change) - empty; got != c.grows {
			t.Errorf("%s: grows by %d, want %d", name, got, c.grows)
		}
	}
}

// A compact session says what it said, with lists and the provider's name as its keeper has them.
func TestCompact(t *testing.T) {
	look, h := aSession(func(l *session.Look) {
		l.Record.Identity = session.Identity{
			Subject: "ada", Name: "Ada", Provider: "corp", Roles: []string{"admin"}, Scopes: []string{"a"}, ACR: "acr", SID: "sid",
			Claims: json.RawMessage(`{"x":1}`),
		}
	})
	s := look.Session(h, idle)
	shared := []string{"shared"}
	s.Compact("corp", func([]string) []string { return shared })
	id := s.Identity()
	if id.Subject != "ada" || id.Name != "Ada" || id.ACR != "acr" || id.SID != "sid" || string(id.Claims) != `{"x":1}` || s.TokensHash() != "hash" {
		t.Errorf("%+v", id)
	}
	if &id.Roles[0] != &shared[0] || &id.Scopes[0] != &shared[0] {
		t.Error("the lists are not the keeper's")
	}
	look.Record.Identity.Claims[2] = 'y'
	if string(id.Claims) != `{"x":1}` {
		t.Error("the claims are cut out of the record")
	}
}

// A later look says what is true now, and voids nothing that was heard since.
func TestLookWith(t *testing.T) {
	look, h := aSession(nil)
	look.Track.Invalidate()
	later := *look.Record
	later.Facts.Generation, later.Tokens.Access, later.Expires = 2, "newer", storeClock().Add(time.Hour)
	asked := localClock().Add(20 * time.Minute)
	next := look.With(session.Stored{Record: &later, Now: storeClock().Add(20 * time.Minute), Asked: asked})

	old := look.Session(h, idle)
	if !look.Expired(asked) || old.Fresh(localClock(), time.Second, 4) {
		t.Error("the earlier look has changed")
	}
	s := next.Session(h, idle)
	if next.Expired(asked) || s.Authorization != "Bearer newer" || s.Generation() != 2 || !s.ReadPoint().Began.Equal(asked) {
		t.Errorf("%+v", next.ReadPoint)
	}
	if _, _, access := s.Remaining(asked); access != 40*time.Minute {
		t.Errorf("%s left of the token", access)
	}
	if next.Version != next.Track.Version() || next.Epoch != look.Epoch || next.Track != look.Track {
		t.Error("what was heard before the later look voids it")
	}
}

// A bearer is the presented token for the family's user: it is forwarded as it came, and lasts
// no longer than its own time, the cache's, and the family's.
func TestBearer(t *testing.T) {
	for name, c := range map[string]struct {
		token, ttl time.Duration
		change     func(*session.Look)
		fresh      time.Duration
	}{
		"the token's":      {time.Minute, time.Hour, nil, time.Minute},
		"the cache's":      {time.Hour, time.Minute, nil, time.Minute},
		"idle":             {24 * time.Hour, 24 * time.Hour, nil, 59 * time.Minute},
		"over":             {24 * time.Hour, 24 * time.Hour, func(l *session.Look) { l.Record.Facts.Absolute = storeClock().Add(time.Minute) }, time.Minute},
		"not the family's": {30 * time.Minute, time.Hour, nil, 30 * time.Minute}, // whose own token is due in 9
	} {
		look, _ := aSession(c.change)
		b := session.NewBearer("raw", look.Session(session.Handle{}, idle), c.token)
		end := localClock().Add(c.fresh)
		if !b.Fresh(end.Add(-1), c.ttl, 4) || b.Fresh(end, c.ttl, 4) {
			t.Errorf("%s: not fresh for %s", name, c.fresh)
		}
		if b.Fresh(localClock(), c.ttl, 5) {
			t.Errorf("%s: fresh after a gap in the feed", name)
		}
		if look.Track.Invalidate(); b.Fresh(localClock(), c.ttl, 4) {
			t.Errorf("%s: fresh after a change", name)
		}
	}
	look, h := aSession(func(l *session.Look) { l.Record.Identity.Roles = []string{"user"} })
	b := session.NewBearer("raw", look.Session(session.Handle{}, idle), time.Minute)
	if b.Raw() != "raw" || b.Authorization != "Bearer raw" || b.Family().Authorization != "" {
		t.Errorf("forwards %q, and the family %q", b.Authorization, b.Family().Authorization)
	}
	if b.SessionID() != h.ID() || b.Identity().Subject != "ada" || !slices.Equal(b.Identity().Roles, []string{"user"}) {
		t.Errorf("%s: %+v", b, b.Identity())
	}
	if b.AuthAge(localClock()) != 2*time.Hour || b.Family().Handle().Presented() {
		t.Errorf("proved %s ago", b.AuthAge(localClock()))
	}
}

func TestASessionKnowsItsTokens(t *testing.T) {
	tokens := session.Tokens{Access: "access", Refresh: "refresh"}
	rec := &session.Record{Tokens: tokens}
	rec.Facts.TokensHash = tokens.Hash()
	s := session.NewSession(session.ReadPoint{Track: session.NewTrack("id")}, time.Time{}, session.Handle{}, rec, time.Hour)
	for text, want := range map[string]bool{"access": true, "refresh": true, "": false, "other": false, "refreshaccess": false} {
		if s.Owns(text) != want {
			t.Errorf("Owns(%q) is %v", text, !want)
		}
	}
	rec.Facts.TokensHash = session.Tokens{Access: "access"}.Hash()
	if s := session.NewSession(session.ReadPoint{Track: session.NewTrack("id")}, time.Time{}, session.Handle{}, rec, time.Hour); s.Owns("") {
		t.Error("no refresh token is none")
	}
}
