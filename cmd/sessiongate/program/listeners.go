package program

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
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
		what = "another program listens there; end it, or " + e.otherPort()
	case errors.Is(e.Err, syscall.EACCES):
		what = "this user may not listen there: ports below 1024 take a privilege; write one above"
	case errors.Is(e.Err, syscall.EADDRNOTAVAIL):
		what = "this machine has no such address"
	}
	return fmt.Sprintf("%s %s: %s", e.Key, e.Address, what)
}

// otherPort says what to write for another port: of a default the file has no line to change.
func (e *ListenError) otherPort() string {
	section, key, found := strings.Cut(e.Key, ".")
	host, port, err := net.SplitHostPort(e.Address)
	number, bad := strconv.Atoi(port)
	if !found || err != nil || bad != nil || number >= 65535 {
		return "write another port"
	}
	text := fmt.Sprintf("write %s: {%s: %q}", section, key, net.JoinHostPort(host, strconv.Itoa(number+1)))
	if key == "admin" {
		text += `, or {admin: ""} for none`
	}
	return text
}

// Unwrap returns what the system says.
func (e *ListenError) Unwrap() error { return e.Err }

// inner reports whether somebody can ask for readiness.
func (l *listeners) inner() bool { return l.admin != nil || l.health != nil }
