package redisstore_test

import (
	"strings"
	"testing"
	"time"

	"sessiongate/session"
	"sessiongate/session/storetest"
)

// A long pipeline with large answers gets through the in-process connection.
func TestEmbeddedListsManySessions(t *testing.T) {
	store := newStore(t, embedded(t))
	owner := session.Identity{Subject: "ada", Provider: "local", Claims: []byte(`"` + strings.Repeat("x", 8<<10) + `"`)}
	for range 150 {
		_, err := store.Create(t.Context(), session.Record{
			ID: session.NewHandle(session.Browser).ID(), Facts: session.State{Generation: session.FirstGeneration}, Identity: owner,
		}, session.Lifetimes{Idle: storetest.Rules().Idle, Absolute: time.Hour}, session.NewSchedule(time.Hour, 0))
		if err != nil {
			t.Fatal(err)
		}
	}
	list, err := store.List(t.Context(), owner.Owner())
	if err != nil || len(list) != 150 {
		t.Errorf("%d sessions, %v", len(list), err)
	}
}
