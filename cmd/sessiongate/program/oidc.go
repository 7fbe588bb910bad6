package program

import (
	"context"
	"slices"
	"strings"
	"time"

	"sessiongate/configs"
	"sessiongate/session"
	"sessiongate/session/oidc"
)

// oidc makes a provider. It has a redirect URI of its own, so that the
// answer of one provider never reaches another's callback.
func (p *providers) oidc(name string, c *configs.OIDCProvider) (session.Provider, error) {
	base := strings.TrimSuffix(p.config.Server.PublicURL, "/") + p.config.Server.AuthPrefix
	o := oidc.Options{
		Name: name, Issuer: c.Issuer,
		ClientID: c.ClientID, Method: oidc.AuthMethod(c.AuthMethod), Secret: session.Secret(c.ClientSecret.Reveal()),
		Key: session.Secret(c.ClientKey.Reveal()), KeyID: c.ClientKeyID, AssertionAudience: c.AssertionAudience,
		RedirectURI: base + "/callback/" + name,
		Scopes:      c.Scopes, Resource: c.Resource, Audience: c.Audience,
		Algorithms: c.IDTokenAlgs, RolesClaim: c.RolesClaim, Userinfo: c.Userinfo,
		Timeout: time.Duration(c.Timeout), Log: p.log, Now: p.now,
	}
	if c.Logout.RPInitiated {
		o.PostLogoutURI = base + "/logout/done"
	}
	for _, extra := range c.AuthorizationParams {
		o.Params = append(o.Params, [2]string{extra.Name, extra.Value})
	}
	var err error
	if o.TLS, err = clientTLS(c.TLS); err != nil {
		return nil, err
	}
	made, err := oidc.New(o)
	if err != nil {
		return nil, err
	}
	p.discoverable = append(p.discoverable, made)
	return made, nil
}

// promptsAfterLogout is what the file says about the sign-in after a logout.
func promptsAfterLogout(c *configs.Config) map[string]string {
	prompts := make(map[string]string)
	for _, p := range c.Providers {
		if p.OIDC != nil && p.OIDC.Logout.Prompt != "" {
			prompts[p.Name] = p.OIDC.Logout.Prompt
		}
	}
	return prompts
}

// probe holds every OpenID Connect provider's discovery document against the configuration.
func (p *providers) probe(ctx context.Context, say func(Probed)) {
	var acr []string
	for _, r := range p.config.Routes {
		if r.Require != nil {
			acr = append(acr, r.Require.ACR...)
		}
	}
	slices.Sort(acr)
	for _, provider := range p.discoverable {
		findings, err := provider.Check(ctx, slices.Compact(acr))
		if err != nil {
			findings = append(findings, oidc.Finding{Fatal: true, Text: err.Error()})
		}
		well := true
		for _, f := range findings {
			well = well && !f.Fatal
			say(Probed{Name: "provider", Target: provider.Name(), What: f.Text, Warning: !f.Fatal})
		}
		if well {
			say(Probed{Name: "provider", Target: provider.Name(), OK: true})
		}
	}
}
