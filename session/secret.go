package session

import (
	"fmt"
	"log/slog"
)

const redacted = "[redacted]"

// Secret is a token, password or other value that must never be printed. What fmt,
// encoding/json and log/slog write in its place is "[redacted]"; [Secret.Reveal] is the one
// way to the value, so that each use can be found.
//
// Three gaps cannot be closed here. encoding/json writes the key of a map as it is. fmt asks
// no method for %p, nor for what a pointer in a struct leads to if the verb does not fit the
// pointer; go vet refuses both. And fmt cannot call methods of an unexported field. So a
// secret is no map key, and a type that is printed and has one in an unexported field has a
// Format of its own.
type Secret string

// Reveal returns the value itself. Callers hand it to the one place that needs
// it (a request header, a sealed record) and never to a log or an error.
func (s Secret) Reveal() string { return string(s) }

// String implements [fmt.Stringer] and hides the value.
func (s Secret) String() string { return redacted }

// GoString implements [fmt.GoStringer] and hides the value.
func (s Secret) GoString() string { return redacted }

// Format implements [fmt.Formatter], so that no verb, not even %x, shows the value.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(redacted)) }

// MarshalText implements [encoding.TextMarshaler] (and so covers JSON) and hides the value.
func (s Secret) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// LogValue implements [slog.LogValuer] and hides the value.
func (s Secret) LogValue() slog.Value { return slog.StringValue(redacted) }
