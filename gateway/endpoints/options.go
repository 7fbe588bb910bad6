package endpoints

import (
	"context"
	"log/slog"
	"time"

	"sessiongate/gateway/exchange"
	"sessiongate/gateway/limits"
	"sessiongate/session"
	"sessiongate/web"
)

// Resolver knows what the cookie of a session holds.
type Resolver interface {
	// CookieValue returns the value and the lifetime of the session cookie; ok is false if it
	// cannot be sealed.
	CookieValue(s *session.Session) (value string, maxAge time.Duration, ok bool)
}

// Redirects signs in and out at providers' own pages (OpenID Connect Core §3.1, RP-Initiated
// Logout). browser binds an attempt to the browser that began it. session.ErrNoAttempt says that
// there is no such attempt, or none of this browser.
type Redirects interface {
	// StartLogin returns the address to send the browser to.
	StartLogin(ctx context.Context, s session.LoginStart) (location string, err error)
	// FinishLogin takes the provider's answer. Where to return to, and what to repeat, is in the
	// result with an error too.
	FinishLogin(ctx context.Context, r session.LoginReturn) (session.LoginDone, error)
	// StartLogout prepares the logout at the provider of a session that has ended; nil: it has
	// none.
	StartLogout(ctx context.Context, rec *session.Record, browser, returnTo string) *session.LogoutRedirect
	// RedeemLogout returns the provider's address for a ticket, once.
	RedeemLogout(ctx context.Context, browser, ticket string) (location string, err error)
	// FinishLogout returns where a logout was to lead, once.
	FinishLogout(ctx context.Context, browser, state string) (returnTo string, err error)
	// LogoutOrigin is the origin of a provider's logout page; empty: it has none.
	LogoutOrigin(ctx context.Context, provider string) string
}

// Terminator ends sessions.
type Terminator interface {
	// Logout ends the session of a handle and returns its record; nil: it was not alive.
	Logout(ctx context.Context, kind session.Kind, value string, why session.Reason, c session.Client) (*session.Record, error)
	// HandleLogoutToken ends what a provider's logout token names, and counts it (OpenID Connect
	// Back-Channel Logout §2.7).
	HandleLogoutToken(ctx context.Context, provider, token string, c session.Client) (ended int, err error)
	// OwnSessions lists the sessions of this one's owner, newest first. With
	// *session.UnreadableError the list holds the others.
	OwnSessions(ctx context.Context, s *session.Session) ([]session.Record, error)
	// EndOwn ends one of them, or says session.ErrNoSession.
	EndOwn(ctx context.Context, s *session.Session, id session.ID, why session.Reason, c session.Client) error
	// EndAllOwn ends all of them, with keep all others, and counts them.
	EndAllOwn(ctx context.Context, s *session.Session, keep bool, why session.Reason, c session.Client) (ended int, err error)
}

// TokenClients serves clients that keep their tokens themselves.
type TokenClients interface {
	// TokenPair returns the tokens of a new session.
	TokenPair(s *session.Session) (session.TokenPair, error)
	// RefreshTokenClient spends a refresh token for a new pair.
	RefreshTokenClient(ctx context.Context, r session.TokenClientRefresh) (session.TokenPair, error)
	// LogoutTokenClient ends the session of a refresh token, and revokes an access token.
	LogoutTokenClient(ctx context.Context, r session.TokenClientRefresh) error
}

// Watcher tells what happens to a session, until stop is called.
type Watcher interface {
	Watch(s *session.Session) (notices <-chan session.Notice, stop func())
}

// Options are what the endpoints need. All is required but where it says otherwise.
type Options struct {
	Resolver     Resolver
	Redirects    Redirects
	Terminator   Terminator
	Watcher      Watcher
	TokenClients TokenClients // nil: the token endpoints are not there
	Providers    exchange.Providers
	Fields       Fields
	Limits       *limits.SignIn
	Recorder     session.Recorder // of what is refused here; it gives events their time

	Site      exchange.Site
	Cookies   *exchange.Cookies
	Guard     *exchange.Guard
	Responder *exchange.Responder
	Bodies    exchange.BodyTimes
	Pages     *web.Pages
	Log       *slog.Logger
	Now       func() time.Time

	// AfterLogout is the path that a logout leads to; empty: our own page for it.
	// PromptAfterLogout is the prompt of the next sign-in, by provider: none, or
	// whatever a provider knows; missing: login where it has no logout page.
	AfterLogout       string
	PromptAfterLogout map[string]string
	ClearSiteData     bool // the answer to a logout empties the browser's cache (Clear Site Data §3.1)

	ProviderLabels map[string]string // what the login page calls the providers; missing: their name
	DemoUsers      []web.DemoUser    // shown on the login page; for the demo only
	DemoProvider   string            // the provider that has them

	KeySet   []byte // JWKS of the local provider; nil: none published
	Metadata []byte // RFC 8414 document of the local provider; nil: none
}
