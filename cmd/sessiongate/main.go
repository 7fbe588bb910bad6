// Command sessiongate is a browser session gateway: it stands in front of a
// single-page app's APIs, keeps the tokens, and gives the browser one opaque
// cookie. Each subcommand has a file, and none has wiring: package program makes every object.
package main

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/spf13/cobra"
)

func main() {
	ctx, stop := context.WithCancel(context.Background())
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	go func() {
		<-signals
		stop()
		// A second one ends the program at once: whoever sends it has waited enough. It is no death
		// by a signal, so that the status is the same for both and on every system.
		<-signals
		os.Exit(exitInterrupted)
	}()
	os.Exit(execute(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

// execute runs one command line and returns its exit status.
func execute(ctx context.Context, args []string, out, logs io.Writer) int {
	root := command()
	root.SetArgs(args)
	root.SetOut(out)
	root.SetErr(logs)
	addCompletion(root)
	began := false
	noteBegin(root, &began)
	cmd, err := root.ExecuteContextC(ctx)
	if err != nil && !began && !has[*fs.PathError](err) { // that is an output that takes nothing
		err = usageError{err}
	}
	if err != nil {
		complain(cmd, args, err)
	}
	return exitStatus(err)
}

// noteBegin sets began when a command's own code starts: an error before that is
// about the command line, whichever of cobra's checks found it.
func noteBegin(cmd *cobra.Command, began *bool) {
	for _, c := range cmd.Commands() {
		noteBegin(c, began)
	}
	if run := cmd.RunE; run != nil {
		cmd.RunE = func(cmd *cobra.Command, args []string) error {
			*began = true
			return run(cmd, args)
		}
	}
}

// group is a command that only holds others: alone it shows its help, and a word
// that is none of them is an error. Without this cobra shows the help with status 0.
func group(cmd *cobra.Command) *cobra.Command {
	cmd.Args = cobra.NoArgs
	cmd.Run = nil
	cmd.RunE = func(cmd *cobra.Command, _ []string) error { return cmd.Help() }
	return cmd
}

func command() *cobra.Command {
	const short = "A browser session gateway: one cookie for the browser, tokens for the APIs"
	root := &cobra.Command{
		Use:           "sessiongate",
		Short:         short,
		Long:          short + "\n\n" + exitHelp,
		Version:       thisBuild().String(),
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	root.SetVersionTemplate("{{.Name}} {{.Version}}\n")
	root.AddCommand(serveCommand(), demoCommand(), checkCommand(), clientCommand(), initCommand(), keysCommand(), sessionsCommand(), usersCommand(), versionCommand())
	root.SetHelpCommand(helpCommand())
	root.InitDefaultHelpCmd() // now, for those who look commands up and run none
	return root
}

// addCompletion adds cobra's completion command, which knows its output from now on.
func addCompletion(root *cobra.Command) {
	root.InitDefaultCompletionCmd()
	for _, c := range root.Commands() {
		if c.Name() == "completion" {
			group(c)
		}
	}
}

// helpCommand replaces cobra's own, which ends with status 0 for a command that
// does not exist.
func helpCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "help [command]",
		Short: "Help about any command",
		RunE: func(cmd *cobra.Command, args []string) error {
			found, rest, err := cmd.Root().Find(args)
			if err != nil || len(rest) > 0 {
				return usageError{advise(fmt.Errorf("help: no command %q", strings.Join(args, " ")), "sessiongate help")}
			}
			return found.Help()
		},
	}
}
