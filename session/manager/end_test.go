package manager_test

import (
	"context"
	"testing"
	"time"

	"sessiongate/session"
	"sessiongate/session/sessiontest"
)

// TestEndsGoThroughWhenTheClientHangsUp: a closed tab must not leave a logout
// half done.
func TestEndsGoThroughWhenTheClientHangsUp(t *testing.T) {
	w := newWorld(t, options{})
	one, two, three := w.login(), w.login(), w.login()
	gone, hangUp := context.WithCancel(context.Background())
	hangUp()
	_, err := w.managers[0].Logout(gone, session.Browser, one, session.Logout, client())
	w.must(err)
	_, err = w.resolve(0, one)
	w.wantEnded(err, session.Logout)
	n, err := w.managers[0].EndAll(gone, session.Owner{Provider: "fake", Subject: "ada"}, "", session.LogoutEverywhere, client())
	w.must(err)
	if n != 2 {
		t.Errorf("%d sessions ended, want 2", n)
	}
	for _, cookie := range []string{two, three} {
		_, err = w.resolve(0, cookie)
		w.wantEnded(err, session.LogoutEverywhere)
	}
}

// TestReplacedThoughTheStoreFails: the session that a login replaces is refused
// at once, and ended in the store when that answers again.
func TestReplacedThoughTheStoreFails(t *testing.T) {
	w := newWorld(t, options{})
	old := w.login()
	w.stores[0].away.Store(true)
	_, err := w.managers[0].Login(context.Background(), session.Login{
		Username: "ada", Password: "right", PriorCookies: []string{old}, Client: client(),
	})
	w.must(err)
	_, err = w.resolve(0, old)
	w.wantEnded(err, session.Replaced)
	if _, alive := w.generation(old); !alive {
		t.Fatal("the test does not show what it should: the store has heard of the end")
	}
	w.stores[0].away.Store(false)
	w.eventually("the store hears of the end", func() bool { _, alive := w.generation(old); return !alive })
}

// TestExpiryFoundByARefreshIsAnEnd: audited, and its tokens withdrawn, whoever
// finds it.
func TestExpiryFoundByARefreshIsAnEnd(t *testing.T) {
	w := newWorld(t, options{managers: 2})
	cookie := w.login()
	w.clock.Advance(expired)
	gate, first := w.holdRefresh(cookie)
	defer gate.Open()
	w.clock.Advance(13 * time.Hour) // past the idle timeout while the provider thinks
	gate.Open()
	w.wantEnded(<-first, session.Idle)
	w.eventually("the tokens are withdrawn", func() bool { return len(w.provider.Revoked()) >= 2 })
	if n := w.events.count(session.EventEnded); n != 1 {
		t.Errorf("%d ends in the audit log, want 1", n)
	}
}

// TestOutageDuringCommit: the provider has rotated, and the store is away when
// the new tokens are to be stored. Another process must not spend the old ones.
func TestOutageDuringCommit(t *testing.T) {
	w := newWorld(t, options{managers: 2})
	cookie := w.login()
	w.clock.Advance(expired)
	gate, first := w.holdRefresh(cookie)
	defer gate.Open()
	w.stores[0].away.Store(true)
	gate.Open()
	w.provider.Fail(nil)
	w.clock.Advance(20 * time.Second) // a long fail-over
	second := make(chan error, 1)
	go func() { _, err := w.resolve(1, cookie); second <- err }()
	w.eventually("the second process wants tokens", func() bool { return w.stores[1].asked() > 0 })
	w.stores[0].away.Store(false)
	w.must(<-first)
	w.must(<-second)
	if n := w.provider.Calls(); n != 1 {
		t.Errorf("%d calls, want 1", n)
	}
}

// TestStopWaitsForARefreshUnderWay though the browser that wanted it has left.
func TestStopWaitsForARefreshUnderWay(t *testing.T) {
	w := newWorld(t, options{})
	cookie := w.login()
	w.clock.Advance(expired)
	gate := sessiontest.NewGate()
	defer gate.Open()
	w.provider.Fail(gate.Hold(nil))
	ctx, leave := context.WithCancel(context.Background())
	left := make(chan struct{})
	go func() {
		defer close(left)
		_, _ = w.managers[0].Resolve(ctx, cookie, session.ResolveOptions{Touch: true, Client: client()})
	}()
	<-gate.Arrived
	leave()
	<-left
	stopped := make(chan struct{})
	go func() { defer close(stopped); w.managers[0].Close(context.Background()) }()
	select {
	case <-stopped:
		t.Fatal("the stop did not wait")
	default:
	}
	gate.Open()
	<-stopped
	if n := w.events.count(session.EventRefreshed); n != 1 {
		t.Errorf("%d refreshes stored, want 1", n)
	}
}

// TestCopyIsLookedUpAgainAfterAWait: a request that waited for a dead store must
// not come back with a copy of a session that ended here meanwhile.
func TestCopyIsLookedUpAgainAfterAWait(t *testing.T) {
	w := newWorld(t, options{cacheTTL: 5 * time.Second})
	cookie := w.login()
	w.live(0, cookie)
	w.stores[0].lose()
	w.eventually("the feed is down", func() bool { return !w.managers[0].StoreUp() })
	release := w.stores[0].hold()
	defer release()
	waited := make(chan error, 1)
	go func() { _, err := w.resolve(0, cookie); waited <- err }()
	<-w.stores[0].reached
	_, err := w.managers[0].Logout(context.Background(), session.Browser, cookie, session.Logout, client())
	w.must(err)
	w.stores[0].away.Store(true)
	release()
	if err := <-waited; err == nil {
		t.Error("the ended session was served from a copy")
	}
}
