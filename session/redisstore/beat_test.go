package redisstore_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"sessiongate/session"
	"sessiongate/session/redisstore"
	"sessiongate/session/storetest"
	"sessiongate/session/testserver"
)

// TestFeedMustProveItself: a subscription that stands and brings nothing of what
// commands publish is none.
func TestFeedMustProveItself(t *testing.T) {
	server := testserver.Redis(t)
	store := newStore(t, standalone(server))
	changes := storetest.Follow(t, store)
	storetest.Await(t, changes, session.ChangeFeedUp, "")
	server.CLI("ACL", "SETUSER", "default", "-publish") // as if it went to another server
	storetest.Await(t, changes, session.ChangeFeedDown, "")
	select {
	case c := <-changes:
		t.Errorf("change %+v on a feed that brings nothing", c)
	case <-time.After(2 * redisstore.FeedQuiet / 3):
	}
	server.CLI("ACL", "SETUSER", "default", "+publish")
	storetest.Await(t, changes, session.ChangeFeedUp, "")
}

// TestFewBeats: five processes that beat twice a second would beat thirty times.
func TestFewBeats(t *testing.T) {
	server := testserver.Redis(t)
	listener := newStore(t, standalone(server)).Client().Subscribe(t.Context(), "sg:inval")
	defer listener.Close()
	for range 5 {
		storetest.Await(t, storetest.Follow(t, newStore(t, standalone(server))), session.ChangeFeedUp, "")
	}
	time.Sleep(500 * time.Millisecond)
	beats, over, rest, late := 0, false, time.After(3*time.Second), time.After(30*time.Second)
	for received := listener.Channel(); !over || beats < 3; {
		select {
		case m := <-received:
			if strings.Contains(m.Payload, " b ") {
				beats++
			}
		case <-rest: // a busy machine may have beaten less often
			over = true
		case <-late:
			t.Fatalf("%d beats in half a minute", beats)
		}
	}
	if beats > 20 {
		t.Errorf("%d beats in 3 seconds of 5 processes", beats)
	}
}

// TestHiddenIdentity: where Redis does not say which server it is, every new
// subscription may be to another.
func TestHiddenIdentity(t *testing.T) {
	server := testserver.RedisTLS(t)
	o := carefulOptions(t, server)
	log := &eventLog{n: make(map[session.EventType]int)}
	o.Recorder = log
	changes := storetest.Follow(t, newStore(t, o))
	storetest.Await(t, changes, session.ChangeFeedUp, "")
	if n := log.count(session.EventStoreChanged); n != 0 {
		t.Errorf("%d changes at the first subscription", n)
	}
	server.CLI("CLIENT", "KILL", "TYPE", "pubsub")
	storetest.Await(t, changes, session.ChangeFeedUp, "")
	eventually(t, "the change is counted", func() bool { return log.count(session.EventStoreChanged) == 1 })
}

// TestCommitsWaitForEveryReplica, and only for those that answer once one does not.
func TestCommitsWaitForEveryReplica(t *testing.T) {
	threeTimes(t, commitsWaitForEveryReplica)
}

// threeTimes runs a test of the waits for replicas, which returns the statistics that are not what
// they should be, until none are. The third run decides: on a busy machine a replica may take longer
// than a wait.
func threeTimes(t *testing.T, test func(t *testing.T) (wrong string)) {
	t.Helper()
	for range 2 {
		wrong := test(t)
		if wrong == "" {
			return
		}
		t.Log(wrong)
	}
	if wrong := test(t); wrong != "" {
		t.Error(wrong)
	}
}

func commitsWaitForEveryReplica(t *testing.T) (wrong string) {
	t.Helper()
	server := testserver.Redis(t)
	first, second := testserver.RedisReplica(t, server), testserver.RedisReplica(t, server)
	store := newStore(t, standalone(server))
	v := login(t, store, smallTokens())
	state, _ := store.Keys(v.ID)
	for _, replica := range []*testserver.RedisServer{first, second} {
		eventually(t, "the replica follows", func() bool { return replica.CLI("EXISTS", state) == "1" })
	}
	number := 0
	commit := func() {
		t.Helper()
		number++
		v := login(t, store, smallTokens())
		done, err := store.Commit(t.Context(), session.Commit{
			Presentation: v, FromTokens: smallTokens().Hash(), Base: factsOf(t, store, v), Lease: "lease", Tokens: session.Tokens{Access: "next"},
		})
		if err != nil || !done.Stored {
			t.Fatalf("commit = %+v, %v", done, err)
		}
	}
	commit()
	if got := store.Stats(); got != (redisstore.Stats{Waits: 1}) {
		return fmt.Sprintf("stats %+v", got)
	}
	second.Pause()
	for range 5 { // three of them short
		commit()
	}
	second.Resume()
	if got := store.Stats(); got != (redisstore.Stats{Waits: 6, ShortWaits: 3}) {
		return fmt.Sprintf("stats %+v with one of two replicas hung", got)
	}
	// A stop waits for what is not everywhere yet.
	if err := store.Confirm(t.Context()); err != nil {
		t.Error(err)
	}
	return ""
}

// factsOf reads what a refresh of the session starts from.
func factsOf(t *testing.T, store *redisstore.Store, v session.Presentation) session.State {
	t.Helper()
	lease, err := store.Get(t.Context(), v.ID)
	if err != nil || lease.Record == nil {
		t.Fatalf("get = %+v, %v", lease, err)
	}
	return lease.Record.Facts
}
