package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"time"

	"github.com/spf13/cobra"

	"sessiongate/cmd/sessiongate/program"
	"sessiongate/configs"
	"sessiongate/session/redisstore"
)

func checkCommand() *cobra.Command {
	var file, admin string
	var show, live, offline bool
	cmd := &cobra.Command{
		Use:   "check",
		Short: "Check a configuration and what it points to, or a running gateway (--live)",
		Long: `Check a configuration file and report everything that is wrong with it, then
probe what it points to: Redis, the users databases, the upstreams, the discovery
documents of OpenID Connect, and each token API: its certificate, and what login,
refresh and me answer to an empty request. No credentials are sent, so that no
account is locked. With --offline, nobody is asked.

With --print, show the merged result without secrets. With --live, ask a running
gateway's admin listener whether it lives; that is what a container's health
check runs.`,
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
			return checkFile(ctx, cmd.OutOrStdout(), file, show, offline)
		},
	}
	f := cmd.Flags()
	f.StringVar(&file, "config", "", "configuration file (YAML)")
	f.BoolVar(&show, "print", false, "print the merged configuration without secrets, and probe nothing")
	f.BoolVar(&offline, "offline", false, "only read the file and what it names on this machine")
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

func checkFile(ctx context.Context, out io.Writer, file string, show, offline bool) error {
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
	p, err := program.Open(&loaded.Config, quiet, program.Overrides{})
	if err != nil {
		return err
	}
	defer p.Close()
	fmt.Fprintln(out, "ok       ", file)
	if offline {
		return nil
	}
	if failed := p.Probe(ctx, out); failed > 0 {
		return fmt.Errorf("check: %d of what the configuration points to cannot be reached, or do not fit it", failed)
	}
	return nil
}
