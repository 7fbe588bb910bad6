package program

import (
	"bytes"
	"context"
	"crypto/sha256"
	"log/slog"
	"os"
	"os/signal"
	"reflect"
	"strings"
	"syscall"
	"time"

	"sessiongate/configs"
)

// pollInterval is how long a change of the configuration file may go unnoticed.
// Polling works on every kind of mount; notifications do not.
const pollInterval = 2 * time.Second

// watch reloads the configuration on SIGHUP and when the file's content changes.
// SIGHUP also reads the users files, and believes what they say.
func (p *Program) watch(ctx context.Context) {
	hup := make(chan os.Signal, 1)
	signal.Notify(hup, syscall.SIGHUP)
	defer signal.Stop(hup)
	tick := time.NewTicker(pollInterval)
	defer tick.Stop()
	known := contentHash(p.overrides.File)
	for {
		select {
		case <-ctx.Done():
			return
		case <-hup:
			p.backend.providers.reread()
		case <-tick.C:
			if now := contentHash(p.overrides.File); now == nil || bytes.Equal(now, known) {
				continue
			}
		}
		known = contentHash(p.overrides.File)
		p.Reload(p.overrides.File)
	}
}

// contentHash is the hash of a file's content; nil while it cannot be read, as
// in the moment of its replacement.
func contentHash(file string) []byte {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil
	}
	sum := sha256.Sum256(data)
	return sum[:]
}

// Reload puts the file's content to work. If anything is wrong with it, nothing
// changes, and the log says what.
func (p *Program) Reload(file string) {
	loaded, err := configs.Load(file, os.LookupEnv)
	if err != nil {
		p.log.Error("reload refused: the running configuration stays", slog.String("error", err.Error()))
		return
	}
	next, err := p.revision(&loaded.Config)
	if err != nil {
		p.log.Error("reload refused: the running configuration stays", slog.String("error", err.Error()))
		return
	}
	p.revisions.replace(next)
	for _, w := range loaded.Warnings {
		p.log.Warn(w.String())
	}
	if later := restartOnly(p.config, &loaded.Config); len(later) > 0 {
		p.log.Warn("changes that need a restart have no effect yet", slog.String("keys", strings.Join(later, " ")))
	}
	p.log.Info("configuration reloaded", slog.Int("routes", len(loaded.Config.Routes)))
}

// restartOnly names the sections that a reload leaves alone and that differ from
// what the process started with: sessions depend on them.
func restartOnly(running, next *configs.Config) (names []string) {
	for _, s := range []struct {
		name string
		a, b any
	}{
		{"server.listen", running.Server.Listen, next.Server.Listen},
		{"server.admin", running.Server.Admin, next.Server.Admin},
		{"server.admin_hosts", running.Server.AdminHosts, next.Server.AdminHosts},
		{"server.pprof", running.Server.PProf, next.Server.PProf},
		{"server.health", running.Server.Health, next.Server.Health},
		{"server.public_url", running.Server.PublicURL, next.Server.PublicURL},
		{"server.auth_prefix", running.Server.AuthPrefix, next.Server.AuthPrefix},
		{"server.http1", running.Server.HTTP1, next.Server.HTTP1},
		{"server.tls", running.Server.TLS, next.Server.TLS},
		{"server.limits", running.Server.Limits, next.Server.Limits},
		{"server.shutdown_delay", running.Server.ShutdownDelay, next.Server.ShutdownDelay},
		{"server.drain_timeout", running.Server.DrainTimeout, next.Server.DrainTimeout},
		{"log", running.Log, next.Log},
		{"store", withoutRotated(running.Store), withoutRotated(next.Store)},
		{"keys", running.Keys, next.Keys},
		{"session", running.Session, next.Session},
		{"providers", running.Providers, next.Providers},
		{"explicit_tokens", running.ExplicitTokens, next.ExplicitTokens},
		{"rate_limits", running.RateLimits, next.RateLimits},
	} {
		if !reflect.DeepEqual(s.a, s.b) {
			names = append(names, s.name)
		}
	}
	return names
}
