package ratelimit_test

import (
	"testing"
	"time"

	"sessiongate/session/ratelimit"
)

func TestUnlimited(t *testing.T) {
	for rate, want := range map[ratelimit.Rate]bool{
		{}:                            true,
		{Limit: 1}:                    true,
		{Per: time.Second}:            true,
		{Limit: -1, Per: time.Second}: true,
		{Limit: 1, Per: time.Second}:  false,
		{Limit: 20, Per: time.Minute}: false,
	} {
		if rate.Unlimited() != want {
			t.Errorf("%+v: %v", rate, !want)
		}
	}
}

// TestBucketsDiffer by kind and by every part, and name nobody.
func TestBucketsDiffer(t *testing.T) {
	seen := make(map[ratelimit.Bucket]bool)
	for _, b := range []ratelimit.Bucket{
		ratelimit.NewBucket("login", "192.0.2.1"), ratelimit.NewBucket("start", "192.0.2.1"), ratelimit.NewBucket("login", "192.0.2.2"),
		ratelimit.NewBucket("login", "192.0.2.1", "ada"), ratelimit.NewBucket("login", "192.0.2.1a", "da"),
	} {
		if seen[b] || len(b) != 22 {
			t.Errorf("bucket %q", b)
		}
		seen[b] = true
	}
}
