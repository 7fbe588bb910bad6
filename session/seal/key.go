package seal

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"time"
)

// KeySize is the length of Key.Secret in bytes.
const KeySize = 32

// Key is one entry of a key ring. It prints and logs as its ID only.
type Key struct {
	// ID names the key: 1 to 64 letters, digits, '.', '_' or '-'. It is written in front of sealed
	// fields, is not secret, and must never be given to another secret.
	ID string
	// Secret is KeySize random bytes, as ParseKey returns them.
	Secret []byte `json:"-" yaml:"-"`
	// From is when the key begins to seal. The zero time means always. It opens at any time.
	From time.Time
}

// Format writes the ID for every verb, so that no way of printing a Key shows its secret.
func (k Key) Format(w fmt.State, _ rune) { _, _ = io.WriteString(w, "key "+k.ID) }

// LogValue makes slog write the ID only.
func (k Key) LogValue() slog.Value { return slog.StringValue("key " + k.ID) }

// GenerateKey returns one line, without a line end, that ParseKey accepts: KeySize bytes of
// crypto/rand in unpadded base64url.
func GenerateKey() string {
	secret := make([]byte, KeySize)
	_, _ = rand.Read(secret) // documented never to fail: it ends the program instead
	return base64.RawURLEncoding.EncodeToString(secret)
}

// ParseKey reads the content of a key file: one line, base64url with or without padding, of exactly
// KeySize bytes. White space around the line is ignored. Values that are plainly not random (a
// repeated or counting pattern, text, a left-over placeholder) are refused: a gateway that starts
// with a guessable key is worse than one that does not start. No error contains any part of the
// value.
func ParseKey(line []byte) ([]byte, error) {
	text := bytes.TrimSpace(line)
	switch {
	case len(text) == 0:
		return nil, errors.New("key is empty: write one line made by `sessiongate keys generate`")
	case bytes.ContainsAny(text, "\r\n"):
		return nil, errors.New("key has more than one line: it must be a single line of base64url")
	case bytes.ContainsAny(text, "+/"):
		return nil, errors.New("key is not base64url: write '-' for '+' and '_' for '/'")
	case placeholder(text):
		return nil, errNotRandom
	}
	secret, err := decodeKey(text)
	if err != nil {
		return nil, err
	}
	if Guessable(text) || Guessable(secret) || printable(secret) || repeating(secret) {
		return nil, errNotRandom
	}
	return secret, nil
}

var errNotRandom = errors.New("key does not look random: make one with `sessiongate keys generate`")

func decodeKey(text []byte) ([]byte, error) {
	encoding := base64.RawURLEncoding.Strict()
	if bytes.HasSuffix(text, []byte("=")) {
		encoding = base64.URLEncoding.Strict()
	}
	secret := make([]byte, encoding.DecodedLen(len(text)))
	n, err := encoding.Decode(secret, text)
	if err != nil {
		// The library's error gives a position; the length below tells more and gives nothing away.
		return nil, errors.New("key is not base64url")
	}
	if n != KeySize {
		return nil, fmt.Errorf("key holds %d bytes, want exactly %d", n, KeySize)
	}
	return secret[:n], nil
}

// printable reports whether b is nothing but ASCII text. Of random keys of 32 bytes, 2 in 10^14
// are.
func printable(b []byte) bool {
	for _, c := range b {
		if c < ' ' || c > '~' {
			return false
		}
	}
	return true
}

// repeating reports whether b has few distinct values, as a short block written again and again
// has. 32 random bytes have about 30 of them.
func repeating(b []byte) bool {
	seen := make(map[byte]struct{}, len(b))
	for _, c := range b {
		seen[c] = struct{}{}
	}
	return len(seen) <= len(b)/2
}
