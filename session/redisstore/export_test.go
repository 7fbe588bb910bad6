package redisstore

import (
	"context"
	"time"

	"github.com/redis/go-redis/v9"

	"sessiongate/session"
)

// What the tests in redisstore_test look at from inside.

// Client gives tests the connection of a store.
func (s *Store) Client() redis.UniversalClient { return s.client }

// Keys gives tests the two keys of a session.
func (s *Store) Keys(id session.ID) (state, record string) {
	return s.keys.state(id), s.keys.record(id)
}

// ResolveLua is the source of the script that judges a handle.
func ResolveLua() string { return resolveSource() }

// ParsePayload is the feed's parser of foreign bytes.
func ParsePayload(payload string) (session.Change, bool) { return parsePayload(payload) }

// Codec round-trips the sealed part of a record.
func Codec(b []byte) (again []byte, err error) {
	p, err := decodeRecord(b)
	if err != nil {
		return nil, err
	}
	return encodeRecord(p), nil
}

// Encode and Decode carry the sealed part of a record.
func Encode(r session.Record) []byte {
	return encodeRecord(sealedRecord{r.Identity, r.Device, r.Tokens, r.Created, false})
}

// Decode is the other half of Encode.
func Decode(b []byte) (session.Record, error) {
	p, err := decodeRecord(b)
	return session.Record{Identity: p.identity, Device: p.device, Tokens: p.tokens, Created: p.created}, err
}

// DecodeAsFormer reads as former versions do, which know nothing of what is kept.
func DecodeAsFormer(b []byte) (session.Record, error) {
	p, err := decodeFields(b)
	return session.Record{Identity: p.identity, Device: p.device, Tokens: p.tokens, Created: p.created}, err
}

// AsFormer seals the stored record as former versions do: bound to no commit.
func (s *Store) AsFormer(ctx context.Context, id session.ID) (string, error) {
	blob, err := s.client.Get(ctx, s.keys.record(id)).Bytes()
	if err != nil {
		return "", err
	}
	plain, err := s.o.Sealer.Open(string(id), recordField, blob)
	if err != nil {
		return "", err
	}
	p, err := decodeRecord(plain)
	if err != nil {
		return "", err
	}
	p.bound = false
	blob, err = s.sessions.records.seal(id, p)
	return string(blob), err
}

// FeedQuiet is how long a silent subscription is trusted.
const FeedQuiet time.Duration = pingInterval + pongTimeout

// Calls tells how many calls are in flight, and how many wait for the next batch.
func (s *Store) Calls() (inFlight, waiting int) {
	s.batcher.mu.Lock()
	defer s.batcher.mu.Unlock()
	return s.batcher.inFlight, len(s.batcher.waiting)
}

// MaxInFlight is how many round trips there may be at a time.
const MaxInFlight = maxInFlight

// ReadReply reads what the script of a judgement answered.
func (s *Store) ReadReply(v session.Presentation, reply string) (session.Answer, error) {
	return s.readReply("test", v, reply)
}
