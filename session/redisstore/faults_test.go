package redisstore_test

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"sessiongate/session"
	"sessiongate/session/redisstore"
	"sessiongate/session/sessiontest"
	"sessiongate/session/storetest"
	"sessiongate/session/testserver"
)

// login creates a session and returns it with the handle as a request presents it.
func login(t testing.TB, store *redisstore.Store, tokens session.Tokens) session.Presentation {
	t.Helper()
	id := session.NewHandle(session.Browser).ID()
	_, err := store.Create(context.Background(), session.Record{
		ID: id, Facts: session.State{Generation: 1, BrowserClass: session.BrowserClass("Firefox")}, Tokens: tokens,
		Identity: session.Identity{
			Subject: "248289761001", Name: "Ada Lovelace", Provider: "corp", Roles: []string{"user"},
			AuthTime: time.Now(), SID: "08a5019c-17e1-4977",
		},
		Device: session.Device{
			Name: "Firefox on Linux", UserAgent: "Mozilla/5.0 (X11; Linux x86_64; rv:152.0) Gecko/20100101 Firefox/152.0",
			IPPrefix: "192.0.2.0/24",
		},
	}, session.Lifetimes{Idle: storetest.Rules().Idle, Absolute: 14 * 24 * time.Hour}, session.NewSchedule(10*time.Minute, 30*time.Second))
	if err != nil {
		t.Fatal(err)
	}
	return session.Presentation{ID: id, Generation: 1, BrowserClass: session.BrowserClass("Firefox"), Touch: true}
}

func smallTokens() session.Tokens { return session.Tokens{Access: "access", Refresh: "refresh"} }

// resolveUntil retries until the store answers as ok wants.
func resolveUntil(t *testing.T, store *redisstore.Store, v session.Presentation, ok func(session.Answer, error) bool) {
	t.Helper()
	deadline := time.Now().Add(20 * time.Second)
	for {
		r, err := store.Resolve(t.Context(), v)
		if ok(r, err) {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("resolve = %+v, %v", r.Verdict, err)
		}
	}
}

// every calls each operation once and returns the errors by name.
func every(ctx context.Context, store *redisstore.Store, v session.Presentation) map[string]error {
	errs := make(map[string]error)
	_, errs["now"] = store.Now(ctx)
	_, errs["create"] = store.Create(ctx, session.Record{ID: v.ID}, session.Lifetimes{}, session.Schedule{})
	_, errs["resolve"] = store.Resolve(ctx, v)
	_, errs["acquire"] = store.Acquire(ctx, v.ID, "hash", 0, "lease", time.Second)
	_, errs["extend"] = store.Extend(ctx, v.ID, "lease", "", time.Second)
	_, errs["commit"] = store.Commit(ctx, session.Commit{Presentation: v, Lease: "lease"})
	_, errs["release"] = store.Release(ctx, session.Release{ID: v.ID, End: session.ProviderRefused})
	_, errs["resume"] = store.ClearBackoff(ctx, v.ID, time.Now())
	errs["announce up"] = store.AnnounceProviderUp(ctx, string(v.ID), time.Now())
	_, errs["get"] = store.Get(ctx, v.ID)
	_, errs["sessions"] = store.List(ctx, session.Owner{})
	_, errs["end"] = store.End(ctx, v.ID, session.Logout)
	_, errs["probe"] = store.Probe(ctx)
	return errs
}

func TestRedisStopsAndStarts(t *testing.T) {
	server := testserver.Redis(t, testserver.WithAppendOnly())
	store := newStore(t, standalone(server))
	v := login(t, store, smallTokens())
	server.Stop()
	for name, err := range every(t.Context(), store, v) {
		if !errors.Is(err, session.ErrStoreUnavailable) {
			t.Errorf("%s of a stopped Redis: %v", name, err)
		}
	}
	server.Start()
	resolveUntil(t, store, v, func(r session.Answer, err error) bool {
		return err == nil && r.Verdict.Outcome == session.OutcomeCurrent
	})
}

func TestRedisHangs(t *testing.T) {
	server := testserver.Redis(t)
	o := standalone(server)
	o.Timeout = 300 * time.Millisecond
	store := newStore(t, o)
	v := login(t, store, smallTokens())
	server.Pause()
	defer server.Resume()
	// No operation may outlast its own limit: give each far more, and see that
	// none needs it.
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for name, err := range every(ctx, store, v) {
		if !errors.Is(err, session.ErrStoreUnavailable) {
			t.Errorf("%s of a hung Redis: %v", name, err)
		}
	}
	if ctx.Err() != nil {
		t.Error("the store waited for a hung Redis")
	}
}

func TestScriptsAreLoadedAgain(t *testing.T) {
	server := testserver.Redis(t)
	store := newStore(t, standalone(server))
	v := login(t, store, smallTokens())
	for range 2 {
		server.CLI("SCRIPT", "FLUSH")
		if r, err := store.Resolve(t.Context(), v); err != nil || r.Verdict.Outcome != session.OutcomeCurrent {
			t.Fatalf("after SCRIPT FLUSH: %+v, %v", r.Verdict, err)
		}
	}
	server.CLI("SCRIPT", "FLUSH")
	if r, err := store.End(t.Context(), v.ID, session.Logout); err != nil || r == nil {
		t.Fatalf("end after SCRIPT FLUSH: %+v, %v", r, err)
	}
}

// TestResolveIsOneCommand, whether the caller knows the session or not.
func TestResolveIsOneCommand(t *testing.T) {
	server := testserver.Redis(t)
	store := newStore(t, standalone(server))
	v := login(t, store, smallTokens())
	resolve := func() {
		r, err := store.Resolve(t.Context(), v)
		if err != nil {
			t.Fatal(err)
		}
		v.Validator = r.Validator
	}
	resolve()
	server.CLI("CONFIG", "RESETSTAT")
	for range 5 {
		v.Validator = ""
		resolve()
		resolve()
	}
	if got := commands(server); got != "evalsha 10, get 5, getrange 5, hmget 10, time 10" {
		t.Errorf("for 10 resolves Redis was sent %q", got)
	}
}

func TestEndsWaitForAReplica(t *testing.T) { threeTimes(t, endsWaitForAReplica) }

func endsWaitForAReplica(t *testing.T) (wrong string) {
	t.Helper()
	server := testserver.Redis(t)
	replica := testserver.RedisReplica(t, server)
	store := newStore(t, standalone(server))
	v := login(t, store, smallTokens())
	state, _ := store.Keys(v.ID)
	// A new replica gets its first writes only after its first acknowledgement.
	for deadline := time.Now().Add(20 * time.Second); replica.CLI("EXISTS", state) != "1"; {
		if time.Now().After(deadline) {
			t.Fatal("the replica never got the session")
		}
	}
	if _, err := store.End(t.Context(), v.ID, session.Logout); err != nil {
		t.Fatal(err)
	}
	if got := store.Stats(); got != (redisstore.Stats{Waits: 1}) {
		return fmt.Sprintf("stats %+v", got)
	}
	if got := replica.CLI("HGET", state, "why"); got != "logout" {
		t.Errorf("the replica says %q", got)
	}

	replica.Pause()
	defer replica.Resume()
	v = login(t, store, smallTokens())
	done, err := store.Commit(t.Context(), session.Commit{
		Presentation: v, FromTokens: smallTokens().Hash(), Base: factsOf(t, store, v), Lease: "lease", Tokens: session.Tokens{Access: "next"},
	})
	if err != nil || !done.Stored {
		t.Fatalf("commit = %+v, %v", done, err)
	}
	if got := store.Stats(); got != (redisstore.Stats{Waits: 2, ShortWaits: 1}) {
		return fmt.Sprintf("stats %+v with a hung replica", got)
	}
	return ""
}

func TestNoReplicaNoWait(t *testing.T) {
	store := newStore(t, standalone(testserver.Redis(t)))
	for range 2 {
		v := login(t, store, smallTokens())
		if _, err := store.End(t.Context(), v.ID, session.Logout); err != nil {
			t.Fatal(err)
		}
	}
	if got := store.Stats(); got != (redisstore.Stats{}) {
		t.Errorf("stats %+v", got)
	}
}

func TestFeedComesBack(t *testing.T) {
	server := testserver.Redis(t)
	store := newStore(t, standalone(server))
	changes := storetest.Follow(t, store)
	storetest.Await(t, changes, session.ChangeFeedUp, "")
	for name, cut := range map[string]func(){
		"kill":    func() { server.CLI("CLIENT", "KILL", "TYPE", "pubsub") },
		"restart": func() { server.Stop(); server.Start() },
		"hang":    func() { server.Pause() },
	} {
		cut()
		storetest.Await(t, changes, session.ChangeFeedDown, "")
		server.Resume()
		storetest.Await(t, changes, session.ChangeFeedUp, "")
		v := login(t, store, smallTokens())
		if _, err := store.End(t.Context(), v.ID, session.Logout); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if c := storetest.Await(t, changes, session.ChangeEnded, v.ID); c.Reason != session.Logout {
			t.Errorf("%s: %+v", name, c)
		}
	}
}

func TestFeedIgnoresNoise(t *testing.T) {
	store := newStore(t, embedded(t))
	changes := storetest.Follow(t, store)
	storetest.Await(t, changes, session.ChangeFeedUp, "")
	id := session.NewHandle(session.Browser).ID()
	for _, noise := range []string{"", "x", string(id) + " g", string(id) + " z 1", string(id) + " e idle"} {
		if err := store.Client().Publish(t.Context(), "sg:inval", noise).Err(); err != nil {
			t.Fatal(err)
		}
	}
	if c := <-changes; c != (session.Change{Kind: session.ChangeEnded, ID: id, Reason: session.Idle}) {
		t.Errorf("first change %+v", c)
	}
}

// A handler that calls the store must not stop the server that waits for it.
func TestFeedHandlerMayUseTheStore(t *testing.T) {
	store := newStore(t, embedded(t))
	ctx, cancel := context.WithCancel(t.Context())
	up, gone := make(chan struct{}), 0
	ids := make(chan session.Presentation, 1)
	go func() {
		<-up
		for range 50 {
			v := login(t, store, smallTokens())
			_, _ = store.End(ctx, v.ID, session.Logout)
		}
		ids <- login(t, store, smallTokens())
	}()
	_ = store.Follow(ctx, func(c session.Change) {
		switch c.Kind {
		case session.ChangeFeedUp:
			close(up)
		case session.ChangeEnded:
			if r, err := store.Get(ctx, c.ID); r.Record != nil || err != nil {
				t.Errorf("get = %+v, %v", r, err)
			}
			if gone++; gone == 50 {
				cancel()
			}
		}
	})
	<-ids
	if gone != 50 {
		t.Errorf("%d ends seen", gone)
	}
}

// TestMemoryPerSession: with tokens of a usual size, an access token of 480 bytes
// and a refresh token of 120, or an ID token of 850 beside them.
func TestMemoryPerSession(t *testing.T) {
	server := testserver.Redis(t)
	store := newStore(t, standalone(server))
	for name, c := range map[string]struct {
		idToken string
		most    int
	}{
		"access and refresh token": {"", 1229},                                                                                                // 1.2 KiB
		"and an ID token":          {"eyJ0" + strings.Repeat("d", 96) + "." + strings.Repeat("e", 664) + "." + strings.Repeat("f", 84), 1945}, // 1.9 KiB
	} {
		t.Run(name, func(t *testing.T) {
			tokens := usualTokens()
			tokens.ID = session.Secret(c.idToken)
			if total := memory(t, server, store, login(t, store, tokens)); total > c.most {
				t.Errorf("%d bytes per session, at most %d are wanted", total, c.most)
			}
		})
	}
}

func usualTokens() session.Tokens {
	return session.Tokens{
		Access:  session.Secret("eyJ0" + strings.Repeat("a", 96) + "." + strings.Repeat("b", 292) + "." + strings.Repeat("c", 84) + "gA"),
		Refresh: session.Secret(strings.Repeat("r", 120)),
	}
}

// memory is what a session in use takes in Redis.
func memory(t *testing.T, server *testserver.RedisServer, store *redisstore.Store, v session.Presentation) (total int) {
	t.Helper()
	if _, err := store.Resolve(t.Context(), v); err != nil {
		t.Fatal(err)
	}
	state, record := store.Keys(v.ID)
	for _, key := range []string{state, record} {
		n, err := strconv.Atoi(server.CLI("MEMORY", "USAGE", key))
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("%s: %d bytes, %s", key, n, server.CLI("OBJECT", "ENCODING", key))
		total += n
	}
	t.Logf("memory per session: %d bytes, and its entry in the owner's list", total)
	if encoding := server.CLI("OBJECT", "ENCODING", state); encoding != "listpack" {
		t.Errorf("the state is kept as %s", encoding)
	}
	return total
}

func TestKeysOutliveTheDeadlines(t *testing.T) {
	server := testserver.Redis(t)
	o := standalone(server)
	o.Timeout = busyTimeout
	store := newStore(t, o)
	v := login(t, store, smallTokens())
	state, record := store.Keys(v.ID)
	ttl := func(key string) time.Duration {
		n, err := strconv.ParseInt(server.CLI("PTTL", key), 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		return time.Duration(n) * time.Millisecond
	}
	within := func(what string, got, want time.Duration) {
		t.Helper()
		if got > want || got < want-time.Minute {
			t.Errorf("%s lives for %v, want %v", what, got, want)
		}
	}
	idle := storetest.Rules().Idle
	within("the state", ttl(state), idle+24*time.Hour)
	within("the record", ttl(record), idle+24*time.Hour)
	if _, err := store.Commit(t.Context(), session.Commit{Presentation: v, FromTokens: smallTokens().Hash(), Tokens: session.Tokens{Access: "b"}}); err != nil {
		t.Fatal(err)
	}
	within("a new record", ttl(record), idle+24*time.Hour)
	if _, err := store.End(t.Context(), v.ID, session.Logout); err != nil {
		t.Fatal(err)
	}
	within("the tombstone", ttl(state), 24*time.Hour)
	if got := server.CLI("EXISTS", record); got != "0" {
		t.Errorf("tokens outlive the session")
	}
	if got := server.CLI("HLEN", state); got != "2" {
		t.Errorf("the tombstone has %s fields", got)
	}
}

func TestOwnerListIsTrimmed(t *testing.T) {
	server := testserver.Redis(t)
	clock := sessiontest.NewClock()
	o := standalone(server)
	o.Offset = clock.Offset
	store := newStore(t, o)
	key := "sg:u:{" + session.Owner{Provider: "corp", Subject: "248289761001"}.Hash() + "}"
	login(t, store, smallTokens())
	clock.Advance(13 * 24 * time.Hour)
	login(t, store, smallTokens())
	if got := server.CLI("ZCARD", key); got != "2" {
		t.Errorf("%s entries, want both", got)
	}
	clock.Advance(2 * 24 * time.Hour) // the first is past its absolute deadline
	last := login(t, store, smallTokens())
	if got := server.CLI("ZCARD", key); got != "2" {
		t.Errorf("%s entries, want the dead one gone", got)
	}
	if got := server.CLI("ZSCORE", key, string(last.ID)); got == "" {
		t.Error("the new session is not listed")
	}
	ttl, err := strconv.ParseInt(server.CLI("PTTL", key), 10, 64)
	if left := time.Duration(ttl) * time.Millisecond; err != nil || left > 14*24*time.Hour || left < 14*24*time.Hour-time.Minute {
		t.Errorf("the list lives for %v, want as long as its last entry", left)
	}
}

func TestHalfASessionIsNone(t *testing.T) {
	store := newStore(t, embedded(t))
	v := login(t, store, smallTokens())
	_, record := store.Keys(v.ID)
	r, err := store.Resolve(t.Context(), v)
	if err != nil || r.Validator == "" {
		t.Fatalf("resolve = %+v, %v", r, err)
	}
	known := v
	known.Validator = r.Validator
	if err := store.Client().Del(t.Context(), record).Err(); err != nil {
		t.Fatal(err)
	}
	for _, v := range []session.Presentation{v, known} {
		if r, err := store.Resolve(t.Context(), v); err != nil || r.Verdict.Outcome != session.OutcomeGone {
			t.Errorf("resolve = %+v, %v", r.Verdict, err)
		}
	}
}

func TestProbe(t *testing.T) {
	evicting := testserver.Redis(t, testserver.WithConfig("maxmemory-policy allkeys-lru"))
	sound := testserver.Redis(t, testserver.WithAppendOnly(), testserver.WithConfig("maxmemory-policy noeviction"))
	for name, c := range map[string]struct {
		server   redisstore.Options
		warnings []string
	}{
		"evicts, keeps nothing": {standalone(evicting), []string{"noeviction", "every restart"}},
		"sound":                 {standalone(sound), nil},
		"careful":               {careful(t), nil},
		"embedded":              {embedded(t), nil},
	} {
		t.Run(name, func(t *testing.T) {
			health, err := newStore(t, c.server).Probe(t.Context())
			if err != nil || len(health.Warnings) != len(c.warnings) {
				t.Fatalf("%+v, %v", health, err)
			}
			for i, want := range c.warnings {
				if !strings.Contains(health.Warnings[i], want) {
					t.Errorf("warning %q lacks %q", health.Warnings[i], want)
				}
			}
		})
	}
}
