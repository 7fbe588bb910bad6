package main

import (
	"os"

	"github.com/spf13/cobra"

	"sessiongate/cmd/sessiongate/program"
	"sessiongate/configs"
	"sessiongate/session/redisstore"
)

func serveCommand() *cobra.Command {
	var file string
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Run the gateway",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			loaded, err := configs.Load(file, os.LookupEnv)
			if err != nil {
				return err
			}
			log := program.NewLogger(cmd.ErrOrStderr(), loaded.Config.Log)
			thisBuild().logTo(log)
			for _, w := range loaded.Warnings {
				log.Warn(w.String())
			}
			redisstore.LogTo(log)
			p, err := program.Open(&loaded.Config, log, program.Overrides{File: file, Build: thisBuild().labels()})
			if err != nil {
				return err
			}
			return p.Run(cmd.Context())
		},
	}
	cmd.Flags().StringVar(&file, "config", "", "configuration file (YAML)")
	_ = cmd.MarkFlagRequired("config") // fails only for a flag that does not exist
	return cmd
}
