package main

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"sessiongate/configs"
)

// Where a configuration is looked for, after --config.
const (
	configVariable = "SESSIONGATE_CONFIG"
	localConfig    = "sessiongate.yaml"                  // in the folder where the command runs
	systemConfig   = "/etc/sessiongate/sessiongate.yaml" // where packages and images have it
)

// addConfigFlag gives a command --config. Every command that reads a configuration finds it by
// loadConfig, so that all of them mean the same file.
func addConfigFlag(cmd *cobra.Command) {
	cmd.Flags().String("config", "", "configuration file (YAML); default: $"+configVariable+", ./"+localConfig+", "+systemConfig)
	_ = cmd.MarkFlagFilename("config", "yaml", "yml") // fails only for a flag that does not exist
}

// loadConfig finds and reads the configuration of a command.
func loadConfig(cmd *cobra.Command) (*configs.Loaded, configFile, error) {
	value, _ := cmd.Flags().GetString("config")
	places := configPlaces{
		command: cmd.CommandPath(), flag: value, given: cmd.Flags().Changed("config"),
		env: os.LookupEnv, files: []string{localConfig, systemConfig},
	}
	file, err := places.find()
	if err != nil {
		return nil, file, err
	}
	loaded, err := configs.Load(file.path, os.LookupEnv)
	return loaded, file, err
}

// configFile is the configuration's file and who named it.
type configFile struct{ path, namedBy string }

// logTo says which file it is: with several places to look in, that is the first question.
func (f configFile) logTo(log *slog.Logger) {
	whole, err := filepath.Abs(f.path)
	if err != nil {
		whole = f.path
	}
	log.Info("configuration", slog.String("file", whole), slog.String("named_by", f.namedBy))
}

// configPlaces is where one command looks for its configuration.
type configPlaces struct {
	command string // as in "sessiongate serve"
	flag    string
	given   bool // --config was, empty perhaps
	env     func(string) (string, bool)
	files   []string
}

// find returns the first that is given or exists. What is given counts even if it is not there:
// whoever names a file does not mean another.
func (p configPlaces) find() (configFile, error) {
	switch value, set := p.env(configVariable); {
	case p.given && p.flag == "":
		return configFile{}, usageError{errors.New("--config is empty; write the path of a file, or leave the flag out")}
	case p.given:
		return configFile{p.flag, "--config"}, nil
	case set:
		return p.fromVariable(value)
	}
	for _, file := range p.files {
		if _, err := os.Stat(file); !errors.Is(err, fs.ErrNotExist) {
			return configFile{file, "default"}, nil // what is wrong with it is said when it is read
		}
	}
	return configFile{}, &noConfigError{command: p.command, looked: p.files}
}

// fromVariable says of a file that cannot be what the variable means who named it: the variable is
// often set far away from where the command runs.
func (p configPlaces) fromVariable(value string) (configFile, error) {
	file := configFile{value, "$" + configVariable}
	wrong := func(what string) (configFile, error) {
		p := configs.Problem{File: value, Path: file.namedBy, What: what, Fix: "write the whole path of a file there, or unset it"}
		if value == "" {
			p.File, p.Path = file.namedBy, ""
		}
		return file, &configs.Problems{List: []configs.Problem{p}}
	}
	if value == "" {
		return wrong("is set and empty")
	}
	info, err := os.Stat(value)
	var fault *fs.PathError
	switch {
	case errors.As(err, &fault) && !filepath.IsAbs(value):
		folder, _ := os.Getwd()
		return wrong(fmt.Sprintf("is a relative path, and seen from %s: %v", folder, fault.Err))
	case errors.As(err, &fault):
		return wrong("cannot be read: " + fault.Err.Error())
	case err == nil && info.IsDir():
		return wrong("is a folder")
	}
	return file, nil
}

// noConfigError says that there is no configuration at all.
type noConfigError struct {
	command string
	looked  []string
}

// Error implements error.
func (e *noConfigError) Error() string {
	list := []string{"--config (not given)", "$" + configVariable + " (not set)"}
	for _, file := range e.looked {
		if whole, err := filepath.Abs(file); err == nil {
			file = whole
		}
		list = append(list, file+" (not there)")
	}
	return "no configuration; looked for " + strings.Join(list, ", ") + "; name one: " + e.command + " --config F"
}

// try implements adviser.
func (e *noConfigError) try() string { return "sessiongate init" }
