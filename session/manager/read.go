package manager

import (
	"context"
	"time"

	"sessiongate/session"
)

// readTimeout bounds a look at the store that outlives the request that began it.
const readTimeout = 2 * time.Second

// readKey is everything that changes the answer to a visit.
type readKey struct {
	id                   session.ID
	binding, seen, known string
	marked               int64
	generation           uint32
	kind                 session.Kind
	touch, force         bool
}

func readKeyOf(v session.Presentation) readKey {
	return readKey{v.ID, v.BrowserClass, v.IfTokens, v.Validator, v.Marked.UnixMilli(), v.Generation, v.Kind, v.Touch, v.Force}
}

// read asks the store to judge the presentation. Requests that present exactly the same
// at the same time share one call, detached from any one of them; the store bounds its
// time. The answer comes with what was known when it began.
func (m *Manager) read(ctx context.Context, v session.Presentation, known *revalidation, c session.Client) (readPoint, error) {
	ctx = context.WithoutCancel(ctx)
	if !m.tracker.Connected() {
		// A shared call may have been judged before a logout elsewhere that we would
		// not hear of now: everyone asks for themselves.
		return m.ask(ctx, v, known, c)
	}
	return m.reads.Do(readKeyOf(v), func() (readPoint, error) { return m.ask(ctx, v, known, c) })
}
