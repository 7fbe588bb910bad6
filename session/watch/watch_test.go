package watch_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"sessiongate/session"
	"sessiongate/session/task"
	"sessiongate/session/tracker"
	"sessiongate/session/watch"
)

var errAway = errors.New("test outage")

type world struct {
	t       *testing.T
	watcher *watch.Watcher
	tracker *tracker.Tracker
	runner  *task.Runner

	mu      sync.Mutex
	stored  session.Stored
	err     error
	looks   int
	ended   []session.Reason
	touched int
	faults  int
}

// Get implements watch.Reader.
func (w *world) Get(context.Context, session.ID) (session.Stored, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.looks++
	s := w.stored
	s.Now, s.Asked = time.Now(), time.Now()
	return s, w.err
}

// End implements watch.Terminator.
func (w *world) End(_ context.Context, _ session.ID, why session.Reason, _ session.Client) (*session.Record, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.ended = append(w.ended, why)
	return nil, w.err
}

// Touch implements session.Toucher.
func (w *world) Touch(context.Context, session.ID) (bool, error) {
	w.touched++
	return true, w.err
}

// Record implements session.Recorder.
func (w *world) Record(session.Event) { w.faults++ }

func (w *world) set(change func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	change()
}

const idle = time.Hour

// watching runs a test of one watch, in a world whose time is made.
func watching(t *testing.T, test func(w *world, s *session.Session, notices <-chan session.Notice)) {
	synctest.Test(t, func(t *testing.T) {
		w := &world{t: t, tracker: tracker.New(time.Now), runner: task.NewRunner()}
		w.watcher = watch.New(watch.Options{
			Reader: w, Toucher: w, Terminator: w, Tracker: w.tracker, Reporter: session.NewReporter(w, time.Now),
			Runner: w.runner, Idle: idle, Now: time.Now,
		})
		rec := &session.Record{
			ID: "a", Identity: session.Identity{Subject: "ada", Provider: "p"}, Expires: time.Now().Add(10 * time.Minute),
			Facts: session.State{Found: true, Generation: 1, LastSeen: time.Now(), Absolute: time.Now().Add(24 * time.Hour), TokensHash: "1"},
		}
		w.stored.Record = rec
		look := session.Look{ReadPoint: w.tracker.ReadPoint(w.tracker.Track("a")), Record: rec, Now: time.Now()}
		s := look.Session(session.Handle{}, idle)
		notices, stop := w.watcher.Watch(s)
		test(w, s, notices)
		stop()
		stop()
		synctest.Wait()
		if _, open := <-notices; open {
			t.Error("the channel is open after stop")
		}
	})
}

func (w *world) want(notices <-chan session.Notice, want session.Notice) {
	w.t.Helper()
	select {
	case got := <-notices:
		if got != want {
			w.t.Errorf("told %+v, want %+v", got, want)
		}
	case <-time.After(26 * time.Hour):
		w.t.Errorf("told nothing, want %+v", want)
	}
}

func TestRefreshAndOwnerList(t *testing.T) {
	watching(t, func(w *world, s *session.Session, notices <-chan session.Notice) {
		synctest.Wait()
		if w.looks != 0 {
			w.t.Error("a look though nothing has happened")
		}
		fresh := *w.stored.Record
		fresh.Facts.TokensHash, fresh.Expires = "2", time.Now().Add(5*time.Minute)
		w.set(func() { w.stored.Record = &fresh })
		w.tracker.Observe(session.Change{Kind: session.ChangeAdvanced, ID: "a", Generation: 2})
		w.want(notices, session.Notice{Kind: session.Refreshed, In: 5 * time.Minute})
		w.tracker.Observe(session.Change{Kind: session.ChangeOwnerList, Owner: s.Identity().Owner().Hash()})
		w.want(notices, session.Notice{Kind: session.DevicesChanged})
		before := w.looks
		w.tracker.Observe(session.Change{Kind: session.ChangeFeedUp})
		synctest.Wait()
		if w.looks != before+1 {
			w.t.Error("no look after a gap in the feed")
		}
	})
}

// TestExpiry warns two minutes before the end, once, and ends what nobody ended.
func TestExpiry(t *testing.T) {
	watching(t, func(w *world, _ *session.Session, notices <-chan session.Notice) {
		w.want(notices, session.Notice{Kind: session.Expiring, In: 2 * time.Minute})
		w.set(func() { w.stored = session.Stored{Reason: session.Idle} })
		w.want(notices, session.Notice{Kind: session.Ended, Reason: session.Idle})
		if len(w.ended) != 1 || w.ended[0] != session.Idle {
			w.t.Errorf("ended %v", w.ended)
		}
	})
}

// TestEndOfTheTrack is told without a look.
func TestEndOfTheTrack(t *testing.T) {
	watching(t, func(w *world, _ *session.Session, notices <-chan session.Notice) {
		w.tracker.MarkEnded("a", session.Logout)
		w.want(notices, session.Notice{Kind: session.Ended, Reason: session.Logout})
		if w.looks != 0 {
			w.t.Errorf("%d looks", w.looks)
		}
	})
}

// TestOutage ends nothing but what age has ended for certain.
func TestOutage(t *testing.T) {
	watching(t, func(w *world, _ *session.Session, notices <-chan session.Notice) {
		w.set(func() { w.err = errAway })
		begun := time.Now()
		w.want(notices, session.Notice{Kind: session.Ended, Reason: session.AbsoluteLifetime})
		if lasted := time.Since(begun); lasted < 24*time.Hour {
			w.t.Errorf("over after %v", lasted)
		}
	})
}

func TestWatchesShareALookAndStop(t *testing.T) {
	watching(t, func(w *world, s *session.Session, notices <-chan session.Notice) {
		other, stop := w.watcher.Watch(s)
		defer stop()
		w.runner.Close(w.t.Context())
		synctest.Wait()
		if _, open := <-other; open {
			w.t.Error("a watch goes on after the runner was closed")
		}
	})
}

func TestTouch(t *testing.T) {
	watching(t, func(w *world, s *session.Session, _ <-chan session.Notice) {
		w.watcher.Touch(w.t.Context(), s)
		w.set(func() { w.err = errAway })
		w.watcher.Touch(w.t.Context(), s)
		if w.touched != 2 || w.faults != 1 {
			w.t.Errorf("touched %d times, %d faults", w.touched, w.faults)
		}
		if d := w.watcher.TouchInterval(); d != time.Minute {
			w.t.Errorf("to be touched every %v", d)
		}
	})
}
