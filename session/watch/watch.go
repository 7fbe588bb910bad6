package watch

import (
	"context"
	"time"

	"sessiongate/session"
	"sessiongate/session/task"
	"sessiongate/session/tracker"
)

const (
	// pollInterval is how often a watched session is looked at though nothing was heard
	// of it; retryInterval the same while the store does not answer.
	pollInterval  = time.Minute
	retryInterval = 5 * time.Second
	// expiringLead is how long before its end a session counts as expiring, at most; a
	// tenth of the idle timeout if that is shorter.
	expiringLead = 2 * time.Minute

	// readTimeout bounds a look at the store that outlives the request that began it.
	readTimeout = 2 * time.Second
)

// Reader reads a session as it stands; one that the store has lost is an error.
type Reader interface {
	Get(ctx context.Context, id session.ID) (session.Stored, error)
}

// Terminator ends a session whose deadline nobody has noticed yet.
type Terminator interface {
	End(ctx context.Context, id session.ID, why session.Reason, c session.Client) (*session.Record, error)
}

// Watcher tells what happens to sessions. Make one with [New]; it is safe for concurrent
// use.
type Watcher struct {
	reader     Reader
	toucher    session.Toucher
	terminator Terminator
	tracker    *tracker.Tracker
	reporter   *session.Reporter
	runner     *task.Runner
	idle       time.Duration
	now        func() time.Time

	looks task.Group[session.ID, status]
}

// Options are what a [Watcher] is made of; all are required.
type Options struct {
	Reader     Reader
	Toucher    session.Toucher
	Terminator Terminator
	Tracker    *tracker.Tracker
	Reporter   *session.Reporter
	Runner     *task.Runner
	Idle       time.Duration // the idle timeout of sessions
	Now        func() time.Time
}

// New returns a watcher.
func New(o Options) *Watcher {
	return &Watcher{
		reader: o.Reader, toucher: o.Toucher, terminator: o.Terminator, tracker: o.Tracker, reporter: o.Reporter,
		runner: o.Runner, idle: o.Idle, now: o.Now,
	}
}

// Watch tells what happens to a session from the moment s was taken: its end within
// milliseconds of any process, by the feed, and else at its deadlines, when the feed is
// back after a gap, and once a minute. A fault of the store ends nothing.
//
// The channel is closed after [session.Ended], after stop, and when the runner is closed.
// A reader that falls behind misses no [session.Ended]; other notices merge. stop may be
// called more than once and must be called at least once.
func (w *Watcher) Watch(s *session.Session) (notices <-chan session.Notice, stop func()) {
	ctx, cancel := context.WithCancel(w.runner.Context())
	idleEnd, absolute := s.Deadlines()
	x := &watch{
		Watcher: w, session: s, out: make(chan session.Notice),
		tokensHash: s.TokensHash(), idleEnd: idleEnd, absolute: absolute,
	}
	subscription, unsubscribe := w.tracker.Subscribe(s.Identity().Owner().Hash())
	x.subscription = subscription
	go func() {
		defer close(x.out)
		defer cancel()
		defer unsubscribe()
		x.run(ctx)
	}()
	return x.out, cancel
}

// watch follows one session for one reader.
type watch struct {
	*Watcher
	session      *session.Session
	subscription *tracker.Subscription
	out          chan session.Notice

	tokensHash string    // of the tokens last told about
	idleEnd    time.Time // as last seen
	absolute   time.Time
	warned     time.Time // the deadline that Expiring was sent for
}

func (w *watch) run(ctx context.Context) {
	t := w.session.Track()
	stale := t.Version() != w.session.ReadPoint().Version // something happened before we came
	next := w.now()
	if !stale {
		next = next.Add(w.nextPoll(ctx, next))
	}
	for ctx.Err() == nil {
		changed := t.Changed()
		if e := t.Ended(); e != nil {
			w.send(ctx, session.Notice{Kind: session.Ended, Reason: e.Reason})
			return
		}
		if stale || !w.now().Before(next) {
			pause, ended := w.poll(ctx)
			if ended {
				continue // the track knows the reason
			}
			next, stale = w.now().Add(pause), false
		}
		timer := time.NewTimer(max(next.Sub(w.now()), time.Millisecond))
		select {
		case <-changed:
			stale = true
		case <-w.subscription.Reconnected:
			stale = true
		case <-w.subscription.OwnerList:
			w.send(ctx, session.Notice{Kind: session.DevicesChanged})
		case <-timer.C:
		case <-ctx.Done():
		}
		timer.Stop()
	}
}

// send hands a notice to the reader, or gives up when nobody reads any more.
func (w *watch) send(ctx context.Context, n session.Notice) {
	select {
	case w.out <- n:
	case <-ctx.Done():
	}
}

// poll asks the store how the session is, tells what is new, and returns when to look
// again.
func (w *watch) poll(ctx context.Context) (pause time.Duration, ended bool) {
	now := w.now()
	seen, err := w.status(ctx, w.session.ID())
	switch {
	case err != nil && !now.Before(w.absolute):
		_ = w.tracker.MarkEnded(w.session.ID(), session.AbsoluteLifetime) // this deadline nobody can have moved
		return 0, true
	case err != nil:
		return retryInterval, false
	case seen.ended:
		return 0, true
	}
	w.idleEnd = seen.idleEnd
	if seen.tokensHash != w.tokensHash {
		w.tokensHash = seen.tokensHash
		w.send(ctx, session.Notice{Kind: session.Refreshed, In: max(0, seen.accessEnd.Sub(now))})
	}
	return w.nextPoll(ctx, now), false
}

// nextPoll warns when the end is near and returns how long nothing needs a look.
func (w *watch) nextPoll(ctx context.Context, now time.Time) time.Duration {
	end := w.absolute
	if w.idleEnd.Before(end) {
		end = w.idleEnd
	}
	warnAt := end.Add(-min(expiringLead, w.idle/10))
	if now.Before(warnAt) {
		return min(pollInterval, warnAt.Sub(now))
	}
	if !w.warned.Equal(end) {
		w.warned = end
		w.send(ctx, session.Notice{Kind: session.Expiring, In: max(0, end.Sub(now))})
	}
	// The store's clock decides; ours only says when to ask.
	return min(pollInterval, max(end.Sub(now), 250*time.Millisecond))
}
