package program

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"time"

	"sessiongate/configs"
	"sessiongate/gateway/app"
	"sessiongate/session"
	"sessiongate/session/local"
	"sessiongate/session/oidc"
	"sessiongate/session/token"
	"sessiongate/session/users"
)

// providers are those of a configuration, with what came up while they were made.
type providers struct {
	config *configs.Config
	log    *slog.Logger
	keys   keyRings
	now    func() time.Time

	list         []session.Provider
	discovery    discovery
	databases    []*users.Database
	userFiles    []*users.File
	apis         tokenAPIs
	discoverable []*oidc.Provider // for check
	demo         string           // the provider that has the demo's users, which the login page shows; empty: none
}

// discovery holds the documents by which APIs verify the local providers' tokens.
type discovery struct{ keySet, metadata []byte }

// healers are those that know how upstreams refuse their tokens.
func (p *providers) healers() map[string]app.Healer {
	healers := make(map[string]app.Healer)
	for _, one := range p.list {
		if h, ok := one.(app.Healer); ok {
			healers[one.Name()] = h
		}
	}
	return healers
}

// openProviders never returns nil: after an error, close what was opened.
func openProviders(c *configs.Config, log *slog.Logger, keys keyRings, o Overrides) (*providers, error) {
	p := &providers{config: c, log: log, keys: keys, now: o.Now}
	hasher := users.NewHasher(users.HasherOptions{MaxWait: o.BusyTimeout})
	for i := range c.Providers {
		one := &c.Providers[i]
		provider, err := p.open(one, hasher)
		if err != nil {
			return p, fmt.Errorf("providers[%d] %s: %w", i, one.Name, err)
		}
		if provider == nil {
			continue
		}
		p.list = append(p.list, provider)
		if one.Local != nil && p.discovery.metadata == nil {
			if p.discovery, err = newDiscovery(keys.signing, one.Local.Issuer); err != nil {
				return p, err
			}
		}
	}
	return p, nil
}

func (p *providers) open(c *configs.Provider, hasher *users.Hasher) (session.Provider, error) {
	switch {
	case c.TokenAPI != nil:
		return p.tokenAPI(c.Name, c.TokenAPI)
	case c.OIDC != nil:
		return p.oidc(c.Name, c.OIDC)
	case c.Local != nil:
		return p.local(c.Name, c.Local, hasher)
	}
	return nil, nil //nolint:nilnil // the configuration knows no other kind
}

// close closes the users databases.
func (p *providers) close() {
	for _, d := range p.databases {
		d.Close()
	}
}

// providerLabels are what the login page calls the providers.
func providerLabels(c *configs.Config) map[string]string {
	labels := make(map[string]string)
	for i := range c.Providers {
		labels[c.Providers[i].Name] = c.Providers[i].Label
	}
	return labels
}

func (p *providers) local(name string, c *configs.LocalProvider, hasher *users.Hasher) (session.Provider, error) {
	source, err := p.users(name, c, hasher)
	if err != nil {
		return nil, err
	}
	minter, err := token.NewMinter(c.Issuer, p.keys.signing)
	if err != nil {
		return nil, err
	}
	return local.New(local.Options{
		Name: name, Users: source, Minter: minter, Audience: []string{c.Audience},
		Lifetime: time.Duration(c.AccessLifetime), ClientID: browserClientID, TokenClientID: tokenClientID,
		KeepOnPasswordChange: c.PasswordChange == "keep",
	})
}

// newDiscovery makes the local providers' documents (RFC 7517 §5, RFC 8414 §2). With
// HS256 there is no public key, and so no key set.
func newDiscovery(ring *token.Ring, issuer string) (d discovery, err error) {
	metadata := map[string]any{
		"issuer": issuer, "response_types_supported": []string{}, "grant_types_supported": []string{},
		"token_endpoint_auth_methods_supported": []string{"none"},
	}
	if set, ok := ring.JWKS(); ok {
		d.keySet = set
		metadata["jwks_uri"] = issuer + "/.well-known/jwks.json"
	}
	d.metadata, err = json.Marshal(metadata)
	return d, err
}

// reread takes the users files as they are, whatever they lost: somebody asked for it.
func (p *providers) reread() {
	for _, f := range p.userFiles {
		if err := f.Reload(); err != nil {
			p.log.Warn("users", slog.String("error", err.Error()))
			continue
		}
		p.log.Info("users file read", slog.Int("users", len(f.List())))
	}
}

// askDatabases says at the start what else the first sign-in would.
func (p *providers) askDatabases(ctx context.Context) {
	for _, d := range p.databases {
		if err := d.Probe(ctx); err != nil {
			p.log.Warn("users", slog.String("error", err.Error()))
		}
	}
}
