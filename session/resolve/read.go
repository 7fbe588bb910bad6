package resolve

import (
	"context"
	"time"

	"sessiongate/session"
	"sessiongate/session/task"
	"sessiongate/session/tracker"
)

// readTimeout bounds a look at the store that a request or a response waits for.
const readTimeout = 2 * time.Second

// readKey is everything that changes the answer to a presentation.
type readKey struct {
	id                                session.ID
	browserClass, ifTokens, validator string
	marked                            int64
	generation                        uint32
	kind                              session.Kind
	touch, force                      bool
}

func keyOf(p session.Presentation) readKey {
	return readKey{p.ID, p.BrowserClass, p.IfTokens, p.Validator, p.Marked.UnixMilli(), p.Generation, p.Kind, p.Touch, p.Force}
}

// answer is what the store says of a presented handle, and where the look began.
type answer struct {
	session.Answer
	session.ReadPoint
}

// look is the session that the answer shows.
func (a answer) look() session.Look {
	return session.Look{ReadPoint: a.ReadPoint, Record: a.Record, Now: a.Now}
}

// reader asks the store, once for all who ask the same at the same time, and sees to what its
// judgements mean for this process. It is safe for concurrent use.
type reader struct {
	store      Store
	terminator Terminator
	tracker    *tracker.Tracker
	reporter   *session.Reporter
	reads      task.Group[readKey, answer]
}

// read asks the store to judge the presentation. Requests that present exactly the same
// at the same time share one call, which belongs to none of them and so has no context of
// theirs; the store bounds its time. The answer comes with what was known when it began.
func (r *reader) read(p session.Presentation, known *revalidation, c session.Client) (answer, error) {
	if !r.tracker.Connected() {
		// A shared call may have been judged before a logout elsewhere that we would
		// not hear of now: everyone asks for themselves.
		return r.ask(p, known, c)
	}
	return r.reads.Do(keyOf(p), func() (answer, error) { return r.ask(p, known, c) })
}

func (r *reader) ask(p session.Presentation, known *revalidation, c session.Client) (answer, error) {
	var track *session.Track
	if known != nil {
		track = known.session.Track()
	} else {
		track = r.tracker.Track(p.ID)
	}
	a := answer{ReadPoint: r.tracker.ReadPoint(track)}
	var err error
	if a.Answer, err = r.store.Resolve(context.Background(), p); err != nil {
		return a, err
	}
	if a.Verdict.Outcome == session.OutcomeRecover {
		// Copies of the handle that was lost are void at once.
		a.Track.Learn(a.Record.Facts)
		a.Track.Invalidate()
	}
	r.report(a.Answer, p, c)
	return a, nil
}

// report records what a judgement means and makes an end it found known here.
func (r *reader) report(res session.Answer, v session.Presentation, c session.Client) {
	if res.Verdict.Outcome == session.OutcomeCurrent && !res.Verdict.StoreLostWrites {
		return // the usual
	}
	e := session.Event{ID: v.ID, Reason: res.Verdict.Reason, Client: c}
	if res.Record != nil {
		e.Subject, e.Provider = res.Record.Identity.Subject, res.Record.Identity.Provider
	}
	emit := func(t session.EventType) { e.Type = t; r.reporter.Record(e) }
	if res.Verdict.StoreLostWrites {
		emit(session.EventRolledBack)
	}
	switch {
	case res.Verdict.Outcome == session.OutcomeConverge:
		emit(session.EventConverged)
	case res.Verdict.Outcome == session.OutcomeRecover && res.Record != nil:
		e.Device = res.Record.Device
		emit(session.EventRecovered)
	case res.Verdict.Stale():
		emit(session.EventStale)
		if res.Verdict.Outcome == session.OutcomeRetired {
			emit(session.EventRetired)
		}
	case res.Verdict.Outcome == session.OutcomeEnded:
		_ = r.tracker.MarkEnded(v.ID, res.Verdict.Reason)
	case res.Verdict.Reason == session.Reused && res.Record != nil:
		emit(session.EventReuse)
		r.terminator.Finish(res.Record, session.Reused, c)
	case res.Verdict.Outcome == session.OutcomeExpired && res.Record != nil:
		r.terminator.Finish(res.Record, res.Verdict.Reason, c)
	}
}

// get reads a session within the time that a request or a response may be held up for it.
func (r *reader) get(ctx context.Context, id session.ID) (session.Stored, error) {
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	return r.store.Get(ctx, id)
}
