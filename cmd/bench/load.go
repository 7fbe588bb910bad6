package main

import (
	"context"
	"errors"
	"io"
	"net/http"
	"sync"
	"syscall"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// load says how hard to ask.
type load struct {
	conns  int
	length time.Duration
	rate   float64 // per second, of all connections together; 0: closed loop
	vanish float64 // share of requests whose client goes away; not 0: the upstream does so, too
}

// result is what came back. Latencies are in microseconds.
type result struct {
	histogram *hdrhistogram.Histogram
	requests  int64
	failed    int64 // not answered as they should be
	refused   int64 // of these: answered, but with another status or size
	firstFail string
	vanished  int64 // clients that went away
	cut       int64 // requests lost to an upstream that went away
	took      time.Duration
}

func newHistogram() *hdrhistogram.Histogram {
	return hdrhistogram.New(1, time.Minute.Microseconds(), 3)
}

// sumOf puts together what connections got.
func sumOf(parts []result, took time.Duration) result {
	sum := result{histogram: newHistogram(), took: took}
	for _, p := range parts {
		sum.histogram.Merge(p.histogram)
		sum.requests += p.requests
		sum.failed += p.failed
		sum.refused += p.refused
		sum.vanished += p.vanished
		sum.cut += p.cut
		if sum.firstFail == "" {
			sum.firstFail = p.firstFail
		}
	}
	return sum
}

func (r *result) fail(err error) {
	r.failed++
	if other := (*statusError)(nil); errors.As(err, &other) {
		r.refused++
	}
	if r.firstFail == "" {
		r.firstFail = err.Error()
	}
}

func (r *result) answered(since time.Time) {
	r.requests++
	_ = r.histogram.RecordValue(max(1, min(time.Since(since), time.Minute).Microseconds())) // within its range
}

// fire loads the target until the time is over or ctx ends.
func fire(ctx context.Context, t *target, l load) result {
	began := time.Now()
	parts := make([]result, l.conns)
	askers := t.askers(l)
	var all sync.WaitGroup
	for i := range parts {
		all.Go(func() { parts[i] = t.connection(ctx, l, askers[i], i, began) })
	}
	all.Wait()
	return sumOf(parts, time.Since(began))
}

// connection is one keep-alive connection's share of a load, or that of a stream of HTTP/2. After a
// failure it connects again.
func (t *target) connection(ctx context.Context, l load, a asker, i int, began time.Time) result {
	r := result{histogram: newHistogram()}
	beat := newBeat(l, i, began)
	for end := began.Add(l.length); ; {
		due := beat.next(ctx)
		if !due.Before(end) || ctx.Err() != nil {
			break
		}
		switch err := a.ask(ctx); {
		case err == nil:
			r.answered(due)
			continue
		case errors.Is(err, errVanished):
			r.vanished++
		case l.vanish > 0 && upstreamGone(err):
			r.cut++
		default:
			r.fail(err)
		}
		a.hangUp()
	}
	a.hangUp()
	return r
}

// upstreamGone reports what a gateway can at best do about an upstream that went away: say so, or
// end the answer it had begun.
func upstreamGone(err error) bool {
	other := (*statusError)(nil)
	return errors.As(err, &other) && other.status == http.StatusBadGateway ||
		errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, syscall.ECONNRESET)
}

// beat says when each request of a connection is due.
type beat struct {
	at       time.Time
	interval time.Duration // 0: closed loop
}

func newBeat(l load, i int, began time.Time) *beat {
	if l.rate <= 0 {
		return &beat{}
	}
	interval := time.Duration(float64(l.conns) / l.rate * float64(time.Second))
	return &beat{began.Add(interval * time.Duration(i) / time.Duration(l.conns)), interval}
}

// next waits for the next due time and returns it. If that has passed, because the answer before
// was slow, it returns at once: what is measured from it is what a user who came then has waited.
func (b *beat) next(ctx context.Context) time.Time {
	if b.interval == 0 {
		return time.Now()
	}
	due := b.at
	b.at = b.at.Add(b.interval)
	if wait := time.Until(due); wait > 0 {
		timer := time.NewTimer(wait)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-ctx.Done():
		}
	}
	return due
}
