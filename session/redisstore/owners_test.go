package redisstore_test

import (
	"errors"
	"testing"

	"sessiongate/session"
	"sessiongate/session/testserver"
)

// TestListGoesOnPastWhatItCannotRead: garbage costs the owner one entry, and it can be ended like
// any other.
func TestListGoesOnPastWhatItCannotRead(t *testing.T) {
	server := testserver.Redis(t)
	store := newStore(t, standalone(server))
	good, garbage, typed := login(t, store, smallTokens()), login(t, store, smallTokens()), login(t, store, smallTokens())
	_, record := store.Keys(garbage.ID)
	server.CLI("SET", record, "garbage")
	_, record = store.Keys(typed.ID)
	server.CLI("DEL", record)
	server.CLI("SADD", record, "of another type")
	owner := session.Owner{Provider: "corp", Subject: "248289761001"}
	list, err := store.List(t.Context(), owner)
	var lost *session.UnreadableError
	if !errors.As(err, &lost) || len(lost.IDs) != 2 || !errors.Is(err, session.ErrSealed) || errors.Is(err, session.ErrStoreUnavailable) {
		t.Fatalf("list = %d, %v", len(list), err)
	}
	if len(list) != 1 || list[0].ID != good.ID {
		t.Errorf("the readable ones: %+v", list)
	}
	if _, err := store.End(t.Context(), garbage.ID, session.Logout); !errors.Is(err, session.ErrSealed) {
		t.Errorf("end = %v", err)
	}
	if r, err := store.Get(t.Context(), garbage.ID); r.Record != nil || err != nil {
		t.Errorf("it lives on: %+v, %v", r, err)
	}
}
