package watch

import (
	"context"
	"time"

	"sessiongate/session"
)

// TouchInterval is how often a stream in use has to say so: the store moves an idle
// deadline no more often than that.
func (w *Watcher) TouchInterval() time.Duration { return min(time.Minute, w.idle/20) }

// Touch notes that the session is in use. A fault of the store is recorded and otherwise
// nothing: the next call makes it good.
func (w *Watcher) Touch(ctx context.Context, s *session.Session) {
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	if _, err := w.toucher.Touch(ctx, s.ID()); err != nil {
		_ = w.reporter.StoreFault(err, s.ID())
	}
}
