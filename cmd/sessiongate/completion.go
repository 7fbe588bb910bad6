package main

import (
	"github.com/spf13/cobra"

	"sessiongate/session/token"
)

// completeProvider offers the providers of the configuration that the command would read, of one
// kind or, with an empty one, of any.
func completeProvider(cmd *cobra.Command, kind string) {
	_ = cmd.RegisterFlagCompletionFunc("provider", func(cmd *cobra.Command, _ []string, _ string) ([]string, cobra.ShellCompDirective) {
		var names []string
		if loaded, _, err := loadConfig(cmd); err == nil {
			for i := range loaded.Config.Providers {
				if p := &loaded.Config.Providers[i]; kind == "" || p.Kind == kind {
					names = append(names, p.Name)
				}
			}
		}
		return names, cobra.ShellCompDirectiveNoFileComp
	})
}

// completeKeys offers what the flags of `keys generate` take. An error of these calls is a flag that
// does not exist.
func completeKeys(cmd *cobra.Command) {
	_ = cmd.MarkFlagDirname("dir")
	_ = cmd.RegisterFlagCompletionFunc("alg", cobra.FixedCompletions([]string{token.EdDSA, token.ES256, token.RS256}, cobra.ShellCompDirectiveNoFileComp))
}
