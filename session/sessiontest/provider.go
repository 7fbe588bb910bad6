package sessiontest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"sessiongate/session"
)

// Provider is an identity provider under the test's control. It rotates its
// refresh tokens and refuses a spent one, as a strict one does; [Provider.Fail]
// makes it behave otherwise. It takes any user name with the password "right" and
// is safe for concurrent use.
type Provider struct {
	name    string
	timeout time.Duration

	mu       sync.Mutex
	lifetime time.Duration
	keeps    bool // a spent refresh token stays good
	answer   Answer
	calls    int
	issued   int
	live     map[session.Secret]string // refresh token -> subject
	revoked  []session.Tokens
}

// Answer is how a refresh is answered in place of the usual way. usual does what
// the provider would have done, once; a result of usual may be changed.
type Answer func(ctx context.Context, r session.Refresh, usual func() (session.Grant, error)) (session.Grant, error)

var (
	_ session.PasswordProvider = (*Provider)(nil)
	_ session.RemoteProvider   = (*Provider)(nil)
	_ session.Revoker          = (*Provider)(nil)
)

// NewProvider returns a provider whose access tokens live for lifetime and whose
// refresh calls may take as long as timeout.
func NewProvider(name string, lifetime, timeout time.Duration) *Provider {
	return &Provider{name: name, timeout: timeout, lifetime: lifetime, live: make(map[session.Secret]string)}
}

// Fail makes every refresh from now on be answered by a; nil: the usual way.
func (p *Provider) Fail(a Answer) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.answer = a
}

// Fault answers like a provider that is out of order: 5xx, 429, no network.
func Fault(retryAfter time.Duration) Answer {
	return func(context.Context, session.Refresh, func() (session.Grant, error)) (session.Grant, error) {
		return session.Grant{}, &session.FaultError{RetryAfter: retryAfter, Err: errors.New("503 from the provider")}
	}
}

// Misconfigured answers invalid_client: our credentials are wrong.
func Misconfigured() Answer {
	return func(context.Context, session.Refresh, func() (session.Grant, error)) (session.Grant, error) {
		return session.Grant{}, &session.FaultError{Misconfigured: true, Err: errors.New("invalid_client")}
	}
}

// Refuse answers invalid_grant.
func Refuse() Answer {
	return func(context.Context, session.Refresh, func() (session.Grant, error)) (session.Grant, error) {
		return session.Grant{}, errInvalidGrant()
	}
}

// OtherSubject answers with somebody else's tokens.
func OtherSubject(subject string) Answer {
	return func(_ context.Context, _ session.Refresh, usual func() (session.Grant, error)) (session.Grant, error) {
		g, err := usual()
		g.Identity.Subject = subject
		return g, err
	}
}

// KeepSpent makes a spent refresh token stay good, as with providers that do not rotate.
func (p *Provider) KeepSpent() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.keeps = true
}

// NoRefreshToken answers with an access token only, see [Provider.KeepSpent].
func NoRefreshToken() Answer {
	return func(_ context.Context, _ session.Refresh, usual func() (session.Grant, error)) (session.Grant, error) {
		g, err := usual()
		g.Tokens.Refresh = ""
		return g, err
	}
}

// Panic answers with a panic.
func Panic() Answer {
	return func(context.Context, session.Refresh, func() (session.Grant, error)) (session.Grant, error) {
		panic("a bug in the provider")
	}
}

// Hang answers nothing until the caller gives up.
func Hang() Answer {
	return func(ctx context.Context, _ session.Refresh, _ func() (session.Grant, error)) (session.Grant, error) {
		<-ctx.Done()
		return session.Grant{}, ctx.Err()
	}
}

// Gate holds refresh calls: [Gate.Arrived] tells of each, and it is answered by
// after once [Gate.Open] was called. A call whose caller gives up is answered with
// the caller's error.
type Gate struct {
	Arrived chan struct{}
	opened  chan struct{}
	open    func()
}

// NewGate returns a closed gate.
func NewGate() *Gate {
	g := &Gate{Arrived: make(chan struct{}, 1024), opened: make(chan struct{})}
	g.open = sync.OnceFunc(func() { close(g.opened) })
	return g
}

// Open lets every call go on, those to come as well.
func (g *Gate) Open() { g.open() }

// Hold answers as after does, once the gate is open; nil: the usual way. The
// provider itself has done its part before: its refresh token is spent.
func (g *Gate) Hold(after Answer) Answer {
	return func(ctx context.Context, r session.Refresh, usual func() (session.Grant, error)) (session.Grant, error) {
		grant, err := usual()
		g.Arrived <- struct{}{}
		select {
		case <-g.opened:
		case <-ctx.Done():
			return session.Grant{}, ctx.Err()
		}
		if after == nil {
			return grant, err
		}
		return after(ctx, r, func() (session.Grant, error) { return grant, err })
	}
}

func errInvalidGrant() error {
	return &session.RefusedError{Reason: session.ProviderRefused, Err: errors.New("invalid_grant")}
}

// Calls returns how many refreshes were asked for.
func (p *Provider) Calls() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.calls
}

// Revoked returns the tokens that were revoked, in order.
func (p *Provider) Revoked() []session.Tokens {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.revoked)
}

// Name implements [session.Provider].
func (p *Provider) Name() string { return p.name }

// Timeout implements [session.RemoteProvider].
func (p *Provider) Timeout() time.Duration { return p.timeout }

// Login implements [session.PasswordProvider].
func (p *Provider) Login(_ context.Context, c session.Credentials) (session.Grant, error) {
	if c.Password != "right" {
		return session.Grant{}, session.ErrInvalidCredentials
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.grant(c.Username), nil
}

// Refresh implements [session.Provider].
func (p *Provider) Refresh(ctx context.Context, r session.Refresh) (session.Grant, error) {
	p.mu.Lock()
	p.calls++
	answer := p.answer
	p.mu.Unlock()
	if answer == nil {
		return p.spend(r)
	}
	return answer(ctx, r, func() (session.Grant, error) { return p.spend(r) })
}

// spend is the usual way.
func (p *Provider) spend(r session.Refresh) (session.Grant, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	subject, ok := p.live[r.Tokens.Refresh]
	if !ok {
		return session.Grant{}, errInvalidGrant()
	}
	g := p.grant(subject)
	if !p.keeps {
		delete(p.live, r.Tokens.Refresh)
	}
	return g, nil
}

// grant issues tokens; the lock is held.
func (p *Provider) grant(subject string) session.Grant {
	p.issued++
	refresh := session.Secret(fmt.Sprintf("refresh-%s-%d", subject, p.issued))
	p.live[refresh] = subject
	return session.Grant{
		Identity: session.Identity{Subject: subject, Name: subject, Provider: p.name},
		Tokens:   session.Tokens{Access: session.Secret(fmt.Sprintf("access-%s-%d", subject, p.issued)), Refresh: refresh},
		Lifetime: p.lifetime,
	}
}

// Revoke implements [session.Revoker].
func (p *Provider) Revoke(_ context.Context, t session.Tokens) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.revoked = append(p.revoked, t)
	delete(p.live, t.Refresh)
	return nil
}
