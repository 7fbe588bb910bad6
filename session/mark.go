package session

import (
	"encoding/base64"
	"encoding/binary"
	"time"
)

// StaleMark is the second cookie of a browser whose handle was refused as
// retired. It says which handle that was, and when, by the store's clock. Nothing
// of it is stored: it is sealed under a label of its own.
//
// Whoever brings a retired handle back together with its mark has received our
// answer and still has nothing newer. A request that was sent before that answer
// cannot carry it, however late it is read: that is what tells a robbed or a
// restored browser from a request that was stuck on its way. Since the mark names
// the handle, one that is left over condemns nobody, and nothing needs to clear it.
type StaleMark struct {
	ID         ID
	Generation uint32
	Issued     time.Time
}

// rawID is the length of a session ID before it is written in base64.
const rawID = 16

// markSize is the length of a mark: id, generation, time in ms.
const markSize = rawID + 4 + 8

// Payload returns the bytes to seal, or nil for an ID that is none.
func (k StaleMark) Payload() []byte {
	if !ValidID(string(k.ID)) {
		return nil
	}
	b, _ := base64.RawURLEncoding.DecodeString(string(k.ID))
	b = binary.BigEndian.AppendUint32(b, k.Generation)
	return binary.BigEndian.AppendUint64(b, uint64(k.Issued.UnixMilli()))
}

// ParseStaleMark reads what [StaleMark.Payload] made.
func ParseStaleMark(b []byte) (k StaleMark, ok bool) {
	if len(b) != markSize {
		return StaleMark{}, false
	}
	return StaleMark{
		ID:         ID(base64.RawURLEncoding.EncodeToString(b[:rawID])),
		Generation: binary.BigEndian.Uint32(b[rawID:]),
		Issued:     time.UnixMilli(int64(binary.BigEndian.Uint64(b[rawID+4:]))).UTC(),
	}, true
}

// Marked returns when the mark that came with a handle was issued, or zero if it
// proves nothing: it is none, does not open (a key of another replica's, during a
// rollout), or belongs to another session or to another handle of this one.
func (s *Sealers) Marked(h Handle, id ID, value string) time.Time {
	if value == "" || s.Marks == nil || h.kind != Browser {
		return time.Time{}
	}
	payload, err := s.Marks.Open(value)
	if err != nil {
		return time.Time{}
	}
	k, ok := ParseStaleMark(payload)
	if !ok || k.ID != id || k.Generation != h.generation {
		return time.Time{}
	}
	return k.Issued
}

// Mark returns the text of a mark; empty if there are none.
func (s *Sealers) Mark(k StaleMark) (string, error) {
	if s.Marks == nil {
		return "", nil
	}
	return s.Marks.Seal(k.Payload())
}
