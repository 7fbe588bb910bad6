package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"time"

	"github.com/spf13/cobra"

	"sessiongate/configs"
	"sessiongate/gateway/routing"
	"sessiongate/session/redisstore"
)

func checkCommand() *cobra.Command {
	var file, admin string
	var show, live bool
	cmd := &cobra.Command{
		Use:   "check",
		Short: "Check a configuration and what it points to, or a running gateway (--live)",
		Long: `Check a configuration file and report everything that is wrong with it, then
probe Redis and the upstreams. With --print, show the merged result without
secrets. With --live, ask a running gateway's admin listener whether it lives;
that is what a container's health check runs.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx, cancel := context.WithTimeout(cmd.Context(), 30*time.Second)
			defer cancel()
			if live {
				return checkLive(ctx, admin)
			}
			if file == "" {
				return usageError{errors.New("check: name the file: --config F")}
			}
			return checkFile(ctx, cmd.OutOrStdout(), file, show)
		},
	}
	f := cmd.Flags()
	f.StringVar(&file, "config", "", "configuration file (YAML)")
	f.BoolVar(&show, "print", false, "print the merged configuration without secrets, and probe nothing")
	f.BoolVar(&live, "live", false, "ask a running gateway on this machine")
	f.StringVar(&admin, "admin", string(configs.Default().Server.Admin), "with --live: the admin listener's address")
	return cmd
}

func checkLive(ctx context.Context, admin string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+admin+"/livez", nil)
	if err != nil {
		return fmt.Errorf("check: %w", err)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return fmt.Errorf("check: %w", err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("check: %s answers %s", admin, res.Status)
	}
	return nil
}

func checkFile(ctx context.Context, out io.Writer, file string, show bool) error {
	loaded, err := configs.Load(file, os.LookupEnv)
	if err != nil {
		return err
	}
	for _, w := range loaded.Warnings {
		fmt.Fprintln(out, "warning:", w)
	}
	if show {
		return loaded.Config.Print(out)
	}
	quiet := slog.New(slog.DiscardHandler) // the report says it better
	redisstore.LogTo(quiet)
	g, err := wire(&loaded.Config, quiet, wiring{})
	if err != nil {
		return err
	}
	defer g.close()
	fmt.Fprintln(out, "ok       ", file)
	g.descriptors.report(out)
	if failed := g.probe(ctx, out); failed > 0 {
		return fmt.Errorf("check: %d of what the configuration points to cannot be reached, or do not fit it", failed)
	}
	return nil
}

// probe reports on the store and every upstream, and counts what is out of reach.
func (g *assembled) probe(ctx context.Context, out io.Writer) (failed int) {
	report := func(what string, err error) {
		if err != nil {
			failed++
			fmt.Fprintf(out, "FAILED    %s: %v\n", what, err)
			return
		}
		fmt.Fprintln(out, "ok       ", what)
	}
	health, err := g.store.Probe(ctx)
	what := "store"
	if health.Version != "" {
		what = "store: Redis " + health.Version
	}
	report(what, err)
	for _, w := range health.Warnings {
		fmt.Fprintln(out, "warning:", w)
	}
	failed += g.probeProviders(ctx, out)
	for _, d := range g.databases {
		report("users database", d.Probe(ctx))
	}
	seen := make(map[string]bool)
	for _, route := range g.config.Routes {
		for _, raw := range route.Upstreams {
			u, err := url.Parse(raw)
			if err != nil {
				continue
			}
			what := "upstream " + u.Scheme + "://" + u.Host
			if host := g.hostFor(&route, u); host != u.Host {
				what += " (Host: " + host + ")"
			}
			if !seen[what] {
				seen[what], seen[u.Host] = true, true
				report(what, reach(ctx, u))
			}
		}
	}
	for _, u := range g.tokenEndpoints {
		if !seen[u.Host] {
			seen[u.Host] = true
			report("token API "+u.Scheme+"://"+u.Host, reach(ctx, u))
		}
	}
	return failed
}

// hostFor is the Host header that an upstream gets.
func (g *assembled) hostFor(route *configs.Route, u *url.URL) string {
	public := route.Host
	if p, err := url.Parse(g.config.Server.PublicURL); err == nil && public == "" {
		public = p.Host
	}
	return cmp.Or((&routing.Route{UpstreamHost: route.UpstreamHost}).Authority(u.Scheme, public), u.Host)
}

// reach opens a connection and closes it again: what an upstream answers to
// which request is its own business.
func reach(ctx context.Context, u *url.URL) error {
	port := u.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[u.Scheme]
	}
	d := net.Dialer{Timeout: 3 * time.Second}
	conn, err := d.DialContext(ctx, "tcp", net.JoinHostPort(u.Hostname(), port))
	if err != nil {
		return err
	}
	return conn.Close()
}
