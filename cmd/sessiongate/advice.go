package main

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"runtime"
	"strconv"
	"syscall"

	"github.com/spf13/cobra"

	"sessiongate/cmd/sessiongate/program"
	"sessiongate/configs"
	"sessiongate/session/users"
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
	var wrong *configs.Problems
	var listen *program.ListenError
	var file *users.FileError
	switch {
	case errors.As(err, &a):
		return a.try()
	case errors.As(err, &wrong):
		return firstCommand(wrong.List)
	case errors.As(err, &listen) && errors.Is(err, syscall.EADDRINUSE):
		return whoListens(listen.Address)
	case errors.As(err, &listen) && errors.Is(err, syscall.EACCES):
		return allowPorts()
	case errors.As(err, &file) && errors.Is(err, fs.ErrNotExist):
		return "sessiongate users add NAME --file " + shellWord(file.File)
	}
	return ""
}

// firstCommand is the first that mends something: once it has run, the next check tells the next.
func firstCommand(list []configs.Problem) string {
	for _, p := range list {
		if p.Try != "" {
			return p.Try
		}
	}
	return ""
}

// whoListens is the command that shows who has a port; only its owner can say whether to end that.
func whoListens(address string) string {
	_, port, err := net.SplitHostPort(address)
	switch {
	case err != nil:
		return ""
	case runtime.GOOS == "linux":
		return "ss -ltnp 'sport = :" + port + "'"
	}
	return "lsof -nP -iTCP:" + port + " -sTCP:LISTEN"
}

// allowPorts is the command that gives this program the ports below 1024; empty: the system has none.
func allowPorts() string {
	if itself, err := os.Executable(); err == nil && runtime.GOOS == "linux" {
		return "sudo setcap cap_net_bind_service=+ep " + itself
	}
	return ""
}

// explainListen is about an address of the command line.
func explainListen(flag, address string, err error) error {
	wrong := &program.ListenError{Key: flag, Address: address, Err: err}
	host, port, _ := net.SplitHostPort(address)
	var unknown *net.AddrError
	var name *net.DNSError
	switch number, _ := strconv.Atoi(port); {
	case errors.As(err, &unknown), errors.As(err, &name):
		return usageError{fmt.Errorf("%s %q is no address; write localhost:8080", flag, address)}
	case errors.Is(err, syscall.EADDRINUSE) && number < 1<<16-1:
		return advise(wrong, "sessiongate demo --listen "+net.JoinHostPort(host, strconv.Itoa(number+1)))
	case errors.Is(err, syscall.EACCES):
		return advise(wrong, "sessiongate demo --listen "+net.JoinHostPort(host, "8080"))
	}
	return wrong
}

// interrupted makes an error of a command that a signal has interrupted: whatever was out of reach
// then was not asked to its end.
func interrupted(cmd *cobra.Command, err error) error {
	if err == nil {
		return nil
	}
	return errors.Join(err, cmd.Context().Err())
}
