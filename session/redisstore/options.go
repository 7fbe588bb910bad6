package redisstore

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"time"

	"sessiongate/session"
)

// Mode says how Redis is deployed.
type Mode string

// The modes. The empty string means [Standalone].
const (
	Standalone Mode = "standalone"
	Sentinel   Mode = "sentinel"
	Cluster    Mode = "cluster"
)

// What [Options] leaves out.
const (
	defaultKeyPrefix = "sg:"
	defaultTimeout   = time.Second
)

// Sealer encrypts the record of a session so that it opens only for the same id
// and field. Open returns an error for everything Seal did not make. No two sealed
// values of a field end in the same 16 bytes, even if what they hold is the same:
// an authentication tag under a nonce of its own gives that. Vouch returns a few
// letters for an id and a text that nobody can make without the key, and Vouched
// recognises them. All are safe for concurrent use.
type Sealer interface {
	Seal(id, field string, plain []byte) ([]byte, error)
	Open(id, field string, sealed []byte) ([]byte, error)
	Vouch(id, text string) string
	Vouched(id, text, by string) bool
}

// Options say where Redis is and how sessions are kept there.
type Options struct {
	Addresses  []string // host:port; of the sentinels with [Sentinel], any nodes with [Cluster]
	Mode       Mode
	MasterName string // with [Sentinel]

	Username, SentinelUsername string
	Password, SentinelPassword session.Secret
	DB                         int         // not with [Cluster]
	TLS                        *tls.Config // nil: plain TCP
	// Access stands in place of the passwords and of TLS: it is asked for every
	// new connection, so that they can change. nil: they do not.
	Access func() (Access, error)

	KeyPrefix string        // of every key and channel; empty: "sg:"
	Rules     session.Rules // Idle must be positive
	Sealer    Sealer

	// Timeout bounds every operation, retries included; 0 means one second.
	// One that waits for a replica may take a tenth of a second longer.
	Timeout time.Duration
	// Dialer replaces the network; nil: TCP.
	Dialer func(ctx context.Context, network, address string) (net.Conn, error)
	// Logger gets what has no other way out; nil: discarded.
	Logger *slog.Logger
	// Recorder gets what a server that forgot gives to report; nil: dropped.
	Recorder session.Recorder
	// JournalBytes bounds what is kept of recent commits, to be written again to a
	// server that forgot them; 0 means 64 MiB.
	JournalBytes int
	// Now is this process's clock, which decides nothing about sessions; nil: time.Now.
	Now func() time.Time
	// Offset moves the clock of the scripts, for tests; nil: none.
	Offset func() time.Duration

	alone bool // infos to have no replicas
	last  *lastWords
}

func (o Options) withDefaults() Options {
	o.last = new(lastWords)
	if o.Mode == "" {
		o.Mode = Standalone
	}
	if o.KeyPrefix == "" {
		o.KeyPrefix = defaultKeyPrefix
	}
	if o.Timeout == 0 {
		o.Timeout = defaultTimeout
	}
	if o.JournalBytes == 0 {
		o.JournalBytes = defaultJournalBytes
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Offset == nil {
		o.Offset = func() time.Duration { return 0 }
	}
	return o
}

func (o Options) validate() error {
	switch {
	case len(o.Addresses) == 0:
		return errors.New("no address of Redis")
	case o.Mode == Standalone && len(o.Addresses) > 1:
		return fmt.Errorf("%d addresses for one Redis: say mode sentinel or cluster", len(o.Addresses))
	case o.Mode == Sentinel && o.MasterName == "":
		return errors.New("mode sentinel needs the name of the master")
	case o.Mode == Cluster && o.DB != 0:
		return errors.New("a Redis Cluster has only database 0")
	case o.Mode != Standalone && o.Mode != Sentinel && o.Mode != Cluster:
		return fmt.Errorf("unknown mode %q: standalone, sentinel or cluster", o.Mode)
	case strings.ContainsAny(o.KeyPrefix, "{} \r\n"):
		return fmt.Errorf("key prefix %q: no braces and no white space, which have a meaning of their own", o.KeyPrefix)
	case o.Sealer == nil:
		return errors.New("no sealer: records are never stored in the clear")
	case o.Rules.Idle <= 0:
		return errors.New("the idle timeout must be positive")
	case o.JournalBytes < 0:
		return errors.New("the size of the journal must be positive")
	case o.Timeout < 0:
		return errors.New("the timeout must be positive")
	}
	return nil
}
