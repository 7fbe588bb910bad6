package session

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"time"
)

// Owner is whose session it is, everywhere: a subject is unique only within
// its provider.
type Owner struct {
	Provider string
	Subject  string
}

// Hash names the owner in the store without giving the name away to whoever
// can list keys.
func (o Owner) Hash() string { return Digest(o.Provider, o.Subject) }

// Identity is what a provider says about the user. It is sealed in the store,
// so that writing to the store makes nobody an admin.
type Identity struct {
	Subject  string
	Name     string // for display: the provider's name for the user, never what was typed
	Provider string
	Roles    []string
	Scopes   []string
	Claims   json.RawMessage // further claims for the session document; a JSON object or empty
	AuthTime time.Time       // when the user last proved who they are
	ACR      string          // how, in the provider's words (OIDC Core §2)
	SID      string          // the provider's own session id, for back-channel logout
}

// Owner returns whose identity this is.
func (i Identity) Owner() Owner { return Owner{Provider: i.Provider, Subject: i.Subject} }

// Device is what the user recognises a session by in the list of devices.
type Device struct {
	Name      string // given at login, or made from the User-Agent
	UserAgent string // as sent at login, shortened
	IPPrefix  string // coarse on purpose: /24 or /48
}

// maxUserAgent bounds what is kept of a User-Agent.
const maxUserAgent = 256

// NewDevice describes a device, with a User-Agent of at most 256 bytes.
func NewDevice(name, userAgent, ipPrefix string) Device {
	return Device{Name: name, UserAgent: clip(userAgent, maxUserAgent), IPPrefix: ipPrefix}
}

// clip shortens s to at most n bytes, not through the middle of a character.
func clip(s string, n int) string {
	for len(s) > n {
		for n > 0 && s[n]&0xC0 == 0x80 {
			n--
		}
		s = s[:n]
	}
	return s
}

// Tokens are what the provider issued. Refresh and ID may be empty.
type Tokens struct {
	Access  Secret
	Refresh Secret
	ID      Secret
	// Keep is what the provider wants to see again at the next refresh, beside the tokens. It is
	// sealed with them, and not part of Hash. A provider that keeps something has no ID token, and
	// gives with each grant all that it wants to keep. Former versions drop it.
	Keep Kept
}

// Kept are values by name. They may be secret, so they print as nothing useful.
type Kept map[string]string

// Format implements [fmt.Formatter], so that no verb shows a value.
func (Kept) Format(w fmt.State, _ rune) { _, _ = io.WriteString(w, redacted) }

// MarshalText implements [encoding.TextMarshaler] (and so covers JSON) and hides the values.
func (Kept) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// LogValue implements [slog.LogValuer] and hides the values.
func (Kept) LogValue() slog.Value { return slog.StringValue(redacted) }

// Hash identifies a set of tokens without revealing it. A refresh is committed only
// if the record still has the tokens that were spent.
func (t Tokens) Hash() string { return Digest(string(t.Refresh), string(t.Access)) }

// Digest names what the store and the feed must not name openly: 16 bytes of SHA-256
// over length-prefixed parts, in base64url. The lengths keep two lists of parts from
// being the same by a moved boundary. The first part says what is named.
func Digest(parts ...string) string {
	var room [128]byte // enough but for tokens
	b := room[:0]
	for _, p := range parts {
		b = binary.BigEndian.AppendUint64(b, uint64(len(p)))
		b = append(b, p...)
	}
	sum := sha256.Sum256(b)
	return base64.RawURLEncoding.EncodeToString(sum[:16])
}
