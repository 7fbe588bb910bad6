package program

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"

	"sessiongate/gateway"
	"sessiongate/gateway/limits"
)

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

// Run serves until ctx ends, then drains: readiness turns false first, requests in flight
// finish, background work settles. It closes the program and its listeners.
func (p *Program) Run(ctx context.Context) error {
	defer p.Close()
	// Whoever brings a listener along asks for no other.
	if p.listeners.public == nil {
		if err := p.listeners.open(ctx, &p.config.Server); err != nil {
			return err
		}
	}
	background, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	p.start(background)
	s, err := p.serve()
	if err != nil {
		return err
	}
	select {
	case err := <-s.failed:
		return fmt.Errorf("serve: %w", err)
	case <-ctx.Done():
	}
	p.announce()
	return p.drain(s)
}

// start begins the background work, which ends with ctx.
func (p *Program) start(ctx context.Context) {
	go func() { _ = p.backend.manager.Run(ctx) }()
	go p.waitForStore(ctx)
	go p.streams.Run(ctx)
	p.revisions.start(ctx)
	if p.overrides.File != "" {
		go p.watch(ctx)
	}
}

// waitForStore asks the store until it answers once; then the gateway is ready.
func (p *Program) waitForStore(ctx context.Context) {
	go p.backend.providers.askDatabases(ctx)
	failed := false
	for pause := 100 * time.Millisecond; ; pause = min(2*pause, 5*time.Second) {
		found, err := p.backend.store.Probe(ctx)
		if err == nil {
			if !p.overrides.Ephemeral { // a store that forgets is what it wants
				warnOf(p.log, found.Warnings)
			}
			p.health.Contacted()
			if failed {
				p.log.Info("the store answers: ready")
			}
			return
		}
		if ctx.Err() != nil {
			return // it was closed, and nobody waits any more
		}
		failed = true
		p.log.Warn("the store does not answer yet", slog.String("error", err.Error()))
		select {
		case <-ctx.Done():
			return
		case <-time.After(pause):
		}
	}
}

func warnOf(log *slog.Logger, warnings []string) {
	for _, w := range warnings {
		log.Warn(w)
	}
}

// serving are the servers at work.
type serving struct {
	public publicServer
	inner  []*http.Server // for those who run the gateway: the admin and the health listener
	failed chan error     // takes one from each
}

func (p *Program) serve() (*serving, error) {
	trusted, err := trustedProxies(p.config)
	if err != nil {
		return nil, err
	}
	var handler http.Handler = p.revisions
	if p.overrides.Around != nil {
		handler = p.overrides.Around(handler)
	}
	server := newServer(handler, p.log)
	server.RegisterOnShutdown(p.revisions.Drain)
	server.RegisterOnShutdown(p.streams.Drain)
	server.MaxHeaderBytes = int(p.config.Server.Limits.Header)
	server.ReadHeaderTimeout = time.Duration(p.config.Server.Limits.HeaderTimeout)
	server.Protocols = new(http.Protocols)
	server.Protocols.SetHTTP1(true)
	server.Protocols.SetHTTP2(true)
	server.Protocols.SetUnencryptedHTTP2(true)
	public := limits.Connections(p.listeners.public, p.config.Server.Limits.ConnectionsPerAddress, trusted)
	s := &serving{
		public: newPublicServer(server, &p.config.Server, p.descriptors.clients()),
		failed: make(chan error, 3),
	}
	go func() { s.failed <- p.servePublic(s.public, server, public) }()
	p.serveInner(s)
	p.log.Info("sessiongate serves", slog.String("public_url", p.config.Server.PublicURL),
		slog.String("listen", public.Addr().String()), slog.String("http1", p.config.Server.HTTP1))
	return s, nil
}

func (p *Program) servePublic(public publicServer, server *http.Server, l net.Listener) error {
	own := p.overrides.Certificate
	files := p.config.Server.TLS
	if own == nil && files == nil {
		return public.Serve(l)
	}
	server.TLSConfig = &tls.Config{MinVersion: tls.VersionTLS12}
	if own != nil {
		server.TLSConfig.Certificates = []tls.Certificate{*own}
		return public.ServeTLS(l)
	}
	pair := newCertificate(files.CertFile.String(), files.KeyFile.String(), p.log)
	if err := pair.load(); err != nil {
		return err
	}
	server.TLSConfig.GetCertificate = pair.get
	return public.ServeTLS(l)
}

func (p *Program) serveInner(s *serving) {
	for _, inner := range []struct {
		listener net.Listener
		handler  http.Handler
	}{{p.listeners.admin, p.admin}, {p.listeners.health, gateway.NewProbes(p.health)}} {
		if inner.listener != nil {
			server := newServer(inner.handler, p.log)
			s.inner = append(s.inner, server)
			go func() { s.failed <- server.Serve(inner.listener) }()
		}
	}
}

func newServer(h http.Handler, log *slog.Logger) *http.Server {
	return &http.Server{
		Handler:           h,
		ReadHeaderTimeout: headerTimeout,
		IdleTimeout:       idleTimeout,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelDebug), // what clients do wrong
	}
}

// announce makes the gateway unready and goes on serving until those in front can have
// noticed.
func (p *Program) announce() {
	delay := time.Duration(p.config.Server.ShutdownDelay)
	p.health.Drain()
	if delay == 0 && p.listeners.inner() {
		delay = readinessLead
	}
	p.log.Info("not ready, and still serving", slog.String("delay", delay.String()))
	last := min(delay, readinessLead)
	time.Sleep(delay - last)
	p.revisions.draining.Store(true)
	time.Sleep(last)
}

func (p *Program) drain(s *serving) error {
	p.log.Info("draining", slog.String("timeout", time.Duration(p.config.Server.DrainTimeout).String()))
	ctx, cancel := context.WithTimeout(context.Background(), time.Duration(p.config.Server.DrainTimeout))
	defer cancel()
	err := s.public.Shutdown(ctx)
	p.streams.Drain() // again: what came while Shutdown was beginning
	p.streams.Wait(ctx)
	if errors.Is(err, context.DeadlineExceeded) {
		p.log.Warn("requests were still running when drain_timeout ended; they were cut")
		err = s.public.Close()
	}
	// Its own time: what a provider gave in the last moment must still be stored.
	settle, stop := context.WithTimeout(context.Background(), settleTimeout)
	defer stop()
	p.backend.manager.Close(settle)
	for _, inner := range s.inner {
		_ = inner.Close()
	}
	return err
}
