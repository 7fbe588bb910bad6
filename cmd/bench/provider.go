package main

import (
	"context"
	"fmt"
	"io"
	"testing"
	"time"

	"sessiongate/session/oidc/oidctest"
)

// playProvider is an OpenID Connect provider that signs everybody in without a question: the one
// the tests use. It says its issuer on the first line.
func playProvider(ctx context.Context, redirects []string, out io.Writer) error {
	t := &stage{}
	p := oidctest.New(t, redirects...)
	defer t.end()
	p.Set(func(b *oidctest.Behaviour) { b.Lifetime = 24 * time.Hour }) // no contender refreshes while it is measured
	fmt.Fprintf(out, "%s\nclient %s, secret %q, code flow with PKCE (S256)\n", p.Issuer(), oidctest.ClientID, oidctest.ClientSecret)
	<-ctx.Done()
	return nil
}

// stage is what the provider needs of a test: a moment at which all is over. Its other methods are
// nil, and not called.
type stage struct {
	testing.TB
	after []func()
}

// Helper implements [testing.TB].
func (s *stage) Helper() {}

// Cleanup implements [testing.TB].
func (s *stage) Cleanup(f func()) { s.after = append(s.after, f) }

// Fatal implements [testing.TB]; it is for want of a key.
func (s *stage) Fatal(args ...any) { panic(fmt.Sprint(args...)) }

func (s *stage) end() {
	for _, f := range s.after {
		f()
	}
}
