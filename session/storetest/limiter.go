package storetest

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"sessiongate/session/ratelimit"
	"sessiongate/session/sessiontest"
)

// LimiterHarness is what [LimiterSuite] tests: two limiters, as of two processes,
// on one server.
type LimiterHarness struct {
	Limiter, Second ratelimit.Limiter
	Clock           *sessiontest.Clock // both take its offset
}

// LimiterSuite holds a limiter to the contract of [ratelimit.Limiter].
func LimiterSuite(t *testing.T, open func(t *testing.T) LimiterHarness) {
	for name, run := range map[string]func(*limiterTest){
		"a burst, then one at a time":           testBurst,
		"the wait it names is true":             testTrueWait,
		"every rate allows exactly its limit":   testExact,
		"the count ends under constant load":    testConstantLoad,
		"looking takes nothing":                 testLook,
		"giving back":                           testGiveBack,
		"several at once fit or take nothing":   testSeveral,
		"buckets are apart":                     testApart,
		"a clock that goes back shuts none out": testLimiterClockBack,
		"an unlimited rate":                     testUnlimited,
		"exactly the limit among many at once":  testLimiterRace,
	} {
		t.Run(name, func(t *testing.T) {
			run(&limiterTest{T: t, LimiterHarness: open(t), bucket: ratelimit.NewBucket(t.Name(), fmt.Sprint(time.Now()))})
		})
	}
}

type limiterTest struct {
	*testing.T
	LimiterHarness
	bucket ratelimit.Bucket
}

// suiteRate has an odd interval: divisions must not lose a result.
func suiteRate() ratelimit.Rate { return ratelimit.Rate{Limit: 7, Per: time.Minute} }

func (l *limiterTest) take(r ratelimit.Rate, n int) time.Duration {
	l.Helper()
	wait, err := l.Second.Take(l.Context(), l.bucket, r, n)
	if err != nil {
		l.Fatal(err)
	}
	return wait
}

// allowed takes until refused and returns how often that went well.
func (l *limiterTest) allowed(r ratelimit.Rate) int {
	l.Helper()
	n := 0
	for l.take(r, 1) == 0 {
		if n++; n > 10_000 {
			l.Fatal("nothing is refused")
		}
	}
	return n
}

func testBurst(l *limiterTest) {
	// An hour: nothing comes back while the test runs.
	r := ratelimit.Rate{Limit: 7, Per: time.Hour}
	for i := range 7 {
		wait, err := l.Limiter.Take(l.Context(), l.bucket, r, 1)
		if err != nil || wait != 0 {
			l.Fatalf("take %d = %v, %v", i+1, wait, err)
		}
	}
	if wait := l.take(r, 1); wait < 8*time.Minute || wait > 9*time.Minute {
		l.Errorf("the eighth waits %v, want a seventh of an hour, in the other process too", wait)
	}
	for range 3 {
		l.Clock.Advance(time.Hour/7 + time.Second)
		if n := l.allowed(r); n != 1 {
			l.Errorf("%d allowed after one interval, want 1", n)
		}
	}
}

func testTrueWait(l *limiterTest) {
	r := ratelimit.Rate{Limit: 3, Per: 24 * time.Hour}
	l.allowed(r)
	wait := l.take(r, 1)
	l.Clock.Advance(wait - time.Minute)
	if l.take(r, 1) == 0 {
		l.Error("allowed before the wait was over")
	}
	l.Clock.Advance(time.Minute)
	if again := l.take(r, 1); again != 0 {
		l.Errorf("refused for %v more after the wait it named", again)
	}
}

func testExact(l *limiterTest) {
	for _, limit := range []int{1, 2, 3, 7, 19, 99} {
		l.bucket = ratelimit.NewBucket("exact", fmt.Sprint(limit, time.Now()))
		if n := l.allowed(ratelimit.Rate{Limit: limit, Per: 24 * time.Hour}); n != limit {
			l.Errorf("limit %d allows %d", limit, n)
		}
	}
}

func testConstantLoad(l *limiterTest) {
	r := suiteRate()
	l.allowed(r)
	granted := 0
	for range 60 { // a refused attempt every two seconds must not keep the door shut
		l.Clock.Advance(2 * time.Second)
		if l.take(r, 1) == 0 {
			granted++
		}
	}
	if granted < 12 || granted > 15 {
		l.Errorf("%d granted in two minutes, want about 14", granted)
	}
}

func testLook(l *limiterTest) {
	r := ratelimit.Rate{Limit: 2, Per: time.Hour}
	for range 5 {
		if wait := l.take(r, 0); wait != 0 {
			l.Fatalf("a look waits %v", wait)
		}
	}
	if n := l.allowed(r); n != 2 {
		l.Errorf("%d allowed after looking, want 2", n)
	}
	if look, take := l.take(r, 0), l.take(r, 1); look == 0 || look-take > time.Minute {
		l.Errorf("a look at a full bucket says %v, a take %v", look, take)
	}
}

func testGiveBack(l *limiterTest) {
	r := ratelimit.Rate{Limit: 2, Per: time.Hour}
	l.take(r, -1) // of an empty bucket: it does not become emptier than empty
	l.allowed(r)
	l.take(r, -1)
	if n := l.allowed(r); n != 1 {
		l.Errorf("%d allowed after one was given back, want 1", n)
	}
	for range 5 {
		l.take(r, -1)
	}
	if n := l.allowed(r); n != 2 {
		l.Errorf("%d allowed after too many were given back, want 2", n)
	}
}

func testSeveral(l *limiterTest) {
	r := ratelimit.Rate{Limit: 5, Per: time.Hour}
	if l.take(r, 6) == 0 {
		l.Error("more than the limit fit")
	}
	if l.take(r, 3) != 0 || l.take(r, 3) == 0 || l.take(r, 2) != 0 {
		l.Error("3, 3 and 2 of 5: want yes, no, yes")
	}
}

func testApart(l *limiterTest) {
	r := ratelimit.Rate{Limit: 1, Per: time.Hour}
	l.allowed(r)
	l.bucket = ratelimit.NewBucket(l.Name(), "another")
	if l.take(r, 1) != 0 {
		l.Error("a full bucket fills another")
	}
	if ratelimit.NewBucket("a", "b", "c") == ratelimit.NewBucket("a", "bc") {
		l.Error("two lists of parts share a bucket")
	}
}

func testLimiterClockBack(l *limiterTest) {
	r := suiteRate()
	l.allowed(r)
	l.Clock.Advance(-time.Hour)
	if wait := l.take(r, 1); wait > r.Per {
		l.Errorf("after the clock went back the wait is %v, longer than the whole rate's %v", wait, r.Per)
	}
	// Whoever is refused and comes again is not refused until the clock has caught up.
	for range 2 {
		l.Clock.Advance(r.Per / 2)
		l.take(r, 0)
	}
	l.Clock.Advance(time.Second)
	if n := l.allowed(r); n != r.Limit {
		l.Errorf("%d allowed a whole rate later, want %d", n, r.Limit)
	}
}

func testUnlimited(l *limiterTest) {
	for range 5 {
		if l.take(ratelimit.Rate{}, 1) != 0 {
			l.Fatal("refused")
		}
	}
}

func testLimiterRace(l *limiterTest) {
	r := ratelimit.Rate{Limit: 20, Per: 24 * time.Hour}
	var granted atomic.Int32
	var all sync.WaitGroup
	// As many at once as a busy replica has connections: a hundred new ones with TLS
	// would measure the machine.
	for i := range 20 {
		limiter := l.Limiter
		if i%2 == 1 {
			limiter = l.Second
		}
		all.Go(func() {
			for range 5 {
				wait, err := limiter.Take(l.Context(), l.bucket, r, 1)
				if err != nil {
					l.Error(err)
				}
				if err == nil && wait == 0 {
					granted.Add(1)
				}
			}
		})
	}
	all.Wait()
	if granted.Load() != 20 {
		l.Errorf("%d granted of 100 takes, 20 at once, want 20", granted.Load())
	}
}
