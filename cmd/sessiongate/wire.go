package main

import (
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"time"

	"sessiongate/configs"
	"sessiongate/gateway"
	"sessiongate/gateway/limits"
	"sessiongate/gateway/streams"
	"sessiongate/gateway/telemetry"
	"sessiongate/session"
	"sessiongate/session/local"
	"sessiongate/session/manager"
	"sessiongate/session/oidc"
	"sessiongate/session/redisstore"
	"sessiongate/session/seal"
	"sessiongate/session/token"
	"sessiongate/session/users"
)

// assembled is everything a running gateway consists of.
type assembled struct {
	config         *configs.Config
	log            *slog.Logger
	store          *redisstore.Store
	manager        *manager.Manager
	server         *gateway.Server // of the first configuration
	front          *front          // serves with the newest configuration
	live           *streams.Registry
	options        gateway.Options // what a reload does not change
	admin          http.Handler
	health         *gateway.Health
	closers        []func()
	databases      []*users.Database
	userFiles      []*users.File
	tokenEndpoints []*url.URL        // of token APIs: hidden from every route
	labels         map[string]string // of providers, for the login page
	discoverable   []*oidc.Provider  // for check
	demo           string            // the provider that has the demo's users, which the login page shows; empty: none

	descriptors   descriptors  // that this process may have
	file          string       // the configuration file, watched for changes; empty: none
	public        net.Listener // opened by run if nil
	adminListener net.Listener
	probeListener net.Listener     // for health alone
	certificate   *tls.Certificate // of the demo; the configuration names files
}

// wiring is what the demo and tests add to a configuration.
type wiring struct {
	embedded *redisstore.Embedded // shared by several gateways; nil: one of its own
	now      func() time.Time
	offset   func() time.Duration
	passing  bool // nothing is meant to outlive this process, so nothing warns of it
}

// wire makes every object once, in reading order: keys, store, providers,
// manager, routes, server. Everything it opens is closed by close.
func wire(c *configs.Config, log *slog.Logger, w wiring) (*assembled, error) {
	g := &assembled{config: c, log: log, health: &gateway.Health{}, descriptors: openDescriptors()}
	err := g.assemble(w)
	if err != nil {
		g.close()
		return nil, err
	}
	return g, nil
}

func (g *assembled) assemble(w wiring) error {
	audit := telemetry.NewAudit(g.log)
	published, err := g.openManager(w, audit)
	if err != nil {
		return err
	}
	metrics := telemetry.NewMetrics(g.manager.StoreUp)
	metrics.Build(thisBuild().labels())
	audit.Count(metrics)
	g.admin = gateway.NewAdmin(g.health, metrics, gateway.AdminOptions{
		Hosts: g.config.Server.AdminHosts, PProf: g.config.Server.PProf,
	})
	g.live = streams.New(g.manager)
	g.options = gateway.Options{
		Manager: g.manager, Metrics: metrics, Log: g.log, Now: w.now, Live: g.live,
		Capacity: limits.NewCapacity(g.descriptors.requests(g.config.Server.Limits.Requests)),
		KeySet:   published.keySet, Metadata: published.metadata, ProviderLabels: g.labels,
	}
	g.limit(&g.options, audit)
	if g.demo != "" {
		g.options.DemoUsers, g.options.DemoProvider = demoUsers(), g.demo
	}
	first, err := g.generation(g.config)
	if err != nil {
		return err
	}
	g.server, g.front = first.server, newFront(first)
	g.onClose(g.front.close)
	return nil
}

// openManager makes all that sessions need, and nothing that serves.
func (g *assembled) openManager(w wiring, audit *telemetry.Audit) (p published, err error) {
	keys, err := readKeys(&g.config.Keys, w.now)
	if err != nil {
		return p, err
	}
	if keys.made && !w.passing {
		g.log.Warn("no keys are configured: made in memory, and every session ends with this process")
	}
	rules := session.Rules{
		Idle:             time.Duration(g.config.Session.IdleTimeout),
		TokenClientGrace: time.Duration(g.config.ExplicitTokens.Grace),
	}
	if err := g.openStore(keys, rules, w, audit); err != nil {
		return p, err
	}
	providers, p, err := g.providers(keys, w)
	if err != nil {
		return p, err
	}
	o := manager.Options{
		Store: g.store, Cookies: keys.cookies, Marks: keys.marks, Providers: providers, Recorder: audit,
		Attempts: g.store.Attempts(), Links: g.store.Links(),
		Rules:    rules,
		Absolute: time.Duration(g.config.Session.AbsoluteLifetime),
		Grace:    time.Duration(g.config.Session.Grace),
		CacheTTL: time.Duration(g.config.Session.CacheTTL),
		PerUser:  sessionCap(g.config.Session.PerUser),
		Now:      w.now,
	}
	if err := g.explicitFlow(&o, keys, w.now); err != nil {
		return p, err
	}
	g.manager, err = manager.New(o)
	return p, err
}

func (g *assembled) onClose(f func()) { g.closers = append(g.closers, f) }

// close undoes assemble, last first.
func (g *assembled) close() {
	for i := len(g.closers) - 1; i >= 0; i-- {
		g.closers[i]()
	}
	g.closers = nil
}

// keyRings are the parsed keys.
type keyRings struct {
	cookies  *seal.Handles
	explicit *seal.Handles // from the same ring, under another label
	marks    *seal.Handles // likewise
	fields   *seal.Fields
	signing  *token.Ring // nil: no local provider signs
	made     bool        // in memory, because none were given
}

func readKeys(k *configs.Keys, now func() time.Time) (r keyRings, err error) {
	cookie, made1, err := sealKeys(k.Cookie)
	if err != nil {
		return r, fmt.Errorf("keys.cookie: %w", err)
	}
	sealing, made2, err := sealKeys(k.Seal)
	if err != nil {
		return r, fmt.Errorf("keys.seal: %w", err)
	}
	r.made = made1 || made2
	if r.cookies, err = seal.NewHandles("cookie", cookie, now); err != nil {
		return r, fmt.Errorf("keys.cookie: %w", err)
	}
	if r.explicit, err = seal.NewHandles("explicit", cookie, now); err != nil {
		return r, fmt.Errorf("keys.cookie: %w", err)
	}
	if r.marks, err = seal.NewHandles("stale", cookie, now); err != nil {
		return r, fmt.Errorf("keys.cookie: %w", err)
	}
	if r.fields, err = seal.NewFields(sealing, now); err != nil {
		return r, fmt.Errorf("keys.seal: %w", err)
	}
	signing, err := signingKeys(k.Signing)
	if err != nil {
		return r, fmt.Errorf("keys.signing: %w", err)
	}
	if r.signing, err = token.NewRing(signing, now); err != nil {
		return r, fmt.Errorf("keys.signing: %w", err)
	}
	return r, nil
}

func sealKeys(list []configs.Key) (keys []seal.Key, made bool, err error) {
	for _, k := range list {
		secret, err := seal.ParseKey([]byte(k.Material.Reveal()))
		if err != nil {
			return nil, false, fmt.Errorf("%s: %w", k.ID, err)
		}
		keys = append(keys, seal.Key{ID: k.ID, Secret: secret, From: time.Time(k.From)})
	}
	if len(keys) > 0 {
		return keys, false, nil
	}
	secret, err := seal.ParseKey([]byte(seal.GenerateKey()))
	return []seal.Key{{ID: "memory", Secret: secret}}, true, err
}

func signingKeys(list []configs.SigningKey) ([]token.SigningKey, error) {
	var keys []token.SigningKey
	for _, k := range list {
		parse := token.ParseSigningKey
		if k.Alg == token.HS256 {
			parse = token.HMACKey
		}
		key, err := parse(k.ID, []byte(k.Material.Reveal()))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", k.ID, err)
		}
		if k.Alg == token.Ed25519 {
			key = key.Fully()
		}
		key.From = time.Time(k.From)
		keys = append(keys, key)
	}
	if len(keys) > 0 {
		return keys, nil
	}
	pem, err := token.GenerateSigningKey(token.EdDSA)
	if err != nil {
		return nil, err
	}
	key, err := token.ParseSigningKey("memory", pem)
	return []token.SigningKey{key}, err
}

func (g *assembled) openStore(keys keyRings, rules session.Rules, w wiring, audit *telemetry.Audit) error {
	o := redisstore.Options{Rules: rules, Sealer: keys.fields, Logger: g.log, Recorder: audit, Now: w.now, Offset: w.offset}
	if r := g.config.Store.Redis; r != nil {
		if err := redisOptions(&o, r, g.log); err != nil {
			return err
		}
	} else {
		e := w.embedded
		if e == nil {
			e = redisstore.StartEmbedded()
			g.onClose(e.Close)
		}
		o = e.Options(o)
	}
	store, err := redisstore.New(o)
	if err != nil {
		return fmt.Errorf("store: %w", err)
	}
	g.store = store
	g.onClose(func() { _ = store.Close() })
	return nil
}

// published are the documents by which APIs verify the local providers' tokens.
type published struct{ keySet, metadata []byte }

func (g *assembled) providers(keys keyRings, w wiring) (list []session.Provider, p published, err error) {
	hasher := users.NewHasher(users.HasherOptions{})
	for i := range g.config.Providers {
		c := &g.config.Providers[i]
		g.label(c)
		if c.TokenAPI != nil {
			provider, err := g.tokenAPIProvider(c.Name, c.TokenAPI, w)
			if err != nil {
				return nil, p, fmt.Errorf("providers[%d] %s: %w", i, c.Name, err)
			}
			list = append(list, provider)
			continue
		}
		if c.OIDC != nil {
			provider, err := g.oidcProvider(c.Name, c.OIDC, w)
			if err != nil {
				return nil, p, fmt.Errorf("providers[%d] %s: %w", i, c.Name, err)
			}
			list = append(list, provider)
			continue
		}
		if c.Local == nil {
			continue
		}
		provider, err := g.localProvider(c, keys, hasher, w)
		if err != nil {
			return nil, p, fmt.Errorf("providers[%d] %s: %w", i, c.Name, err)
		}
		list = append(list, provider)
		if p.metadata == nil {
			p, err = publish(keys.signing, c.Local.Issuer)
			if err != nil {
				return nil, p, err
			}
		}
	}
	return list, p, nil
}

// label notes what the login page calls a provider.
func (g *assembled) label(c *configs.Provider) {
	if g.labels == nil {
		g.labels = make(map[string]string)
	}
	g.labels[c.Name] = c.Label
}

func (g *assembled) localProvider(c *configs.Provider, keys keyRings, hasher *users.Hasher, w wiring) (session.Provider, error) {
	source, err := g.users(c.Name, c.Local, hasher, w)
	if err != nil {
		return nil, err
	}
	minter, err := token.NewMinter(c.Local.Issuer, keys.signing)
	if err != nil {
		return nil, err
	}
	return local.New(local.Options{
		Name: c.Name, Users: source, Minter: minter, Audience: []string{c.Local.Audience},
		Lifetime: time.Duration(c.Local.AccessLifetime), ClientID: cookieClient, ExplicitClientID: explicitClient,
	})
}

// publish makes the local providers' documents (RFC 7517 §5, RFC 8414 §2). With
// HS256 there is no public key, and so no key set.
func publish(ring *token.Ring, issuer string) (p published, err error) {
	metadata := map[string]any{
		"issuer": issuer, "response_types_supported": []string{}, "grant_types_supported": []string{},
		"token_endpoint_auth_methods_supported": []string{"none"},
	}
	if set, ok := ring.JWKS(); ok {
		p.keySet = set
		metadata["jwks_uri"] = issuer + "/.well-known/jwks.json"
	}
	p.metadata, err = json.Marshal(metadata)
	return p, err
}

// serverOptions adds to o what the configuration says about the public listener.
func serverOptions(o gateway.Options, c *configs.Config) (_ gateway.Options, err error) {
	if o.PublicURL, err = url.Parse(c.Server.PublicURL); err != nil {
		return o, errors.New("server.public_url is not a URL")
	}
	o.AuthPrefix, o.LoginPage = c.Server.AuthPrefix, c.Session.LoginPage
	o.AfterLogout, o.PromptAfterLogout = c.Session.AfterLogout, promptsAfterLogout(c)
	o.Explicit = c.ExplicitTokens.Enabled
	o.HSTS, o.BodyTimeout = time.Duration(c.Server.HSTS), time.Duration(c.Server.Limits.BodyTimeout)
	o.BodyRate = int64(c.Server.Limits.BodyRate)
	o.AllowedOrigins, o.ForwardedHeader = c.CrossOrigin.AllowedOrigins, c.Server.ForwardedHeader
	o.ClearSiteData = c.Session.ClearSiteData == "logout"
	o.SameSite = http.SameSiteStrictMode
	if c.Session.SameSite == "lax" {
		o.SameSite = http.SameSiteLaxMode
	}
	if o.TrustedProxies, err = trustedProxies(c); err != nil {
		return o, err
	}
	switch c.Log.Access {
	case "sampled":
		o.Access = telemetry.AccessSampled
	case "all":
		o.Access = telemetry.AccessAll
	}
	return o, nil
}

// trustedProxies reads addresses and networks.
func trustedProxies(c *configs.Config) (list []netip.Prefix, err error) {
	for _, text := range c.Server.TrustedProxies {
		network, err := netip.ParsePrefix(text)
		if err != nil {
			addr, err := netip.ParseAddr(text)
			if err != nil {
				return nil, errors.New("server.trusted_proxies holds neither an address nor a network")
			}
			network = netip.PrefixFrom(addr, addr.BitLen())
		}
		list = append(list, network)
	}
	return list, nil
}
