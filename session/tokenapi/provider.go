package tokenapi

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"time"

	"sessiongate/session"
	"sessiongate/session/token"
)

// Provider implements [session.PasswordProvider], [session.RemoteProvider], [session.Revoker] and
// [session.Forwarder].
// It is safe for concurrent use.
type Provider struct {
	options  Options
	client   *client
	sources  sources
	kept     keepLines
	relay    relay
	forward  []sent // nil: as usual
	roles    roleMap
	verifier *verifier // nil: nothing is verified

	login, refresh, logout, whose *endpoint // whose is Options.Me

	stale      []condition // by which answers upstreams refuse a token
	unreadable sync.Once   // that an expires_in is no expiry
}

// New checks the options and returns a provider. It calls nobody.
func New(o Options) (*Provider, error) {
	o = o.withDefaults()
	p := &Provider{options: o, client: newClient(o)}
	var err error
	p.kept, err = parseKeep(o.Keep)
	errs := []error{o.check(), err, p.compile()}
	p.roles, err = parseRoleMap(o.Identity.RoleMap)
	errs = append(errs, err)
	p.sources, err = newSources(o.Reply)
	errs = append(errs, err, checkExtra(o.Login.Extra))
	p.relay, err = newRelay(o.Login.Relay, p.sources, p.kept)
	errs = append(errs, err)
	p.stale, err = newStale(o.Stale)
	errs = append(errs, err)
	p.verifier, err = newVerifier(o.Verify, p.client.http.Transport, o.Now)
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

// compile makes the endpoints.
func (p *Provider) compile() error {
	o := &p.options
	atLogin := &scope{names: []string{username, password}, extra: append([]string{}, o.Login.Extra...), values: o.Values, environment: o.Environment}
	later := &scope{
		names: []string{refreshToken, accessToken, subject}, claims: true, keep: p.kept.names(),
		values: o.Values, environment: o.Environment,
	}
	var err0, err1, err2, err3, err4 error
	p.forward, err0 = parseForward(o, p.kept)
	token := authorization(p.forward)
	p.login, err1 = newEndpoint("login", o.Login, atLogin, token)
	p.refresh, err2 = newEndpoint("refresh", o.Refresh, later, token)
	p.logout, err3 = newEndpoint("logout", o.Logout, later, token)
	p.whose, err4 = newEndpoint("me", o.Me, later, token)
	return errors.Join(err0, err1, err2, err3, err4)
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
func (p *Provider) TokenEndpoints() []*url.URL {
	var list []*url.URL
	for _, e := range []*endpoint{p.login, p.refresh, p.logout} {
		if e != nil {
			u := *e.url
			list = append(list, &u)
		}
	}
	return list
}

// Login implements [session.PasswordProvider]. The error for wrong credentials names the status,
// for the log.
func (p *Provider) Login(ctx context.Context, c session.Credentials) (session.Grant, error) {
	r, err := p.client.call(ctx, p.login, values{username: c.Username, password: c.Password.Reveal(), extra: c.Extra}, c.ClientIP)
	if err != nil {
		return session.Grant{}, p.loginError(r, err)
	}
	g, err := p.take(r, c.Now)
	if err != nil {
		return session.Grant{}, err
	}
	id, err := p.believe(ctx, r, g, c.ClientIP)
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

// believe reads the identity of tokens whose signature, if it counts, is right, and which came with
// what can be kept beside them.
func (p *Provider) believe(ctx context.Context, r *reply, g granted, clientIP string) (session.Identity, error) {
	if g.unkept != nil {
		return session.Identity{}, g.unkept
	}
	if err := p.check(ctx, g); err != nil {
		var f *session.FaultError
		if !errors.As(err, &f) {
			err = &session.FaultError{Err: err}
		}
		return session.Identity{}, err
	}
	return p.identify(ctx, r, g, clientIP)
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
	if p.refresh == nil || !p.refresh.possible(v) {
		return withoutRefresh(r)
	}
	if p.options.Refresh.NeedsLive && r.Expires.Sub(r.Now) <= lastSecond {
		return session.Grant{}, &session.RefusedError{Reason: session.ProviderRefused, Unasked: true, Err: errTooLate}
	}
	answer, err := p.client.call(ctx, p.refresh, v, r.ClientIP)
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
	g, err := p.take(answer, r.Now)
	if err != nil {
		return session.Grant{}, err
	}
	g.Keep, _ = p.kept.take(answer, r.Tokens.Keep) // the API has rotated: too much of it costs no session
	id, err := p.stillWho(ctx, answer, g, r)
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

// stillWho reads the identity again: roles may have changed, and another subject ends the session
// (package refresh sees to that). The API has rotated by now, so what cannot be read leaves the session
// as who it was. Only a token whose signature is wrong is not taken.
func (p *Provider) stillWho(ctx context.Context, r *reply, g granted, asked session.Refresh) (session.Identity, error) {
	former := asked.Identity
	err := p.check(ctx, g)
	switch {
	case errors.Is(err, token.ErrKeysUnavailable):
		return former, nil
	case err != nil:
		return session.Identity{}, err
	}
	id, err := p.identify(ctx, r, g, asked.ClientIP)
	if err != nil {
		return former, nil //nolint:nilerr // see above: the tokens are worth more than what is said beside them
	}
	id.AuthTime = former.AuthTime
	if p.options.Identity.From == FromReply {
		p.inherit(r, &id, former)
	}
	return id, nil
}

// inherit keeps what the answer to a refresh does not mention: many APIs describe the user at login
// only.
func (p *Provider) inherit(r *reply, id *session.Identity, former session.Identity) {
	doc, _ := r.json() // was read a moment ago
	from := p.options.Identity
	absent := func(names ...string) bool {
		for _, name := range names {
			if _, there := lookup(doc, name); name == "" || there {
				return false
			}
		}
		return len(names) > 0
	}
	if absent(from.Name) {
		id.Name = former.Name
	}
	if absent(from.Roles...) {
		id.Roles = former.Roles
	}
	if absent(from.Scopes...) {
		id.Scopes = former.Scopes
	}
	if id.Claims == nil {
		id.Claims = former.Claims
	}
}

// Revoke implements [session.Revoker] by the API's logout. A token that the API refuses or does not
// find there is dead already.
func (p *Provider) Revoke(ctx context.Context, t session.Tokens) error {
	v := valuesOf(t)
	if p.logout == nil || !p.logout.possible(v) {
		return nil
	}
	r, err := p.client.call(ctx, p.logout, v, "")
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
