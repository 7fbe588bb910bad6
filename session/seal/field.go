package seal

import (
	"crypto/cipher"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"golang.org/x/crypto/chacha20poly1305"
)

// Errors of Fields.Open; compare with errors.Is.
var (
	// ErrUnknownKey means that the value names a key this ring does not have. A key was removed too
	// early or not deployed here yet: the operator's fault, so the session must be kept.
	ErrUnknownKey = errors.New("sealed with an unknown key")
	// ErrTampered means that the value was changed, cut, or sealed for another session or another
	// field.
	ErrTampered = errors.New("sealed value does not belong here or was changed")
)

// Fields seals and opens single values kept in a store. It is safe for concurrent use.
//
// A sealed field is: one byte with the length of the key ID, the key ID, a random nonce of 24
// bytes, the ciphertext with its tag of 16. 192-bit nonces may be drawn at random for as long as a
// key lives (draft-irtf-cfrg-xchacha section 1).
type Fields struct {
	ring  ring
	ids   []string
	aeads []cipher.AEAD
	// vouchers are the keys of Vouch, in the order of the ring.
	vouchers [][]byte
	byID     map[string]cipher.AEAD
}

// NewFields makes the sealer from a ring. now nil means time.Now. The errors are those of a bad
// ring (see the package comment); they contain no secret.
func NewFields(keys []Key, now func() time.Time) (*Fields, error) {
	r, sorted, err := newRing(keys, now)
	if err != nil {
		return nil, fmt.Errorf("field keys: %w", err)
	}
	f := &Fields{ring: r, byID: make(map[string]cipher.AEAD, len(sorted))}
	for _, key := range sorted {
		secret, err := derive(key.Secret, "field", "xchacha20poly1305")
		if err != nil {
			return nil, fmt.Errorf("field keys: key %q: %w", key.ID, err)
		}
		aead, err := chacha20poly1305.NewX(secret)
		if err != nil {
			return nil, fmt.Errorf("field keys: key %q: %w", key.ID, err)
		}
		voucher, err := derive(key.Secret, "field", "hmac-sha256")
		if err != nil {
			return nil, fmt.Errorf("field keys: key %q: %w", key.ID, err)
		}
		f.vouchers = append(f.vouchers, voucher)
		f.ids = append(f.ids, key.ID)
		f.aeads = append(f.aeads, aead)
		f.byID[key.ID] = aead
	}
	return f, nil
}

// Seal encrypts plain so that it opens only for the same session id and the same field name. plain
// may be empty. The only error is a missing id or field name: without one the value would open in
// more than one place.
func (f *Fields) Seal(id, field string, plain []byte) ([]byte, error) {
	if id == "" || field == "" {
		return nil, errors.New("seal field: session id and field name must not be empty")
	}
	i := f.ring.current()
	keyID, aead := f.ids[i], f.aeads[i]
	dst := make([]byte, 0, 1+len(keyID)+aead.NonceSize()+len(plain)+aead.Overhead())
	dst = append(dst, byte(len(keyID)))
	dst = append(dst, keyID...)
	nonce := dst[len(dst) : len(dst)+aead.NonceSize()]
	_, _ = rand.Read(nonce) // documented never to fail: it ends the program instead
	dst = dst[:len(dst)+len(nonce)]
	return aead.Seal(dst, nonce, plain, place(id, field)), nil
}

// Open returns what Seal was given for this session id and field. Errors: ErrUnknownKey,
// ErrTampered.
func (f *Fields) Open(id, field string, sealed []byte) ([]byte, error) {
	keyID, rest, ok := cutKeyID(sealed)
	if !ok {
		return nil, fmt.Errorf("open field %s: %w", field, ErrTampered)
	}
	aead, known := f.byID[string(keyID)]
	if !known {
		return nil, fmt.Errorf("open field %s: %w: %q", field, ErrUnknownKey, keyID)
	}
	if len(rest) < aead.NonceSize() {
		return nil, fmt.Errorf("open field %s: %w", field, ErrTampered)
	}
	nonce, ciphertext := rest[:aead.NonceSize()], rest[aead.NonceSize():]
	plain, err := aead.Open(nil, nonce, ciphertext, place(id, field))
	if err != nil {
		return nil, fmt.Errorf("open field %s: %w", field, ErrTampered)
	}
	return plain, nil
}

// cutKeyID splits the key ID off. What no ring can have as an ID is damage, not a key somebody
// forgot to deploy.
func cutKeyID(sealed []byte) (keyID, rest []byte, ok bool) {
	if len(sealed) == 0 {
		return nil, nil, false
	}
	n, body := int(sealed[0]), sealed[1:]
	if n > len(body) || !validName(string(body[:n])) {
		return nil, nil, false
	}
	return body[:n], body[n:], true
}

// place is the associated data: where the value belongs. The lengths keep ("ab", "c") and ("a",
// "bc") apart.
func place(id, field string) []byte {
	ad := make([]byte, 0, len(id)+len(field)+2*binary.MaxVarintLen32)
	ad = binary.AppendUvarint(ad, uint64(len(id)))
	ad = append(ad, id...)
	ad = binary.AppendUvarint(ad, uint64(len(field)))
	return append(ad, field...)
}
