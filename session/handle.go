package session

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
)

// ID names a session in logs, lists and the store. It is derived one-way from
// the session secret, so whoever reads it cannot present it.
type ID string

// Kind tells the two sorts of handle apart. Their secrets are hashed under
// different labels and their values sealed under different keys, so that
// neither is ever accepted in the other's place.
type Kind uint8

// The kinds of handle.
const (
	Browser     Kind = iota // a browser's cookie: rotation tolerates lost responses
	TokenClient             // a token of a mobile app or command line: no window
)

const (
	secretSize  = 32
	payloadSize = secretSize + 4
)

// FirstGeneration is what a login issues; every rotation adds one.
const FirstGeneration uint32 = 1

// ErrUnauthentic means that a presented value is not a handle of ours: made up,
// cut short, changed, or sealed with a key this process does not have. It says
// no more than that, and the request counts as anonymous.
var ErrUnauthentic = errors.New("session: not a handle of ours")

// Handle is what the cookie carries: the session secret and a generation. It is
// the browser's refresh token. Its fields are unexported so that no printer
// reaches the secret.
type Handle struct {
	kind       Kind
	secret     [secretSize]byte
	generation uint32
}

// NewHandle starts a family: a fresh 256-bit secret at [FirstGeneration].
func NewHandle(kind Kind) Handle {
	h := Handle{kind: kind, generation: FirstGeneration}
	rand.Read(h.secret[:]) // never fails; see crypto/rand.Read
	return h
}

// ParseHandle reads the payload that [Handle.Payload] made.
func ParseHandle(kind Kind, payload []byte) (Handle, error) {
	if len(payload) != payloadSize {
		return Handle{}, ErrUnauthentic
	}
	h := Handle{kind: kind, generation: binary.BigEndian.Uint32(payload[secretSize:])}
	copy(h.secret[:], payload)
	return h, nil
}

// Payload returns the bytes to seal. They contain the secret.
func (h Handle) Payload() []byte {
	p := make([]byte, payloadSize)
	copy(p, h.secret[:])
	binary.BigEndian.PutUint32(p[secretSize:], h.generation)
	return p
}

// Kind returns which sort of handle it is.
func (h Handle) Kind() Kind { return h.kind }

// Presented reports whether anybody presented the handle: the zero Handle stands for
// none, as in a look at a session by its ID.
func (h Handle) Presented() bool { return h.generation != 0 }

// Generation returns the handle's position in its family.
func (h Handle) Generation() uint32 { return h.generation }

// At returns the handle of the same family at another generation.
func (h Handle) At(generation uint32) Handle {
	h.generation = generation
	return h
}

// ID derives the public session ID: the first 16 bytes of a labelled SHA-256
// of the secret, base64url. Short enough to log, and no way back.
func (h Handle) ID() ID {
	label := "sessiongate cookie session id\x00"
	if h.kind == TokenClient {
		label = "sessiongate explicit session id\x00"
	}
	var buf [64]byte
	sum := sha256.Sum256(append(append(buf[:0], label...), h.secret[:]...))
	return ID(base64.RawURLEncoding.EncodeToString(sum[:16]))
}

// String hides the secret.
func (h Handle) String() string { return "handle " + redacted }

// Format implements [fmt.Formatter], so that no verb shows the secret.
func (h Handle) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(h.String())) }

// ValidID reports whether s has the form of a session ID: 22 characters of
// unpadded base64url. It does not say that such a session exists.
func ValidID(s string) bool {
	if len(s) != 22 || strings.ContainsAny(s, "\r\n") { // the decoder skips line breaks
		return false
	}
	_, err := base64.RawURLEncoding.Strict().DecodeString(s)
	return err == nil
}

// Sealer turns a handle's payload into the text a client carries, and back.
//
// Seal is deterministic enough only in that Open(Seal(p)) gives p; two calls may
// give different text. Open returns an error wrapping [ErrUnauthentic], or any
// other error, for every text that Seal did not make with a key of the ring.
// Both are safe for concurrent use.
type Sealer interface {
	Seal(payload []byte) (string, error)
	Open(value string) ([]byte, error)
}

// Sealers turn handles and stale marks into the text that a client carries, and back,
// each under a label and keys of its own.
type Sealers struct {
	Browser     Sealer // of cookies
	TokenClient Sealer // of refresh tokens; nil: none are accepted
	Marks       Sealer // nil: none are made, so no retired handle proves anything
}

func (s *Sealers) of(kind Kind) Sealer {
	if kind == TokenClient {
		return s.TokenClient
	}
	return s.Browser
}

// Open unseals a presented value. Errors: [ErrUnauthentic].
func (s *Sealers) Open(kind Kind, value string) (Handle, error) {
	sealer := s.of(kind)
	if sealer == nil {
		return Handle{}, ErrUnauthentic
	}
	payload, err := sealer.Open(value)
	if err != nil {
		return Handle{}, ErrUnauthentic
	}
	return ParseHandle(kind, payload)
}

// Seal returns the text of a handle.
func (s *Sealers) Seal(h Handle) (string, error) { return s.of(h.kind).Seal(h.Payload()) }
