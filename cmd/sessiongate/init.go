package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"sessiongate/cmd/sessiongate/setup"
	"sessiongate/session/token"
)

func initCommand() *cobra.Command {
	var dir string
	var yes, dryRun bool
	cmd := &cobra.Command{
		Use:   "init",
		Short: "Write a configuration, keys and a first user",
		Long: `Write sessiongate.yaml, the keys that it names and, for users of its own, users.yaml with
one user, whose password is shown once. On a terminal it asks for what no flag says;
elsewhere, and with --yes, defaults hold.

--provider is where people sign in: local (users in a file), tokenapi (your API's own
login), oidc (any OpenID Connect provider), or one with a file of its own, such as
keycloak, entra or google. --preset names the kind of login API: fastapi-tutorial,
django-simplejwt and so on. The list comes with a name that does not exist.

  sessiongate init
  sessiongate init --preset fastapi-tutorial --upstream http://localhost:8000
  sessiongate init --provider keycloak --issuer https://id.example.com/realms/main --client-id app

The sessions are kept in the process where --public-url is this machine, and in the
Redis of --redis elsewhere. The client secret of an OpenID Connect provider is asked
for on a terminal, and is otherwise taken from the environment when the gateway runs.

What exists is kept: a sessiongate.yaml that is there ends it with status 1, unless it
is a --dry-run, and keys and users that are there are used. keys/.gitignore keeps all
of that folder out of Git. Either everything is written, or nothing.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			o := setup.Options{Dir: dir, Given: givenAnswers(cmd), Env: os.LookupEnv, DryRun: dryRun, Keys: func(dir string) error {
				return generateKeys(io.Discard, dir, token.EdDSA, nil)
			}}
			if dir == "" { // a variable of a script that is not set
				return usageError{errors.New("init: --dir is empty; write the path of a folder, or leave it out")}
			}
			if !yes {
				o.Terminal = setup.OpenTerminal(cmd.InOrStdin(), cmd.ErrOrStderr(), readHidden)
			}
			return runInit(cmd, o)
		},
	}
	f := cmd.Flags()
	f.StringVar(&dir, "dir", ".", "folder for the files; made if it does not exist")
	f.BoolVar(&yes, "yes", false, "ask nothing: flags and defaults hold")
	f.BoolVar(&dryRun, "dry-run", false, "print sessiongate.yaml and write nothing")
	for _, flag := range answerFlags() {
		f.String(flag[0], "", flag[1])
	}
	completeAnswers(cmd)
	return addJSON(cmd)
}

// completeAnswers has shells offer names and folders.
func completeAnswers(cmd *cobra.Command) {
	offer := func(names func() []string) cobra.CompletionFunc {
		return func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			return names(), cobra.ShellCompDirectiveNoFileComp
		}
	}
	// These fail only for a flag that does not exist.
	_ = cmd.RegisterFlagCompletionFunc("provider", offer(setup.Providers))
	_ = cmd.RegisterFlagCompletionFunc("preset", offer(setup.Presets))
	_ = cmd.MarkFlagDirname("dir")
	_ = cmd.MarkFlagDirname("app")
}

// answerFlags are the flags that are answers, with what their help says.
func answerFlags() [][2]string {
	return [][2]string{
		{"provider", "where people sign in: local, tokenapi, oidc, keycloak, entra, … (default local)"},
		{"preset", "kind of the login API: fastapi-tutorial, django-simplejwt, …"},
		{"issuer", "issuer of an OpenID Connect provider, exactly as it names itself"},
		{"client-id", "who the gateway is at the OpenID Connect provider"},
		{"upstream", "URL of your API (default http://localhost:9000, or what the preset's API has)"},
		{"base-url", "URL of the login API, where that is not --upstream"},
		{"app", "URL of your app's development server, or a folder (default http://localhost:5173)"},
		{"public-url", "address in the browser (default http://localhost:8080)"},
		{"redis", "URL of a Redis for the sessions (default redis://localhost:6379, unless --public-url is this machine)"},
	}
}

// givenAnswers are the answers on the command line, by the names of their flags.
func givenAnswers(cmd *cobra.Command) map[string]string {
	given := make(map[string]string)
	for _, flag := range answerFlags() {
		if cmd.Flags().Changed(flag[0]) {
			given[flag[0]], _ = cmd.Flags().GetString(flag[0]) // fails only for a flag that does not exist
		}
	}
	return given
}

func runInit(cmd *cobra.Command, o setup.Options) error {
	result, err := setup.Run(cmd.Context(), o)
	var usage *setup.UsageError
	switch {
	case errors.As(err, &usage):
		return usageError{err}
	case errors.Is(err, setup.ErrExists):
		return advise(err, "sessiongate init --dir FOLDER")
	case err != nil:
		return err
	}
	for _, w := range result.Warnings {
		cmd.PrintErrln("warning:", w)
	}
	if o.DryRun && result.Exists {
		cmd.PrintErrln("note: a sessiongate.yaml is there, and without --dry-run nothing would be written")
	}
	report := reportInit(o, result, wantsJSON(cmd))
	err = answer(cmd, report, func(out io.Writer) error { return report.print(out, o, result) }, nil)
	if err != nil && result.User != "" && !o.DryRun {
		// The files are there, and a password that nobody has read lets nobody in.
		file := shellWord(filepath.Join(o.Dir, "users.yaml"))
		return advise(fmt.Errorf("init: everything is written, but not shown: %w", err), "sessiongate users passwd "+result.User+" --file "+file)
	}
	return err
}
