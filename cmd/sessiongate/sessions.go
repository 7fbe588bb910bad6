package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"sessiongate/configs"
	"sessiongate/gateway"
	"sessiongate/session"
)

// sessionsOptions are the flags of `sessiongate sessions …`.
type sessionsOptions struct{ file, user, provider, id string }

func sessionsCommand() *cobra.Command {
	sessions := group(&cobra.Command{
		Use:   "sessions",
		Short: "List or end the sessions of a user, in the store of a configuration",
		Long: `List or end sessions in the store that a configuration names. Running gateways
hear of an end at once; there is no need to restart or even to reach them.

--user is the subject the provider gave the user: the user name for users of the
gateway's own, the sub claim for OpenID Connect.`,
	})
	sessions.AddCommand(listSessionsCommand(), revokeSessionsCommand())
	return sessions
}

func listSessionsCommand() *cobra.Command {
	var o sessionsOptions
	cmd := &cobra.Command{
		Use:   "list --user U [--provider P]",
		Short: "Show where a user is signed in",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return withManager(cmd, o, func(ctx context.Context, m *session.Manager, owner session.Owner) error {
				return listSessions(ctx, cmd.OutOrStdout(), m, owner)
			})
		},
	}
	o.flags(cmd)
	_ = cmd.MarkFlagRequired("user") // fails only for a flag that does not exist
	return cmd
}

func revokeSessionsCommand() *cobra.Command {
	var o sessionsOptions
	cmd := &cobra.Command{
		Use:   "revoke (--user U [--provider P] | --session ID)",
		Short: "End all sessions of a user, or one session",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return withManager(cmd, o, func(ctx context.Context, m *session.Manager, owner session.Owner) error {
				return revokeSessions(ctx, cmd.OutOrStdout(), m, o, owner)
			})
		},
	}
	o.flags(cmd)
	cmd.Flags().StringVar(&o.id, "session", "", "end only the session with this id")
	cmd.MarkFlagsOneRequired("user", "session")
	cmd.MarkFlagsMutuallyExclusive("user", "session")
	return cmd
}

func (o *sessionsOptions) flags(cmd *cobra.Command) {
	cmd.Flags().StringVar(&o.file, "config", "", "configuration file (YAML)")
	cmd.Flags().StringVar(&o.user, "user", "", "the user's subject")
	cmd.Flags().StringVar(&o.provider, "provider", "", "the user's provider; may be left out if there is only one")
	_ = cmd.MarkFlagRequired("config") // fails only for a flag that does not exist
}

// withManager runs f on the store of the configuration, without serving anything.
func withManager(cmd *cobra.Command, o sessionsOptions, f func(context.Context, *session.Manager, session.Owner) error) error {
	loaded, err := configs.Load(o.file, os.LookupEnv)
	if err != nil {
		return err
	}
	c := &loaded.Config
	if c.Store.Redis == nil {
		return errors.New("sessions: the store is embedded: its sessions live inside the gateway's own process, out of reach of this one")
	}
	owner := session.Owner{Provider: o.provider, Subject: o.user}
	if o.user != "" {
		if owner.Provider, err = ownerProvider(c, o.provider); err != nil {
			return err
		}
	}
	log := newLogger(cmd.ErrOrStderr(), c.Log)
	g := &assembled{config: c, log: log, health: &gateway.Health{}}
	defer g.close()
	if _, err := g.openManager(wiring{}, gateway.NewAudit(log)); err != nil {
		return err
	}
	// What follows an end (the provider is told, lists are announced) goes on in
	// the background.
	ctx, cancel := context.WithTimeout(cmd.Context(), time.Minute)
	defer cancel()
	defer g.manager.Close(ctx)
	if err := f(ctx, g.manager, owner); err != nil {
		return fmt.Errorf("sessions: %w", err)
	}
	return nil
}

// ownerProvider is the provider that --user is a subject of. The same subject at
// two providers is two people.
func ownerProvider(c *configs.Config, name string) (string, error) {
	var names []string
	for i := range c.Providers {
		if c.Providers[i].Name == name {
			return name, nil
		}
		names = append(names, c.Providers[i].Name)
	}
	switch {
	case name != "":
		return "", fmt.Errorf("sessions: no provider %q in the configuration: there is %s", name, strings.Join(names, ", "))
	case len(names) == 1:
		return names[0], nil
	}
	return "", fmt.Errorf("sessions: whose user? Name one with --provider: %s", strings.Join(names, ", "))
}

func listSessions(ctx context.Context, out io.Writer, m *session.Manager, o session.Owner) error {
	list, err := m.Sessions(ctx, o)
	var lost *session.UnreadableError
	if err != nil && !errors.As(err, &lost) {
		return err
	}
	if len(list) == 0 && lost == nil {
		fmt.Fprintln(out, "no sessions")
		return nil
	}
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "SESSION\tSIGNED IN\tLAST SEEN\tNETWORK\tDEVICE")
	for _, r := range list {
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\n", r.ID, r.Created.UTC().Format(time.RFC3339),
			r.Facts.LastSeen.UTC().Format(time.RFC3339), r.Device.IPPrefix, gateway.DeviceName(r.Device))
	}
	if lost != nil {
		for _, id := range lost.IDs {
			fmt.Fprintf(table, "%s\t-\t-\t-\tcannot be read; revoke ends it\n", id)
		}
	}
	return errors.Join(table.Flush(), err)
}

func revokeSessions(ctx context.Context, out io.Writer, m *session.Manager, o sessionsOptions, owner session.Owner) error {
	if o.id == "" {
		n, err := m.EndAll(ctx, owner, "", session.RevokedByOperator, session.Client{})
		if n > 0 || err == nil {
			fmt.Fprintln(out, "ended", n)
		}
		return err
	}
	if !session.ValidID(o.id) {
		return errors.New("--session is not a session id: copy it from `sessiongate sessions list` or from the log")
	}
	gone, err := m.End(ctx, session.ID(o.id), session.RevokedByOperator, session.Client{})
	switch {
	case err != nil:
		return err
	case gone == nil:
		return errors.New("no such live session")
	}
	fmt.Fprintln(out, "ended 1")
	return nil
}
