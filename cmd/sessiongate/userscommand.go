package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"sessiongate/session/users"
)

func usersCommand() *cobra.Command {
	cmd := group(&cobra.Command{
		Use:   "users",
		Short: "Edit a users file",
		Long: `Edit the users file of a local provider. Comments and order are kept, and a
running gateway sees the change within a second.

A password is read from standard input, one line, never from the arguments, where
every user of the machine could read it. A terminal is asked, and shows nothing of it:

  sessiongate users passwd ada --file users.yaml
  sessiongate users add ada --file users.yaml --role user < password.txt`,
	})
	cmd.AddCommand(addUserCommand(), setPasswordCommand(), listUsersCommand(),
		disableUserCommand("disable", true), disableUserCommand("enable", false))
	return cmd
}

// fileFlag adds the flag every subcommand has.
func fileFlag(cmd *cobra.Command, file *string) *cobra.Command {
	cmd.Flags().StringVar(file, "file", "users.yaml", "the users file")
	_ = cmd.MarkFlagFilename("file", "yaml", "yml") // fails only for a flag that does not exist
	return addJSON(cmd)
}

func openUsers(file string) (*users.File, error) {
	return users.OpenFile(file, users.NewHasher(users.HasherOptions{}), users.FileOptions{})
}

func addUserCommand() *cobra.Command {
	var file string
	var u users.User
	cmd := &cobra.Command{
		Use:   "add NAME",
		Short: "Add a user; the password comes from standard input",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			u.Name = args[0]
			password, err := readPassword(cmd.Context(), cmd.InOrStdin(), cmd.ErrOrStderr(), u.Name)
			if err != nil {
				return err
			}
			if err := ensureUsersFile(file); err != nil {
				return err
			}
			return editUsers(cmd, usersDone{file, u.Name, "added"}, "", func(ctx context.Context, f *users.File) error {
				return f.Add(ctx, u, password)
			})
		},
	}
	f := cmd.Flags()
	f.StringSliceVar(&u.Roles, "role", nil, "a role; may be given more than once")
	f.StringSliceVar(&u.Scopes, "scope", nil, "a scope; may be given more than once")
	f.StringVar(&u.DisplayName, "display-name", "", "the name to show")
	f.StringVar(&u.Subject, "subject", "", "the stable id in tokens (default: the name)")
	return fileFlag(cmd, &file)
}

func setPasswordCommand() *cobra.Command {
	var file string
	cmd := &cobra.Command{
		Use:   "passwd NAME",
		Short: "Set a user's password, from standard input",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			password, err := readPassword(cmd.Context(), cmd.InOrStdin(), cmd.ErrOrStderr(), args[0])
			if err != nil {
				return err
			}
			const then = "sessions from before end at their next refresh, unless password_change is keep"
			return editUsers(cmd, usersDone{file, args[0], "new password for"}, then, func(ctx context.Context, f *users.File) error {
				return f.SetPassword(ctx, args[0], password)
			})
		},
	}
	return fileFlag(cmd, &file)
}

func disableUserCommand(name string, disabled bool) *cobra.Command {
	var file string
	cmd := &cobra.Command{
		Use:   name + " NAME",
		Short: "Let a user in again",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			then := ""
			if disabled {
				then = "signed out at the next refresh"
			}
			return editUsers(cmd, usersDone{file, args[0], name + "d"}, then, func(_ context.Context, f *users.File) error {
				return f.SetDisabled(args[0], disabled)
			})
		},
	}
	if disabled {
		cmd.Short = "Shut a user out"
	}
	return fileFlag(cmd, &file)
}

// usersDone is what was done to a user.
type usersDone struct {
	File string `json:"file"`
	User string `json:"user"`
	Done string `json:"done"`
}

// editUsers changes the file. then is what becomes of the user's sessions by and by; empty: nothing.
func editUsers(cmd *cobra.Command, done usersDone, then string, edit func(context.Context, *users.File) error) error {
	f, err := openUsers(done.File)
	if err != nil {
		return err
	}
	err = edit(cmd.Context(), f)
	switch {
	case errors.Is(err, users.ErrUnknown):
		return advise(err, "sessiongate users list --file "+shellWord(done.File))
	case errors.Is(err, users.ErrExists):
		return advise(err, fmt.Sprintf("sessiongate users passwd %s --file %s", shellWord(done.User), shellWord(done.File)))
	case err != nil:
		return err
	}
	return answer(cmd, done, func(out io.Writer) error {
		line := done.Done + " " + done.User
		if then != "" {
			line += ": " + then + "; at once with `sessiongate sessions revoke --user " + shellWord(done.User) + "`"
		}
		_, err := fmt.Fprintln(out, line)
		return err
	}, nil)
}

func listUsersCommand() *cobra.Command {
	var file string
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List the users",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			f, err := openUsers(file)
			if err != nil {
				return err
			}
			found := userList{Users: []userFound{}}
			for _, u := range f.List() {
				found.Users = append(found.Users, userFound{u.Name, u.Subject, u.DisplayName, u.Roles, u.Scopes, u.Disabled})
			}
			return answer(cmd, found, found.print, nil)
		},
	}
	return fileFlag(cmd, &file)
}

// userFound is one user for programs.
type userFound struct {
	Name        string   `json:"name"`
	Subject     string   `json:"subject"`
	DisplayName string   `json:"display_name,omitempty"`
	Roles       []string `json:"roles,omitempty"`
	Scopes      []string `json:"scopes,omitempty"`
	Disabled    bool     `json:"disabled"`
}

// userList is what --json prints of a list.
type userList struct {
	Users []userFound `json:"users"`
}

// print is the list for people.
func (l userList) print(out io.Writer) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "NAME\tSUBJECT\tROLES\tSCOPES\tSTATE")
	for _, u := range l.Users {
		state := "enabled"
		if u.Disabled {
			state = "disabled"
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", u.Name, u.Subject, strings.Join(u.Roles, ","), strings.Join(u.Scopes, ","), state)
	}
	return w.Flush()
}

// ensureUsersFile makes the file for the first user, for nobody else to read.
func ensureUsersFile(file string) error {
	f, err := os.OpenFile(file, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("users file: %w", err)
	}
	return f.Close()
}

// readPassword reads a new password for the user.
func readPassword(ctx context.Context, in io.Reader, hints io.Writer, name string) (string, error) {
	line, err := readSecret(ctx, in, hints, "Password for "+name)
	if err != nil {
		return "", err
	}
	return line, users.CheckNewPassword(line)
}
