package oidc

import (
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"slices"
	"sync"
	"time"

	"sessiongate/session"
	"sessiongate/session/token"
)

// AuthMethod is how the client proves itself at the token endpoint (OpenID
// Connect Core §9).
type AuthMethod string

// The methods. The empty string means [SecretBasic].
const (
	SecretBasic   AuthMethod = "client_secret_basic"
	SecretPost    AuthMethod = "client_secret_post"
	PrivateKeyJWT AuthMethod = "private_key_jwt"
	Public        AuthMethod = "none"
)

// defaultTimeout bounds one refresh with all the calls it takes.
const defaultTimeout = 20 * time.Second

// Options are what a [Provider] is made of.
type Options struct {
	Name   string
	Issuer string // compared byte for byte; http for loopback only, which the caller checks

	ClientID string
	Method   AuthMethod
	Secret   session.Secret // of the two secret methods
	// Key is a PEM private key (RSA, P-256, P-384 or Ed25519) for [PrivateKeyJWT],
	// KeyID its kid, and AssertionAudience the aud of assertions; empty: the token
	// endpoint (OpenID Connect Core §9).
	Key               session.Secret
	KeyID             string
	AssertionAudience string

	// RedirectURI is registered at the provider, one for each provider entry, so
	// that answers of two providers cannot be mixed up (RFC 9700 §4.4.2).
	RedirectURI   string
	PostLogoutURI string // registered too; empty: no RP-initiated logout

	Scopes   []string // with openid
	Resource []string // RFC 8707
	Audience string   // the parameter of the same name that some providers want instead
	Params   [][2]string

	Algorithms []string // of ID and logout tokens; empty: every asymmetric one known
	RolesClaim string   // path of the claim with the roles; empty: none
	Userinfo   bool     // ask the userinfo endpoint too

	Timeout time.Duration // of one refresh, and of a login's calls; 0: 20 s
	TLS     *tls.Config   // nil: the system's certificates
	Log     *slog.Logger  // nil: discarded
	Now     func() time.Time
}

// Provider is one OpenID Connect provider. It is safe for concurrent use.
type Provider struct {
	o         Options
	client    *client
	discovery *discovery
	users     *users
	warned    sync.Once // that there are no refresh tokens
}

var (
	_ session.RedirectProvider = (*Provider)(nil)
	_ session.RemoteProvider   = (*Provider)(nil)
	_ session.Revoker          = (*Provider)(nil)
	_ session.LogoutRedirector = (*Provider)(nil)
	_ session.LogoutNotifier   = (*Provider)(nil)
)

// New checks the options and returns a provider. It calls nobody.
func New(o Options) (*Provider, error) {
	o = o.withDefaults()
	if err := o.validate(); err != nil {
		return nil, fmt.Errorf("oidc provider %s: %w", o.Name, err)
	}
	c, err := newClient(o)
	if err != nil {
		return nil, fmt.Errorf("oidc provider %s: %w", o.Name, err)
	}
	return &Provider{o: o, client: c, discovery: newDiscovery(c), users: &users{o: o, client: c}}, nil
}

func (o Options) withDefaults() Options {
	if o.Method == "" {
		o.Method = SecretBasic
	}
	if o.Timeout == 0 {
		o.Timeout = defaultTimeout
	}
	if len(o.Algorithms) == 0 {
		o.Algorithms = token.Asymmetric()
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return o
}

// reservedParams are the authorization parameters that are ours to set.
func reservedParams() []string {
	return []string{
		"client_id", "response_type", "response_mode", "redirect_uri", "scope", "state", "nonce", "resource", "audience",
		"code_challenge", "code_challenge_method", "request", "request_uri", "max_age", "acr_values", "login_hint", "id_token_hint",
	}
}

func (o Options) validate() error {
	u, err := url.Parse(o.Issuer)
	switch {
	case o.Name == "" || o.ClientID == "" || o.RedirectURI == "":
		return errors.New("needs a name, a client id and a redirect URI")
	case err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" || u.RawQuery != "" || u.Fragment != "" || u.User != nil:
		return errors.New("the issuer is not a URL without query and fragment")
	case !slices.Contains(o.Scopes, "openid"):
		return errors.New("the scopes lack openid")
	case o.Timeout < 0:
		return errors.New("the timeout is negative")
	}
	for _, alg := range o.Algorithms {
		if !slices.Contains(token.Asymmetric(), alg) {
			return fmt.Errorf("the algorithm %q is not an asymmetric one", alg)
		}
	}
	for _, p := range o.Params {
		if slices.Contains(reservedParams(), p[0]) {
			return fmt.Errorf("the authorization parameter %q is set by the gateway", p[0])
		}
	}
	return nil
}

// Name implements [session.Provider].
func (p *Provider) Name() string { return p.o.Name }

// Timeout implements [session.RemoteProvider].
func (p *Provider) Timeout() time.Duration { return p.o.Timeout }
