package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/spf13/cobra"

	"sessiongate/configs"
	"sessiongate/session/users"
)

// complain says why a command failed: for people on standard error and, with --json, for programs
// on standard output, unless its object is there already.
func complain(cmd *cobra.Command, args []string, err error) {
	if jsonMeant(cmd, args) && !has[*answeredError](err) {
		_ = writeObject(cmd.OutOrStdout(), struct{}{}, err) // there is nowhere else to say it
	}
	writeError(cmd.ErrOrStderr(), err)
	if has[usageError](err) && adviceFor(err) == "" {
		fmt.Fprintf(cmd.ErrOrStderr(), "  try: %s --help\n", cmd.CommandPath())
	}
}

// jsonMeant is wantsJSON for a command line that cobra has not read to its end.
func jsonMeant(cmd *cobra.Command, args []string) bool {
	return wantsJSON(cmd) || cmd.Flags().Lookup("json") != nil && slices.Contains(args, "--json")
}

// writeError writes an error for people. The lines about a configuration or a users file begin with
// file, line and column, where editors and build servers look for them.
func writeError(out io.Writer, err error) {
	var wrong *configs.Problems
	var file *users.FileError
	switch {
	case errors.Is(err, context.Canceled):
		fmt.Fprintln(out, "sessiongate: interrupted")
		return
	case errors.As(err, &wrong):
		fmt.Fprintln(out, wrong)
	case errors.As(err, &file) && len(file.Mistakes) > 0:
		fmt.Fprintln(out, file)
	default:
		fmt.Fprintln(out, "sessiongate:", err)
	}
	if command := adviceFor(err); command != "" {
		fmt.Fprintln(out, "  try:", command)
	}
}
