package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"time"

	"github.com/spf13/cobra"

	"sessiongate/cmd/sessiongate/program"
	"sessiongate/configs"
	"sessiongate/session/redisstore"
)

// checkFlags are the command's flags.
type checkFlags struct {
	admin               string
	show, live, offline bool
	trial               trialFlags
}

func checkCommand() *cobra.Command {
	var o checkFlags
	cmd := &cobra.Command{
		Use:   "check",
		Short: "Check a configuration and what it points to, or a running gateway (--live)",
		Long: `Check a configuration file and report everything that is wrong with it, then
probe what it points to: Redis, the users databases, the upstreams, the discovery
documents of OpenID Connect, and each token API: its certificate, and what login,
refresh and me answer to an empty request. No credentials are sent, so that no
account is locked. With --offline, nobody is asked.

With --try, sign in at a token API as a user whose password comes from standard
input, read the identity, refresh twice and sign out. The report names places and
types, and no value; where nothing is at a configured place, it has the likely ones
and what to write:

  sessiongate check --config gateway.yaml --try ada < password.txt

With --print, show the merged result without secrets. With --live, ask a running
gateway's admin listener whether it lives; that is what a container's health
check runs.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return o.run(cmd) },
	}
	f := cmd.Flags()
	addConfigFlag(cmd)
	f.BoolVar(&o.show, "print", false, "print the merged configuration without secrets, and probe nothing")
	f.BoolVar(&o.offline, "offline", false, "only read the file and what it names on this machine")
	f.BoolVar(&o.live, "live", false, "ask a running gateway on this machine")
	f.StringVar(&o.admin, "admin", string(configs.Default().Server.Admin), "with --live: the admin listener's address")
	o.trial.add(cmd)
	cmd.MarkFlagsMutuallyExclusive("print", "offline", "live", "try")
	return cmd
}

// probeTime bounds all probes together.
const probeTime = 30 * time.Second

func (o *checkFlags) run(cmd *cobra.Command) error {
	ctx, cancel := context.WithTimeout(cmd.Context(), probeTime)
	defer cancel()
	if o.live {
		return checkLive(ctx, o.admin)
	}
	if err := o.trial.check(cmd); err != nil {
		return err
	}
	out := cmd.OutOrStdout()
	loaded, file, err := loadConfig(cmd)
	if err != nil {
		return err
	}
	for _, w := range loaded.Warnings {
		fmt.Fprintln(out, "warning:", w)
	}
	if o.show {
		return loaded.Config.Print(out)
	}
	quiet := slog.New(slog.DiscardHandler) // the report says it better
	redisstore.LogTo(quiet)
	p, err := program.Open(&loaded.Config, quiet, program.Overrides{})
	if err != nil {
		return &setupError{err}
	}
	defer p.Close()
	fmt.Fprintln(out, "ok       ", file.path)
	switch {
	case o.offline:
		return nil
	case o.trial.user != "":
		return o.trial.try(cmd, p)
	}
	return probe(ctx, out, p)
}

func probe(ctx context.Context, out io.Writer, p *program.Program) error {
	if failed := p.Probe(ctx, out); failed > 0 {
		return &unreachableError{fmt.Errorf("check: %d of what the configuration points to cannot be reached, or do not fit it", failed)}
	}
	return nil
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
