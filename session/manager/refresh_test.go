package manager_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"sessiongate/session"
	"sessiongate/session/sessiontest"
)

const expired = lifetime + time.Minute

// TestOneCallForMany: 150 requests over three processes spend the refresh token once.
func TestOneCallForMany(t *testing.T) {
	w := newWorld(t, options{managers: 3})
	cookie := w.login()
	for round := 1; round <= 3; round++ {
		w.clock.Advance(expired)
		tokens := make([]string, 150)
		together(len(tokens), func(i int) {
			s, err := w.resolve(i%3, cookie)
			if err != nil {
				t.Errorf("round %d: %v", round, err)
				return
			}
			tokens[i] = s.Authorization
			if v, _, ok := w.managers[i%3].Successor(context.Background(), s); ok && w.handle(v).Generation() != uint32(round)+1 {
				t.Errorf("round %d: successor %d", round, w.handle(v).Generation())
			}
		})
		if n := w.provider.Calls(); n != round || distinct(tokens) != 1 {
			t.Errorf("round %d: %d calls, %d tokens", round, n, distinct(tokens))
		}
		if g, _ := w.generation(cookie); g != uint32(round)+1 {
			t.Errorf("round %d: generation %d", round, g)
		}
		cookie = w.at(cookie, uint32(round)+1)
	}
}

// TestSoftDueRefreshesInTheBackground: the request does not wait for the provider.
func TestSoftDueRefreshesInTheBackground(t *testing.T) {
	w := newWorld(t, options{cacheTTL: 5 * time.Second})
	cookie := w.login()
	old := w.live(0, cookie).Authorization
	gate := sessiontest.NewGate()
	defer gate.Open()
	w.provider.Fail(gate.Hold(nil))
	w.clock.Advance(lifetime - 20*time.Second)
	for range 5 {
		if s := w.live(0, cookie); s.Authorization != old {
			t.Fatal("a new token from nowhere")
		}
	}
	<-gate.Arrived
	gate.Open()
	w.eventually("the browser converges", func() bool {
		s := w.live(0, cookie)
		v, _, ok := w.managers[0].Successor(context.Background(), s)
		return ok && w.handle(v).Generation() == 2 && s.Authorization != old
	})
	if n := w.provider.Calls(); n != 1 {
		t.Errorf("%d calls", n)
	}
}

// TestProviderFault: the old token is used while it is valid, then 503, and the
// session outlives it all. The back-off is everybody's.
func TestProviderFault(t *testing.T) {
	w := newWorld(t, options{managers: 2})
	cookie := w.login()
	old := w.live(0, cookie).Authorization
	w.provider.Fail(sessiontest.Fault(0))
	w.clock.Advance(lifetime - 3*time.Second) // hard-due, but not expired
	for m := range w.managers {
		if s := w.live(m, cookie); s.Authorization != old {
			t.Error("another token")
		}
	}
	if n := w.provider.Calls(); n != 1 {
		t.Errorf("%d calls, though one failed a moment ago", n)
	}
	w.clock.Advance(4 * time.Second) // expired; the back-off is over
	for m := range w.managers {
		_, err := w.resolve(m, cookie)
		w.wantUnavailable(err, session.SubsystemProvider)
	}
	if n := w.provider.Calls(); n != 2 {
		t.Errorf("%d calls", n)
	}
	w.provider.Fail(nil)
	w.clock.Advance(time.Minute)
	if s := w.live(1, cookie); s.Authorization == old {
		t.Error("the old token")
	}
	if w.events.count(session.EventEnded) != 0 || w.events.count(session.EventProviderFault) == 0 {
		t.Error("wrong events")
	}
}

// TestRetryAfterOfTheProvider is respected by every process.
func TestRetryAfterOfTheProvider(t *testing.T) {
	w := newWorld(t, options{managers: 2})
	cookie := w.login()
	w.clock.Advance(expired)
	w.provider.Fail(sessiontest.Fault(time.Minute))
	_, err := w.resolve(0, cookie)
	w.wantUnavailable(err, session.SubsystemProvider)
	var down *session.UnavailableError
	if errors.As(err, &down) && down.RetryAfter != time.Minute {
		t.Errorf("Retry-After %s", down.RetryAfter)
	}
	w.provider.Fail(nil)
	w.clock.Advance(50 * time.Second)
	_, err = w.resolve(1, cookie)
	w.wantUnavailable(err, session.SubsystemProvider)
	w.clock.Advance(11 * time.Second)
	w.live(1, cookie)
	if n := w.provider.Calls(); n != 2 {
		t.Errorf("%d calls", n)
	}
}

// TestProviderHangs: the timeout is a fault like any other.
func TestProviderHangs(t *testing.T) {
	w := newWorld(t, options{timeout: time.Second})
	cookie := w.login()
	w.clock.Advance(expired)
	w.provider.Fail(sessiontest.Hang())
	_, err := w.resolve(0, cookie)
	w.wantUnavailable(err, session.SubsystemProvider)
	w.provider.Fail(nil)
	w.clock.Advance(time.Minute)
	w.live(0, cookie)
}

// TestProviderPanics: one broken answer takes neither the process nor the lease
// with it.
func TestProviderPanics(t *testing.T) {
	w := newWorld(t, options{managers: 2, timeout: time.Hour})
	cookie := w.login()
	w.clock.Advance(expired)
	w.provider.Fail(sessiontest.Panic())
	_, err := w.resolve(0, cookie)
	w.wantUnavailable(err, session.SubsystemProvider)
	w.provider.Fail(nil)
	w.clock.Advance(time.Minute)
	w.live(1, cookie)
}

// TestProviderRefuses ends the session, everywhere, with the provider's reason.
func TestProviderRefuses(t *testing.T) {
	w := newWorld(t, options{managers: 2})
	cookie := w.login()
	w.clock.Advance(expired)
	w.provider.Fail(sessiontest.Refuse())
	_, err := w.resolve(0, cookie)
	w.wantEnded(err, session.ProviderRefused)
	w.provider.Fail(nil)
	for m := range w.managers {
		_, err := w.resolve(m, cookie)
		w.wantEnded(err, session.ProviderRefused)
	}
	if n := w.provider.Calls(); n != 1 || w.events.count(session.EventProviderRefused) != 1 || w.events.count(session.EventEnded) != 1 {
		t.Errorf("%d calls, events %v", n, w.events.list)
	}
}

// TestMisconfigured is our fault: an alarm, a 503, and nobody is logged out.
func TestMisconfigured(t *testing.T) {
	w := newWorld(t, options{})
	cookie := w.login()
	w.clock.Advance(expired)
	w.provider.Fail(sessiontest.Misconfigured())
	_, err := w.resolve(0, cookie)
	w.wantUnavailable(err, session.SubsystemProvider)
	if w.events.count(session.EventMisconfigured) != 1 {
		t.Error("no alarm")
	}
	w.provider.Fail(nil)
	w.clock.Advance(time.Minute)
	w.live(0, cookie)
}

// TestOtherSubject: a refresh that answers for somebody else ends the session,
// and the tokens are nobody's.
func TestOtherSubject(t *testing.T) {
	w := newWorld(t, options{})
	cookie := w.login()
	w.clock.Advance(expired)
	w.provider.Fail(sessiontest.OtherSubject("mallory"))
	_, err := w.resolve(0, cookie)
	w.wantEnded(err, session.ProviderRefused)
	if w.events.count(session.EventSubjectChanged) != 1 {
		t.Error("no security event")
	}
	w.eventually("the new tokens are revoked", func() bool {
		return slices.ContainsFunc(w.provider.Revoked(), func(r session.Tokens) bool { return r.Access == "access-ada-2" })
	})
}

// TestNoRefreshToken keeps the one that was spent.
func TestNoRefreshToken(t *testing.T) {
	w := newWorld(t, options{})
	w.provider.KeepSpent()
	cookie := w.login()
	w.provider.Fail(sessiontest.NoRefreshToken())
	seen := w.live(0, cookie).Authorization
	for g := range uint32(3) {
		w.clock.Advance(expired)
		s := w.live(0, w.at(cookie, g+1))
		if s.Authorization == seen {
			t.Error("the old token")
		}
		seen = s.Authorization
	}
}

// TestRefusalOfASpentToken: process A's call takes so long that its lease runs
// out; B refreshes meanwhile. What A then hears says nothing about the session.
func TestRefusalOfASpentToken(t *testing.T) {
	w := newWorld(t, options{managers: 2})
	w.provider.KeepSpent()
	cookie := w.login()
	w.clock.Advance(expired)
	gate := sessiontest.NewGate()
	defer gate.Open()
	w.provider.Fail(gate.Hold(sessiontest.Refuse()))
	type result struct {
		s   *session.Session
		err error
	}
	slow := make(chan result, 1)
	go func() { s, err := w.resolve(0, cookie); slow <- result{s, err} }()
	<-gate.Arrived
	w.provider.Fail(nil)
	w.clock.Advance(time.Minute) // A's lease is over
	winner := w.live(1, cookie)
	gate.Open()
	r := <-slow
	if r.err != nil || r.s.Authorization != winner.Authorization {
		t.Errorf("A got %v, want B's token", r.err)
	}
	if n := w.provider.Calls(); n != 2 || w.events.count(session.EventEnded) != 0 {
		t.Errorf("%d calls, events %v", n, w.events.list)
	}
}

// TestCrashAfterTheCall: a process dies between the provider's rotation and the
// commit. The lease runs out, the old token is tried once more, and the answer is
// a clean end, never a loop.
func TestCrashAfterTheCall(t *testing.T) {
	w := newWorld(t, options{managers: 2})
	cookie := w.login()
	w.clock.Advance(expired)
	gate := sessiontest.NewGate()
	defer gate.Open()
	w.provider.Fail(gate.Hold(nil))
	crashed := make(chan struct{})
	go func() { defer close(crashed); _, _ = w.resolve(0, cookie) }()
	<-gate.Arrived
	w.provider.Fail(nil)

	waiting := make(chan error, 1)
	go func() { _, err := w.resolve(1, cookie); waiting <- err }()
	w.clock.Advance(time.Minute) // longer than the lease
	w.wantEnded(<-waiting, session.ProviderRefused)
	for range 3 {
		_, err := w.resolve(1, cookie)
		w.wantEnded(err, session.ProviderRefused)
	}
	if n := w.provider.Calls(); n != 2 {
		t.Errorf("%d calls", n)
	}
	gate.Open()
	<-crashed
}

// TestLogoutDuringRefresh: the tombstone wins, and what the provider issued
// meanwhile is withdrawn.
func TestLogoutDuringRefresh(t *testing.T) {
	w := newWorld(t, options{managers: 2})
	cookie := w.login()
	w.clock.Advance(expired)
	gate, refreshing := w.holdRefresh(cookie)
	defer gate.Open()
	_, err := w.managers[1].Logout(context.Background(), session.Browser, cookie, session.Logout, client())
	w.must(err)
	gate.Open()
	w.wantEnded(<-refreshing, session.Logout)
	if _, alive := w.generation(cookie); alive {
		t.Error("the session is back")
	}
	w.eventually("old and new tokens are revoked", func() bool {
		var access []string
		for _, r := range w.provider.Revoked() {
			access = append(access, r.Access.Reveal())
		}
		return slices.Contains(access, "access-ada-1") && slices.Contains(access, "access-ada-2")
	})
}

// TestRetiredDuringRefresh: while a refresh is held open, g−2 neither waits for it
// nor gets anything of it, nor ends it. With its mark it does.
func TestRetiredDuringRefresh(t *testing.T) {
	w := newWorld(t, options{managers: 2})
	first := w.login()
	current := w.rotated(first, 3)
	w.clock.Advance(expired)
	gate := sessiontest.NewGate()
	defer gate.Open()
	w.provider.Fail(gate.Hold(nil))
	owner := make(chan error, 1)
	go func() { _, err := w.resolve(0, current); owner <- err }()
	<-gate.Arrived
	together(200, func(i int) {
		s, err := w.resolve(i%2, first)
		if s != nil {
			t.Error("a retired handle got a session")
		}
		if !errors.Is(err, session.ErrStale) {
			t.Errorf("got %v, want stale", err)
		}
	})
	if n := w.events.count(session.EventReuse); n != 0 {
		t.Errorf("%d security events without proof", n)
	}
	_, err := w.back(1, first)
	w.wantEnded(err, session.Reused)
	gate.Open()
	w.wantEnded(<-owner, session.Reused) // theft ends the family, the owner's request with it
	if n := w.events.count(session.EventReuse); n != 1 {
		t.Errorf("%d security events", n)
	}
}

// TestParentDuringRefresh: g−1 in its window waits for the owner's refresh and
// adopts the tokens, though it is g−2 by the time it gets them.
func TestParentDuringRefresh(t *testing.T) {
	w := newWorld(t, options{managers: 2})
	first := w.login()
	w.clock.Advance(expired)
	w.live(0, first) // rotates to 2, which the browser never sees
	w.clock.Advance(expired)
	gate := sessiontest.NewGate()
	defer gate.Open()
	w.provider.Fail(gate.Hold(nil))
	results := make(chan error, 3)
	go func() { _, err := w.resolve(0, w.at(first, 2)); results <- err }()
	<-gate.Arrived
	for m := range w.managers {
		before := w.stores[m].asked()
		go func() { _, err := w.resolve(m, first); results <- err }()
		w.eventually("the parent has been judged", func() bool { return w.stores[m].asked() > before })
	}
	gate.Open()
	for range 3 {
		if err := <-results; err != nil {
			t.Error(err)
		}
	}
	if n := w.provider.Calls(); n != 2 {
		t.Errorf("%d calls", n)
	}
}

// TestWaiterMayLeave: the browser that began a refresh goes away; the refresh does not.
func TestWaiterMayLeave(t *testing.T) {
	w := newWorld(t, options{})
	cookie := w.login()
	w.clock.Advance(expired)
	gate := sessiontest.NewGate()
	defer gate.Open()
	w.provider.Fail(gate.Hold(nil))
	ctx, leave := context.WithCancel(context.Background())
	left := make(chan error, 1)
	go func() {
		_, err := w.managers[0].Resolve(ctx, cookie, session.ResolveOptions{Client: client()})
		left <- err
	}()
	<-gate.Arrived
	leave()
	if err := <-left; !errors.Is(err, context.Canceled) {
		t.Errorf("the one that left: %v", err)
	}
	gate.Open()
	w.eventually("the refresh is committed", func() bool { g, _ := w.generation(cookie); return g == 2 })
	w.live(0, cookie)
	if n := w.provider.Calls(); n != 1 {
		t.Errorf("%d calls", n)
	}
}

// TestRenewForced: a token the upstream refused is replaced once; a second refusal
// within ten seconds is passed on.
func TestRenewForced(t *testing.T) {
	w := newWorld(t, options{managers: 2})
	cookie := w.login()
	w.clock.Advance(2 * time.Minute)
	s := w.live(0, cookie)
	fresh := make([]string, 50)
	together(len(fresh), func(i int) {
		n, err := w.managers[i%2].ForceRefresh(context.Background(), s, client())
		if err != nil {
			t.Error(err)
			return
		}
		fresh[i] = n.Authorization
	})
	if distinct(fresh) != 1 || fresh[0] == s.Authorization || w.provider.Calls() != 1 {
		t.Errorf("%d tokens, %d calls", distinct(fresh), w.provider.Calls())
	}
	again, err := w.managers[0].ForceRefresh(context.Background(), w.live(0, w.at(cookie, 2)), client())
	if !errors.Is(err, session.ErrNotRenewed) {
		t.Errorf("a second time: %v %v", again, err)
	}
}

// TestTokenRanOutInAStall: the store's answer lies unread while the process stands still,
// until the token in it has expired. The request goes on with a good one, whether or not
// others went on with the session meanwhile; nobody is refused.
func TestTokenRanOutInAStall(t *testing.T) {
	for name, c := range map[string]struct {
		others bool
		ttl    time.Duration
	}{"others went on": {true, 5 * time.Second}, "nobody did": {false, 5 * time.Second}, "others, no cache": {true, 0}, "nobody, no cache": {false, 0}} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, options{managers: 2, cacheTTL: c.ttl})
			cookie := w.login()
			w.live(0, cookie)
			w.clock.Advance(6 * time.Second)
			release := w.stores[0].hold()
			type outcome struct {
				s   *session.Session
				err error
			}
			done := make(chan outcome, 1)
			go func() { s, err := w.resolve(0, cookie); done <- outcome{s, err} }()
			<-w.stores[0].reached
			newest := cookie
			w.clock.Advance(expired)
			if c.others {
				newest = w.at(cookie, 2)
				w.live(1, cookie)
				w.live(1, newest)
				w.clock.Advance(expired)
				w.live(1, newest)
				newest = w.at(cookie, 3)
				w.live(1, newest)
			}
			release()
			got := <-done
			w.must(got.err)
			if _, _, access := got.s.Remaining(w.clock.Now()); access <= 0 {
				t.Error("an expired token goes on")
			}
			if c.others && got.s.Authorization != w.live(1, newest).Authorization {
				t.Error("not the token in force")
			}
			if n := w.events.count(session.EventRetired) + w.events.count(session.EventStale); n != 0 {
				t.Errorf("%d refusals", n)
			}
		})
	}
}

// TestRenewOfAnOvertakenHandle: the upstream refuses a token that others have replaced
// several times meanwhile. Its request gets the one in force, and its handle is not judged.
func TestRenewOfAnOvertakenHandle(t *testing.T) {
	w := newWorld(t, options{managers: 2})
	cookie := w.login()
	s := w.live(0, cookie)
	w.stores[0].lose()
	calls := w.provider.Calls
	newest := cookie
	for g := uint32(2); g <= 3; g++ {
		w.clock.Advance(expired)
		w.live(1, newest)
		newest = w.at(cookie, g)
		w.live(1, newest)
	}
	before := calls()
	fresh, err := w.managers[0].ForceRefresh(context.Background(), s, client())
	w.must(err)
	if fresh.Authorization != w.live(1, newest).Authorization || calls() != before {
		t.Error("not the token in force")
	}
	if _, err := w.managers[0].ForceRefresh(context.Background(), fresh, client()); !errors.Is(err, session.ErrNotRenewed) {
		t.Errorf("a second time: %v", err)
	}
	_, err = w.managers[1].End(context.Background(), s.ID(), session.Logout, client())
	w.must(err)
	if _, err := w.managers[0].ForceRefresh(context.Background(), s, client()); !errors.Is(err, session.ErrNotRenewed) {
		t.Errorf("of a session that is over: %v", err)
	}
	if n := w.events.count(session.EventRetired) + w.events.count(session.EventReuse); n != 0 {
		t.Errorf("%d events", n)
	}
}

// TestRefreshNamesTheClient: the provider hears for whose request it is asked.
func TestRefreshNamesTheClient(t *testing.T) {
	w := newWorld(t, options{})
	cookie := w.login()
	var ip string
	w.provider.Fail(func(_ context.Context, r session.Refresh, usual func() (session.Grant, error)) (session.Grant, error) {
		ip = r.ClientIP
		return usual()
	})
	w.clock.Advance(expired)
	w.live(0, cookie)
	if ip != client().IP {
		t.Errorf("asked for %q", ip)
	}
}
