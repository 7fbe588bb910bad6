package main

import (
	"context"
	"errors"

	"sessiongate/configs"
	"sessiongate/session"
	"sessiongate/session/users"
)

// The exit statuses, for scripts. They are part of the contract (testdata/contract.txt).
const (
	exitDone        = 0   // a drain that ended in time, too
	exitFailed      = 1   // the command ran and says what went wrong
	exitUsage       = 2   // it did not run: a word, a flag or an argument is off
	exitConfig      = 3   // the configuration is wrong, or there is none
	exitUnreachable = 4   // what the configuration points to is out of reach, or does not fit it
	exitUnknown     = 5   // no such session or user
	exitInterrupted = 130 // a second signal, or one that interrupts anything but serving
)

// exitHelp is their list in the root's help.
const exitHelp = `Exit status:
  0    done; a drain that ended in time, too
  1    failed
  2    the command line is wrong
  3    the configuration is wrong, or there is none
  4    something that it points to cannot be reached, or does not fit it
  5    no such session or user
  130  interrupted: a second signal during a drain, or one at anything but serving`

// exitStatus is the status that an error ends the program with. It goes by types, so that a better
// text changes no script's mind.
func exitStatus(err error) int {
	switch {
	case err == nil:
		return exitDone
	case errors.Is(err, context.Canceled):
		return exitInterrupted
	case has[usageError](err):
		return exitUsage
	case has[*configs.Problems](err), has[*noConfigError](err), has[*users.FileError](err):
		return exitConfig
	case has[*unreachableError](err), has[*session.UnavailableError](err), errors.Is(err, session.ErrStoreUnavailable):
		return exitUnreachable
	case errors.Is(err, errNoSession), errors.Is(err, session.ErrNoSession), errors.Is(err, users.ErrUnknown):
		return exitUnknown
	}
	return exitFailed
}

func has[E error](err error) bool {
	var e E
	return errors.As(err, &e)
}

// usageError is about the command line.
type usageError struct{ error }

// Unwrap returns what is wrong with it.
func (e usageError) Unwrap() error { return e.error }

// setupFault is about what a configuration names on this machine: files with keys, certificates and
// users. Nothing was asked over a network yet.
func setupFault(loaded *configs.Loaded, err error) error {
	if has[*users.FileError](err) {
		return err // which says its own place
	}
	return &configs.Problems{List: []configs.Problem{loaded.Locate(err)}}
}

// unreachableError is about what a configuration points to elsewhere.
type unreachableError struct {
	error
	each []problem // what is wrong with each; nil: the error says it
}

// Unwrap returns what is wrong.
func (e *unreachableError) Unwrap() error { return e.error }

// errNoSession ends a command that was to end a session.
var errNoSession = errors.New("no such live session")
