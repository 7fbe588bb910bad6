package manager

import (
	"testing"
	"time"

	"sessiongate/session"
)

// TestRevalidationsAreForgotten after their time.
func TestRevalidationsAreForgotten(t *testing.T) {
	c, err := newMemos(1<<20, 0)
	if err != nil {
		t.Fatal(err)
	}
	m, now := &Manager{revalidations: c}, time.Now()
	for value, age := range map[string]time.Duration{"old": memoAge + time.Second, "young": memoAge - time.Second} {
		rd := readPoint{Answer: session.Answer{Validator: "v"}, ReadPoint: session.ReadPoint{Began: now.Add(-age), Track: session.NewTrack("id")}}
		m.storeValidator(value, rd, m.snapshot(rd, session.NewHandle(session.Browser), &session.Record{}))
	}
	c.sweep(now)
	if c.get("old", session.ResolveOptions{}) != nil || c.get("young", session.ResolveOptions{}) == nil {
		t.Error("the wrong ones are left")
	}
	if c.get("young", session.ResolveOptions{Force: true}) != nil || c.get("young", session.ResolveOptions{Kind: session.TokenClient}) != nil {
		t.Error("known to whom it is of no use")
	}
}
