package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"sessiongate/cmd/sessiongate/program"
	"sessiongate/configs"
	"sessiongate/session"
	"sessiongate/session/manager"
	"sessiongate/session/redisstore"
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
			return withManager(cmd, o, func(ctx context.Context, m *manager.Manager, owners []session.Owner, file string) error {
				return listSessions(ctx, cmd, m, owners, file)
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
			return withManager(cmd, o, func(ctx context.Context, m *manager.Manager, owners []session.Owner, file string) error {
				return revokeSessions(ctx, cmd, m, o, owners, file)
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
	addJSON(cmd)
	cmd.Flags().StringVar(&o.user, "user", "", "the user's subject")
	cmd.Flags().StringVar(&o.provider, "provider", "", "the user's provider; may be left out if there is only one")
	completeProvider(cmd, "")
}

// withManager runs f on the store of the configuration, without serving anything. The
// owners are the user whom the flags name, under each spelling of the name; file is the
// configuration's.
func withManager(cmd *cobra.Command, o sessionsOptions, f func(ctx context.Context, m *manager.Manager, owners []session.Owner, file string) error) error {
	if o.id != "" && !session.ValidID(o.id) {
		return usageError{errors.New("sessions: --session is not a session id: copy it from `sessiongate sessions list` or from the log")}
	}
	loaded, file, err := loadConfig(cmd)
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
	log := program.NewLogger(cmd.ErrOrStderr(), c.Log)
	redisstore.LogTo(slog.New(slog.DiscardHandler)) // what fails is the command's own error
	m, release, err := program.OpenManager(c, log)
	if err != nil {
		return setupFault(loaded, err)
	}
	defer release()
	// What follows an end (the provider is told, lists are announced) goes on in
	// the background.
	ctx, cancel := context.WithTimeout(cmd.Context(), time.Minute)
	defer cancel()
	defer m.Close(ctx)
	return interrupted(cmd, explainSessions(f(ctx, m, owners, file.path), file.path))
}

// explainSessions adds what helps, unless that is said already.
func explainSessions(err error, file string) error {
	if err == nil || has[*answeredError](err) || has[adviser](err) {
		return err
	}
	full := fmt.Errorf("sessions: %w", err)
	switch {
	case errors.Is(err, session.ErrStoreUnavailable):
		cause := errors.New("sessions: the store cannot be reached: " + program.StoreFault(err))
		return advise(&unreachableError{cause, nil}, "sessiongate check --config "+shellWord(file))
	case errors.Is(err, errNoSession):
		return advise(full, "sessiongate sessions list --config "+shellWord(file)+" --user U")
	}
	return full
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
		return "", usageError{fmt.Errorf("sessions: no provider %q in the configuration: there is %s", name, strings.Join(names, ", "))}
	case len(names) == 1:
		return names[0], nil
	}
	return "", usageError{fmt.Errorf("sessions: whose user? Name one with --provider: %s", strings.Join(names, ", "))}
}

// sessionFound is one session for programs.
type sessionFound struct {
	ID         session.ID `json:"id"`
	SignedIn   *time.Time `json:"signed_in,omitempty"`
	LastSeen   *time.Time `json:"last_seen,omitempty"`
	Network    string     `json:"network,omitempty"`
	Device     string     `json:"device,omitempty"`
	Unreadable bool       `json:"unreadable,omitempty"` // nothing is known of it; revoke ends it
}

// sessionsFound is what --json prints of a list.
type sessionsFound struct {
	Sessions []sessionFound `json:"sessions"`
}

func listSessions(ctx context.Context, cmd *cobra.Command, m *manager.Manager, owners []session.Owner, file string) error {
	found := sessionsFound{Sessions: []sessionFound{}}
	var failed error
	for _, o := range owners {
		list, err := m.Sessions(ctx, o)
		unreadable, other := session.SplitUnreadable(err)
		if other != nil {
			return other
		}
		for _, r := range list {
			created, seen := r.Created.UTC(), r.Facts.LastSeen.UTC()
			found.Sessions = append(found.Sessions, sessionFound{
				ID: r.ID, SignedIn: &created, LastSeen: &seen, Network: r.Device.IPPrefix, Device: session.DeviceName(r.Device),
			})
		}
		for _, id := range unreadable {
			found.Sessions, failed = append(found.Sessions, sessionFound{ID: id, Unreadable: true}), err
		}
	}
	return answer(cmd, found, found.print, explainSessions(failed, file))
}

// print is the list for people.
func (f sessionsFound) print(out io.Writer) error {
	if len(f.Sessions) == 0 {
		_, err := fmt.Fprintln(out, "no sessions")
		return err
	}
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "SESSION\tSIGNED IN\tLAST SEEN\tNETWORK\tDEVICE")
	for _, r := range f.Sessions {
		if r.Unreadable {
			fmt.Fprintf(table, "%s\t-\t-\t-\tcannot be read; revoke ends it\n", r.ID)
			continue
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\n", r.ID, r.SignedIn.Format(time.RFC3339), r.LastSeen.Format(time.RFC3339), r.Network, r.Device)
	}
	return table.Flush()
}

// endedFound is what --json prints of an end.
type endedFound struct {
	Ended int `json:"ended"`
}

// print says it to people; after a failure, only what was done nevertheless.
func (f endedFound) print(failed error) func(out io.Writer) error {
	return func(out io.Writer) (err error) {
		if f.Ended > 0 || failed == nil {
			_, err = fmt.Fprintln(out, "ended", f.Ended)
		}
		return err
	}
}

func revokeSessions(ctx context.Context, cmd *cobra.Command, m *manager.Manager, o sessionsOptions, owners []session.Owner, file string) error {
	if o.id == "" {
		found, err := revokeAll(ctx, m, owners)
		err = interrupted(cmd, explainSessions(err, file)) // before the object, which is the last word
		return answer(cmd, found, found.print(err), err)
	}
	gone, err := m.End(ctx, session.ID(o.id), session.RevokedByOperator, session.Client{})
	if err == nil && gone == nil {
		err = errNoSession
	}
	if err != nil {
		return err
	}
	found := endedFound{1}
	return answer(cmd, found, found.print(nil), nil)
}

// revokeAll goes on past an owner that fails: the others' sessions are to end as well.
func revokeAll(ctx context.Context, m *manager.Manager, owners []session.Owner) (found endedFound, failed error) {
	for _, owner := range owners {
		n, err := m.EndAll(ctx, owner, "", session.RevokedByOperator, session.Client{})
		found.Ended += n
		failed = errors.Join(failed, err)
	}
	return found, failed
}
