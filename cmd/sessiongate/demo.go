package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"sessiongate/cmd/sessiongate/demoapi"
	"sessiongate/cmd/sessiongate/program"
	"sessiongate/configs"
	"sessiongate/session/redisstore"
	"sessiongate/session/token"
)

// demoOptions are the flags of `sessiongate demo`.
type demoOptions struct {
	listen   string
	lifetime time.Duration
	redis    string
	tls      bool
	verbose  bool
}

func demoCommand() *cobra.Command {
	var o demoOptions
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Run everything in one process: gateway, store, an API and an app to sign in to",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return runDemo(cmd.Context(), o, cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	f := cmd.Flags()
	f.StringVar(&o.listen, "listen", "localhost:8080", "loopback address of the gateway, host:port")
	f.DurationVar(&o.lifetime, "access-lifetime", 20*time.Second, "how long an access token lives; short, so that a refresh can be watched")
	f.StringVar(&o.redis, "redis", "", "URL of a Redis to use in place of the embedded store")
	f.BoolVar(&o.tls, "tls", false, "serve https with a certificate made on the spot (Safari wants it)")
	f.BoolVar(&o.verbose, "verbose", false, "log every request")
	cmd.AddCommand(demoAPICommand())
	return cmd
}

// runDemo starts the demo API on a port of its own and the gateway in front of
// it, and serves until ctx ends.
func runDemo(ctx context.Context, o demoOptions, out, logs io.Writer) error {
	if err := o.check(); err != nil {
		return err
	}
	public, err := demoListener(ctx, o.listen)
	if err != nil {
		return err
	}
	api, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return errors.Join(err, public.Close())
	}
	gate, err := openDemo(o, public, api.Addr().String(), logs)
	if err != nil {
		return errors.Join(err, public.Close(), api.Close())
	}
	if err := gate.reachStore(ctx, o); err != nil {
		return errors.Join(err, public.Close(), api.Close())
	}
	stopAPI, err := gate.launchAPI(ctx, api, public.Addr().String())
	if err != nil {
		return errors.Join(err, public.Close(), api.Close())
	}
	defer stopAPI()
	greet(out, gate.origin, o)
	return gate.Run(ctx)
}

// check names the flag that is wrong; the demo's configuration file is nothing
// that anybody wrote.
func (o demoOptions) check() error {
	if o.lifetime < time.Second || o.lifetime > 24*time.Hour {
		return usageError{fmt.Errorf("demo: --access-lifetime %s is out of range; write 1s to 24h", o.lifetime)}
	}
	u, err := url.Parse(o.redis)
	if o.redis != "" && (err != nil || u.Scheme != "redis" && u.Scheme != "rediss") {
		return usageError{errors.New("demo: --redis is not the URL of a Redis; write redis://localhost:6379")} // it may hold a password
	}
	return nil
}

// demoListener refuses anything but loopback: the demo prints its passwords.
func demoListener(ctx context.Context, address string) (net.Listener, error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, usageError{fmt.Errorf("demo: --listen %q is not host:port; write localhost:8080", address)}
	}
	ip := net.ParseIP(host)
	switch {
	case host == "localhost":
		host = "127.0.0.1"
	case ip == nil || !ip.IsLoopback():
		return nil, usageError{fmt.Errorf("demo: --listen %q is not loopback, and everyone knows the demo's passwords; write localhost:%s", address, port)}
	}
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", net.JoinHostPort(host, port))
	if err != nil {
		return nil, explainListen("demo: --listen", address, err)
	}
	return l, nil
}

// demoOrigin is the address to open. A name, because cookies and certificates
// go by names, and localhost is what people type.
func demoOrigin(o demoOptions, l net.Listener) string {
	host, _, _ := net.SplitHostPort(o.listen)
	_, port, _ := net.SplitHostPort(l.Addr().String())
	scheme := "http"
	if o.tls {
		scheme = "https"
	}
	if scheme == "http" && port == "80" || scheme == "https" && port == "443" {
		return scheme + "://" + host
	}
	return scheme + "://" + net.JoinHostPort(host, port)
}

// demoGateway is the demo's gateway.
type demoGateway struct {
	*program.Program
	origin      string           // the address to open
	certificate *tls.Certificate // nil: plain http
	log         *slog.Logger
}

// openDemo makes the gateway from a configuration file like any other.
func openDemo(o demoOptions, public net.Listener, api string, logs io.Writer) (*demoGateway, error) {
	d := &demoGateway{origin: demoOrigin(o, public)}
	if o.tls {
		var err error
		if d.certificate, err = program.SelfSigned(); err != nil {
			return nil, err
		}
	}
	store, keys := "{embedded: true}", "{}"
	if o.redis != "" {
		dir, err := os.MkdirTemp("", "sessiongate-demo-")
		if err != nil {
			return nil, fmt.Errorf("demo: %w", err)
		}
		defer os.RemoveAll(dir) // they are read by then
		if keys, err = demoKeys(dir); err != nil {
			return nil, err
		}
		store = fmt.Sprintf(`{redis: {addresses: ["${SESSIONGATE_DEMO_REDIS}"], key_prefix: "%s:"}}`, filepath.Base(dir))
	}
	text := fmt.Sprintf(`
server: {public_url: "%s", admin: ""}
log: {format: text, level: %s, access: "%s"}
store: %s
keys: %s
providers:
  - {name: local, kind: local, users: demo, access_lifetime: %dms, audience: sessiongate-demo}
routes:
  - {path: /api/, upstreams: ["http://%s"]}
  - {path: /, static: demo, session: none}
`, d.origin, demoLevel(o), demoAccess(o), store, keys, o.lifetime.Milliseconds(), api)
	loaded, err := configs.LoadBytes("demo", []byte(text), demoEnv(o))
	if err != nil {
		return nil, err
	}
	d.log = program.NewLogger(logs, loaded.Config.Log)
	redisstore.LogTo(d.log)
	d.Program, err = program.Open(&loaded.Config, d.log, program.Overrides{
		Public: public, Certificate: d.certificate, Ephemeral: true, Build: thisBuild().labels(), Around: tellCookies,
	})
	return d, err
}

// reachStore looks for the Redis before anybody is told to open the demo: nobody could sign in.
func (d *demoGateway) reachStore(ctx context.Context, o demoOptions) error {
	if o.redis == "" {
		return nil
	}
	if _, err := d.Store().Probe(ctx); err != nil {
		d.Close()
		return advise(&unreachableError{fmt.Errorf("demo: the Redis of --redis cannot be reached: %s; without --redis the demo needs none", program.StoreFault(err)), nil},
			"sessiongate demo")
	}
	return nil
}

// demoKeys makes the keys that a configuration with a real Redis must have. They
// last as long as this run, and so does its part of the Redis (key_prefix).
func demoKeys(dir string) (section string, err error) {
	if err := generateKeys(io.Discard, dir, token.EdDSA, nil); err != nil {
		return "", err
	}
	return fmt.Sprintf(`{cookie: [{id: demo, file: %q}], seal: [{id: demo, file: %q}], signing: [{id: demo, file: %q}]}`,
		filepath.Join(dir, "cookie.key"), filepath.Join(dir, "seal.key"), filepath.Join(dir, "signing.pem")), nil
}

func demoEnv(o demoOptions) func(string) (string, bool) {
	return func(name string) (string, bool) {
		if name == "SESSIONGATE_DEMO_REDIS" {
			return o.redis, true
		}
		return os.LookupEnv(name)
	}
}

func demoLevel(o demoOptions) string {
	if o.verbose {
		return "debug"
	}
	return "info"
}

func demoAccess(o demoOptions) string {
	if o.verbose {
		return "all"
	}
	return "off"
}

// launchAPI serves the API. It fetches the gateway's published keys over
// HTTP, as any API would.
func (d *demoGateway) launchAPI(ctx context.Context, l net.Listener, gatewayAddress string) (stop func(), err error) {
	scheme := "http"
	if d.certificate != nil {
		scheme = "https"
	}
	verifier, err := token.NewVerifier(token.VerifierOptions{
		Keys:   token.NewRemoteKeys(scheme+"://"+gatewayAddress+"/.well-known/jwks.json", demoTransport(d.certificate), nil),
		Issuer: d.origin, Audience: []string{"sessiongate-demo"}, Leeway: demoapi.Leeway,
	})
	if err != nil {
		return nil, fmt.Errorf("demo api: %w", err)
	}
	serving, cancel := context.WithCancel(context.WithoutCancel(ctx))
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := demoapi.Serve(serving, l, demoapi.New(verifier, nil, d.log)); err != nil {
			d.log.Error("demo api", slog.String("error", err.Error()))
		}
	}()
	return func() { cancel(); <-done }, nil
}

func greet(out io.Writer, origin string, o demoOptions) {
	fmt.Fprintf(out, `
  sessiongate demo

  Open   %s
  Users  `, origin)
	for i, u := range program.DemoUsers() {
		if i > 0 {
			fmt.Fprint(out, "\n         ")
		}
		fmt.Fprintf(out, "%s / %s  (%s)", u.Name, u.Password, u.Note)
	}
	fmt.Fprintf(out, `

  Access tokens live %s; the page shows each refresh. Stop with Ctrl-C.

`, o.lifetime)
}
