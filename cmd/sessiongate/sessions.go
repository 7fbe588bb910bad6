package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"sessiongate/cmd/sessiongate/program"
	"sessiongate/configs"
	"sessiongate/session"
	"sessiongate/session/manager"
	"sessiongate/session/users"
)

// sessionsOptions are the flags of `sessiongate sessions …`.
type sessionsOptions struct{ user, provider, id string }

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
			return withManager(cmd, o, func(ctx context.Context, m *manager.Manager, owners []session.Owner) error {
				return listSessions(ctx, cmd.OutOrStdout(), m, owners)
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
			return withManager(cmd, o, func(ctx context.Context, m *manager.Manager, owners []session.Owner) error {
				return revokeSessions(ctx, cmd.OutOrStdout(), m, o, owners)
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
	addConfigFlag(cmd)
	cmd.Flags().StringVar(&o.user, "user", "", "the user's subject")
	cmd.Flags().StringVar(&o.provider, "provider", "", "the user's provider; may be left out if there is only one")
}

// withManager runs f on the store of the configuration, without serving anything. The
// owners are the user whom the flags name, under each spelling of the name.
func withManager(cmd *cobra.Command, o sessionsOptions, f func(context.Context, *manager.Manager, []session.Owner) error) error {
	loaded, _, err := loadConfig(cmd)
	if err != nil {
		return err
	}
	c := &loaded.Config
	if c.Store.Redis == nil {
		return errors.New("sessions: the store is embedded: its sessions live inside the gateway's own process, out of reach of this one")
	}
	var owners []session.Owner
	if o.user != "" {
		if owners, err = ownersOf(c, o); err != nil {
			return err
		}
	}
	m, release, err := program.OpenManager(c, program.NewLogger(cmd.ErrOrStderr(), c.Log))
	if err != nil {
		return &setupError{err}
	}
	defer release()
	// What follows an end (the provider is told, lists are announced) goes on in
	// the background.
	ctx, cancel := context.WithTimeout(cmd.Context(), time.Minute)
	defer cancel()
	defer m.Close(ctx)
	if err := f(ctx, m, owners); err != nil {
		return fmt.Errorf("sessions: %w", err)
	}
	return nil
}

// ownersOf is the owner that --user names. The subject of a local user is the name as
// its source writes it, which need not be how it is typed here (RFC 8265 §3.4).
func ownersOf(c *configs.Config, o sessionsOptions) ([]session.Owner, error) {
	provider, err := ownerProvider(c, o.provider)
	if err != nil {
		return nil, err
	}
	owners := []session.Owner{{Provider: provider, Subject: o.user}}
	for i := range c.Providers {
		if c.Providers[i].Name != provider || c.Providers[i].Local == nil {
			continue
		}
		for _, spelling := range users.NameSpellings(o.user) {
			if other := (session.Owner{Provider: provider, Subject: spelling}); !slices.Contains(owners, other) {
				owners = append(owners, other)
			}
		}
	}
	return owners, nil
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

func listSessions(ctx context.Context, out io.Writer, m *manager.Manager, owners []session.Owner) error {
	var list []session.Record
	var unreadable []session.ID
	var failed error
	for _, o := range owners {
		some, err := m.Sessions(ctx, o)
		var lost *session.UnreadableError
		if err != nil && !errors.As(err, &lost) {
			return err
		}
		if lost != nil {
			unreadable, failed = append(unreadable, lost.IDs...), err
		}
		list = append(list, some...)
	}
	if len(list) == 0 && failed == nil {
		fmt.Fprintln(out, "no sessions")
		return nil
	}
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "SESSION\tSIGNED IN\tLAST SEEN\tNETWORK\tDEVICE")
	for _, r := range list {
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\n", r.ID, r.Created.UTC().Format(time.RFC3339),
			r.Facts.LastSeen.UTC().Format(time.RFC3339), r.Device.IPPrefix, session.DeviceName(r.Device))
	}
	for _, id := range unreadable {
		fmt.Fprintf(table, "%s\t-\t-\t-\tcannot be read; revoke ends it\n", id)
	}
	return errors.Join(table.Flush(), failed)
}

func revokeSessions(ctx context.Context, out io.Writer, m *manager.Manager, o sessionsOptions, owners []session.Owner) error {
	if o.id == "" {
		return revokeAll(ctx, out, m, owners)
	}
	if !session.ValidID(o.id) {
		return errors.New("--session is not a session id: copy it from `sessiongate sessions list` or from the log")
	}
	gone, err := m.End(ctx, session.ID(o.id), session.RevokedByOperator, session.Client{})
	switch {
	case err != nil:
		return err
	case gone == nil:
		return errNoSession
	}
	fmt.Fprintln(out, "ended 1")
	return nil
}

// revokeAll goes on past an owner that fails: the others' sessions are to end as well.
func revokeAll(ctx context.Context, out io.Writer, m *manager.Manager, owners []session.Owner) error {
	ended := 0
	var failed error
	for _, owner := range owners {
		n, err := m.EndAll(ctx, owner, "", session.RevokedByOperator, session.Client{})
		ended += n
		failed = errors.Join(failed, err)
	}
	if ended > 0 || failed == nil {
		fmt.Fprintln(out, "ended", ended)
	}
	return failed
}
