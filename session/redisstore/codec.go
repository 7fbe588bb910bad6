package redisstore

import (
	"encoding/binary"
	"errors"
	"time"

	"sessiongate/session"
)

// The sealed part of a session, before sealing: a version byte, then each field
// in a fixed order. Strings are a length and bytes, lists a length and strings,
// times signed milliseconds since 1970 with 0 for none. Not JSON: the record is
// read on every request that misses the cache, and tokens are most of it.

const (
	recordField   = "record" // the field name it is sealed under
	recordVersion = 1
)

var errRecord = errors.New("record is damaged or of a newer version")

// sealedRecord is what the sealed record holds of a [session.Record].
type sealedRecord struct {
	identity session.Identity
	device   session.Device
	tokens   session.Tokens
	created  time.Time
	bound    bool // to a commit, see proof.go
}

func encodeRecord(p sealedRecord) []byte {
	i, d, t := p.identity, p.device, p.tokens
	b := make([]byte, 0, 256+len(i.Claims)+len(d.UserAgent)+len(t.Access)+len(t.Refresh)+len(t.ID))
	b = append(b, recordVersion)
	b = appendStrings(b, i.Subject, i.Name, i.Provider)
	b = appendList(b, i.Roles)
	b = appendList(b, i.Scopes)
	b = appendStrings(b, string(i.Claims), i.ACR, i.SID)
	b = binary.AppendVarint(b, millis(i.AuthTime))
	b = appendStrings(b, d.Name, d.UserAgent, d.IPPrefix)
	b = appendCreated(b, p)
	for _, token := range [...]string{t.Access.Reveal(), t.Refresh.Reveal(), idToken(&t)} {
		b = appendToken(b, token)
	}
	return b
}

// appendCreated writes the time of a bound record one byte longer than it need be: the
// varint goes on, with nothing. Former versions read the same time and know nothing of
// it, and it cannot be taken out of the seal.
func appendCreated(b []byte, p sealedRecord) []byte {
	b = binary.AppendVarint(b, millis(p.created))
	if p.bound {
		b[len(b)-1] |= 0x80
		b = append(b, 0)
	}
	return b
}

func appendStrings(b []byte, values ...string) []byte {
	for _, v := range values {
		b = binary.AppendUvarint(b, uint64(len(v)))
		b = append(b, v...)
	}
	return b
}

func appendList(b []byte, values []string) []byte {
	b = binary.AppendUvarint(b, uint64(len(values)))
	return appendStrings(b, values...)
}

// decodeRecord reads what encodeRecord made. It never allocates more than a
// small multiple of the input, whatever lengths the input claims.
func decodeRecord(b []byte) (sealedRecord, error) {
	p, err := decodeFields(b)
	if err == nil {
		takeKept(&p.tokens)
	}
	return p, err
}

func decodeFields(b []byte) (sealedRecord, error) {
	if len(b) == 0 || b[0] != recordVersion {
		return sealedRecord{}, errRecord
	}
	r := reader{rest: string(b[1:])}
	var p sealedRecord
	i, d, t := &p.identity, &p.device, &p.tokens
	r.strings(&i.Subject, &i.Name, &i.Provider)
	i.Roles = r.list()
	i.Scopes = r.list()
	var claims string
	r.strings(&claims, &i.ACR, &i.SID)
	if claims != "" {
		i.Claims = []byte(claims)
	}
	i.AuthTime = r.time()
	r.strings(&d.Name, &d.UserAgent, &d.IPPrefix)
	before := len(r.rest)
	p.created = r.time()
	p.bound = before-len(r.rest) > len(binary.AppendVarint(nil, millis(p.created)))
	for _, token := range [...]*session.Secret{&t.Access, &t.Refresh, &t.ID} {
		*token = session.Secret(r.token())
	}
	if r.bad || r.rest != "" {
		return sealedRecord{}, errRecord
	}
	return p, nil
}

// reader takes fields off the front of rest; bad sticks once one was cut short.
type reader struct {
	rest string
	bad  bool
}

func (r *reader) strings(targets ...*string) {
	for _, target := range targets {
		*target = r.string()
	}
}

func (r *reader) string() string {
	n := r.length()
	v := r.rest[:n]
	r.rest = r.rest[n:]
	return v
}

// list grows as strings are found: a claimed length is no reason to allocate.
func (r *reader) list() []string {
	var values []string
	for range r.length() {
		values = append(values, r.string())
		if r.bad {
			return nil
		}
	}
	return values
}

// length reads a length, which is at most what is left: every byte of a string
// and every entry of a list takes at least one.
func (r *reader) length() int {
	var buf [binary.MaxVarintLen64]byte
	v, n := binary.Uvarint(buf[:copy(buf[:], r.rest)])
	if n <= 0 || v > uint64(len(r.rest)-n) {
		r.bad, r.rest = true, ""
		return 0
	}
	r.rest = r.rest[n:]
	return int(v)
}

func (r *reader) time() time.Time {
	var buf [binary.MaxVarintLen64]byte
	v, n := binary.Varint(buf[:copy(buf[:], r.rest)])
	if n <= 0 {
		r.bad, r.rest = true, ""
		return time.Time{}
	}
	r.rest = r.rest[n:]
	return fromMillis(v)
}

func millis(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

func fromMillis(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}
