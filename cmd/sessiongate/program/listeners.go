package program

import (
	"context"
	"errors"
	"fmt"
	"net"
	"syscall"

	"sessiongate/configs"
)

// listeners are where the program is reached; nil: not there.
type listeners struct {
	public net.Listener
	admin  net.Listener
	health net.Listener // for health alone
}

// open opens those that the configuration names and nobody has brought along.
func (l *listeners) open(ctx context.Context, c *configs.Server) error {
	var lc net.ListenConfig
	var opened []net.Listener
	for _, one := range []struct {
		key     string
		address configs.Address
		to      *net.Listener
	}{
		{"server.listen", c.Listen, &l.public},
		{"server.admin", c.Admin, &l.admin},
		{"server.health", c.Health, &l.health},
	} {
		if one.address == "" || *one.to != nil {
			continue
		}
		var err error
		if *one.to, err = lc.Listen(ctx, "tcp", string(one.address)); err != nil {
			err = &ListenError{one.key, string(one.address), err}
			for _, o := range opened {
				err = errors.Join(err, o.Close())
			}
			return err
		}
		opened = append(opened, *one.to)
	}
	return nil
}

// ListenError says that an address of the configuration cannot be listened at.
type ListenError struct {
	Key, Address string
	Err          error
}

// Error implements error.
func (e *ListenError) Error() string {
	what := e.Err.Error()
	switch {
	case errors.Is(e.Err, syscall.EADDRINUSE):
		what = "another program listens there; end it, or write another port"
	case errors.Is(e.Err, syscall.EACCES):
		what = "this user may not listen there: ports below 1024 take a privilege; write one above"
	case errors.Is(e.Err, syscall.EADDRNOTAVAIL):
		what = "this machine has no such address"
	}
	return fmt.Sprintf("%s %s: %s", e.Key, e.Address, what)
}

// Unwrap returns what the system says.
func (e *ListenError) Unwrap() error { return e.Err }

// inner reports whether somebody can ask for readiness.
func (l *listeners) inner() bool { return l.admin != nil || l.health != nil }
