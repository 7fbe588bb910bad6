package limits

import (
	"testing"
	"time"

	"sessiongate/session/ratelimit"
)

// TestCountersOfAnAddress: addresses of one IPv6 site share a bucket that holds half as much again
// as one of them.
func TestCountersOfAnAddress(t *testing.T) {
	s := &SignIn{}
	rate := ratelimit.Rate{Limit: 20, Per: time.Minute}
	of := func(ip string) []counter { return s.counters("login.per_ip", "login ip", rate, ip) }
	for _, ip := range []string{"192.0.2.1", "::ffff:192.0.2.1"} {
		if got := of(ip); len(got) != 1 || got[0] != of("192.0.2.1")[0] {
			t.Errorf("%s: %+v", ip, got)
		}
	}
	a, b, other := of("2001:db8:1:1::1"), of("2001:db8:1:2::1"), of("2001:db8:2:1::1")
	if len(a) != 2 || a[0].bucket == b[0].bucket || a[1] != b[1] || a[1].bucket == other[1].bucket || a[1].rate.Limit != 30 {
		t.Errorf("%+v, %+v, %+v", a, b, other)
	}
	if a[0].bucket != ratelimit.NewBucket("login ip", "2001:db8:1:1::/64") {
		t.Error("replicas of the version before count elsewhere")
	}
}
