package resolve

import (
	"testing"
	"time"

	"sessiongate/session"
)

// TestRevalidationsAreForgotten after their time.
func TestRevalidationsAreForgotten(t *testing.T) {
	c, err := newRevalidations(1<<20, 0)
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	for value, age := range map[string]time.Duration{"old": revalidationTTL + time.Second, "young": revalidationTTL - time.Second} {
		a := answer{Answer: session.Answer{Validator: "v"}, ReadPoint: session.ReadPoint{Began: now.Add(-age), Track: session.NewTrack("id")}}
		a.Record = &session.Record{}
		c.put(value, a, a.look().Session(session.NewHandle(session.Browser), time.Hour))
	}
	c.sweep(now)
	if c.get("old", session.ResolveOptions{}) != nil || c.get("young", session.ResolveOptions{}) == nil {
		t.Error("the wrong ones are left")
	}
	if c.get("young", session.ResolveOptions{Force: true}) != nil || c.get("young", session.ResolveOptions{Kind: session.TokenClient}) != nil {
		t.Error("known to whom it is of no use")
	}
}
