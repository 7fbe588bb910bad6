package program

import (
	"context"
	"errors"
	"fmt"
	"net"

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
			err = fmt.Errorf("%s: %w", one.key, err)
			for _, o := range opened {
				err = errors.Join(err, o.Close())
			}
			return err
		}
		opened = append(opened, *one.to)
	}
	return nil
}

// inner reports whether somebody can ask for readiness.
func (l *listeners) inner() bool { return l.admin != nil || l.health != nil }
