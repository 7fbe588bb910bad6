package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/spf13/cobra"

	"sessiongate/cmd/sessiongate/program"
	"sessiongate/configs"
	"sessiongate/session/redisstore"
)

// checkFlags are the command's flags.
type checkFlags struct {
	show, offline bool
	running       runningFlags
	trial         trialFlags
}

func checkCommand() *cobra.Command {
	var o checkFlags
	cmd := &cobra.Command{
		Use:   "check",
		Short: "Check a configuration and what it points to, or a running gateway (--live, --ready)",
		Long: `Check a configuration file and report everything that is wrong with it, then
probe what it points to: Redis, the users databases, the upstreams, the discovery
documents of OpenID Connect, and each token API: its certificate, and what login,
refresh and me answer to an empty request; logout is not called. No credentials are
sent, so that no account is locked. With --offline, nobody is asked.

With --try, sign in at a token API as a user whose password comes from standard
input, read the identity, refresh twice and sign out. The report names places and
types, and no value; where nothing is at a configured place, it has the likely ones
and what to write:

  sessiongate check --config gateway.yaml --try ada < password.txt

With --print, show the merged result without secrets. With --live or --ready, ask a
running gateway's admin listener whether it lives, or takes requests; that is what a
container's health check runs.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return interrupted(cmd, o.run(cmd)) },
	}
	f := cmd.Flags()
	addConfigFlag(cmd)
	f.BoolVar(&o.show, "print", false, "print the merged configuration without secrets, and probe nothing")
	f.BoolVar(&o.offline, "offline", false, "only read the file and what it names on this machine")
	o.running.add(cmd)
	o.trial.add(cmd)
	completeProvider(cmd, "tokenapi")
	cmd.MarkFlagsMutuallyExclusive("print", "offline", "live", "ready", "try")
	// --live never read a configuration and took the flag all the same: a health check that names a
	// file must not fail after an upgrade. --ready is new, and nobody's health check yet.
	cmd.MarkFlagsMutuallyExclusive("config", "ready")
	return addJSON(cmd)
}

// probeTime bounds all probes together.
const probeTime = 30 * time.Second

func (o *checkFlags) run(cmd *cobra.Command) error {
	if err := errors.Join(o.running.check(cmd), o.trial.check(cmd)); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(cmd.Context(), probeTime)
	defer cancel()
	if o.running.asked() {
		return o.running.ask(ctx, cmd)
	}
	loaded, file, err := loadConfig(cmd)
	if err != nil {
		return err
	}
	c := &checking{cmd: cmd, found: checkFound{File: file.path, Warnings: configProblems(loaded.Warnings)}}
	if o.show {
		return c.print(loaded)
	}
	for _, w := range loaded.Warnings {
		c.line("warning: " + w.String())
	}
	quiet := slog.New(slog.DiscardHandler) // the report says it better
	redisstore.LogTo(quiet)
	p, err := program.Open(&loaded.Config, quiet, program.Overrides{})
	if err != nil {
		return setupFault(loaded, err)
	}
	defer p.Close()
	c.line("ok        " + file.path)
	switch {
	case o.offline:
		return answer(cmd, c.found, nil, c.lost)
	case o.trial.user != "":
		return o.trial.try(c, p)
	}
	return c.probe(ctx, p)
}

// checking is one run of the command.
type checking struct {
	cmd   *cobra.Command
	found checkFound
	lost  error // a line that could not be written: the report is not whole
}

// checkFound is what --json prints.
type checkFound struct {
	File          string          `json:"file"`
	Warnings      []problem       `json:"warnings"`
	Configuration json.RawMessage `json:"configuration,omitempty"` // with --print
	Probes        []probed        `json:"probes,omitempty"`
	Provider      string          `json:"provider,omitempty"` // with --try
	Steps         []step          `json:"steps,omitempty"`
}

// probed is one probe for programs.
type probed struct {
	Name   string `json:"name"`
	Target string `json:"target,omitempty"`
	Host   string `json:"host,omitempty"`
	OK     bool   `json:"ok"`
	What   string `json:"what,omitempty"`
	Fix    string `json:"fix,omitempty"`
}

// line tells people how far it is; a program waits for the object.
func (c *checking) line(text string) {
	if !wantsJSON(c.cmd) {
		_, err := fmt.Fprintln(c.cmd.OutOrStdout(), text)
		c.lost = errors.Join(c.lost, err)
	}
}

// print shows the configuration, and nothing else on standard output: it loads as it stands.
func (c *checking) print(loaded *configs.Loaded) error {
	for _, w := range loaded.Warnings {
		fmt.Fprintln(c.cmd.ErrOrStderr(), "warning:", w)
	}
	text, err := yaml.YAMLToJSON(loaded.Config.Marshal())
	if err != nil {
		return fmt.Errorf("check: --print: %w", err)
	}
	c.found.Configuration = text
	return answer(c.cmd, c.found, func(out io.Writer) error { return loaded.Config.Print(out) }, nil)
}

// probe asks everything that the configuration points to.
func (c *checking) probe(ctx context.Context, p *program.Program) error {
	c.found.Probes = []probed{}
	var problems []problem
	failed := p.Probe(ctx, func(one program.Probed) {
		c.line(one.String())
		if one.Warning {
			c.found.Warnings = append(c.found.Warnings, problem{What: one.Text()})
			return
		}
		c.found.Probes = append(c.found.Probes, probed{one.Name, one.Target, one.Host, one.OK, one.What, one.Fix})
		if !one.OK {
			problems = append(problems, problem{What: one.Subject() + ": " + one.What, Fix: one.Fix})
		}
	})
	var err error
	if failed > 0 {
		what := fmt.Errorf("check: %d of what the configuration points to cannot be reached, or do not fit it", failed)
		err = &unreachableError{what, problems}
	}
	return answer(c.cmd, c.found, nil, errors.Join(err, c.lost))
}
