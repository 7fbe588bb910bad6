package storetest

import (
	"context"
	"errors"
	"testing"
	"time"

	"sessiongate/session"
)

func feedTests() map[string]func(*storeTest) {
	return map[string]func(*storeTest){
		"changes reach every process": testFeed,
		"watching ends with its context": func(s *storeTest) {
			ctx, cancel := context.WithCancel(s.Context())
			cancel()
			if err := s.Store.Follow(ctx, func(session.Change) {}); !errors.Is(err, context.Canceled) {
				s.Errorf("Watch = %v", err)
			}
		},
	}
}

// Follow runs a store's feed for the length of the test and returns its changes.
func Follow(t *testing.T, feed session.Feed) <-chan session.Change {
	ctx, cancel := context.WithCancel(context.Background())
	changes := make(chan session.Change, 1000)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = feed.Follow(ctx, func(c session.Change) { changes <- c })
	}()
	t.Cleanup(func() {
		cancel()
		<-ended
	})
	return changes
}

// Await returns the next change that is of the kind and, unless id is empty, of
// the session. Others are passed over: the server may be shared.
func Await(t *testing.T, changes <-chan session.Change, kind session.ChangeKind, id session.ID) session.Change {
	t.Helper()
	late := time.NewTimer(20 * time.Second)
	defer late.Stop()
	for {
		select {
		case c := <-changes:
			if c.Kind == kind && (id == "" || c.ID == id) {
				return c
			}
		case <-late.C:
			t.Fatalf("no change of kind %d", kind)
		}
	}
}

func testFeed(s *storeTest) {
	first, second := Follow(s.T, s.Store), Follow(s.T, s.Second)
	Await(s.T, first, session.ChangeFeedUp, "")
	Await(s.T, second, session.ChangeFeedUp, "")
	s.create()
	s.Clock.Advance(suiteLifetime)
	s.rotate(1)
	s.resolve(s.presented(5)) // a generation that the store has lost
	_, err := s.Store.End(s.Context(), s.id, session.Logout)
	s.must(err)
	for _, changes := range []<-chan session.Change{first, second} {
		s.equal("rotation", Await(s.T, changes, session.ChangeAdvanced, s.id).Generation, uint32(2))
		s.equal("a lost rotation", Await(s.T, changes, session.ChangeAdvanced, s.id).Generation, uint32(5))
		s.equal("end", Await(s.T, changes, session.ChangeEnded, s.id).Reason, session.Logout)
	}
}
