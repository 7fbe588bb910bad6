package refresh

import (
	"context"
	"crypto/rand"
	"errors"
	"time"

	"sessiongate/session"
	"sessiongate/session/task"
)

const (
	// burstWait is how long a refresh of a token client waits for its like: longer than
	// a program takes to send a burst, and little beside the minutes between two
	// refreshes. There is no window afterwards to catch the latecomers: whoever is
	// judged before the commit, in this process or in another, is given the successor;
	// whoever comes after it is a thief or has been robbed.
	burstWait = 200 * time.Millisecond

	commitTimeout = 30 * time.Second
	leaseSlack    = 5 * time.Second // by which a lease outlives the provider's call

	// restoreTimeout is how long a refresh waits for a commit that the store has
	// forgotten.
	restoreTimeout = 3 * time.Second
)

// run is one refresh of one session. Its steps follow each other in one loop, on one
// goroutine; each says which one is next, or that look and err are the outcome.
type run struct {
	*Refresher
	Request
	provider *provider // nil: it is not configured any more

	lease   string
	slot    *slot
	grant   session.Grant
	granted time.Time // when the provider was asked for it
	stored  session.Committed
	began   time.Time // when the store was asked for that

	waiting waiting
	err     error
}

// waiting is how long a run waits for others.
type waiting struct {
	until    time.Time // a slot or a lease is there, or it is given up
	restored time.Time // the store has again what it forgot
	poll     time.Duration
	resumed  bool // the back-off was voided once
}

// step does one thing and returns what comes next; nil: nothing.
type step func(ctx context.Context) step

func (r *Refresher) newRun(q Request) *run {
	return &run{Refresher: r, Request: q, provider: r.providers[q.Record.Identity.Provider]}
}

// do runs the steps.
func (r *run) do(ctx context.Context) (session.Look, error) {
	ctx, stop := context.WithCancel(ctx) // ends what extends the lease
	defer stop()
	defer func() { r.recovery.Drop(r.Record.ID, r.lease) }()
	for next := r.gather; next != nil; {
		next = next(ctx)
	}
	return r.Look, r.err
}

var errNotConfigured = errors.New("the session's provider is not configured any more")

// gather waits for the burst of a token client.
func (r *run) gather(context.Context) step {
	if r.Presentation.Kind == session.TokenClient {
		task.Sleep(r.runner.Context(), burstWait)
	}
	switch {
	case r.provider == nil:
		return r.keepOldToken(&session.FaultError{Misconfigured: true, Err: errNotConfigured})
	case !r.provider.remote:
		return r.call
	}
	now := time.Now()
	r.lease = rand.Text()
	r.waiting = waiting{until: now.Add(r.provider.timeout + leaseSlack), restored: now.Add(restoreTimeout), poll: 50 * time.Millisecond}
	return r.takeSlot
}

// takeSlot waits for a slot, about as long as one call may take, or until the session has
// changed: by then another process may have refreshed or ended it.
func (r *run) takeSlot(ctx context.Context) step {
	ps := &r.provider.slots
	if r.early {
		slot, ok := ps.tryAcquire()
		if !ok {
			return r.fail(errNoSlot)
		}
		r.slot = slot
		return r.takeLease
	}
	ctx, cancel := context.WithDeadline(ctx, earlier(r.waiting.until, time.Now().Add(r.provider.timeout)))
	defer cancel()
	r.slot = ps.acquire()
	for heard := r.Version; ; {
		changed := r.Track.Changed()
		if v := r.Track.Version(); v != heard && !r.slot.held() {
			heard = v
			if stored, err := r.recovery.Get(ctx, r.Record.ID); err == nil && isNews(stored, r.Record) {
				r.slot.release()
				return r.use(ctx, stored)
			}
		}
		select {
		case <-r.slot.ready:
			return r.takeLease
		case <-changed:
		case <-ctx.Done():
			r.slot.release()
			return r.keepOldToken(&session.FaultError{RetryAfter: fullRetry, Err: errFull})
		case <-r.runner.Closing():
			r.slot.release()
			return r.keepOldToken(&session.FaultError{RetryAfter: fullRetry, Err: errClosing})
		}
	}
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

// isNews reports whether the session is over, or has other tokens than before.
func isNews(stored session.Stored, before *session.Record) bool {
	return stored.Record == nil || stored.Record.Facts.TokensHash != before.Facts.TokensHash
}

var errBackoff = errors.New("the provider failed a moment ago")

// takeLease asks for the right to spend the tokens, or waits for whoever has it. Without
// it the slot is for others.
func (r *run) takeLease(ctx context.Context) step {
	changed, asked := r.Track.Changed(), r.now()
	result, err := r.recovery.Acquire(ctx, r.Record, r.lease, r.provider.timeout+leaseSlack)
	if err != nil || result.State != session.LeaseAcquired {
		r.slot.release()
	}
	switch {
	case err != nil:
		return r.fail(r.reporter.StoreFault(err, r.Record.ID))
	case r.recovery.Forgot(result, r.Record.ID):
		return r.waitForStore(ctx, changed)
	}
	switch result.State {
	case session.LeaseAcquired:
		return r.call
	case session.LeaseHeld:
		return r.waitForHolder(ctx, changed, result.Wait)
	case session.LeaseBackoff:
		if !r.waiting.resumed && r.resume(ctx, r.provider, r.Record.ID, result.Now) {
			r.waiting.resumed = true // once: whoever fails again waits again
			return r.takeSlot
		}
		return r.keepOldToken(&session.FaultError{RetryAfter: result.Wait, Err: errBackoff})
	}
	return r.use(ctx, session.Stored{Record: result.Record, Reason: result.Reason, Now: result.Now, Asked: asked})
}

// waitForHolder waits until whoever holds the lease may be done.
func (r *run) waitForHolder(ctx context.Context, changed <-chan struct{}, atMost time.Duration) step {
	ctx, cancel := context.WithDeadline(ctx, r.waiting.until)
	defer cancel()
	if !task.Wait(ctx, changed, min(r.waiting.next(), atMost+10*time.Millisecond)) {
		return r.keepOldToken(&session.FaultError{Err: ctx.Err()})
	}
	return r.takeSlot
}

// waitForStore waits until the store has again what it forgot. A token that is valid
// need not wait.
func (r *run) waitForStore(ctx context.Context, changed <-chan struct{}) step {
	if !r.Expired(r.now()) {
		r.reporter.Record(session.Event{Type: session.EventStoreForgot, ID: r.Record.ID})
		return nil
	}
	ctx, cancel := context.WithDeadline(ctx, earlier(r.waiting.restored, r.waiting.until))
	defer cancel()
	if !task.Wait(ctx, changed, r.waiting.next()) {
		return r.fail(r.reporter.StoreForgot(r.Record.ID))
	}
	return r.takeSlot
}

// next is how long to wait this time.
func (w *waiting) next() time.Duration {
	poll := w.poll
	w.poll = min(2*poll, 500*time.Millisecond)
	return poll
}

// call makes the one call, while a lease is kept alive until the run is over. The slot
// goes back as soon as the provider has answered.
func (r *run) call(ctx context.Context) step {
	if r.lease != "" {
		r.recovery.Hold(r.Record.ID, r.lease, r.Record.Facts.TokensHash, r.provider.timeout+leaseSlack)
		go r.extend(ctx, r.Record.ID)
	}
	asking, cancel := context.WithTimeout(ctx, r.provider.timeout)
	defer cancel()
	r.granted = r.now()
	grant, err := r.ask(asking)
	r.grant = grant
	return r.classify(err)
}

// extend keeps the lease of a session alive. It reads nothing of the run that a step
// changes.
func (r *run) extend(ctx context.Context, id session.ID) {
	ttl := r.provider.timeout + leaseSlack
	for task.Sleep(ctx, ttl/3) {
		if held, err := r.recovery.Extend(ctx, id, r.lease, ttl); err == nil && !held {
			return
		}
	}
}

// ask asks the provider. One that panics counts as one out of order, so that its
// session's lease is given back like any other.
func (r *run) ask(ctx context.Context) (g session.Grant, err error) {
	if r.slot != nil {
		defer r.slot.release()
	}
	defer recovered(&err)
	rec := r.Record
	g, err = r.provider.Refresh(ctx, session.Refresh{
		SessionID: rec.ID, Kind: r.Presentation.Kind, Identity: rec.Identity, Tokens: rec.Tokens,
		Now: r.Now.Add(r.granted.Sub(r.Began)), Expires: rec.Expires, Absolute: rec.Facts.Absolute,
		ClientIP: r.Client.IP,
	})
	if err == nil && r.slot != nil {
		r.provider.slots.succeeded()
	}
	return g, err
}

// commit stores the grant. It has a time of its own: the provider may have rotated, and
// what it gave must not be lost. Under a lease it is tried again while the store is out
// of reach. Meanwhile the token ages: each try says what is left of it since its provider
// was asked.
func (r *run) commit(ctx context.Context) step {
	ctx, cancel := context.WithTimeout(ctx, commitTimeout)
	defer cancel()
	c := session.Commit{
		Presentation: r.Presentation, FromTokens: r.Record.Facts.TokensHash, Base: r.Record.Facts, Lease: r.lease, Rotate: r.Rotate,
		Identity: r.grant.Identity, Tokens: r.grant.Tokens, Device: r.Record.Device, Created: r.Record.Created,
	}
	c.Presentation.Force = r.Forced // as it took effect, not as it was asked for
	plan := r.grant.Schedule(r.grace)
	try := func() (err error) {
		r.began = r.now()
		c.Schedule = plan.After(r.began.Sub(r.granted))
		r.stored, err = r.store.Commit(ctx, c)
		return err
	}
	err := try()
	for pause := 100 * time.Millisecond; err != nil && r.lease != "" && task.Sleep(ctx, pause); pause = 200 * time.Millisecond {
		err = try()
	}
	if err != nil {
		return r.fail(r.reporter.StoreFault(err, r.Record.ID))
	}
	return r.publish
}

// publish records a refresh and voids this process's own copies at once; the others hear
// of it by the feed. Whatever was stored, by us or by others, is the outcome.
func (r *run) publish(ctx context.Context) step {
	done := r.stored
	if done.Record == nil {
		r.terminator.Revoke(r.grant.Identity.Provider, r.grant.Tokens) // a logout overtook us: nobody may keep these
	}
	if rec := done.Record; done.Stored && rec != nil {
		r.tracker.NoteCommit(rec.ID, rec.Facts.CommitNumber)
		e := session.Event{
			Type: session.EventRefreshed, ID: rec.ID, Subject: rec.Identity.Subject, Provider: rec.Identity.Provider, Client: r.Client,
		}
		r.reporter.Record(e)
		if done.Rotated {
			e.Type = session.EventRotated
			r.reporter.Record(e)
		}
		r.tracker.Advance(rec.ID, rec.Facts.Generation)
	}
	return r.use(ctx, session.Stored{Record: done.Record, Reason: done.Reason, Now: done.Now, Asked: r.began})
}
