package main

import (
	"io"
	"maps"
	"math"
	"net"
	"net/url"
	"strings"
	"testing"
	"time"
)

func TestSpread(t *testing.T) {
	for _, c := range []struct {
		in             []float64
		median, q1, q3 float64
	}{
		{[]float64{5}, 5, 5, 5},
		{[]float64{3, 1, 2}, 2, 1.5, 2.5},
		{[]float64{4, 1, 3, 2}, 2.5, 1.75, 3.25},
		{[]float64{1, math.NaN(), 3}, 2, 1.5, 2.5},
	} {
		if got := spreadOf(c.in); got != (spread{c.median, c.q1, c.q3}) {
			t.Errorf("%v: %+v", c.in, got)
		}
	}
	if !math.IsNaN(spreadOf(nil).Median) {
		t.Error("a median of nothing")
	}
}

// The machine got twice as fast in the second round; the ratio does not see it. The ratio of the
// medians would.
func TestRatiosAreTakenWithinARound(t *testing.T) {
	a, b := []float64{150, 300, 450}, []float64{100, 200, 300}
	if got := spreadOf(ratios(a, b)); got != (spread{1.5, 1.5, 1.5}) {
		t.Error(got)
	}
	got := ratios([]float64{1, 2}, []float64{0})
	if len(got) != 1 || !math.IsNaN(got[0]) {
		t.Error(got)
	}
}

func TestSummaryComparesWithTheBaseline(t *testing.T) {
	rows := []*row{
		{name: "direct", perSecond: []float64{900}, alone50: []float64{20}, alone99: []float64{30}, p99: []float64{1}},
		{name: "rp", perSecond: []float64{100}, alone50: []float64{60}, alone99: []float64{130}, p99: []float64{8}},
		{name: "cached", perSecond: []float64{150}, alone50: []float64{50}, alone99: []float64{80}, p99: []float64{4}},
	}
	c := summarize(rows)[2]
	if c.ToRP.Median != 1.5 || c.Tail.Median != .5 || !math.IsNaN(c.ToNginx.Median) || !math.IsNaN(c.ToApache.Median) {
		t.Errorf("%+v", c)
	}
	if c.Added50.Median != 30 || c.Added99.Median != 50 || c.Added50ToRP.Median != .75 || c.Added99ToRP.Median != .5 {
		t.Errorf("%+v", c)
	}
}

// stalling answers at once, but for the nth request, which it keeps for a while.
func stalling(t *testing.T, nth int, stall time.Duration) *target {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		c, err := l.Accept()
		if err != nil {
			return
		}
		defer c.Close()
		buf := make([]byte, 4096)
		for n := 1; ; n++ {
			if _, err := c.Read(buf); err != nil {
				return
			}
			if n == nth {
				<-time.After(stall)
			}
			_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
		}
	}()
	return &target{url: &url.URL{Scheme: "http", Host: l.Addr().String(), Path: "/"}, body: 2}
}

// Of 100 requests that were due in half a second, an upstream that stops for 250 ms makes about
// half wait. A closed loop sees one slow request; by the clock all that were due meanwhile count
// with the time they really had to wait.
func TestCoordinatedOmission(t *testing.T) {
	const stall = 250 * time.Millisecond
	var factor time.Duration
	slow := func(rate float64) (share float64) {
		stall := factor * stall
		r := fire(t.Context(), stalling(t, 20, stall), load{conns: 1, length: 2 * stall, rate: rate})
		if r.failed > 0 {
			t.Fatal(r.firstFail)
		}
		over := 0
		for _, bar := range r.histogram.Distribution() {
			if bar.From >= (stall / 4).Microseconds() {
				over += int(bar.Count)
			}
		}
		return float64(over) / float64(r.requests)
	}
	var clocked, closed float64
	for _, factor = range []time.Duration{1, 3, 9} { // a busy machine stalls, too
		if clocked, closed = slow(200), slow(0); clocked >= .2 && closed <= .1 {
			return
		}
		t.Logf("stalls of %v: by the clock %.0f %% were slow, in the closed loop %.0f %%", factor*stall, 100*clocked, 100*closed)
	}
	t.Errorf("by the clock %.0f %% were slow, in the closed loop %.0f %%", 100*clocked, 100*closed)
}

func TestBeatKeepsItsSchedule(t *testing.T) {
	began := time.Now().Add(-time.Second)
	b := newBeat(load{conns: 4, rate: 40}, 2, began) // every 100 ms, the third connection 50 ms after the first
	for i := range 3 {
		want := began.Add(50*time.Millisecond + time.Duration(i)*100*time.Millisecond)
		if got := b.next(t.Context()); !got.Equal(want) {
			t.Errorf("request %d due at %v, want %v", i, got.Sub(began), want.Sub(began))
		}
	}
}

func TestFailuresAreCountedAndNotMeasured(t *testing.T) {
	for _, answer := range []string{
		"HTTP/1.1 401 Unauthorized\r\nContent-Length: 2\r\n\r\nno", "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx", "nonsense\r\n",
	} {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		go func() {
			for {
				c, err := l.Accept()
				if err != nil {
					return
				}
				go func() {
					defer c.Close()
					_, _ = c.Read(make([]byte, 4096))
					_, _ = io.WriteString(c, answer)
				}()
			}
		}()
		r := fire(t.Context(), &target{url: &url.URL{Host: l.Addr().String()}, body: 2}, load{conns: 1, length: 20 * time.Millisecond})
		l.Close()
		if r.requests != 0 || r.failed == 0 || r.firstFail == "" || r.histogram.TotalCount() != 0 {
			t.Errorf("%q: %+v", answer, r)
		}
	}
}

func TestAnswerFollowsTheCookie(t *testing.T) {
	ours, theirs := net.Pipe()
	go func() {
		_, _ = io.WriteString(theirs, "HTTP/1.1 200 OK\r\nset-cookie: x=1\r\nSet-Cookie: __Host-session=new; Path=/\r\nTransfer-Encoding: chunked\r\n\r\n"+
			"2\r\nab\r\n1\r\nc\r\n0\r\n\r\n")
		theirs.Close()
	}()
	var cookie string
	c := newClient(ours)
	status, n, err := c.answer(func(s string) { cookie = s })
	if status != 200 || n != 3 || err != nil || cookie != "__Host-session=new" {
		t.Error(status, n, err, cookie)
	}
}

func TestCounters(t *testing.T) {
	stats := parseCommandStats("# Commandstats\r\ncmdstat_evalsha:calls=3,usec=1\r\ncmdstat_hmget:calls=9,usec=1\r\ncmdstat_get:calls=8,usec=1\r\n" +
		"cmdstat_hset:calls=1,usec=1\r\ncmdstat_info:calls=2,usec=1\r\ncmdstat_subscribe:calls=1,usec=2\r\n")
	if got := asked(stats, map[string]float64{"evalsha": 1, "hmget": 0, "get": .25}); got != 3+2+1 {
		t.Errorf("%v commands of %v", got, stats)
	}
	if got := asked(stats, map[string]float64{"get": 1}); got != 3+8+1 {
		t.Errorf("of a contender that sends GET %v commands", got)
	}
	used := counters{10, 100, 1000, 5}.minus(counters{4, 40, 400, 2}, counters{0, 10, 100, 1})
	if used != (counters{6, 50, 500, 2}) {
		t.Error(used)
	}
}

// What a script runs is no round trip, though it may be a command that clients also send.
func TestSharesOfCommands(t *testing.T) {
	got := readMonitor(strings.NewReader("+OK\r\n" +
		"+1763776800.1 [0 127.0.0.1:50000] \"EVALSHA\" \"abc\" \"2\" \"x] \\\"get\\\" lua\"\r\n" +
		"+1763776800.2 [0 lua] \"hmget\" \"k\"\r\n+1763776800.3 [0 lua] \"get\" \"k\"\r\n+1763776800.4 [0 127.0.0.1:50000] \"get\" \"k\"\r\n" +
		"+1763776800.5 [0 lua] \"get\" \"k\"\r\n+1763776800.6 [0 lua] \"get\" \"k\"\r\n"))
	want := map[string]float64{"evalsha": 1, "hmget": 0, "get": .25}
	if !maps.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}

func TestPins(t *testing.T) {
	if p, why := choosePins(options{cores: 1}, 3); p != (pins{}) || why == "" {
		t.Error("three cores were shared out among four parts", p)
	}
	if p, why := choosePins(options{cores: 2}, 8); why == "" && p != (pins{"0", "1", "2-3", "4"}) {
		t.Error(p)
	}
	if p, _ := choosePins(options{cores: 1, noPin: true}, 64); p != (pins{}) {
		t.Error(p)
	}
}

func TestFlags(t *testing.T) {
	o, err := parseFlags([]string{"--quick", "--rounds", "5"}, io.Discard)
	if err != nil || o.rounds != 5 || o.length >= time.Second {
		t.Error(o, err)
	}
	if o, err = parseFlags([]string{"--scale"}, io.Discard); err != nil || o.sessions != 1_000_000 {
		t.Error(o, err)
	}
	if o, err = parseFlags([]string{"--scale", "--sessions", "7"}, io.Discard); err != nil || o.sessions != 7 {
		t.Error(o, err)
	}
	for _, bad := range [][]string{{"--rounds", "0"}, {"--peer", "x"}, {"--peer", "x=https://h"}, {"--length", "0"}, {"--vanish", "0.9"}, {"--build", "x"}, {"--nonsense"}} {
		if _, err := parseFlags(bad, io.Discard); err == nil {
			t.Errorf("%v: no error", bad)
		}
	}
}
