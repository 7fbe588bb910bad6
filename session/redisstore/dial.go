package redisstore

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"sessiongate/session"
)

// Access is what a new connection needs to be let in.
type Access struct {
	Password, SentinelPassword session.Secret
	TLS                        *tls.Config // nil: plain TCP
}

// access is asked for every new connection.
func (o Options) access() (Access, error) {
	if o.Access != nil {
		return o.Access()
	}
	return Access{Password: o.Password, SentinelPassword: o.SentinelPassword, TLS: o.TLS}, nil
}

// dial opens a connection of go-redis: TCP, TLS as it is configured now, and
// what remembers why the server hangs up (lastwords.go).
func (o Options) dial(ctx context.Context, network, address string) (net.Conn, error) {
	a, err := o.access()
	if err != nil {
		return nil, err
	}
	dial := o.Dialer
	if dial == nil {
		d := net.Dialer{Timeout: o.Timeout, KeepAliveConfig: net.KeepAliveConfig{
			Enable: true, Idle: 30 * time.Second, Interval: 10 * time.Second, Count: 3,
		}}
		dial = d.DialContext
	}
	conn, err := dial(ctx, network, address)
	if err != nil {
		return nil, err
	}
	if a.TLS == nil {
		return &listening{Conn: conn, last: o.last}, nil
	}
	secure := tls.Client(conn, forHost(a.TLS, address))
	shake, cancel := context.WithTimeout(ctx, o.Timeout)
	defer cancel()
	if err := secure.HandshakeContext(shake); err != nil {
		_ = conn.Close()
		return nil, fmt.Errorf("TLS with Redis at %s: %w", address, err)
	}
	return &listening{Conn: secure, last: o.last}, nil
}

// forHost names the server whose certificate is expected, unless c does.
func forHost(c *tls.Config, address string) *tls.Config {
	if c.ServerName != "" || c.InsecureSkipVerify {
		return c
	}
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		host = address
	}
	c = c.Clone()
	c.ServerName = host
	return c
}

// credentials signs a new connection in.
func (o Options) credentials(context.Context) (username, password string, err error) {
	a, err := o.access()
	return o.Username, a.Password.Reveal(), err
}

// greet puts what a sentinel asks for before another hook.
func (o Options) greet(then func(context.Context, *redis.Conn) error) func(context.Context, *redis.Conn) error {
	if o.Mode != Sentinel {
		return then
	}
	return func(ctx context.Context, cn *redis.Conn) error {
		if err := o.greetSentinel(ctx, cn); err != nil {
			return err
		}
		return then(ctx, cn)
	}
}

// greetSentinel signs in at a sentinel, for which go-redis knows fixed passwords
// only. It is called for connections to the master too; those are signed in.
func (o Options) greetSentinel(ctx context.Context, cn *redis.Conn) error {
	a, err := o.access()
	if err != nil || a.SentinelPassword == "" {
		return err
	}
	if err := cn.Process(ctx, newOnce(ctx, "ping")); err == nil || !strings.HasPrefix(err.Error(), "NOAUTH") {
		return err
	}
	if o.SentinelUsername != "" {
		err = cn.AuthACL(ctx, o.SentinelUsername, a.SentinelPassword.Reveal()).Err()
	} else {
		err = cn.Auth(ctx, a.SentinelPassword.Reveal()).Err()
	}
	if err != nil {
		return fmt.Errorf("sign in at the sentinel: %w", err)
	}
	return nil
}
