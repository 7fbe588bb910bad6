package main

import (
	"github.com/spf13/cobra"

	"sessiongate/cmd/sessiongate/program"
	"sessiongate/session/redisstore"
)

func serveCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Run the gateway",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			loaded, file, err := loadConfig(cmd)
			if err != nil {
				return err
			}
			log := program.NewLogger(cmd.ErrOrStderr(), loaded.Config.Log)
			thisBuild().logTo(log)
			file.logTo(log)
			for _, w := range loaded.Warnings {
				log.Warn(w.String())
			}
			redisstore.LogTo(log)
			p, err := program.Open(&loaded.Config, log, program.Overrides{File: file.path, Build: thisBuild().labels()})
			if err != nil {
				return setupFault(loaded, err)
			}
			return p.Run(cmd.Context())
		},
	}
	addConfigFlag(cmd)
	return cmd
}
