package tokenapi

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"time"

	"sessiongate/session"
)

// Provider implements [session.PasswordProvider], [session.RemoteProvider], [session.Revoker],
// [session.Forwarder] and [session.Capturer]. It is safe for concurrent use.
type Provider struct {
	options   Options
	client    *client
	endpoints endpoints
	tokens    *tokenReader
	users     *identifier
	relay     relay
	forward   forwardLines
	stale     staleness
}

// New checks the options and returns a provider. It calls nobody.
func New(o Options) (*Provider, error) {
	o = o.withDefaults()
	p := &Provider{options: o, client: newClient(o)}
	errs := []error{o.check(), checkExtra(o.Login.Extra)}
	kept, err := parseKeep(o.Keep)
	errs = append(errs, err)
	p.forward, err = parseForward(&o, kept)
	errs = append(errs, err)
	p.endpoints, err = newEndpoints(&o, kept, p.forward)
	errs = append(errs, err)
	p.tokens, err = newTokenReader(&o, kept)
	errs = append(errs, err)
	p.users, err = newIdentifier(&o, p.client, p.endpoints.me)
	errs = append(errs, err)
	p.relay, err = newRelay(o.Login.Relay, p.tokens.sources, kept)
	errs = append(errs, err)
	p.stale, err = newStale(o.Stale)
	if err := errors.Join(append(errs, err)...); err != nil {
		return nil, fmt.Errorf("token API: %w", err)
	}
	return p, nil
}

// check looks at what no other part does.
func (o *Options) check() error {
	switch {
	case o.Name == "":
		return errors.New("a name is required")
	case o.Login.URL == "":
		return errors.New("the URL of the login is required")
	case o.Reply.ExpiresUnit != time.Second && o.Reply.ExpiresUnit != time.Millisecond:
		return errors.New("the unit of expires_in is a second or a millisecond")
	case o.Timeout < 0 || o.Lifetime < 0:
		return errors.New("timeout and lifetime cannot be negative")
	case o.Identity.From == FromMe && o.Me.URL == "":
		return errors.New("identity from me needs the URL of me")
	case o.Identity.From != FromMe && o.Identity.From != FromToken && o.Identity.From != FromReply:
		return errors.New("identity is from token, reply or me")
	}
	for name := range o.Headers {
		if !isToken(name) || isFraming(http.CanonicalHeaderKey(name)) {
			return fmt.Errorf("headers: %q is set by the gateway or no header name", name)
		}
	}
	fields := []string{o.Identity.Subject, o.Identity.Name}
	for _, name := range slices.Concat(fields, o.Identity.Roles, o.Identity.Scopes, o.Identity.Claims) {
		if err := checkField(name); err != nil {
			return fmt.Errorf("identity: %w", err)
		}
	}
	return nil
}

// Name implements [session.Provider].
func (p *Provider) Name() string { return p.options.Name }

// Timeout implements [session.RemoteProvider]: one call, or two where the identity needs its own.
func (p *Provider) Timeout() time.Duration {
	if p.options.Identity.From == FromMe {
		return 2 * p.options.Timeout
	}
	return p.options.Timeout
}

// TokenEndpoints returns the URLs that take or give away tokens: login, refresh and logout. A
// browser must never reach them through the gateway, or a page's script could read what the session
// cookie is there to hide.
func (p *Provider) TokenEndpoints() []*url.URL { return p.endpoints.urls() }

// Login implements [session.PasswordProvider]. The error for wrong credentials names the status,
// for the log.
func (p *Provider) Login(ctx context.Context, c session.Credentials) (session.Grant, error) {
	r, err := p.client.call(ctx, p.endpoints.login, values{username: c.Username, password: c.Password.Reveal(), extra: c.Extra}, c.ClientIP)
	if err != nil {
		return session.Grant{}, p.loginError(r, err)
	}
	g, err := p.tokens.take(r, c.Now)
	if err != nil {
		return session.Grant{}, err
	}
	id, err := p.users.believe(ctx, r, g, c.ClientIP)
	if err != nil {
		p.discard(ctx, g.Tokens)
		return session.Grant{}, err
	}
	id.AuthTime = c.Now
	return p.grant(id, g), nil
}

func (p *Provider) grant(id session.Identity, g granted) session.Grant {
	return session.Grant{Identity: id, Tokens: g.Tokens, Lifetime: g.lifetime, NeedsLive: p.options.Refresh.NeedsLive}
}

// discard gives back tokens that no session will hold. It is best effort: the API expires what it
// cannot revoke.
func (p *Provider) discard(ctx context.Context, t session.Tokens) {
	_ = p.Revoke(context.WithoutCancel(ctx), t)
}

// Refresh implements [session.Provider]. A session without a refresh token keeps the token it has
// until that expires; then the provider has nothing more to say, and the session is over. So it is
// with a token that can only be refreshed while it lives.
func (p *Provider) Refresh(ctx context.Context, r session.Refresh) (session.Grant, error) {
	v := valuesOf(r.Tokens)
	v.subject = r.Identity.Subject
	if p.endpoints.refresh == nil || !p.endpoints.refresh.possible(v) {
		return withoutRefresh(r)
	}
	if p.options.Refresh.NeedsLive && r.Expires.Sub(r.Now) <= lastSecond {
		return session.Grant{}, &session.RefusedError{Reason: session.ProviderRefused, Unasked: true, Err: errTooLate}
	}
	answer, err := p.client.call(ctx, p.endpoints.refresh, v, r.ClientIP)
	var no *refusal
	switch {
	case errors.As(err, &no) && !no.ownWord:
		return session.Grant{}, &session.FaultError{Doubt: true, Err: no}
	case errors.As(err, &no) && no.meaning == MeansAccountDisabled:
		return session.Grant{}, &session.RefusedError{Reason: session.UserDisabled, Err: no}
	case errors.As(err, &no):
		return session.Grant{}, &session.RefusedError{Reason: session.ProviderRefused, Err: no}
	case err != nil:
		return session.Grant{}, err
	}
	g, err := p.tokens.takeAgain(answer, r.Tokens.Keep, r.Now)
	if err != nil {
		return session.Grant{}, err
	}
	id, err := p.users.stillWho(ctx, answer, g, r)
	return p.grant(id, g), err
}

// lastSecond is how much of an access token's life nobody could use any more.
const lastSecond = time.Second

var errTooLate = errors.New("the access token has expired, and the API refreshes only one that has not")

var errNoRefreshToken = errors.New("the access token has expired and there is no refresh token")

func withoutRefresh(r session.Refresh) (session.Grant, error) {
	left := r.Expires.Sub(r.Now)
	if left <= lastSecond {
		return session.Grant{}, &session.RefusedError{Reason: session.ProviderRefused, Unasked: true, Err: errNoRefreshToken}
	}
	return session.Grant{Identity: r.Identity, Tokens: r.Tokens, Lifetime: left}, nil
}

// Revoke implements [session.Revoker] by the API's logout. A token that the API refuses or does not
// find there is dead already.
func (p *Provider) Revoke(ctx context.Context, t session.Tokens) error {
	v := valuesOf(t)
	if p.endpoints.logout == nil || !p.endpoints.logout.possible(v) {
		return nil
	}
	r, err := p.client.call(ctx, p.endpoints.logout, v, "")
	var no *refusal
	if errors.As(err, &no) || r != nil && (r.status == http.StatusNotFound || r.status == http.StatusGone) {
		return nil
	}
	return err
}

var (
	_ session.PasswordProvider    = (*Provider)(nil)
	_ session.ExtraFieldsProvider = (*Provider)(nil)
	_ session.RemoteProvider      = (*Provider)(nil)
	_ session.Revoker             = (*Provider)(nil)
	_ session.Forwarder           = (*Provider)(nil)
)
