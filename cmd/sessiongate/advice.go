package main

import "errors"

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
