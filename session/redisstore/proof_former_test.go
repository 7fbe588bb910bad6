package redisstore_test

import (
	"testing"

	"sessiongate/session"
	"sessiongate/session/redisstore"
)

// TestFormerVersionCommits: a replica of a former version commits without a number.
// That is later than what we wrote, and no split.
func TestFormerVersionCommits(t *testing.T) {
	server := redisstore.StartEmbedded()
	t.Cleanup(server.Close)
	log := &eventLog{n: make(map[session.EventType]int)}
	o := server.Options(redisstore.Options{Sealer: newSealer(t), Recorder: log})
	ours, theirs := newStore(t, o), newStore(t, o)
	v := login(t, ours, smallTokens())
	number := func() int64 {
		t.Helper()
		lease, err := ours.Get(t.Context(), v.ID)
		if err != nil || lease.Record == nil {
			t.Fatalf("%+v, %v", lease, err)
		}
		return lease.Record.Facts.CommitNumber
	}
	spent := smallTokens()
	commit := func(store *redisstore.Store, access string) {
		t.Helper()
		next := session.Tokens{Access: session.Secret(access), Refresh: session.Secret("refresh of " + access)}
		done, err := store.Commit(t.Context(), session.Commit{
			Presentation: v, FromTokens: spent.Hash(), Lease: "lease", Identity: session.Identity{Subject: "ada"}, Tokens: next,
		})
		if err != nil || !done.Stored {
			t.Fatalf("commit = %+v, %v", done, err)
		}
		spent = next
	}
	asFormer := func() {
		t.Helper()
		sealed, err := ours.AsFormer(t.Context(), v.ID)
		if err != nil {
			t.Fatal(err)
		}
		_, record := ours.Keys(v.ID)
		ours.Client().Set(t.Context(), record, sealed, 0)
	}
	commit(ours, "ours")
	state, _ := ours.Keys(v.ID)
	before, err := ours.Client().HMGet(t.Context(), state, "n", "nm").Result()
	if err != nil {
		t.Fatal(err)
	}
	commit(theirs, "theirs")
	asFormer()
	if err := ours.Client().HSet(t.Context(), state, "n", before[0], "nm", before[1]).Err(); err != nil {
		t.Fatal(err)
	}
	if n := number(); n != 3 {
		t.Errorf("the commit has number %d", n)
	}
	if err := ours.Rewrite(t.Context()); err != nil {
		t.Fatal(err)
	}
	lease, err := ours.Get(t.Context(), v.ID)
	if err != nil || lease.Record.Tokens.Access != "theirs" {
		t.Errorf("their commit was written over: %+v, %v", lease, err)
	}
	if n := log.count(session.EventStoreSplit) + log.count(session.EventRewritten); n != 0 {
		t.Errorf("%d events", n)
	}
	commit(ours, "ours again")
	if n := number(); n != 4 {
		t.Errorf("the next commit has number %d", n)
	}

	// And one that was created by a former version.
	asFormer()
	if err := ours.Client().HDel(t.Context(), state, "n", "nm", "au").Err(); err != nil {
		t.Fatal(err)
	}
	if n := number(); n != 0 {
		t.Errorf("no number reads as %d", n)
	}
	commit(ours, "first with a number")
	if n := number(); n != 1 {
		t.Errorf("the first number is %d", n)
	}
}
