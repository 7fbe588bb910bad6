package main

import (
	"log/slog"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"sessiongate/cmd/sessiongate/demoapi"
)

// demoAPICommand is `sessiongate demo api`: the demo's API alone, for a deployment
// where the gateway runs elsewhere. It ends cleanly on SIGTERM and Ctrl-C.
func demoAPICommand() *cobra.Command {
	var o demoapi.Options
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
			completeIssuer(&o)
			return demoapi.Run(ctx, o, slog.New(slog.NewJSONHandler(cmd.ErrOrStderr(), nil)))
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&o.Listen, "listen", "127.0.0.1:9000", "address to listen on, host:port")
	flags.StringVar(&o.Issuer, "issuer", "http://localhost:8080", "issuer of the tokens, exactly as in their iss claim")
	flags.StringVar(&o.JWKS, "jwks", "", "URL of the issuer's public keys; default: where a gateway publishes them")
	flags.StringVar(&o.Audience, "audience", "", "audience the tokens must be meant for; default: the issuer")
	return cmd
}

// completeIssuer fills in what a gateway does that was told neither issuer nor audience.
func completeIssuer(o *demoapi.Options) {
	if o.JWKS == "" {
		o.JWKS = o.Issuer + "/.well-known/jwks.json"
	}
	if o.Audience == "" {
		o.Audience = o.Issuer
	}
}
