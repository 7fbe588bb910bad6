package manager

import (
	"context"
	"errors"
	"fmt"
	"time"

	"sessiongate/session"
	"sessiongate/session/task"
	"sessiongate/session/tracker"
)

// Options are what a [Manager] is made of.
type Options struct {
	Store        session.Store
	Cookies      session.Sealer // seals cookie handles
	TokenClients session.Sealer // seals explicit handles; nil: the explicit flow is off
	Marks        session.Sealer // seals stale marks; nil: none are issued, so no retired handle proves anything
	Providers    []session.Provider
	Recorder     session.Recorder // nil: events are dropped

	// Attempts and Links are for providers with pages of their own; nil: none
	// signs in that way, and none can end sessions on the back channel.
	Attempts session.Attempts
	Links    session.ProviderSessions

	// Access and Revoked are for the explicit flow; nil: no access token is
	// admitted, and none can be revoked before its time.
	Access  session.AccessVerifier
	Revoked session.TokenList

	Rules    session.Rules
	Absolute time.Duration // MarkEnded by age
	Grace    time.Duration // most a retired handle is forgiven; at most a quarter of the token's lifetime

	PerUser session.SessionLimit // sessions of one owner at a time

	CacheTTL   time.Duration // 0: strict, every request asks the store
	CacheBytes uint64        // 0: 64 MiB; a quarter more goes to access tokens of explicit clients

	Now func() time.Time // nil: time.Now
}

// Manager owns the life of every session: it alone creates, resolves, refreshes
// and ends them. It is safe for concurrent use. [Manager.Run] must be running
// for the cache to be used.
type Manager struct {
	store     session.Store
	sealers   session.Sealers
	providers map[string]session.Provider
	order     []string // of the providers, as they were given
	backoff   map[string]*backoff
	slots     map[string]*slots
	refusals  map[string]*refusals
	restarts  map[string]*restart
	clock     storeClock
	reporter  *session.Reporter
	attempts  session.Attempts
	links     session.ProviderSessions
	access    session.AccessVerifier
	revoked   session.TokenList
	rules     session.Rules
	absolute  time.Duration
	grace     time.Duration
	perUser   session.SessionLimit
	cacheTTL  time.Duration
	now       func() time.Time

	cache         *cache
	revalidations *revalidations
	bearers       *bearerCache
	lists         lists
	tracker       *tracker.Tracker
	runner        *task.Runner
	leases        leases
	restores      chan struct{} // takes one: the store may have forgotten

	reads    task.Group[readKey, readPoint]
	statuses task.Group[session.ID, status]
	accesses task.Group[string, *session.Bearer]
	flights  task.Group[string, readPoint]
}

// New checks the options and returns a manager.
func New(o Options) (*Manager, error) {
	switch {
	case o.Store == nil || o.Cookies == nil:
		return nil, errors.New("session: store and cookie sealer are required")
	case o.Rules.Idle <= 0 || o.Absolute <= 0:
		return nil, errors.New("session: idle timeout and absolute lifetime must be positive")
	}
	if o.CacheBytes == 0 {
		o.CacheBytes = 64 << 20
	}
	// A cached hit moves no idle deadline, so it must not hide much of it.
	o.CacheTTL = min(o.CacheTTL, o.Rules.Idle/20)
	c, err := newCache(o.CacheBytes, o.CacheTTL)
	if err != nil {
		return nil, fmt.Errorf("session cache: %w", err)
	}
	k, err := newMemos(o.CacheBytes, o.CacheTTL)
	if err != nil {
		return nil, fmt.Errorf("session memos: %w", err)
	}
	bearers, err := newBearerCache(o.CacheBytes/4, o.CacheTTL)
	if err != nil {
		return nil, fmt.Errorf("bearer cache: %w", err)
	}
	m := &Manager{
		store:         o.Store,
		sealers:       session.Sealers{Browser: o.Cookies, TokenClient: o.TokenClients, Marks: o.Marks},
		providers:     make(map[string]session.Provider, len(o.Providers)),
		backoff:       make(map[string]*backoff, len(o.Providers)),
		slots:         make(map[string]*slots, len(o.Providers)),
		refusals:      make(map[string]*refusals, len(o.Providers)),
		restarts:      make(map[string]*restart, len(o.Providers)),
		attempts:      o.Attempts,
		links:         o.Links,
		access:        o.Access,
		revoked:       o.Revoked,
		rules:         o.Rules,
		absolute:      o.Absolute,
		grace:         o.Grace,
		perUser:       o.PerUser,
		cacheTTL:      o.CacheTTL,
		now:           o.Now,
		cache:         c,
		revalidations: k,
		bearers:       bearers,
	}
	if m.now == nil {
		m.now = time.Now
	}
	m.reporter = session.NewReporter(o.Recorder, m.now)
	m.tracker, m.runner = tracker.New(m.now), task.NewRunner()
	for _, p := range o.Providers {
		if m.providers[p.Name()] != nil {
			return nil, fmt.Errorf("session: provider %q is named twice", p.Name())
		}
		m.providers[p.Name()] = p
		m.order = append(m.order, p.Name())
		m.backoff[p.Name()] = &backoff{}
		m.slots[p.Name()] = &slots{}
		m.refusals[p.Name()] = &refusals{}
		m.restarts[p.Name()] = &restart{}
	}
	m.restores = make(chan struct{}, 1)
	return m, nil
}

// Run follows the store's feed until ctx ends. Without it every request asks
// the store.
func (m *Manager) Run(ctx context.Context) error {
	sweeping, stop := context.WithCancel(ctx)
	defer stop()
	go m.sweep(sweeping)
	go m.restore(sweeping)
	err := m.store.Follow(ctx, m.observe)
	m.tracker.Disconnect()
	return err
}

// confirmTimeout bounds the wait for replicas at a stop.
const confirmTimeout = 3 * time.Second

// Close waits for background work (revocations, refreshes under way) until ctx
// ends, then cuts it off. Then it waits until the store's replicas have what was
// written here.
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

// observe applies one message of the feed.
func (m *Manager) observe(c session.Change) {
	m.tracker.Observe(c)
	switch c.Kind {
	case session.ChangeFeedUp, session.ChangeStore:
		signal(m.restores)
	case session.ChangeProviderUp:
		m.heardUp(c)
	}
}

// signal leaves a mark that is still there when its reader comes.
func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// expire takes in that a session turned out to be over. One whose time had
// run out unnoticed is ended here, with all that follows an end.
func (m *Manager) expire(ctx context.Context, id session.ID, why session.Reason, c session.Client) *session.EndedError {
	if why == "" {
		return &session.EndedError{ID: id}
	}
	if why.Expiry() {
		// A fault leaves the end to whoever looks next.
		_, _ = m.End(ctx, id, why, c)
	}
	return m.tracker.MarkEnded(id, why)
}
