package demoapi

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"time"

	"sessiongate/session/token"
)

// drainTimeout is for requests that run when the API is told to stop.
const drainTimeout = 10 * time.Second

// Leeway is by how much clocks may differ. It is small because demo tokens are
// short-lived: with the usual minute an access token of 20 s would be taken for four times
// its life.
const Leeway = 5 * time.Second

// Options say where the API listens and whose tokens it takes. All are needed.
type Options struct {
	Listen   string // host:port
	Issuer   string // exact value of iss
	JWKS     string // URL of the issuer's public keys
	Audience string // must be among aud
}

// Run listens and serves until ctx ends, as [Serve] does. An address that cannot be is an
// error at once. It must be called once for each address.
func Run(ctx context.Context, o Options, log *slog.Logger) error {
	// A wrong address would otherwise show up as 503 answers, long after the start.
	if u, err := url.Parse(o.JWKS); err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") {
		return fmt.Errorf("demo api: --jwks %q is not an http or https URL", o.JWKS)
	}
	verifier, err := token.NewVerifier(token.VerifierOptions{
		Keys:     token.NewRemoteKeys(o.JWKS, nil, nil),
		Issuer:   o.Issuer,
		Audience: []string{o.Audience},
		Leeway:   Leeway,
	})
	if err != nil {
		return fmt.Errorf("demo api: %w", err)
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", o.Listen)
	if err != nil {
		return fmt.Errorf("demo api: %w", err)
	}
	log.Info("demo API listens", slog.String("address", listener.Addr().String()),
		slog.String("issuer", o.Issuer), slog.String("jwks", o.JWKS))
	return Serve(ctx, listener, New(verifier, nil, log))
}

// Serve serves api until ctx ends. It then ends the streams at once, lets
// other requests finish for at most 10 s, and returns nil when all of them did.
func Serve(ctx context.Context, listener net.Listener, api *API) error {
	server := &http.Server{
		Handler:           api,
		ReadHeaderTimeout: 10 * time.Second,
		IdleTimeout:       2 * time.Minute,
		ErrorLog:          slog.NewLogLogger(api.log.Handler(), slog.LevelWarn),
	}
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(listener) }()
	select {
	case err := <-failed:
		api.endStreams()
		return fmt.Errorf("demo api: %w", err)
	case <-ctx.Done():
	}
	api.endStreams()
	drain, cancel := context.WithTimeout(context.WithoutCancel(ctx), drainTimeout)
	defer cancel()
	err := server.Shutdown(drain)
	if err != nil {
		err = errors.Join(fmt.Errorf("demo api: stop: %w", err), server.Close())
	}
	api.waitStreams(drain)
	return err
}
