package watch

import (
	"context"
	"time"

	"sessiongate/session"
)

// status is what a look at a watched session finds.
type status struct {
	ended              bool // and its track says why
	tokensHash         string
	idleEnd, accessEnd time.Time
}

// status looks at a session. Many watches of one session share a look.
func (w *Watcher) status(ctx context.Context, id session.ID) (status, error) {
	return w.looks.Do(id, func() (status, error) {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), readTimeout)
		defer cancel()
		stored, err := w.reader.Get(ctx, id)
		switch {
		case err != nil:
			return status{}, err
		case stored.Record == nil:
			return w.end(ctx, id, stored.Reason)
		}
		local := func(t time.Time) time.Time { return stored.Asked.Add(t.Sub(stored.Now)) }
		return status{
			tokensHash: stored.Record.Facts.TokensHash,
			idleEnd:    local(stored.Record.Facts.LastSeen).Add(w.idle),
			accessEnd:  local(stored.Record.Expires),
		}, nil
	})
}

// end notes that a session is over. One whose deadline nobody has noticed yet ends
// here, with all that follows from an end.
func (w *Watcher) end(ctx context.Context, id session.ID, why session.Reason) (status, error) {
	if why.Expiry() {
		if _, err := w.terminator.End(ctx, id, why, session.Client{}); err != nil {
			return status{}, err
		}
	}
	_ = w.tracker.MarkEnded(id, why)
	return status{ended: true}, nil
}
