package oidc

import (
	"context"
	"net/url"
	"strconv"
	"strings"
	"time"

	"golang.org/x/oauth2"

	"sessiongate/session"
)

// AuthorizationURL implements [session.RedirectProvider] (OpenID Connect Core
// §3.1.2.1, RFC 7636 §4.3). response_mode stays at its default, query: the
// binding cookie does not come with a cross-site POST.
func (p *Provider) AuthorizationURL(ctx context.Context, a session.Attempt) (string, error) {
	m, err := p.discovery.get(ctx)
	if err != nil {
		return "", err
	}
	u, err := url.Parse(m.Authorization)
	if err != nil {
		return "", &session.FaultError{Misconfigured: true, Err: brief(err)}
	}
	q := u.Query()
	for _, param := range p.o.Params {
		q.Set(param[0], param[1])
	}
	q.Set("response_type", "code")
	q.Set("client_id", p.o.ClientID)
	q.Set("redirect_uri", p.o.RedirectURI)
	q.Set("scope", strings.Join(p.o.Scopes, " "))
	q.Set("state", a.State)
	q.Set("nonce", a.Nonce.Reveal())
	q.Set("code_challenge", oauth2.S256ChallengeFromVerifier(a.Verifier.Reveal()))
	q.Set("code_challenge_method", "S256")
	p.o.addTargets(q)
	addAuthRequest(q, a.AuthRequest)
	u.RawQuery = q.Encode()
	return u.String(), nil
}

// addTargets says which API the access token is for (RFC 8707 §2).
func (o Options) addTargets(q url.Values) {
	if len(o.Resource) > 0 {
		q["resource"] = o.Resource
	}
	if o.Audience != "" {
		q.Set("audience", o.Audience)
	}
}

func addAuthRequest(q url.Values, asked session.AuthRequest) {
	if asked.MaxAge != nil {
		q.Set("max_age", strconv.Itoa(int(*asked.MaxAge/time.Second)))
		if *asked.MaxAge == 0 {
			q.Set("prompt", "login") // the same (Core §3.1.2.1), for providers that know only one of them
		}
	}
	if asked.Prompt != "" {
		q.Set("prompt", asked.Prompt)
	}
	if asked.LoginHint != "" {
		q.Set("login_hint", asked.LoginHint)
	}
	if asked.UILocales != "" { // what the page knows of its reader goes before authorization_params
		q.Set("ui_locales", asked.UILocales)
	}
	if len(asked.ACR) > 0 {
		q.Set("acr_values", strings.Join(asked.ACR, " "))
	}
}
