package seal

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
)

// vouchSize is how many bytes of an HMAC-SHA-256 are kept (RFC 2104 section 5: no fewer
// than half of them).
const vouchSize = sha256.Size / 2

// Vouch returns 22 letters that nobody without a key of the ring can make for this session
// id and text. They are for what a store must be able to read, so that it cannot be
// changed there.
func (f *Fields) Vouch(id, text string) string { return vouch(f.vouchers[f.ring.current()], id, text) }

// Vouched reports whether a key of the ring vouched for this session id and text.
func (f *Fields) Vouched(id, text, by string) bool {
	for _, key := range f.vouchers {
		if hmac.Equal([]byte(vouch(key, id, text)), []byte(by)) {
			return true
		}
	}
	return false
}

func vouch(key []byte, id, text string) string {
	mac := hmac.New(sha256.New, key)
	mac.Write(place(id, text)) // documented never to fail
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil)[:vouchSize])
}
