// Command sessiongate is a browser session gateway: it stands in front of a
// single-page app's APIs, keeps the tokens, and gives the browser one opaque
// cookie. Each subcommand has a file; wire.go makes every object once, in
// reading order.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	// A second signal ends the program at once: whoever sends it has waited enough.
	context.AfterFunc(ctx, stop)
	if err := command().ExecuteContext(ctx); err != nil {
		if !errors.Is(err, errReported) {
			fmt.Fprintln(os.Stderr, "sessiongate:", err)
		}
		stop()
		os.Exit(1)
	}
}

// errReported ends the program with status 1 without another word: the command
// has said what is wrong.
var errReported = errors.New("reported")

// group is a command that only holds others: alone it shows its help, and a word
// that is none of them is an error. Without this cobra shows the help with status 0.
func group(cmd *cobra.Command) *cobra.Command {
	cmd.Args = cobra.NoArgs
	cmd.RunE = func(cmd *cobra.Command, _ []string) error { return cmd.Help() }
	return cmd
}

func command() *cobra.Command {
	root := &cobra.Command{
		Use:           "sessiongate",
		Short:         "A browser session gateway: one cookie for the browser, tokens for the APIs",
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	root.AddCommand(serveCommand(), demoCommand(), checkCommand(), keysCommand(), sessionsCommand(), usersCommand(), versionCommand())
	return root
}
