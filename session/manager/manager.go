package manager

import (
	"context"
	"errors"
	"fmt"
	"time"

	"sessiongate/session"
	"sessiongate/session/recovery"
	"sessiongate/session/refresh"
	"sessiongate/session/resolve"
	"sessiongate/session/signin"
	"sessiongate/session/task"
	"sessiongate/session/termination"
	"sessiongate/session/tokenclient"
	"sessiongate/session/tracker"
	"sessiongate/session/watch"
)

// Options are what a [Manager] is made of.
type Options struct {
	Store        session.Store
	Cookies      session.Sealer // seals cookies
	TokenClients session.Sealer // seals refresh tokens of token clients; nil: there are none
	Marks        session.Sealer // seals stale marks; nil: no retired handle proves anything
	Providers    []session.Provider
	Recorder     session.Recorder // nil: events are dropped

	// Attempts and Links are for providers with pages of their own; nil: none
	// signs in that way, and none can end sessions on the back channel.
	Attempts session.Attempts
	Links    session.ProviderSessions

	// Access and Revoked are for token clients; nil: no access token is
	// admitted, and none can be revoked before its time.
	Access  session.AccessVerifier
	Revoked session.TokenList

	Rules    session.Rules
	Absolute time.Duration // how long a session lives at most
	// Grace is how long a retired handle is forgiven, at most: a quarter of the token's
	// lifetime if that is less.
	Grace time.Duration

	PerUser session.UserLimit // sessions of one owner at a time

	CacheTTL   time.Duration // 0: strict, every request asks the store
	CacheBytes uint64        // 0: 64 MiB; a quarter more goes to access tokens of token clients

	Now func() time.Time // nil: time.Now
}

// The names of services whose packages call them Service.
type (
	// SignIn begins sessions.
	SignIn = signin.Service
	// TokenClients serves clients that are not browsers.
	TokenClients = tokenclient.Service
)

// Manager owns the life of every session: its services alone create, resolve, refresh and
// end them. It is safe for concurrent use. [Manager.Run] must be running for the caches
// to be used.
type Manager struct {
	*resolve.Resolver
	*SignIn
	*signin.Redirects
	*termination.Terminator
	*watch.Watcher
	*TokenClients

	store     session.Store
	recovery  *recovery.Service
	refresher *refresh.Refresher
	tracker   *tracker.Tracker
	reporter  *session.Reporter
	runner    *task.Runner
}

const defaultCacheBytes = 64 << 20

// New checks the options and returns a manager.
func New(o Options) (*Manager, error) {
	switch {
	case o.Store == nil || o.Cookies == nil:
		return nil, errors.New("session: store and cookie sealer are required")
	case o.Rules.Idle <= 0 || o.Absolute <= 0:
		return nil, errors.New("session: idle timeout and absolute lifetime must be positive")
	}
	if o.CacheBytes == 0 {
		o.CacheBytes = defaultCacheBytes
	}
	// A cached hit moves no idle deadline, so it must not hide much of it.
	o.CacheTTL = min(o.CacheTTL, o.Rules.Idle/20)
	if o.Now == nil {
		o.Now = time.Now
	}
	providers, err := session.NewProviders(o.Providers)
	if err != nil {
		return nil, err
	}
	m := &Manager{store: o.Store, tracker: tracker.New(o.Now), reporter: session.NewReporter(o.Recorder, o.Now), runner: task.NewRunner()}
	sealers := &session.Sealers{Browser: o.Cookies, TokenClient: o.TokenClients, Marks: o.Marks}
	m.recovery = recovery.New(o.Store, m.tracker, m.reporter, o.Now)
	m.Terminator = termination.New(termination.Options{
		Store: o.Store, Reader: m.recovery, Sealers: sealers, Providers: providers, Links: o.Links,
		Tracker: m.tracker, Reporter: m.reporter, Runner: m.runner, Now: o.Now,
	})
	m.refresher = refresh.New(refresh.Options{
		Store: o.Store, Recovery: m.recovery, Terminator: m.Terminator, Tracker: m.tracker, Reporter: m.reporter,
		Runner: m.runner, Providers: providers, Grace: o.Grace, Now: o.Now,
	})
	m.Watcher = watch.New(watch.Options{
		Reader: m.recovery, Toucher: o.Store, Terminator: m.Terminator, Tracker: m.tracker, Reporter: m.reporter,
		Runner: m.runner, Idle: o.Rules.Idle, Now: o.Now,
	})
	m.SignIn = signin.New(signin.Options{
		Store: o.Store, Terminator: m.Terminator, Sealers: sealers, Providers: providers, Tracker: m.tracker, Reporter: m.reporter,
		Lifetimes: session.Lifetimes{Idle: o.Rules.Idle, Absolute: o.Absolute}, Grace: o.Grace, PerUser: o.PerUser, Now: o.Now,
	})
	m.Redirects = signin.NewRedirects(m.SignIn, o.Attempts, o.Links, m.refresher.Worked)
	return m, m.addCaching(o, sealers, providers)
}

// addCaching makes the services that remember what the store said.
func (m *Manager) addCaching(o Options, sealers *session.Sealers, providers *session.Providers) (err error) {
	interner := resolve.NewInterner(providers)
	m.Resolver, err = resolve.New(resolve.Options{
		Store: m.recovery, Refresher: m.refresher, Terminator: m.Terminator, Sealers: sealers, Interner: interner,
		Tracker: m.tracker, Reporter: m.reporter, Forwarder: providers,
		Idle: o.Rules.Idle, CacheTTL: o.CacheTTL, CacheBytes: o.CacheBytes, Now: o.Now,
	})
	if err != nil {
		return fmt.Errorf("session cache: %w", err)
	}
	m.TokenClients, err = tokenclient.New(tokenclient.Options{
		Resolver: m.Resolver, Terminator: m.Terminator, Reader: m.recovery, Sealers: sealers, Verifier: o.Access, Revoked: o.Revoked,
		Interner: interner, Tracker: m.tracker, Reporter: m.reporter,
		Idle: o.Rules.Idle, CacheTTL: o.CacheTTL, CacheBytes: o.CacheBytes / 4, Now: o.Now,
	})
	if err != nil {
		return fmt.Errorf("access token cache: %w", err)
	}
	return nil
}

// Run follows the store's feed until ctx ends. Without it every request asks the store.
func (m *Manager) Run(ctx context.Context) error {
	running, stop := context.WithCancel(ctx)
	defer stop()
	go m.Resolver.Run(running)
	go m.TokenClients.Run(running)
	go m.recovery.Run(running)
	err := m.store.Follow(ctx, func(c session.Change) {
		m.tracker.Observe(c)
		m.recovery.Observe(c)
		m.refresher.Observe(c)
	})
	m.tracker.Disconnect()
	return err
}

// confirmTimeout bounds the wait for replicas at a stop.
const confirmTimeout = 3 * time.Second

// Close waits for background work (revocations, refreshes under way) until ctx ends, then
// cuts it off. Then it waits until the store's replicas have what was written here.
func (m *Manager) Close(ctx context.Context) {
	m.runner.Close(ctx)
	ctx, cancel := context.WithTimeout(ctx, confirmTimeout)
	defer cancel()
	if err := m.store.Confirm(ctx); err != nil {
		_ = m.reporter.StoreFault(err, "")
	}
}

// StoreUp reports whether the store's feed is connected.
func (m *Manager) StoreUp() bool { return m.tracker.Connected() }
