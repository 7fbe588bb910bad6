package streams

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"sessiongate/session"
)

// watcher is a Watcher of functions.
type watcher struct {
	watch func(*session.Session) (<-chan session.Notice, func())
	touch func()
}

func (w watcher) Watch(s *session.Session) (<-chan session.Notice, func()) { return w.watch(s) }
func (w watcher) Touch(context.Context, *session.Session)                  { w.touch() }
func (watcher) TouchInterval() time.Duration                               { return time.Minute }

// stream is a Stream that notes how it was cut.
type stream struct {
	upgraded, events bool
	heard            atomic.Uint64
	mu               sync.Mutex
	code             int
	reason           string
}

func (s *stream) Upgraded() bool      { return s.upgraded }
func (s *stream) EventStream() bool   { return s.events }
func (s *stream) ClientReads() uint64 { return s.heard.Load() }

func (s *stream) Cut(code int, reason string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.code, s.reason = code, reason
}

func (s *stream) cut() (int, string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.code, s.reason
}

// scenario is a registry over notices that the test sends.
type scenario struct {
	*Registry
	notices chan session.Notice
	watched atomic.Int32
	stopped atomic.Int32
	touched atomic.Int32
}

func newScenario() *scenario {
	s := &scenario{notices: make(chan session.Notice, 8)}
	s.Registry = New(watcher{
		watch: func(*session.Session) (<-chan session.Notice, func()) {
			s.watched.Add(1)
			return s.notices, sync.OnceFunc(func() { s.stopped.Add(1); close(s.notices) })
		},
		touch: func() { s.touched.Add(1) },
	})
	return s
}

func TestAWebSocketEndsWithItsSession(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, ws, e := newScenario(), &stream{upgraded: true}, &Entry{}
		s.Add(e, ws, &session.Session{}, 200)
		s.notices <- session.Notice{Kind: session.Refreshed}
		synctest.Wait()
		if code, _ := ws.cut(); code != 0 {
			t.Errorf("a refresh cut it: %d", code)
		}
		s.notices <- session.Notice{Kind: session.Ended, Reason: session.Logout}
		synctest.Wait()
		if code, reason := ws.cut(); code != closeUnauthorized || reason != string(session.Logout) {
			t.Errorf("%d %q", code, reason)
		}
		s.Remove(e)
		if s.stopped.Load() != 1 {
			t.Errorf("the watch was stopped %d times", s.stopped.Load())
		}
	})
}

func TestBytesFromTheClientCountAsUse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, ws, e := newScenario(), &stream{upgraded: true}, &Entry{}
		s.Add(e, ws, &session.Session{}, 0)
		ws.heard.Add(1)
		time.Sleep(3*time.Minute + time.Second)
		if n := s.touched.Load(); n != 1 {
			t.Errorf("heard once in three minutes, touched %d times", n)
		}
		s.Remove(e)
	})
}

// A response costs a watch once it is long, and not before.
func TestOnlyLongResponsesAreWatched(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, e := newScenario(), &Entry{}
		ctx, stop := context.WithCancel(t.Context())
		go s.Run(ctx)
		short, other := &Entry{}, &Entry{}
		s.Add(short, &stream{}, &session.Session{}, 5)
		s.Add(other, &stream{}, &session.Session{}, 5)
		time.Sleep(longAge / 2)
		s.Remove(short)
		s.Remove(other)
		if s.watched.Load() != 0 {
			t.Error("a short one is watched")
		}
		s.Add(e, &stream{}, &session.Session{}, 5)
		time.Sleep(longAge + 2*scanInterval)
		if s.watched.Load() != 1 {
			t.Errorf("watched %d times", s.watched.Load())
		}
		s.Remove(e)
		s.Remove(e) // is nothing
		stop()
		synctest.Wait()
	})
}

func TestDrainEndsWhatReconnects(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScenario()
		ws, download, nobodys := &stream{events: true}, &stream{}, &stream{}
		a, b, c := &Entry{}, &Entry{}, &Entry{}
		s.Add(a, ws, nil, 1)
		s.Add(b, download, &session.Session{}, 1)
		s.Add(c, nobodys, nil, 1)
		if c.stream != nil {
			t.Error("a response that nothing could end is in the registry")
		}
		s.Drain()
		synctest.Wait()
		if code, reason := ws.cut(); code != closeRestart || reason != "restart" {
			t.Errorf("%d %q", code, reason)
		}
		if code, _ := download.cut(); code != 0 {
			t.Error("a download was cut")
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		began := time.Now()
		s.Wait(ctx)
		if time.Since(began) < time.Second {
			t.Error("Wait returned while the stream was still there")
		}
		s.Remove(a)
		s.Wait(t.Context())
		s.Remove(b)
		if a, b := s.reconnecting(), s.shards[1].first; a || b != nil {
			t.Error("something is left")
		}
	})
}

func TestAddingAllocatesNothing(t *testing.T) {
	s, short, owner, e := newScenario(), &stream{}, &session.Session{}, &Entry{}
	if n := testing.AllocsPerRun(100, func() { s.Add(e, short, owner, 7); s.Remove(e) }); n > 0 {
		t.Errorf("%v allocations", n)
	}
}
