package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"sessiongate/session/token"
)

const (
	demoAPIDrain = 10 * time.Second // for requests that run when the API is told to stop
	// demoAPILeeway is small because demo tokens are short-lived: with the usual minute
	// an access token of 20 s would be taken for four times its life.
	demoAPILeeway = 5 * time.Second
)

// demoAPIOptions says where the demo API listens and whose tokens it takes.
type demoAPIOptions struct {
	listen   string // host:port
	issuer   string // exact value of iss
	jwks     string // URL of the issuer's public keys
	audience string // must be among aud
}

// demoAPICommand is `sessiongate demo api`: the demo's API alone, for a deployment
// where the gateway runs elsewhere. It ends cleanly on SIGTERM and Ctrl-C.
func demoAPICommand() *cobra.Command {
	var o demoAPIOptions
	cmd := &cobra.Command{
		Use:   "api",
		Short: "Run the demo API alone; it verifies every Bearer token by itself",
		Long: `Run the API that the demo puts behind the gateway, alone and on its own address.
It takes access tokens of one issuer for one audience and checks them with the
issuer's published keys.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx, stop := signal.NotifyContext(cmd.Context(), os.Interrupt, syscall.SIGTERM)
			defer stop()
			o.complete()
			return runDemoAPI(ctx, o, slog.New(slog.NewJSONHandler(cmd.ErrOrStderr(), nil)))
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&o.listen, "listen", "127.0.0.1:9000", "address to listen on, host:port")
	flags.StringVar(&o.issuer, "issuer", "http://localhost:8080", "issuer of the tokens, exactly as in their iss claim")
	flags.StringVar(&o.jwks, "jwks", "", "URL of the issuer's public keys; default: where a gateway publishes them")
	flags.StringVar(&o.audience, "audience", "", "audience the tokens must be meant for; default: the issuer")
	return cmd
}

// complete fills in what a gateway does that was told neither issuer nor audience.
func (o *demoAPIOptions) complete() {
	if o.jwks == "" {
		o.jwks = o.issuer + "/.well-known/jwks.json"
	}
	if o.audience == "" {
		o.audience = o.issuer
	}
}

func runDemoAPI(ctx context.Context, o demoAPIOptions, log *slog.Logger) error {
	// A wrong address would otherwise show up as 503 answers, long after the start.
	if u, err := url.Parse(o.jwks); err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") {
		return fmt.Errorf("demo api: --jwks %q is not an http or https URL", o.jwks)
	}
	verifier, err := token.NewVerifier(token.VerifierOptions{
		Keys:     token.NewRemoteKeys(o.jwks, nil, nil),
		Issuer:   o.issuer,
		Audience: []string{o.audience},
		Leeway:   demoAPILeeway,
	})
	if err != nil {
		return fmt.Errorf("demo api: %w", err)
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", o.listen)
	if err != nil {
		return fmt.Errorf("demo api: %w", err)
	}
	log.Info("demo API listens", slog.String("address", listener.Addr().String()),
		slog.String("issuer", o.issuer), slog.String("jwks", o.jwks))
	return serveDemoAPI(ctx, listener, newDemoAPI(verifier, nil, log))
}

// serveDemoAPI serves api until ctx ends. It then ends the streams at once, lets
// other requests finish for at most 10 s, and returns nil when all of them did.
func serveDemoAPI(ctx context.Context, listener net.Listener, api *demoAPI) error {
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
	drain, cancel := context.WithTimeout(context.WithoutCancel(ctx), demoAPIDrain)
	defer cancel()
	err := server.Shutdown(drain)
	if err != nil {
		err = errors.Join(fmt.Errorf("demo api: stop: %w", err), server.Close())
	}
	api.waitStreams(drain)
	return err
}
