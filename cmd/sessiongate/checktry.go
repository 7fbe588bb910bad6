package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"sessiongate/cmd/sessiongate/program"
	"sessiongate/session"
	"sessiongate/session/tokenapi"
)

// trialFlags are the flags of check that are about --try.
type trialFlags struct {
	user, provider string
	extra          []string
}

func (t *trialFlags) add(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVar(&t.user, "try", "", "sign in as this user at a token API, refresh and sign out; the password comes from standard input")
	f.StringVar(&t.provider, "provider", "", "with --try: which provider, where several are of kind tokenapi")
	f.StringArrayVar(&t.extra, "extra", nil, "with --try: a further field, NAME=VALUE, of those in login.extra; may be given more than once")
}

// fields reads --extra.
func (t *trialFlags) fields() (map[string]any, error) {
	fields := make(map[string]any, len(t.extra))
	for _, pair := range t.extra {
		name, value, found := strings.Cut(pair, "=")
		if !found || name == "" {
			return nil, usageError{errors.New("check: --extra is NAME=VALUE")}
		}
		fields[name] = value
	}
	return fields, nil
}

// check refuses what makes no sense together.
func (t *trialFlags) check(cmd *cobra.Command) error {
	switch {
	case !cmd.Flags().Changed("try") && (t.provider != "" || len(t.extra) > 0):
		return usageError{errors.New("check: --provider and --extra are about a trial: add --try USER")}
	case cmd.Flags().Changed("try") && t.user == "":
		return usageError{errors.New("check: --try is followed by the name of a user")}
	}
	return nil
}

// trialTime bounds a trial: login and identity, three refreshes, logout, each with its own limit.
const trialTime = time.Minute

// step is one step of a trial for programs.
type step struct {
	Name  string   `json:"name"`
	OK    bool     `json:"ok"`
	What  string   `json:"what"`
	Lines []string `json:"lines,omitempty"`
}

// try makes a round at the token API with the user of --try.
func (t *trialFlags) try(c *checking, p *program.Program) error {
	extra, err := t.fields()
	if err != nil {
		return err
	}
	api, err := p.TokenAPI(t.provider)
	if err != nil {
		return usageError{fmt.Errorf("check: --try: %w", err)}
	}
	password, err := readSecret(c.cmd.Context(), c.cmd.InOrStdin(), c.cmd.ErrOrStderr(), "Password for "+t.user+" at "+api.Name())
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(c.cmd.Context(), trialTime)
	defer cancel()
	steps, err := api.Try(ctx, session.Credentials{Username: t.user, Password: session.Secret(password), Extra: extra})
	if err != nil {
		return fmt.Errorf("check: --try: %w", err)
	}
	return c.tried(api.Name(), steps)
}

// tried reports a trial.
func (c *checking) tried(provider string, steps []tokenapi.Step) error {
	c.found.Provider = provider
	var failed error
	var problems []problem
	for _, s := range steps {
		c.found.Steps = append(c.found.Steps, step{s.Name, !s.Failed, s.Text, s.Lines})
		if s.Failed {
			problems = append(problems, problem{What: "provider " + provider + ": " + s.Name + ": " + s.Text})
			failed = &unreachableError{errors.New("check: the round at the token API does not succeed"), problems}
		}
	}
	return answer(c.cmd, c.found, func(out io.Writer) error {
		program.WriteTrial(out, provider, steps)
		return nil
	}, failed)
}
