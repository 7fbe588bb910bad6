package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/spf13/cobra"

	"sessiongate/configs"
	"sessiongate/gateway"
	http1server "sessiongate/gateway/http1/server"
	"sessiongate/session/redisstore"
)

func serveCommand() *cobra.Command {
	var file string
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Run the gateway",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			loaded, err := configs.Load(file, os.LookupEnv)
			if err != nil {
				return err
			}
			log := newLogger(cmd.ErrOrStderr(), loaded.Config.Log)
			thisBuild().logTo(log)
			for _, w := range loaded.Warnings {
				log.Warn(w.String())
			}
			redisstore.LogTo(log)
			g, err := wire(&loaded.Config, log, wiring{})
			if err != nil {
				return err
			}
			g.file = file
			tuneMemory(os.LookupEnv)
			return g.run(cmd.Context())
		},
	}
	cmd.Flags().StringVar(&file, "config", "", "configuration file (YAML)")
	_ = cmd.MarkFlagRequired("config") // fails only for a flag that does not exist
	return cmd
}

const (
	// headerTimeout bounds how slowly a client may send its request header.
	headerTimeout = 10 * time.Second
	// idleTimeout is how long an unused connection is kept.
	idleTimeout = 2 * time.Minute
	// settleTimeout bounds the background work after the last request: refreshes
	// whose browsers left, revocations at a provider.
	settleTimeout = 10 * time.Second
	// readinessLead is how long /readyz says no before the listener closes, so
	// that a balancer that asks every second has stopped sending.
	readinessLead = time.Second
)

// listen opens the listeners.
func (g *assembled) listen(ctx context.Context) error {
	var lc net.ListenConfig
	var opened []net.Listener
	for _, l := range []struct {
		key     string
		address configs.Address
		to      *net.Listener
	}{
		{"server.listen", g.config.Server.Listen, &g.public},
		{"server.admin", g.config.Server.Admin, &g.adminListener},
		{"server.health", g.config.Server.Health, &g.probeListener},
	} {
		if l.address == "" || *l.to != nil {
			continue
		}
		var err error
		if *l.to, err = lc.Listen(ctx, "tcp", string(l.address)); err != nil {
			err = fmt.Errorf("%s: %w", l.key, err)
			for _, o := range opened {
				err = errors.Join(err, o.Close())
			}
			return err
		}
		opened = append(opened, *l.to)
	}
	return nil
}

// run serves until ctx ends, then drains: readiness turns false first, requests
// in flight finish, background work settles.
func (g *assembled) run(ctx context.Context) error {
	defer g.close()
	if g.public == nil {
		if err := g.listen(ctx); err != nil {
			return err
		}
	}
	background, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	go func() { _ = g.manager.Run(background) }()
	go g.contact(background)

	failed := make(chan error, 3)
	go g.live.Run(background)
	g.front.start(background)
	if g.file != "" {
		go g.watch(background)
	}
	server := g.newServer(g.front)
	server.RegisterOnShutdown(g.front.drain)
	server.RegisterOnShutdown(g.live.Drain)
	server.MaxHeaderBytes = int(g.config.Server.Limits.Header)
	server.ReadHeaderTimeout = time.Duration(g.config.Server.Limits.HeaderTimeout)
	server.Protocols = new(http.Protocols)
	server.Protocols.SetHTTP1(true)
	server.Protocols.SetHTTP2(true)
	server.Protocols.SetUnencryptedHTTP2(true)
	trusted, err := trustedProxies(g.config)
	if err != nil {
		return err
	}
	g.public = http1server.Limit(g.public, g.config.Server.Limits.ConnectionsPerAddress, trusted)
	public := g.newPublicServer(server)
	go func() { failed <- g.servePublic(public, server) }()
	inner := g.serveInner(failed)
	g.log.Info("sessiongate serves", slog.String("public_url", g.config.Server.PublicURL),
		slog.String("listen", g.public.Addr().String()), slog.String("http1", g.config.Server.HTTP1))
	select {
	case err := <-failed:
		return fmt.Errorf("serve: %w", err)
	case <-ctx.Done():
	}
	return g.drain(public, inner)
}

// serveInner serves those who run the gateway: the admin and the health listener.
func (g *assembled) serveInner(failed chan<- error) (servers []*http.Server) {
	for _, inner := range []struct {
		listener net.Listener
		handler  http.Handler
	}{{g.adminListener, g.admin}, {g.probeListener, gateway.NewProbes(g.health)}} {
		if inner.listener != nil {
			s := g.newServer(inner.handler)
			servers = append(servers, s)
			go func() { failed <- s.Serve(inner.listener) }()
		}
	}
	return servers
}

// announce makes the gateway unready and goes on serving until those in front can have
// noticed.
func (g *assembled) announce() {
	delay := time.Duration(g.config.Server.ShutdownDelay)
	g.health.Drain()
	if delay == 0 && (g.adminListener != nil || g.probeListener != nil) {
		delay = readinessLead
	}
	g.log.Info("not ready, and still serving", slog.String("delay", delay.String()))
	last := min(delay, readinessLead)
	time.Sleep(delay - last)
	g.front.leaving.Store(true)
	time.Sleep(last)
}

func (g *assembled) drain(server publicServer, inner []*http.Server) error {
	g.announce()
	g.log.Info("draining", slog.String("timeout", time.Duration(g.config.Server.DrainTimeout).String()))
	ctx, cancel := context.WithTimeout(context.Background(), time.Duration(g.config.Server.DrainTimeout))
	defer cancel()
	err := server.Shutdown(ctx)
	g.live.Drain() // again: what came while Shutdown was beginning
	g.live.Wait(ctx)
	if errors.Is(err, context.DeadlineExceeded) {
		g.log.Warn("requests were still running when drain_timeout ended; they were cut")
		err = server.Close()
	}
	// Its own time: what a provider gave in the last moment must still be stored.
	settle, stop := context.WithTimeout(context.Background(), settleTimeout)
	defer stop()
	g.manager.Close(settle)
	for _, s := range inner {
		_ = s.Close()
	}
	return err
}

func (g *assembled) newServer(h http.Handler) *http.Server {
	return &http.Server{
		Handler:           h,
		ReadHeaderTimeout: headerTimeout,
		IdleTimeout:       idleTimeout,
		ErrorLog:          slog.NewLogLogger(g.log.Handler(), slog.LevelDebug), // what clients do wrong
	}
}

func (g *assembled) servePublic(public publicServer, server *http.Server) error {
	t := g.config.Server.TLS
	if g.certificate != nil {
		server.TLSConfig = &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{*g.certificate}}
		return public.ServeTLS(g.public)
	}
	if t != nil {
		files := newCertificate(t.CertFile.String(), t.KeyFile.String(), g.log)
		if err := files.load(); err != nil {
			return err
		}
		server.TLSConfig = &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: files.get}
		return public.ServeTLS(g.public)
	}
	return public.Serve(g.public)
}

// contact asks the store until it answers once; then the gateway is ready.
func (g *assembled) contact(ctx context.Context) {
	go g.askDatabases(ctx)
	failed := false
	for pause := 100 * time.Millisecond; ; pause = min(2*pause, 5*time.Second) {
		found, err := g.store.Probe(ctx)
		if err == nil {
			for _, w := range found.Warnings {
				g.log.Warn(w)
			}
			g.health.Contacted()
			if failed {
				g.log.Info("the store answers: ready")
			}
			return
		}
		failed = true
		g.log.Warn("the store does not answer yet", slog.String("error", err.Error()))
		select {
		case <-ctx.Done():
			return
		case <-time.After(pause):
		}
	}
}
