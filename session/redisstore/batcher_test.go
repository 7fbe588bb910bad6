package redisstore_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"sessiongate/session"
	"sessiongate/session/redisstore"
	"sessiongate/session/testserver"
)

// servers are what calls go to.
func servers(t *testing.T) map[string]redisstore.Options {
	return map[string]redisstore.Options{
		"embedded":   embedded(t),
		"standalone": standalone(testserver.Redis(t)),
		"cluster":    {Addresses: testserver.RedisCluster(t).Addrs(), Mode: redisstore.Cluster},
	}
}

// crowd asks about every session at the same time, again and again, and hands each
// answer to check.
func crowd(store *redisstore.Store, handles []session.Presentation, times int, check func(i int, r session.Answer, err error)) {
	var all sync.WaitGroup
	for i, v := range handles {
		all.Go(func() {
			for range times {
				r, err := store.Resolve(context.Background(), v)
				check(i, r, err)
			}
		})
	}
	all.Wait()
}

func manySessions(t *testing.T, store *redisstore.Store, n int) []session.Presentation {
	handles := make([]session.Presentation, n)
	for i := range handles {
		handles[i] = login(t, store, session.Tokens{Access: session.Secret(fmt.Sprint("access-", i)), Refresh: "r"})
	}
	return handles
}

// idleAgain fails if calls were lost on the way.
func idleAgain(t *testing.T, store *redisstore.Store) {
	t.Helper()
	eventually(t, "nobody asks", func() bool {
		inFlight, waiting := store.Calls()
		return inFlight == 0 && waiting == 0
	})
}

// TestCrowd: each gets the answer to its own call, scripts that Redis has
// forgotten included.
func TestCrowd(t *testing.T) {
	for name, o := range servers(t) {
		t.Run(name, func(t *testing.T) {
			o.Timeout = time.Minute // many scripts, and the race detector
			store := newStore(t, o)
			handles := manySessions(t, store, 40)
			for range 2 {
				if err := store.Client().ScriptFlush(t.Context()).Err(); err != nil {
					t.Fatal(err)
				}
				crowd(store, handles, 10, func(i int, r session.Answer, err error) {
					want := session.Secret(fmt.Sprint("access-", i))
					if err != nil || r.Record == nil || r.Record.ID != handles[i].ID || r.Record.Tokens.Access != want {
						t.Errorf("session %d: %+v, %v", i, r, err)
					}
				})
			}
			idleAgain(t, store)
		})
	}
}

// TestCrowdIsBatched: as many commands as calls, in far fewer round trips.
func TestCrowdIsBatched(t *testing.T) {
	server := testserver.Redis(t)
	store := newStore(t, standalone(server))
	handles := manySessions(t, store, 64)
	ask := func(times int) {
		crowd(store, handles, times, func(_ int, r session.Answer, err error) {
			if err != nil || r.Verdict.Outcome != session.OutcomeCurrent {
				t.Errorf("%+v, %v", r, err)
			}
		})
	}
	ask(1)
	server.CLI("CONFIG", "RESETSTAT")
	ask(50)
	if got := commands(server); got != "evalsha 3200, get 3200, hmget 3200, time 3200" {
		t.Errorf("for 3200 calls Redis was sent %q", got)
	}
	// Redis counts what it reads from a connection at once as one read.
	reads := info(t, server, "stats", "total_reads_processed")
	t.Logf("%d reads", reads)
	if reads > 3200*3/4 {
		t.Errorf("Redis read %d times for 3200 calls", reads)
	}
}

// TestOneBadAnswer spoils no other in its batch.
func TestOneBadAnswer(t *testing.T) {
	o := embedded(t)
	o.Timeout = time.Minute
	store := newStore(t, o)
	handles := manySessions(t, store, 20)
	state, _ := store.Keys(handles[7].ID)
	if err := store.Client().Set(t.Context(), state, "not a hash", 0).Err(); err != nil {
		t.Fatal(err)
	}
	tamper(t, store, handles[8].ID)
	crowd(store, handles, 10, func(i int, r session.Answer, err error) {
		var want error
		switch i {
		case 7:
			want = session.ErrStoreUnavailable
		case 8:
			want = session.ErrSealed
		}
		if !errors.Is(err, want) || (err == nil) != r.Verdict.Live() {
			t.Errorf("session %d: %+v, %v", i, r.Verdict, err)
		}
	})
	idleAgain(t, store)
}

// TestConnectionsBreakInACrowd: go-redis asks again, for all of a batch.
func TestConnectionsBreakInACrowd(t *testing.T) {
	server := testserver.Redis(t)
	store := newStore(t, standalone(server))
	handles := manySessions(t, store, 64)
	done := make(chan struct{})
	go func() {
		defer close(done)
		crowd(store, handles, 200, func(i int, r session.Answer, err error) {
			if err != nil || r.Record.ID != handles[i].ID {
				t.Errorf("session %d: %v", i, err)
			}
		})
	}()
	for range 2 { // a command is sent four times at most
		server.CLI("CLIENT", "KILL", "TYPE", "normal")
	}
	<-done
	idleAgain(t, store)
}

// TestWaitingIsLeft: whoever waits for a hung Redis leaves when its own context
// ends, and nobody stays longer than the store's limit.
func TestWaitingIsLeft(t *testing.T) {
	server := testserver.Redis(t)
	o := standalone(server)
	o.Timeout = 20 * time.Second
	store := newStore(t, o)
	handles := manySessions(t, store, redisstore.MaxInFlight+1)
	server.Pause()
	first := make(chan struct{})
	go func() {
		defer close(first)
		crowd(store, handles[1:], 1, func(i int, r session.Answer, err error) {
			if err != nil || r.Record.ID != handles[1+i].ID {
				t.Errorf("after the pause: %v", err)
			}
		})
	}()
	eventually(t, "all places in flight are taken", func() bool { inFlight, _ := store.Calls(); return inFlight == redisstore.MaxInFlight })
	ctx, cancel := context.WithCancel(t.Context())
	left := make(chan error, 1)
	go func() { _, err := store.Resolve(ctx, handles[0]); left <- err }()
	eventually(t, "one waits", func() bool { _, waiting := store.Calls(); return waiting == 1 })
	cancel()
	if err := <-left; !errors.Is(err, context.Canceled) || !errors.Is(err, session.ErrStoreUnavailable) {
		t.Errorf("got %v", err)
	}
	select {
	case <-first:
		t.Error("Redis was not paused")
	default:
	}
	server.Resume()
	<-first
	idleAgain(t, store)
}

// TestCrowdBeforeAHungRedis: all give up, and the store recovers.
func TestCrowdBeforeAHungRedis(t *testing.T) {
	server := testserver.Redis(t)
	o := standalone(server)
	o.Timeout = 300 * time.Millisecond
	store := newStore(t, o)
	handles := manySessions(t, store, 50)
	server.Pause()
	crowd(store, handles, 2, func(_ int, r session.Answer, err error) {
		if !errors.Is(err, session.ErrStoreUnavailable) {
			t.Errorf("%+v, %v", r, err)
		}
	})
	server.Resume()
	resolveUntil(t, store, handles[0], func(r session.Answer, err error) bool { return err == nil && r.Verdict.Live() })
	idleAgain(t, store)
}

// commands is what Redis has done since the statistics began, in scripts and out
// of them, but for what the test itself asks and what connections begin with.
func commands(server *testserver.RedisServer) string {
	const aside = " config|resetstat info hello client|setinfo ping select subscribe "
	var list []string
	for line := range strings.Lines(server.CLI("INFO", "commandstats")) {
		name, rest, ok := strings.Cut(strings.TrimPrefix(line, "cmdstat_"), ":calls=")
		calls, _, _ := strings.Cut(rest, ",")
		if ok && !strings.Contains(aside, " "+name+" ") {
			list = append(list, name+" "+calls)
		}
	}
	slices.Sort(list)
	return strings.Join(list, ", ")
}

func info(t *testing.T, server *testserver.RedisServer, section, field string) (n int) {
	t.Helper()
	_, text, ok := strings.Cut(server.CLI("INFO", section), "\n"+field+":")
	if _, err := fmt.Sscan(text, &n); !ok || err != nil {
		t.Fatalf("%s of %s: %q, %v", field, section, text, err)
	}
	return n
}
