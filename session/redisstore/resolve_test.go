package redisstore_test

import (
	"errors"
	"testing"

	"sessiongate/session"
)

// TestBrokenReplies: whatever is not an answer of the script is a fault of the
// store, and says nothing about a session.
func TestBrokenReplies(t *testing.T) {
	store := newStore(t, embedded(t))
	v := login(t, store, smallTokens())
	for _, reply := range []string{
		"", "=", "=1", "=1,", "=,1", "=1,2,3", "=x,1", "=1,2\n", "x", "1", "0,0,0,0,0,,1", "12,0,0,0,0,,1", "-1,0,0,0,0,,1", "1,0,0,0,0,,",
		"1,,0,0,0,,1", "1,0,0,0,0,,1,2", "5,0,0,0,0,,1", "2,0,0,0,0,logout,1\nblob", "5,0,0,0,0,,1\nblob", "5,0,0,0,0,,1,x,,,,,,,,,,,,\nblob", "\n",
	} {
		r, err := store.ReadReply(v, reply)
		if err == nil || r.Verdict != (session.Verdict{}) || r.Record != nil {
			t.Errorf("%q: %+v, %v", reply, r, err)
		}
	}
	for reply, outcome := range map[string]session.Outcome{"1,0,0,0,0,,1": session.OutcomeGone, "2,0,0,0,0,logout,1": session.OutcomeEnded, "=2,1": session.OutcomeCurrent} {
		if r, err := store.ReadReply(v, reply); err != nil || r.Verdict.Outcome != outcome {
			t.Errorf("%q: %+v, %v", reply, r, err)
		}
	}
}

func FuzzReply(f *testing.F) {
	store := newStore(f, embedded(f))
	v := login(f, store, smallTokens())
	for _, seed := range []string{"", "=1,2", "1,0,0,0,0,,1", "2,0,0,0,0,logout,1", "5,0,0,1,0,,1,1,1,1,,,1,1,1,1,1,1,hash,browser\nblob"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, reply string) {
		r, err := store.ReadReply(v, reply)
		switch {
		case err != nil && !errors.Is(err, session.ErrStoreUnavailable) && !errors.Is(err, session.ErrSealed):
			t.Errorf("%v", err)
		case err != nil:
		case r.Record != nil:
			t.Error("a record that nobody sealed")
		case r.NotModified == (r.Verdict.Outcome <= session.OutcomeEnded):
			t.Errorf("%+v", r)
		}
	})
}
