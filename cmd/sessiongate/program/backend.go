package program

import (
	"fmt"
	"log/slog"
	"time"

	"sessiongate/configs"
	"sessiongate/gateway/telemetry"
	"sessiongate/session"
	"sessiongate/session/manager"
	"sessiongate/session/redisstore"
)

// backend is all that sessions need, and nothing that serves.
type backend struct {
	config    *configs.Config
	log       *slog.Logger
	overrides Overrides
	providers *providers
	store     *redisstore.Store
	manager   *manager.Manager
	closers   []func()
}

// OpenManager makes the session manager of a configuration, for a command that serves
// nothing. After the manager was closed, call release.
func OpenManager(c *configs.Config, log *slog.Logger) (m *manager.Manager, release func(), err error) {
	b, err := openBackend(c, log, Overrides{}, telemetry.NewAudit(log))
	if err != nil {
		return nil, nil, err
	}
	return b.manager, b.close, nil
}

func openBackend(c *configs.Config, log *slog.Logger, o Overrides, recorder session.Recorder) (*backend, error) {
	b := &backend{config: c, log: log, overrides: o}
	if err := b.open(recorder); err != nil {
		b.close()
		return nil, err
	}
	return b, nil
}

func (b *backend) open(recorder session.Recorder) error {
	keys, err := readKeys(&b.config.Keys, b.overrides.Now)
	if err != nil {
		return err
	}
	if keys.ephemeral && !b.overrides.Ephemeral {
		b.log.Warn("no keys are configured: made in memory, and every session ends with this process")
	}
	rules := session.Rules{
		Idle:             time.Duration(b.config.Session.IdleTimeout),
		TokenClientGrace: time.Duration(b.config.ExplicitTokens.Grace),
	}
	if err := b.openStore(keys, rules, recorder); err != nil {
		return err
	}
	b.providers, err = openProviders(b.config, b.log, keys, b.overrides)
	b.onClose(b.providers.close)
	if err != nil {
		return err
	}
	o := manager.Options{
		Store: b.store, Cookies: keys.cookies, Marks: keys.marks, Providers: b.providers.list, Recorder: recorder,
		Attempts: b.store.Attempts(), Links: b.store.Links(),
		Rules:    rules,
		Absolute: time.Duration(b.config.Session.AbsoluteLifetime),
		Grace:    time.Duration(b.config.Session.Grace),
		CacheTTL: time.Duration(b.config.Session.CacheTTL),
		PerUser:  sessionLimit(b.config.Session.PerUser),
		Now:      b.overrides.Now,
	}
	if b.config.ExplicitTokens.Enabled {
		o.TokenClients, o.Revoked = keys.tokenClients, b.store.Links()
		if o.Access, err = accessVerifier(b.config, keys.signing, b.overrides.Now); err != nil {
			return err
		}
	}
	b.manager, err = manager.New(o)
	return err
}

func (b *backend) openStore(keys keyRings, rules session.Rules, recorder session.Recorder) error {
	o := redisstore.Options{
		Rules: rules, Sealer: keys.fields, Logger: b.log, Recorder: recorder, Now: b.overrides.Now, Offset: b.overrides.Offset,
		Timeout: b.overrides.BusyTimeout,
	}
	if r := b.config.Store.Redis; r != nil {
		if err := redisOptions(&o, r, b.log); err != nil {
			return err
		}
	} else {
		e := b.overrides.Embedded
		if e == nil {
			e = redisstore.StartEmbedded()
			b.onClose(e.Close)
		}
		o = e.Options(o)
	}
	store, err := redisstore.New(o)
	if err != nil {
		return fmt.Errorf("store: %w", err)
	}
	b.store = store
	b.onClose(func() { _ = store.Close() })
	return nil
}

func (b *backend) onClose(f func()) { b.closers = append(b.closers, f) }

// close undoes open, last first.
func (b *backend) close() {
	for i := len(b.closers) - 1; i >= 0; i-- {
		b.closers[i]()
	}
	b.closers = nil
}
