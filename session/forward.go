package session

import (
	"fmt"
	"io"
)

// Forward is how requests to upstreams carry a session's token, where that is not Authorization as
// Bearer alone: fields and cookies, ready to send. It is immutable, shared between requests, and
// holds secrets: it prints as nothing useful.
type Forward struct {
	fields, cookies []forwarded
}

type forwarded struct{ name, value string }

// AddField adds a header field. One without a value is not sent, and what the client sent under the
// name is dropped all the same. The name is canonical (RFC 9110 §5.1), the value fit for a header.
func (f *Forward) AddField(name, value string) {
	f.fields = append(f.fields, forwarded{name, value})
}

// AddCookie adds a cookie, with a value that is fit for one. It is as with a field.
func (f *Forward) AddCookie(name, value string) {
	f.cookies = append(f.cookies, forwarded{name, value})
}

// Fields visits the header fields, those without a value too.
func (f *Forward) Fields(visit func(name, value string) bool) { visitAll(f.fields, visit) }

// Cookies visits the cookies, those without a value too.
func (f *Forward) Cookies(visit func(name, value string) bool) { visitAll(f.cookies, visit) }

func visitAll(list []forwarded, visit func(name, value string) bool) {
	for _, x := range list {
		if !visit(x.name, x.value) {
			return
		}
	}
}

// Format implements [fmt.Formatter], so that no verb shows a value.
func (f *Forward) Format(w fmt.State, _ rune) { _, _ = io.WriteString(w, redacted) }

// MarshalText implements [encoding.TextMarshaler] (and so covers JSON and log/slog) and hides the
// values.
func (f *Forward) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// size is the memory that it holds on to.
func (f *Forward) size() (n int) {
	if f == nil {
		return 0
	}
	const each = 32 // two strings
	for _, list := range [...][]forwarded{f.fields, f.cookies} {
		for _, x := range list {
			n += each + len(x.name) + len(x.value)
		}
	}
	return n
}

// Forwarder makes the [Forward] of a session's record; nil: its requests carry the access token in
// Authorization, as Bearer, and nothing else. It is implemented by providers that know another way,
// and by [Providers] for all of them. It is called for each copy of a session that is made, calls
// nobody and is safe for concurrent use.
type Forwarder interface {
	Forward(rec *Record) *Forward
}

// Forward implements [Forwarder]: it asks the provider that the session is of.
func (ps *Providers) Forward(rec *Record) *Forward {
	p, ok := ps.Find(rec.Identity.Provider).(Forwarder)
	if !ok {
		return nil
	}
	return p.Forward(rec)
}
