package manager

import (
	"context"
	"errors"
	"sync"
	"time"

	"sessiongate/session"
)

// readTimeout bounds a look at the store that outlives the request that began it.
const readTimeout = 2 * time.Second

// calls makes one of the questions to the store that are the same and asked at
// the same time: a page that opens with thirty requests asks once. (It is what
// singleflight does, with a key and a result that need no packing: this is on the
// path of every request that is not answered from memory.)
type calls struct {
	mu sync.Mutex
	m  map[readKey]*pendingRead
}

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

type pendingRead struct {
	answered chan struct{} // nil while nobody else waits
	reading  readPoint
	err      error
}

var errAborted = errors.New("session: the question was given up")

// read asks the store to judge the visit. Requests that present exactly the same
// at the same time share one question, detached from any one of them; the store
// bounds its time. The reading holds what was known when it began.
func (m *Manager) read(ctx context.Context, v session.Presentation, known *revalidation, c session.Client) (readPoint, error) {
	ctx = context.WithoutCancel(ctx)
	if !m.connected.Load() {
		// A shared question may have been judged before a logout elsewhere that we
		// would not hear of now: everyone asks for themselves.
		return m.ask(ctx, v, known, c)
	}
	key := readKeyOf(v)
	q, first := m.questions.join(key)
	if !first {
		<-q.answered
		return q.reading, q.err
	}
	defer m.questions.answer(key, q) // even should the store panic
	q.err = errAborted
	q.reading, q.err = m.ask(ctx, v, known, c)
	return q.reading, q.err
}

// join returns the question under way, or a new one for the first to ask.
func (qs *calls) join(key readKey) (q *pendingRead, first bool) {
	qs.mu.Lock()
	defer qs.mu.Unlock()
	if q := qs.m[key]; q != nil {
		if q.answered == nil {
			q.answered = make(chan struct{})
		}
		return q, false
	}
	if qs.m == nil {
		qs.m = make(map[readKey]*pendingRead)
	}
	q = &pendingRead{}
	qs.m[key] = q
	return q, true
}

func (qs *calls) answer(key readKey, q *pendingRead) {
	qs.mu.Lock()
	defer qs.mu.Unlock()
	delete(qs.m, key)
	if q.answered != nil {
		close(q.answered)
	}
}
