package session

import (
	"encoding/base64"
	"encoding/binary"
	"time"
)

// A stale mark is the second cookie of a browser whose handle was refused as
// retired. It says which handle that was, and when, by the store's clock. Nothing
// of it is stored: it is sealed under a label of its own.
//
// Whoever brings a retired handle back together with its mark has received our
// answer and still has nothing newer. A request that was sent before that answer
// cannot carry it, however late it is read: that is what tells a robbed or a
// restored browser from a request that was stuck on its way. Since the mark names
// the handle, one that is left over condemns nobody, and nothing needs to clear it.
type mark struct {
	id         ID
	generation uint32
	issued     time.Time
}

// rawID is the length of a session ID before it is written in base64.
const rawID = 16

// markSize is the length of a mark: id, generation, time in ms.
const markSize = rawID + 4 + 8

// payload returns the bytes to seal, or nil for an ID that is none.
func (k mark) payload() []byte {
	b, err := base64.RawURLEncoding.DecodeString(string(k.id))
	if err != nil || len(b) != rawID {
		return nil
	}
	b = binary.BigEndian.AppendUint32(b, k.generation)
	return binary.BigEndian.AppendUint64(b, uint64(k.issued.UnixMilli()))
}

// parseMark reads what payload made.
func parseMark(b []byte) (k mark, ok bool) {
	if len(b) != markSize {
		return mark{}, false
	}
	return mark{
		id:         ID(base64.RawURLEncoding.EncodeToString(b[:rawID])),
		generation: binary.BigEndian.Uint32(b[rawID:]),
		issued:     time.UnixMilli(int64(binary.BigEndian.Uint64(b[rawID+4:]))).UTC(),
	}, true
}

// marked returns when the mark that came with a handle was issued, or zero if it
// proves nothing: it is none, does not open (a key of another replica's, during a
// rollout), or belongs to another session or to another handle of this one.
func (m *Manager) marked(h Handle, id ID, value string) time.Time {
	if value == "" || m.marks == nil || h.kind != Browser {
		return time.Time{}
	}
	payload, err := m.marks.Open(value)
	if err != nil {
		return time.Time{}
	}
	k, ok := parseMark(payload)
	if !ok || k.id != id || k.generation != h.generation {
		return time.Time{}
	}
	return k.issued
}

// stale is the refusal of a retired handle. Only row 9 gives a mark: in a window
// another browser's request proves nothing, and is to change nothing.
func (m *Manager) stale(v Presentation, rd readPoint) error {
	e := &StaleError{}
	if rd.Verdict.Outcome != OutcomeRetired || m.marks == nil {
		return e
	}
	value, err := m.marks.Seal(mark{v.ID, v.Generation, rd.Now}.payload())
	if err != nil {
		m.record(Event{Type: EventUnsealable, ID: v.ID, Err: err})
		return e
	}
	e.Mark = value
	return e
}
