package manager_test

import (
	"context"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"sessiongate/session"
	"sessiongate/session/manager"
	"sessiongate/session/seal"
	"sessiongate/session/sessiontest"
)

// weightGate is how many bytes of heap a cached session may cost besides its
// access token and its cookie value, which it cannot do without. It was 750 when
// this was written.
const weightGate = 900

// TestWeightOfACachedSession: the heap grows by little more than what requests
// need. Whatever else a record holds (an ID token, a refresh token, the device),
// and whatever the value was cut out of, is let go.
func TestWeightOfACachedSession(t *testing.T) {
	const n = 4000
	w := newWide(t, manager.Options{CacheTTL: time.Hour})
	cookies := w.cookies(n)
	before := heapInUse()
	carried := w.present(cookies)
	grown := int(heapInUse()-before) / n
	runtime.KeepAlive(cookies)
	runtime.KeepAlive(w)
	t.Logf("%d bytes for each session, %d of them token and cookie", grown, carried)
	if grown-carried > weightGate {
		t.Errorf("a cached session costs %d bytes over its token and cookie, the gate is %d", grown-carried, weightGate)
	}
}

// TestCacheKeepsItsBound: what the cache thinks its entries weigh is what they do.
func TestCacheKeepsItsBound(t *testing.T) {
	const bound = 4 << 20
	w := newWide(t, manager.Options{CacheTTL: time.Hour, CacheBytes: bound})
	cookies := w.cookies(6000)
	before := heapInUse()
	w.present(cookies)
	grown := int(heapInUse() - before)
	runtime.KeepAlive(cookies)
	runtime.KeepAlive(w)
	if grown > bound*5/4 || grown < bound/2 {
		t.Errorf("a cache of %d bytes takes %d", bound, grown)
	}
}

// TestCacheForgets: copies too old to be used do not wait for others to push them out.
func TestCacheForgets(t *testing.T) {
	clock := sessiontest.NewClock()
	w := newWide(t, manager.Options{CacheTTL: time.Second, Now: clock.Now})
	cookies := w.cookies(2000)
	before := heapInUse()
	w.present(cookies)
	full := heapInUse() - before
	clock.Advance(2 * time.Second)
	deadline := time.Now().Add(20 * time.Second)
	for heapInUse() > before+full/4 {
		if time.Now().After(deadline) {
			t.Fatalf("more than a quarter of %d bytes is still held", full)
		}
	}
	runtime.KeepAlive(cookies)
	runtime.KeepAlive(w)
}

// wide is a manager over [wideRecords].
type wide struct {
	t       *testing.T
	handles *seal.Handles
	manager *manager.Manager
}

func newWide(t *testing.T, o manager.Options) *wide {
	t.Helper()
	w := &wide{t: t}
	key, err := seal.ParseKey([]byte(seal.GenerateKey()))
	w.must(err)
	w.handles, err = seal.NewHandles("cookie", []seal.Key{{ID: "c", Secret: key}}, nil)
	w.must(err)
	if o.Now == nil {
		o.Now = time.Now
	}
	o.Store, o.Cookies = &wideRecords{now: o.Now}, w.handles
	o.Rules, o.Absolute, o.Grace = session.Rules{Idle: 24 * time.Hour}, 14*24*time.Hour, 30*time.Second
	w.manager, err = manager.New(o)
	w.must(err)
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { _ = w.manager.Run(ctx) })
	t.Cleanup(func() { cancel(); running.Wait() })
	for !w.manager.StoreUp() {
		runtime.Gosched()
	}
	return w
}

func (w *wide) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *wide) cookies(n int) []string {
	list := make([]string, n)
	for i := range list {
		var err error
		list[i], err = w.handles.Seal(session.NewHandle(session.Browser).Payload())
		w.must(err)
	}
	return list
}

// present resolves each value as it comes: at the end of a header with other
// cookies. It returns how long value and token are.
func (w *wide) present(cookies []string) (carried int) {
	for _, c := range cookies {
		header := strings.Clone("theme=dark; " + strings.Repeat("app=1; ", 500) + c)
		s, err := w.manager.Resolve(context.Background(), header[len(header)-len(c):], session.ResolveOptions{Touch: true, Client: client()})
		w.must(err)
		carried = len(s.Authorization) + len(c)
	}
	return carried
}

// heapInUse is what is reachable.
func heapInUse() uint64 {
	var s runtime.MemStats
	for range 3 { // what weak pointers and cleanups hold goes a cycle later
		runtime.GC()
	}
	runtime.ReadMemStats(&s)
	return s.HeapAlloc
}

// wideRecords answers every presentation with a live session as a big provider makes
// them: all its words are cut out of one text, as a store's reader cuts them.
type wideRecords struct {
	session.Store
	now func() time.Time
	n   int
}

// Follow implements session.Feed.
func (s *wideRecords) Follow(ctx context.Context, f func(session.Change)) error {
	f(session.Change{Kind: session.ChangeFeedUp})
	<-ctx.Done()
	return ctx.Err()
}

// Replay implements session.Rewriter.
func (s *wideRecords) Replay(context.Context, []*session.EndedError) error { return nil }

// Rewrite implements session.Rewriter.
func (s *wideRecords) Rewrite(context.Context) error { return nil }

// Resolve implements session.Sessions.
func (s *wideRecords) Resolve(_ context.Context, v session.Presentation) (session.Answer, error) {
	s.n++
	text := strings.Clone(fmt.Sprintf("subject-%08d|Ada King Noel|user|admin|openid|profile|laptop|%s|%s|%s|%s",
		s.n, browserUA, strings.Repeat("a", 850), strings.Repeat("i", 850), strings.Repeat("r", 400)))
	f := strings.Split(text, "|")
	now := s.now()
	return session.Answer{
		Verdict: session.Verdict{Outcome: session.OutcomeCurrent, Due: session.NotDue},
		Now:     now,
		Record: &session.Record{
			ID: v.ID,
			Facts: session.State{
				Found: true, Generation: v.Generation, LastSeen: now, Absolute: now.Add(14 * 24 * time.Hour),
				SoftAt: now.Add(8 * time.Minute), HardAt: now.Add(9 * time.Minute), Grace: 30 * time.Second,
				TokensHash: strings.Clone("0123456789012345678901"), BrowserClass: strings.Clone("01234567890"),
			},
			Identity: session.Identity{
				Subject: f[0], Name: f[1], Provider: "fake", AuthTime: now, Roles: f[2:4:4], Scopes: f[4:6:6],
			},
			Device:  session.Device{Name: f[6], UserAgent: f[7]},
			Tokens:  session.Tokens{Access: session.Secret(f[8]), ID: session.Secret(f[9]), Refresh: session.Secret(f[10])},
			Created: now, Expires: now.Add(10 * time.Minute),
		},
	}, nil
}
