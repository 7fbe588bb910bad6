package seal

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/gorilla/securecookie"
)

// maxHandleLength is the longest sealed handle, in characters. 36 bytes of payload make 156.
const maxHandleLength = 512

// ErrUnauthentic is the one answer of Handles.Open to everything it cannot open: garbage, a changed
// character, another label, a key that is gone, a value that is too long. It says nothing about
// which.
var ErrUnauthentic = errors.New("handle is not authentic")

// Handles seals and opens what a client carries. It is safe for concurrent use.
//
// A handle has no age of its own: how long a session lives is the store's business, so a timestamp
// in the cookie would be a second, contradicting judge.
type Handles struct {
	ring   ring
	label  string
	codecs []*securecookie.SecureCookie
}

// NewHandles makes the codec of one kind of handle. The label ("cookie", "explicit") is part of
// every derived key: handles of different labels never open as each other, though they come from
// the same ring. now nil means time.Now. The errors are those of a bad ring (see the package
// comment) or a bad label; they contain no secret.
func NewHandles(label string, keys []Key, now func() time.Time) (*Handles, error) {
	if !validName(label) {
		return nil, fmt.Errorf("handle label %q: must be 1 to %d letters, digits, '.', '_' or '-'", label, maxIDLength)
	}
	r, sorted, err := newRing(keys, now)
	if err != nil {
		return nil, fmt.Errorf("%s handle keys: %w", label, err)
	}
	h := &Handles{ring: r, label: label}
	for _, key := range sorted {
		codec, err := newCodec(key, label)
		if err != nil {
			return nil, fmt.Errorf("%s handle keys: key %q: %w", label, key.ID, err)
		}
		h.codecs = append(h.codecs, codec)
	}
	return h, nil
}

func newCodec(key Key, label string) (*securecookie.SecureCookie, error) {
	hashKey, err := derive(key.Secret, "handle-hash", label)
	if err != nil {
		return nil, err
	}
	blockKey, err := derive(key.Secret, "handle-block", label)
	if err != nil {
		return nil, err
	}
	return securecookie.New(hashKey, blockKey).
		SetSerializer(securecookie.NopEncoder{}).
		MaxAge(0).
		MaxLength(maxHandleLength), nil
}

// Seal signs and encrypts payload with the key in force. The payload must not be empty, and not so
// long (239 bytes) that the handle would pass maxHandleLength; it is left as it is. Two calls with
// the same payload give different handles.
func (h *Handles) Seal(payload []byte) (string, error) {
	if len(payload) == 0 {
		return "", errors.New("seal handle: payload is empty")
	}
	// The codec encrypts in place and its NopEncoder does not copy: without the clone it would
	// scramble the caller's bytes.
	value, err := h.codecs[h.ring.current()].Encode(h.label, bytes.Clone(payload))
	if err != nil {
		return "", fmt.Errorf("seal handle: %w", err)
	}
	return value, nil
}

// Open returns the payload of a handle that any key of the ring sealed under this label, or
// ErrUnauthentic.
//
// Only the canonical spelling is accepted. The library's base64 reader skips line breaks and
// ignores unused trailing bits, which would give every handle many spellings.
func (h *Handles) Open(value string) ([]byte, error) {
	if len(value) > maxHandleLength || !canonical(value) {
		return nil, ErrUnauthentic
	}
	current := h.ring.current()
	if payload, ok := h.openWith(current, value); ok {
		return payload, nil
	}
	for i := range h.codecs {
		if i == current {
			continue
		}
		if payload, ok := h.openWith(i, value); ok {
			return payload, nil
		}
	}
	return nil, ErrUnauthentic
}

func (h *Handles) openWith(i int, value string) ([]byte, bool) {
	var payload []byte
	err := h.codecs[i].Decode(h.label, value, &payload)
	return payload, err == nil
}

// canonical reports whether value is exactly what an encoder writes: padded base64url whose unused
// bits are zero (RFC 4648 section 3.5). The standard library's strict mode looks at the bits but
// still skips line breaks.
func canonical(value string) bool {
	if value == "" || strings.ContainsAny(value, "\r\n") {
		return false
	}
	_, err := base64.URLEncoding.Strict().DecodeString(value)
	return err == nil
}
