package redisstore_test

import (
	"testing"
	"time"

	"sessiongate/session"
	"sessiongate/session/redisstore"
	"sessiongate/session/sessiontest"
	"sessiongate/session/testserver"
)

// lostCommit is a session whose last commit the server has forgotten, as two processes
// see it: the one that made the commit, and one that heard nothing of it.
type lostCommit struct {
	*testing.T
	writer, other *redisstore.Store
	clock         *sessiontest.Clock
	presented     session.Presentation // with the handle of the lost generation
	spent         session.Tokens
}

func newLostCommit(t *testing.T, server redisstore.Options) *lostCommit {
	t.Helper()
	clock := sessiontest.NewClock()
	server.Offset, server.Sealer = clock.Offset, newSealer(t)
	l := &lostCommit{
		T: t, clock: clock, writer: newStore(t, server), other: newStore(t, server), spent: smallTokens(),
	}
	l.presented = login(t, l.writer, l.spent)
	l.clock.Advance(5 * time.Minute)
	forget := snapshot(t, l.writer, l.presented.ID)
	lease, err := l.writer.Get(t.Context(), l.presented.ID)
	if err != nil {
		t.Fatal(err)
	}
	done, err := l.writer.Commit(t.Context(), session.Commit{
		Presentation: l.presented, FromTokens: l.spent.Hash(), Base: lease.Record.Facts, Lease: "writer's", Rotate: true,
		Identity: lease.Record.Identity, Device: lease.Record.Device, Created: lease.Record.Created,
		Tokens: session.Tokens{Access: "new", Refresh: "new"}, Schedule: session.NewSchedule(10*time.Minute, 30*time.Second),
	})
	if err != nil || !done.Rotated {
		t.Fatalf("commit = %+v, %v", done, err)
	}
	forget()
	l.presented.Generation = 2
	return l
}

// presentLost presents the handle that the server has forgotten.
func (l *lostCommit) presentLost() {
	l.Helper()
	res, err := l.other.Resolve(l.Context(), l.presented)
	if err != nil || !res.Verdict.StoreLostWrites {
		l.Fatalf("%+v, %v", res.Verdict, err)
	}
}

func (l *lostCommit) acquire(lease string) session.LeaseResult {
	l.Helper()
	result, err := l.other.Acquire(l.Context(), l.presented.ID, l.spent.Hash(), 1, lease, time.Minute)
	if err != nil {
		l.Fatal(err)
	}
	return result
}

// TestAdoptedTokensAreSpent: a handle that the server never issued says that tokens were
// stored that it has not, so the ones it has are not spent before their successors had
// time to be written again.
func TestAdoptedTokensAreSpent(t *testing.T) {
	for name, server := range map[string]redisstore.Options{
		"embedded": embedded(t), "real Redis": standalone(testserver.Redis(t)),
	} {
		t.Run(name+"/nobody writes again", func(t *testing.T) {
			l := newLostCommit(t, server)
			l.presentLost()
			if lease := l.acquire("a"); lease.State != session.LeaseTokensSpent {
				t.Errorf("at once: state %d", lease.State)
			}
			l.clock.Advance(14 * time.Second)
			l.presented.Generation = 3 // once more: that does not make it any longer
			l.presentLost()
			if lease := l.acquire("b"); lease.State != session.LeaseTokensSpent {
				t.Errorf("after 14 s: state %d", lease.State)
			}
			l.clock.Advance(time.Second)
			if lease := l.acquire("c"); lease.State != session.LeaseAcquired {
				t.Errorf("after 15 s: state %d", lease.State)
			}
		})
		t.Run(name+"/the writer does", func(t *testing.T) {
			l := newLostCommit(t, server)
			l.presentLost()
			if err := l.writer.Rewrite(t.Context()); err != nil {
				t.Fatal(err)
			}
			lease := l.acquire("a")
			if lease.State != session.LeaseSuperseded || lease.Record.Tokens.Refresh != "new" {
				t.Fatalf("%+v", lease)
			}
			l.spent = lease.Record.Tokens
			if lease := l.acquire("b"); lease.State != session.LeaseAcquired {
				t.Errorf("the new tokens: state %d", lease.State)
			}
		})
	}
}
