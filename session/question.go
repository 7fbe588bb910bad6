package session

import (
	"context"
	"errors"
	"sync"
	"time"
)

// readTimeout bounds a look at the store that outlives the request that began it.
const readTimeout = 2 * time.Second

// questions makes one of the questions to the store that are the same and asked at
// the same time: a page that opens with thirty requests asks once. (It is what
// singleflight does, with a key and a result that need no packing: this is on the
// path of every request that is not answered from memory.)
type questions struct {
	mu sync.Mutex
	m  map[sameness]*question
}

// sameness is everything that changes the answer to a visit.
type sameness struct {
	id                   ID
	binding, seen, known string
	marked               int64
	generation           uint32
	kind                 Kind
	touch, force         bool
}

func samenessOf(v Visit) sameness {
	return sameness{v.ID, v.Binding, v.Seen, v.Known, v.Marked.UnixMilli(), v.Generation, v.Kind, v.Touch, v.Force}
}

type question struct {
	answered chan struct{} // nil while nobody else waits
	reading  reading
	err      error
}

var errAborted = errors.New("session: the question was given up")

// read asks the store to judge the visit. Requests that present exactly the same
// at the same time share one question, detached from any one of them; the store
// bounds its time. The reading holds what was known when it began.
func (m *Manager) read(ctx context.Context, v Visit, known *memo, c Client) (reading, error) {
	ctx = context.WithoutCancel(ctx)
	if !m.up.Load() {
		// A shared question may have been judged before a logout elsewhere that we
		// would not hear of now: everyone asks for themselves.
		return m.ask(ctx, v, known, c)
	}
	key := samenessOf(v)
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
func (qs *questions) join(key sameness) (q *question, first bool) {
	qs.mu.Lock()
	defer qs.mu.Unlock()
	if q := qs.m[key]; q != nil {
		if q.answered == nil {
			q.answered = make(chan struct{})
		}
		return q, false
	}
	if qs.m == nil {
		qs.m = make(map[sameness]*question)
	}
	q = &question{}
	qs.m[key] = q
	return q, true
}

func (qs *questions) answer(key sameness, q *question) {
	qs.mu.Lock()
	defer qs.mu.Unlock()
	delete(qs.m, key)
	if q.answered != nil {
		close(q.answered)
	}
}
