package manager

import (
	"context"
	"time"

	"sessiongate/session"
	"sessiongate/session/tracker"
)

const (
	// lookEvery is how often a watched session is looked at though nothing was
	// heard of it; lookAgain the same while the store does not answer.
	lookEvery = time.Minute
	lookAgain = 5 * time.Second
	// expiringLead is how long before its end a session counts as expiring, at
	// most; a tenth of the idle timeout if that is shorter.
	expiringLead = 2 * time.Minute
)

// Watch tells what happens to a session from the moment s was taken: its end
// within milliseconds of any process, by the feed, and else at its deadlines, on
// re-subscription of the feed, and once a minute. Looking never moves the idle
// deadline and never counts as seeing a handle. A fault of the store ends nothing.
//
// The channel is closed after [session.Ended], after stop, and when the manager is
// closed. A reader that falls behind misses no [session.Ended]; other notices merge.
// stop may be called more than once and must be called at least once.
func (m *Manager) Watch(s *session.Session) (notices <-chan session.Notice, stop func()) {
	ctx, cancel := context.WithCancel(m.runner.Context())
	idleEnd, absolute := s.Deadlines()
	w := &watch{
		manager: m, session: s, out: make(chan session.Notice),
		stamp: s.TokensHash(), idleEnd: idleEnd, absolute: absolute,
	}
	subscription, unsubscribe := m.tracker.Subscribe(s.Identity().Owner().Hash())
	w.subscription = subscription
	go func() {
		defer close(w.out)
		defer cancel()
		defer unsubscribe()
		w.run(ctx)
	}()
	return w.out, cancel
}

// watch follows one session for one reader.
type watch struct {
	manager *Manager
	session *session.Session
	out     chan session.Notice

	stamp    string    // of the tokens last told about
	idleEnd  time.Time // as last seen
	absolute time.Time
	warned   time.Time // the deadline that Expiring was sent for

	subscription *tracker.Subscription
}

func (w *watch) run(ctx context.Context) {
	t := w.session.Track()
	stale := t.Version() != w.session.ReadPoint().Version // something happened before we came
	next := w.manager.now()
	if !stale {
		next = next.Add(w.nextPoll(ctx, next))
	}
	for ctx.Err() == nil {
		changed := t.Changed()
		if e := t.Ended(); e != nil {
			w.send(ctx, session.Notice{Kind: session.Ended, Reason: e.Reason})
			return
		}
		if stale || !w.manager.now().Before(next) {
			pause, over := w.poll(ctx)
			if over {
				continue // the track knows the reason
			}
			next, stale = w.manager.now().Add(pause), false
		}
		timer := time.NewTimer(max(next.Sub(w.manager.now()), time.Millisecond))
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

// poll asks the store how the session is, tells what is new, and returns when to
// look again.
func (w *watch) poll(ctx context.Context) (pause time.Duration, over bool) {
	m, s := w.manager, w.session
	now := m.now()
	seen, err := m.status(ctx, s)
	switch {
	case err != nil && !now.Before(w.absolute):
		_ = m.tracker.MarkEnded(s.ID(), session.AbsoluteLifetime) // this deadline nobody can have moved
		return 0, true
	case err != nil:
		return lookAgain, false
	case seen.over:
		return 0, true
	}
	w.idleEnd = seen.idleEnd
	if seen.stamp != w.stamp {
		w.stamp = seen.stamp
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
	warnAt := end.Add(-min(expiringLead, w.manager.rules.Idle/10))
	if now.Before(warnAt) {
		return min(lookEvery, warnAt.Sub(now))
	}
	if !w.warned.Equal(end) {
		w.warned = end
		w.send(ctx, session.Notice{Kind: session.Expiring, In: max(0, end.Sub(now))})
	}
	// The store's clock decides; ours only says when to ask.
	return min(lookEvery, max(end.Sub(now), 250*time.Millisecond))
}

// status is what a look at a watched session finds.
type status struct {
	over               bool // and its track says why
	stamp              string
	idleEnd, accessEnd time.Time
}

// status looks at a session without judging a handle and without touching. Many
// watches of one session share a look.
func (m *Manager) status(ctx context.Context, s *session.Session) (status, error) {
	return m.statuses.Do(s.ID(), func() (status, error) {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), readTimeout)
		defer cancel()
		return m.lookAt(ctx, s)
	})
}

func (m *Manager) lookAt(ctx context.Context, s *session.Session) (status, error) {
	turn, err := m.get(ctx, s.ID())
	switch {
	case err != nil:
		return status{}, err
	case turn.Record == nil:
		return m.settleEnd(ctx, s.ID(), turn.Reason)
	}
	local := func(t time.Time) time.Time { return turn.asked.Add(t.Sub(turn.Now)) }
	return status{
		stamp:     turn.Record.Facts.TokensHash,
		idleEnd:   local(turn.Record.Facts.LastSeen).Add(m.rules.Idle),
		accessEnd: local(turn.Record.Expires),
	}, nil
}

// settleEnd takes in that a session is over. One whose deadline nobody has noticed
// yet ends here, with all that follows from an end.
func (m *Manager) settleEnd(ctx context.Context, id session.ID, why session.Reason) (status, error) {
	if why.Expiry() {
		if _, err := m.End(ctx, id, why, session.Client{}); err != nil {
			return status{}, err
		}
	}
	_ = m.tracker.MarkEnded(id, why)
	return status{over: true}, nil
}

// announce tells pages that show the owner's sessions to look again.
func (m *Manager) announce(o session.Owner) {
	m.runner.Go(func(ctx context.Context) { _ = m.store.Announce(ctx, o) })
}
