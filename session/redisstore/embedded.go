package redisstore

import (
	"context"
	"errors"
	"net"
	"sync/atomic"
	"time"

	"github.com/alicebob/miniredis/v2"
)

// Embedded is a Redis inside this process, for development and tests: nothing
// listens on a port, and nothing survives the process. Several stores may share
// one. It is safe for concurrent use.
type Embedded struct {
	server *miniredis.Miniredis
	closed atomic.Bool
}

// StartEmbedded starts an empty server.
func StartEmbedded() *Embedded {
	e := &Embedded{server: miniredis.NewMiniRedis()}
	e.server.ClockTTL(true) // keys expire by themselves, as in a real Redis
	return e
}

// Options returns o with this server in the place of a network address.
func (e *Embedded) Options(o Options) Options {
	o.Addresses, o.Mode, o.TLS, o.alone = []string{"embedded"}, Standalone, nil, true
	o.Username, o.Password = "", ""
	o.Dialer = e.dial
	return o
}

// StopClock makes the server's clock show t from now on, for tests whose time is their own:
// [Options.Offset] alone moves it then, and no key expires.
func (e *Embedded) StopClock(t time.Time) { e.server.SetTime(t) }

func (e *Embedded) dial(context.Context, string, string) (net.Conn, error) {
	if e.closed.Load() {
		return nil, errors.New("the embedded Redis is closed") // it would start again
	}
	c, err := e.server.Dial()
	if err != nil {
		return nil, err
	}
	return newPipe(c), nil
}

// Close stops the server and breaks every connection to it.
func (e *Embedded) Close() {
	e.closed.Store(true)
	e.server.Close()
}
