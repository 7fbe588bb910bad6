package main

import (
	"github.com/spf13/cobra"

	"sessiongate/session/token"
)

// completeKeys offers what the flags of `keys generate` take. An error of these calls is a flag that
// does not exist.
func completeKeys(cmd *cobra.Command) {
	_ = cmd.MarkFlagDirname("dir")
	_ = cmd.RegisterFlagCompletionFunc("alg", cobra.FixedCompletions([]string{token.EdDSA, token.ES256, token.RS256}, cobra.ShellCompDirectiveNoFileComp))
}
