package session

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"
)

// This file signs in at a provider's own page: the browser leaves with an
// attempt and comes back with a code. The order in which an answer is checked
// matters: whatever is wrong with the attempt itself costs no call to the
// provider, and an attempt is spent by the first look at it.

// RedirectProvider signs in on its own pages (authorization code flow).
type RedirectProvider interface {
	Provider
	// AuthorizationURL returns where the browser goes. Errors: [*FaultError].
	AuthorizationURL(ctx context.Context, a Attempt) (string, error)
	// Exchange checks the answer against the attempt and turns its code into a
	// grant. Errors: [*DeniedError], [*RejectedError], [*FaultError].
	Exchange(ctx context.Context, a Attempt, r Response) (Grant, error)
}

// Response is what a provider's redirect brings back (RFC 6749 §4.1.2, RFC 9207).
type Response struct {
	Code        Secret
	Issuer      string
	Error       string
	Description string // error_description: for the log only, see [CleanDescription]
}

// DeniedError is a provider's "no" to an attempt.
type DeniedError struct {
	Code        string
	Description string // cleaned; never for a page
}

// Error implements error.
func (e *DeniedError) Error() string { return fmt.Sprintf("session: login denied: %.64q", e.Code) }

// ProviderSaid returns the provider's own words, for the log.
func (e *DeniedError) ProviderSaid() (code, description string) { return e.Code, e.Description }

// passing reports a "no" that asks for a new attempt: what Keycloak says when the
// time to type a password has run out, while somebody still sits at its page.
func (e *DeniedError) passing() bool {
	return e.Code == "temporarily_unavailable" && e.Description == "authentication_expired"
}

// RejectedError is an answer that does not hold: a forged, replayed, mixed-up
// or weaker one than was asked for. There is no session.
type RejectedError struct {
	Weak bool // genuine, but not as recent or as strong as asked for
	Err  error
}

// Error implements error.
func (e *RejectedError) Error() string { return "session: login answer rejected: " + e.Err.Error() }

// Unwrap returns the cause.
func (e *RejectedError) Unwrap() error { return e.Err }

// ErrNoAttempt means that there is no such attempt of this browser: used up, too
// late, or never made.
var ErrNoAttempt = errors.New("session: no such login attempt")

// RedirectProviders returns the names of the providers with pages of their own, in the
// order of [Options.Providers].
func (m *Manager) RedirectProviders() []string { return providersThatAre[RedirectProvider](m) }

// LoginStart begins an attempt.
type LoginStart struct {
	Provider    string
	Browser     string // value of the binding cookie
	ReturnTo    string // checked by the caller
	AuthRequest AuthRequest
	// PriorCookies are the session cookies of the browser. They are noted now, because
	// a SameSite=Strict cookie does not come with the callback.
	PriorCookies []string
	// PromptNone asks the provider not to show anything; see [LoginDone.Retry].
	PromptNone bool
	// Unmark says that this attempt follows one that the provider let expire. There
	// is no second one in a row.
	Again bool

	replaces []ID // sessions noted by the attempt before
}

// StartLogin keeps an attempt and returns the provider's page for it. Errors:
// [ErrNoProvider], [*UnavailableError].
func (m *Manager) StartLogin(ctx context.Context, s LoginStart) (string, error) {
	p, ok := m.providers[s.Provider].(RedirectProvider)
	if !ok || m.attempts == nil {
		return "", ErrNoProvider
	}
	a := Attempt{
		State: rand.Text(), Browser: s.Browser, Created: m.now(), Provider: s.Provider,
		Nonce: Secret(rand.Text()), Verifier: Secret(rand.Text() + rand.Text()),
		ReturnTo: s.ReturnTo, AuthRequest: s.AuthRequest, PromptNone: s.PromptNone, Again: s.Again, Replaces: append(m.carriedIDs(s.PriorCookies), s.replaces...),
	}
	if s.PromptNone {
		a.AuthRequest.Prompt = "none"
	}
	to, err := p.AuthorizationURL(ctx, a)
	if err != nil {
		return "", m.loginFault(p, err, Client{})
	}
	if err := m.attempts.PutAttempt(ctx, a); err != nil {
		return "", m.storeFault(err, "")
	}
	return to, nil
}

func (m *Manager) carriedIDs(values []string) []ID {
	var ids []ID
	for _, value := range values {
		if h, err := m.open(Browser, value); err == nil {
			ids = append(ids, h.ID())
		}
	}
	return ids
}

// LoginReturn is a browser that came back.
type LoginReturn struct {
	Provider string // by the callback's path
	Browser  string
	State    string
	Response
	IPPrefix     string
	PriorCookies []string
	Client
}

// LoginDone is how an attempt ended. ReturnTo and Ask are set whenever they are
// known, with an error too.
type LoginDone struct {
	Session     *Session
	ReturnTo    string
	AuthRequest AuthRequest
	// Retry, with a [*DeniedError], is a new attempt to begin at once. The provider
	// did not sign in silently, which it says in many ways: then the new one may
	// show something, and no silent attempt follows another. Or it let the attempt
	// expire, and wants a new one: that happens once in a row.
	Retry *LoginStart
}

// FinishLogin spends the attempt and starts a session. Errors: [ErrNoAttempt],
// [*DeniedError], [*RejectedError], [*UnavailableError].
func (m *Manager) FinishLogin(ctx context.Context, r LoginReturn) (LoginDone, error) {
	p, ok := m.providers[r.Provider].(RedirectProvider)
	if !ok || m.attempts == nil {
		return LoginDone{}, ErrNoProvider
	}
	taken, err := m.attempts.TakeAttempt(ctx, r.Browser, r.State)
	if err != nil {
		return LoginDone{}, m.storeFault(err, "")
	}
	done, a := LoginDone{ReturnTo: taken.ReturnTo}, taken.Attempt
	switch {
	case a == nil:
		return done, ErrNoAttempt
	case a.Kind != AttemptLogin || a.Provider != r.Provider:
		return done, m.rejected(p, &RejectedError{Err: errors.New("the state was made for another provider")}, r.Client)
	}
	asked := m.now()
	done.AuthRequest = a.AuthRequest
	if a.PromptNone {
		done.AuthRequest.Prompt = ""
	}
	grant, err := p.Exchange(ctx, *a, r.Response)
	if err != nil {
		return m.notExchanged(p, done, a, err, r.Client)
	}
	m.worked(p)
	m.leftOut(p, grant, r.Client)
	done.Session, err = m.admit(ctx, p, *a, grant, r, asked)
	return done, err
}

// notExchanged sorts the ways in which a provider's answer gives no session.
func (m *Manager) notExchanged(p Provider, done LoginDone, a *Attempt, err error, c Client) (LoginDone, error) {
	var denied *DeniedError
	var rejected *RejectedError
	switch {
	case errors.As(err, &denied):
		if a.PromptNone || denied.passing() && !a.Again { // silent: whatever it was, only the user can see to it
			done.Retry = &LoginStart{
				Provider: a.Provider, Browser: a.Browser, ReturnTo: a.ReturnTo, AuthRequest: done.AuthRequest, Again: !a.PromptNone, replaces: a.Replaces,
			}
			return done, denied
		}
		m.record(Event{Type: EventLoginFailed, Provider: p.Name(), Err: denied, Client: c})
		return done, denied
	case errors.As(err, &rejected):
		return done, m.rejected(p, rejected, c)
	}
	return done, m.loginFault(p, err, c)
}

// leftOut counts the roles that a provider did not send.
func (m *Manager) leftOut(p Provider, g Grant, c Client) {
	if g.LeftOut != "" {
		m.record(Event{
			Type: EventClaimsLeftOut, Provider: p.Name(), Subject: g.Identity.Subject, Client: c,
			Err: fmt.Errorf("the claim %.64q was left out", g.LeftOut),
		})
	}
}

func (m *Manager) rejected(p Provider, e *RejectedError, c Client) error {
	m.record(Event{Type: EventLoginFailed, Provider: p.Name(), Err: e.Err, Client: c})
	return e
}

// admit turns a grant into a session. It is linked to the provider's session
// before it exists (what cannot be found must not exist), and once more after:
// a back-channel logout in between found nothing to end, but closed the link.
func (m *Manager) admit(ctx context.Context, p Provider, a Attempt, g Grant, r LoginReturn, asked time.Time) (*Session, error) {
	h := NewHandle(Browser)
	if err := m.link(ctx, p, h.ID(), g); err != nil {
		return nil, err
	}
	device := Device{UserAgent: clip(r.UserAgent, 256), IPPrefix: r.IPPrefix}
	replaces := append(m.carriedIDs(r.PriorCookies), a.Replaces...)
	s, err := m.create(ctx, h, g, device, Login{Kind: Browser, Client: r.Client, replaces: replaces, asked: asked})
	if err != nil {
		return nil, err
	}
	for _, id := range replaces {
		m.replace(ctx, id, g.Identity, r.Client)
	}
	if err := m.link(ctx, p, h.ID(), g); err != nil {
		_, _ = m.End(ctx, h.ID(), BackChannelLogout, r.Client)
		return nil, err
	}
	return s, nil
}

// replace ends a session that this browser had before. Its tokens are revoked at
// the provider, but not when they belong to the same session there: a provider
// may end that as a whole, and the new tokens with it.
func (m *Manager) replace(ctx context.Context, id ID, successor Identity, c Client) {
	m.insist(ctx, id, Replaced, func(ctx context.Context) error {
		ctx, cancel := lasting(ctx, endTimeout)
		defer cancel()
		rec, err := m.store.End(ctx, id, Replaced)
		if err != nil || rec == nil {
			return err
		}
		last := *rec
		if old := last.Identity; old.SID != "" && old.SID == successor.SID && old.Owner() == successor.Owner() {
			last.Tokens = Tokens{}
		}
		m.ended(&last, Replaced, c)
		return nil
	})
}

func (m *Manager) link(ctx context.Context, p Provider, id ID, g Grant) error {
	if m.links == nil || g.Identity.SID == "" {
		return nil
	}
	closed, err := m.links.Link(ctx, g.Identity.ProviderSession(), id, m.absolute)
	switch {
	case err != nil:
		m.revoke(p.Name(), g.Tokens)
		return m.storeFault(err, id)
	case closed:
		m.revoke(p.Name(), g.Tokens)
		return m.rejected(p, &RejectedError{Err: errors.New("the provider ended its session meanwhile")}, Client{})
	}
	return nil
}

// ProviderSession is the key under which [ProviderSessions] lists the sessions
// of the provider's session that the identity belongs to; empty: none is known.
func (i *Identity) ProviderSession() string {
	if i.SID == "" {
		return ""
	}
	return linkKey(i.Provider, i.SID)
}

// linkKey names a provider's session: the provider stands for its issuer.
func linkKey(provider, sid string) string { return digest("sid", provider, sid) }
