package redisstore

import (
	"errors"
	"time"

	"sessiongate/session"
)

// sessionFields is how many values a script's reply has for a session, see
// reply() in lua/rotation.lua.
const sessionFields = 18

var errReply = errors.New("unexpected reply of a script")

// reply reads a script's reply from front to back; bad sticks.
type reply struct {
	values []any
	bad    bool
}

// newReply checks that raw has head values, alone or followed by a session.
func newReply(doing string, raw any, head int) (*reply, error) {
	values, ok := raw.([]any)
	if !ok || len(values) != head && len(values) != head+sessionFields {
		return nil, unavailable(doing, errReply)
	}
	return &reply{values: values}, nil
}

// withState takes the state off the end of a reply, for the journal; nil if the
// reply has none.
func withState(reply any) (rest any, state []any) {
	values, ok := reply.([]any)
	if !ok || len(values) == 0 {
		return reply, nil
	}
	last := len(values) - 1
	if state, ok = values[last].([]any); !ok {
		return reply, nil
	}
	return values[:last], state
}

func (a *reply) next() any {
	if len(a.values) == 0 {
		a.bad = true
		return nil
	}
	v := a.values[0]
	a.values = a.values[1:]
	return v
}

func (a *reply) int() int64 {
	n, ok := a.next().(int64)
	a.bad = a.bad || !ok
	return n
}

func (a *reply) text() string {
	v, ok := a.next().(string)
	a.bad = a.bad || !ok
	return v
}

func (a *reply) flag() bool              { return a.int() == 1 }
func (a *reply) time() time.Time         { return fromMillis(a.int()) }
func (a *reply) duration() time.Duration { return time.Duration(a.int()) * time.Millisecond }
func (a *reply) reason() session.Reason  { return session.Reason(a.text()) }

// sealed is a sealed record and the proof of where it belongs, see proof.go.
type sealed struct{ record, proof string }

// session reads the session at the end of a reply: its facts, when its access
// token expires, and the sealed record. found is false if the reply has none.
func (a *reply) session() (r session.Record, s sealed, found bool) {
	if len(a.values) == 0 {
		return session.Record{}, sealed{}, false
	}
	f := session.State{
		Found:      true,
		Generation: uint32(a.int()),
		RotatedAt:  a.time(), AckedAt: a.time(), Late: uint32(a.int()), Recovered: uint32(a.int()),
		ForcedAt: a.time(), TokensAt: a.time(), LastSeen: a.time(), Absolute: a.time(),
	}
	r.Expires = a.time()
	f.SoftAt, f.HardAt = a.time(), a.time()
	f.Grace, f.TokensHash, f.BrowserClass = a.duration(), a.text(), a.text()
	f.CommitNumber = a.int()
	r.Facts = f
	s.proof, s.record = a.text(), a.text()
	return r, s, true
}
