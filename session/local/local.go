// Package local is the provider for apps that have no identity provider: it checks passwords
// against a list of users, and mints the access tokens itself. It calls nobody, so a refresh
// needs no lease.
//
// A refresh reads the user again. So a user who was disabled or removed is signed out at the
// next refresh, and so is one whose password was changed since the sign-in; changed roles take
// effect then.
package local

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"sessiongate/session"
	"sessiongate/session/token"
	"sessiongate/session/users"
)

// Users is where users come from.
type Users interface {
	// Authenticate returns [users.ErrBadCredentials] for unknown, disabled and
	// mistyped alike, [users.ErrBusy] under overload, and any other error when it
	// cannot tell.
	Authenticate(ctx context.Context, name, password string) (users.User, error)
	// LookupSubject returns [users.ErrUnknown] if there is no such user any more.
	LookupSubject(ctx context.Context, subject string) (users.User, error)
}

// Options are what a [Provider] is made of.
type Options struct {
	Name     string
	Users    Users
	Minter   *token.Minter
	Audience []string
	Lifetime time.Duration // of access tokens
	// ClientID names browser sessions in tokens, TokenClientID those of token
	// clients, so that neither kind is taken for the other.
	ClientID      string
	TokenClientID string
	// KeepOnPasswordChange lets sessions go on whose user has another password by now. Default
	// false: they end at their next refresh.
	KeepOnPasswordChange bool
}

// keptCredential is where a session remembers [users.User.Credential].
const keptCredential = "credential"

// Provider implements [session.PasswordProvider]. It is safe for concurrent use.
type Provider struct{ options Options }

// New checks the options and returns a provider.
func New(o Options) (*Provider, error) {
	switch {
	case o.Name == "" || o.Users == nil || o.Minter == nil || len(o.Audience) == 0:
		return nil, errors.New("local provider needs a name, users, a minter and an audience")
	case o.Lifetime < time.Second:
		return nil, errors.New("local provider: the access lifetime is below one second")
	case o.ClientID == "" || o.ClientID == o.TokenClientID:
		return nil, errors.New("local provider: the client ids must be given and differ")
	}
	return &Provider{options: o}, nil
}

// Name implements [session.Provider].
func (p *Provider) Name() string { return p.options.Name }

// Login implements [session.PasswordProvider].
func (p *Provider) Login(ctx context.Context, c session.Credentials) (session.Grant, error) {
	u, err := p.options.Users.Authenticate(ctx, c.Username, c.Password.Reveal())
	switch {
	case errors.Is(err, users.ErrBadCredentials):
		return session.Grant{}, session.ErrInvalidCredentials
	case errors.Is(err, users.ErrBusy):
		return session.Grant{}, session.ErrBusy
	case err != nil:
		return session.Grant{}, &session.FaultError{Err: err}
	}
	g, err := p.grant(u, c.SessionID, c.Kind, c.Now, c.Now, time.Time{})
	g.Tokens.Keep = p.keep(u.Credential)
	return g, err
}

// Refresh implements [session.Provider].
func (p *Provider) Refresh(ctx context.Context, r session.Refresh) (session.Grant, error) {
	u, err := p.options.Users.LookupSubject(ctx, r.Identity.Subject)
	switch {
	case errors.Is(err, users.ErrUnknown), err == nil && u.Disabled:
		return session.Grant{}, &session.RefusedError{Reason: session.UserDisabled, Err: errors.New("no such user, or disabled")}
	case err != nil:
		return session.Grant{}, &session.FaultError{Err: err}
	}
	credential := r.Tokens.Keep[keptCredential]
	if !p.options.KeepOnPasswordChange && users.PasswordChanged(credential, u.Credential) {
		return session.Grant{}, &session.RefusedError{Reason: session.PasswordChanged, Err: errors.New("the password was changed")}
	}
	if u.Credential != "" {
		credential = u.Credential // a session from before this was remembered learns it here
	}
	g, err := p.grant(u, r.SessionID, r.Kind, r.Now, r.Identity.AuthTime, r.Absolute)
	g.Tokens.Keep = p.keep(credential)
	return g, err
}

// keep is what a session remembers. One that shall outlive its password has no use for it.
func (p *Provider) keep(credential string) session.Kept {
	if p.options.KeepOnPasswordChange || credential == "" {
		return nil
	}
	return session.Kept{keptCredential: credential}
}

// grant mints an access token that does not outlive the session.
func (p *Provider) grant(u users.User, id session.ID, kind session.Kind, now, authTime, absolute time.Time) (session.Grant, error) {
	lifetime := p.options.Lifetime
	if left := absolute.Sub(now); !absolute.IsZero() && left < lifetime {
		lifetime = max(left, time.Second)
	}
	client := p.options.ClientID
	if kind == session.TokenClient {
		client = p.options.TokenClientID
	}
	name := u.DisplayName
	if name == "" {
		name = u.Name
	}
	access, err := p.options.Minter.Mint(token.Claims{
		Subject: u.Subject, Audience: p.options.Audience, ClientID: client, SessionID: string(id),
		Times: token.Times{IssuedAt: now, ExpiresAt: now.Add(lifetime), AuthTime: authTime},
		Roles: u.Roles, Scopes: u.Scopes, Name: name, PreferredUsername: u.Name, Extra: u.Claims,
	})
	if err != nil {
		return session.Grant{}, &session.FaultError{Misconfigured: true, Err: err}
	}
	var claims json.RawMessage
	if len(u.Claims) > 0 {
		if claims, err = json.Marshal(u.Claims); err != nil {
			return session.Grant{}, &session.FaultError{Misconfigured: true, Err: fmt.Errorf("claims of the user: %w", err)}
		}
	}
	return session.Grant{
		Identity: session.Identity{
			Subject: u.Subject, Name: name, Provider: p.options.Name,
			Roles: u.Roles, Scopes: u.Scopes, Claims: claims, AuthTime: authTime,
		},
		Tokens:   session.Tokens{Access: session.Secret(access)},
		Lifetime: lifetime,
	}, nil
}

var _ session.PasswordProvider = (*Provider)(nil)
