package main

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"sessiongate/configs"
	"sessiongate/session"
	"sessiongate/session/oidc"
)

// oidcProvider makes a provider. It has a redirect URI of its own, so that the
// answer of one provider never reaches another's callback.
func (g *assembled) oidcProvider(name string, c *configs.OIDCProvider, w wiring) (session.Provider, error) {
	base := strings.TrimSuffix(g.config.Server.PublicURL, "/") + g.config.Server.AuthPrefix
	o := oidc.Options{
		Name: name, Issuer: c.Issuer,
		ClientID: c.ClientID, Method: oidc.AuthMethod(c.AuthMethod), Secret: session.Secret(c.ClientSecret.Reveal()),
		Key: session.Secret(c.ClientKey.Reveal()), KeyID: c.ClientKeyID, AssertionAudience: c.AssertionAudience,
		RedirectURI: base + "/callback/" + name,
		Scopes:      c.Scopes, Resource: c.Resource, Audience: c.Audience,
		Algorithms: c.IDTokenAlgs, RolesClaim: c.RolesClaim, Userinfo: c.Userinfo,
		Timeout: time.Duration(c.Timeout), Log: g.log, Now: w.now,
	}
	if c.Logout.RPInitiated {
		o.PostLogoutURI = base + "/logout/done"
	}
	for _, p := range c.AuthorizationParams {
		o.Params = append(o.Params, [2]string{p.Name, p.Value})
	}
	var err error
	if o.TLS, err = clientTLS(c.TLS); err != nil {
		return nil, err
	}
	p, err := oidc.New(o)
	if err != nil {
		return nil, err
	}
	g.discoverable = append(g.discoverable, p)
	return p, nil
}

// probeProviders asks every OpenID Connect provider for its discovery document,
// and counts those whose answer would not do.
func (g *assembled) probeProviders(ctx context.Context, out io.Writer) (failed int) {
	for _, p := range g.discoverable {
		if err := p.Probe(ctx); err != nil {
			failed++
			fmt.Fprintf(out, "FAILED    provider %s: %v\n", p.Name(), err)
			continue
		}
		fmt.Fprintln(out, "ok        provider", p.Name())
	}
	return failed
}
