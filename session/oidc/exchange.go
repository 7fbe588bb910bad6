package oidc

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"slices"
	"strings"
	"time"

	"sessiongate/session"
)

// authTimeSkew is how far the provider's clock may be behind when it says how
// recent a sign-in is.
const authTimeSkew = 10 * time.Second

// Exchange implements [session.RedirectProvider].
func (p *Provider) Exchange(ctx context.Context, a session.Attempt, r session.Response) (session.Grant, error) {
	if r.Issuer != "" && r.Issuer != p.o.Issuer {
		// The answer of another provider, led here to get its code (RFC 9207 §2.4).
		return session.Grant{}, rejected("iss of the answer is another provider")
	}
	m, err := p.discovery.get(ctx)
	switch {
	case err != nil:
		return session.Grant{}, err
	case r.Issuer == "" && m.SendsIssuer:
		return session.Grant{}, rejected("the answer lacks iss, which this provider always sends")
	case r.Error != "":
		return session.Grant{}, &session.DeniedError{
			Code: session.CleanDescription(r.Error), Description: session.CleanDescription(r.Description),
		}
	case r.Code == "":
		return session.Grant{}, rejected("the answer has neither code nor error")
	}
	ctx, cancel := context.WithTimeout(ctx, p.o.Timeout)
	defer cancel()
	got, err := p.client.request(ctx, m, url.Values{
		"grant_type": {"authorization_code"}, "code": {r.Code.Reveal()},
		"redirect_uri": {p.o.RedirectURI}, "code_verifier": {a.Verifier.Reveal()},
	})
	switch {
	case errors.Is(err, errRefused):
		return session.Grant{}, codeRefused(err)
	case err != nil:
		return session.Grant{}, err
	}
	return p.loginGrant(ctx, m, a, got)
}

// codeRefused sorts the refusal of a code: invalid_grant is one that is forged, used
// up or another browser's; the others concern the user.
func codeRefused(err error) error {
	var answer *session.ProviderAnswer
	if !errors.As(err, &answer) || answer.Code == "invalid_grant" {
		return &session.RejectedError{Err: err}
	}
	return &session.DeniedError{Code: answer.Code, Description: answer.Description}
}

func rejected(why string) error { return &session.RejectedError{Err: errors.New(why)} }

// loginGrant checks what the code was worth.
func (p *Provider) loginGrant(ctx context.Context, m *metadata, a session.Attempt, got reply) (session.Grant, error) {
	if got.IDToken == "" {
		return session.Grant{}, rejected("the answer has no ID token")
	}
	claims, err := p.users.verifyIDToken(ctx, m, got.IDToken, got.AccessToken)
	if err != nil {
		return session.Grant{}, err
	}
	if claims["nonce"] != a.Nonce.Reveal() {
		return session.Grant{}, rejected("the nonce is not this attempt's") // an injected code
	}
	claims, err = p.users.withUserinfo(ctx, m, claims, got.AccessToken)
	if err != nil {
		return session.Grant{}, err
	}
	id := p.users.identity(claims, got.Scope)
	if err := demanded(a, id); err != nil {
		return session.Grant{}, err
	}
	if err := keepable(got); err != nil {
		return session.Grant{}, err
	}
	g := newGrant(id, got)
	g.LeftOut = p.users.leftOut(claims)
	if g.NoRefresh = got.RefreshToken == ""; g.NoRefresh {
		p.warned.Do(func() {
			p.o.Log.Warn("the provider gives no refresh token: sessions end with their access token and sign in again silently; "+
				p.o.refreshAdvice(), slog.String("provider", p.o.Name))
		})
	}
	return g, nil
}

// refreshAdvice is what may bring a refresh token. A provider that follows the standard ignores
// offline_access unless it may ask for consent (Core §11).
func (o Options) refreshAdvice() string {
	consented := slices.ContainsFunc(o.Params, func(p [2]string) bool {
		return p[0] == "prompt" && slices.Contains(strings.Fields(p[1]), "consent")
	})
	switch {
	case !slices.Contains(o.Scopes, "offline_access"):
		return "ask for offline_access (scopes), or whatever this provider wants instead"
	case !consented:
		return "offline_access is asked for, and may want authorization_params: [{name: prompt, value: consent}], " +
			"a question at each sign-in; or this provider, or its entry for this client, wants something else"
	}
	return "this provider, or its entry for this client, wants something else than offline_access"
}

func newGrant(id session.Identity, got reply) session.Grant {
	return session.Grant{
		Identity: id, Lifetime: got.Lifetime,
		Tokens: session.Tokens{Access: got.AccessToken, Refresh: got.RefreshToken, ID: got.IDToken},
	}
}

// maxToken bounds a token. The access token travels in a header, and most
// servers refuse more.
const maxToken = 16 << 10

// keepable refuses tokens that nobody could use: a session with them would only get
// refusals from the application.
func keepable(got reply) error {
	for name, t := range map[string]session.Secret{"access": got.AccessToken, "refresh": got.RefreshToken} {
		if len(t) > maxToken {
			return &session.FaultError{Misconfigured: true, Err: fmt.Errorf(
				"the %s token has %d bytes, and more than %d fit into no header: have the provider put fewer claims into it",
				name, len(t), maxToken)}
		}
	}
	return nil
}

// demanded checks what the attempt asked of the sign-in. acr_values is only a
// wish in the protocol (Core §3.1.2.1); here the route behind it is not.
func demanded(a session.Attempt, id session.Identity) error {
	if age := a.AuthRequest.MaxAge; age != nil && id.AuthTime.Before(a.Created.Add(-*age-authTimeSkew)) {
		return &session.RejectedError{Weak: true, Err: errors.New("auth_time is missing or older than max_age allows")}
	}
	if len(a.AuthRequest.ACR) > 0 && !slices.Contains(a.AuthRequest.ACR, id.ACR) {
		return &session.RejectedError{Weak: true, Err: errors.New("acr is none of those asked for")}
	}
	return nil
}
