package main

import (
	"errors"

	"github.com/spf13/cobra"
)

// adviser is an error that knows the one command which helps.
type adviser interface {
	error
	try() string
}

// advisedError adds the command to an error.
type advisedError struct {
	error
	command string
}

// advise adds the command that helps, which the terminal shows on a line of its own.
func advise(err error, command string) error { return &advisedError{err, command} }

func (e *advisedError) try() string { return e.command }

// Unwrap returns what is wrong.
func (e *advisedError) Unwrap() error { return e.error }

// adviceFor is the command that helps with an error; empty: none is known.
func adviceFor(err error) string {
	var a adviser
	if errors.As(err, &a) {
		return a.try()
	}
	return ""
}

// interrupted makes an error of a command that a signal has interrupted: whatever was out of reach
// then was not asked to its end.
func interrupted(cmd *cobra.Command, err error) error {
	if err == nil {
		return nil
	}
	return errors.Join(err, cmd.Context().Err())
}
