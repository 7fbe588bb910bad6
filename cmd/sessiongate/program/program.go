package program

import (
	"crypto/tls"
	"log/slog"
	"net"
	"net/http"
	"time"

	"sessiongate/configs"
	"sessiongate/gateway"
	"sessiongate/gateway/limits"
	"sessiongate/gateway/streams"
	"sessiongate/gateway/telemetry"
	"sessiongate/session/manager"
	"sessiongate/session/redisstore"
)

// Overrides are what a command or a test adds to a configuration. The zero value adds
// nothing.
type Overrides struct {
	File        string           // the configuration's, watched for changes; empty: none
	Build       Build            // for the metrics
	Public      net.Listener     // in the place of server.listen; nil: opened by Run
	Certificate *tls.Certificate // in the place of the files of server.tls
	Ephemeral   bool             // nothing is meant to outlive this process, so nothing warns of it

	Embedded *redisstore.Embedded // shared by several programs; nil: one of its own
	Now      func() time.Time     // nil: [time.Now]
	Offset   func() time.Duration // of the store's clock; nil: none

	// Around goes around the gateway: what it adds is no part of the product. nil: nothing.
	Around func(http.Handler) http.Handler

	// BusyTimeout bounds an operation of the store, and how long a sign-in waits for its turn to
	// check a password: for tests, which a busy machine must not fail. 0: the defaults of both.
	BusyTimeout time.Duration
}

// Build says what a program was made from.
type Build struct{ Version, Commit, Go string }

// Program is a gateway with all that it consists of. Its methods are safe for concurrent
// use, but for Run and Close, which are called once.
type Program struct {
	config      *configs.Config
	log         *slog.Logger
	overrides   Overrides
	backend     *backend
	options     gateway.Options // what a reload does not change
	streams     *streams.Registry
	revisions   *Revisions
	health      *gateway.Health
	admin       http.Handler
	descriptors descriptors // that this process may have
	listeners   listeners
}

// Open makes the program that a checked configuration describes. It connects to nothing:
// what cannot be reached yet is waited for by [Program.Run]. After an error there is
// nothing to close.
func Open(c *configs.Config, log *slog.Logger, o Overrides) (*Program, error) {
	p := &Program{config: c, log: log, overrides: o, health: &gateway.Health{}, descriptors: openDescriptors()}
	p.listeners.public = o.Public
	if err := p.open(); err != nil {
		p.Close()
		return nil, err
	}
	return p, nil
}

func (p *Program) open() (err error) {
	audit := telemetry.NewAudit(p.log)
	if p.backend, err = openBackend(p.config, p.log, p.overrides, audit); err != nil {
		return err
	}
	metrics := telemetry.NewMetrics(p.backend.manager.StoreUp)
	metrics.Build(p.overrides.Build.Version, p.overrides.Build.Commit, p.overrides.Build.Go)
	metrics.StoreShortWaits(func() uint64 { return p.backend.store.Stats().ShortWaits })
	audit.Count(metrics)
	p.admin = gateway.NewAdmin(p.health, metrics, gateway.AdminOptions{
		Hosts: p.config.Server.AdminHosts, PProf: p.config.Server.PProf,
	})
	p.streams = streams.New(p.backend.manager)
	made := p.backend.providers
	p.options = gateway.Options{
		Services: services(p.backend.manager), Metrics: metrics, Log: p.log, Now: p.overrides.Now, Streams: p.streams,
		Capacity: limits.NewCapacity(p.descriptors.requests(p.config.Server.Limits.Requests)),
		KeySet:   made.discovery.keySet, Metadata: made.discovery.metadata, ProviderLabels: providerLabels(p.config),
		Limiter: p.backend.store, Limits: rateLimits(&p.config.RateLimits), Recorder: audit, Healers: made.healers(),
		CaptureAPIs: made.apis.captureAPIs(),
	}
	if made.demo != "" {
		p.options.DemoUsers, p.options.DemoProvider = DemoUsers(), made.demo
	}
	first, err := p.revision(p.config)
	if err != nil {
		return err
	}
	p.revisions = newRevisions(first)
	return nil
}

// Close undoes Open, last first. After [Program.Run] there is nothing left to close.
func (p *Program) Close() {
	if p.revisions != nil {
		p.revisions.close()
	}
	if p.backend != nil {
		p.backend.close()
	}
}

// Manager is the session manager.
func (p *Program) Manager() *manager.Manager { return p.backend.manager }

// Store is where sessions are kept.
func (p *Program) Store() *redisstore.Store { return p.backend.store }

// Admin is what the admin listener serves.
func (p *Program) Admin() http.Handler { return p.admin }

// Revisions is what the public listener serves.
func (p *Program) Revisions() *Revisions { return p.revisions }

// Streams are the responses under way.
func (p *Program) Streams() *streams.Registry { return p.streams }

// revision makes the serving part of a configuration: what a reload replaces. Whatever
// sessions depend on stays as the process started.
func (p *Program) revision(c *configs.Config) (*revision, error) {
	n := &revision{config: c}
	fixed := *c
	fixed.Session, fixed.ExplicitTokens, fixed.Log = p.config.Session, p.config.ExplicitTokens, p.config.Log
	fixed.Server.PublicURL, fixed.Server.AuthPrefix = p.config.Server.PublicURL, p.config.Server.AuthPrefix
	options, err := serverOptions(p.options, &fixed)
	if err == nil {
		maker := routeMaker{
			started: p.config, apis: &p.backend.providers.apis, // the providers stay as the process started
			servers: newServers(p.config.Providers, c.Routes, net.DefaultResolver.LookupNetIP),
		}
		options.Routes, err = maker.routes(n, c)
	}
	if err == nil {
		n.server, err = gateway.NewServer(options)
	}
	if err != nil {
		n.close()
		return nil, err
	}
	return n, nil
}

// services hands the manager's services to the gateway.
func services(m *manager.Manager) gateway.Services {
	return gateway.Services{
		Resolver: m.Resolver, SignIn: m.SignIn, Redirects: m.Redirects, Terminator: m.Terminator, Watcher: m.Watcher, TokenClients: m.TokenClients,
		Captures: m.Captures(),
	}
}
