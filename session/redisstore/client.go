package redisstore

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"
)

// newClient configures go-redis for short, bounded operations.
//
// RESP2 and no identity: the store needs nothing of RESP3, and fewer commands at
// the start of a connection are fewer that an ACL can refuse. Reads never go to
// replicas of a Cluster: a stale session read would undo a logout.
func newClient(o Options, m *masters) redis.UniversalClient {
	u := &redis.UniversalOptions{
		Addrs:         o.Addresses,
		MasterName:    o.MasterName,
		IsClusterMode: o.Mode == Cluster,
		DB:            o.DB,
		Dialer:        o.dial, // TLS included

		CredentialsProviderContext: o.credentials,

		Protocol:                 2,
		DisableIdentity:          true,
		MaintNotificationsConfig: &maintnotifications.Config{Mode: maintnotifications.ModeDisabled},

		// The context of each operation is the real limit; these are for work
		// that go-redis does on its own.
		ContextTimeoutEnabled: true,
		DialTimeout:           o.Timeout,
		ReadTimeout:           o.Timeout,
		WriteTimeout:          o.Timeout,
		PoolTimeout:           o.Timeout,
		DialerRetries:         1,
		MaxRetries:            3,
		MinRetryBackoff:       8 * time.Millisecond,
		MaxRetryBackoff:       64 * time.Millisecond,
		PoolSize:              poolSize,

		// go-redis would take 32 KiB each way for each connection, and
		// 128 for pipelines, which get connections of their own: a session is 2 KiB.
		ReadBufferSize:          4 << 10,
		WriteBufferSize:         4 << 10,
		PipelineReadBufferSize:  32 << 10,
		PipelineWriteBufferSize: 32 << 10,
		ConnMaxIdleTime:         5 * time.Minute,
	}
	if o.Mode == Standalone {
		u.MasterName = ""
	}
	switch {
	case o.alone:
	case o.Mode == Cluster:
		cluster := u.Cluster()
		cluster.NewClient = func(node *redis.Options) *redis.Client {
			node.OnConnect = m.connected(node.Addr)
			return redis.NewClient(node)
		}
		return redis.NewClusterClient(cluster)
	default:
		u.OnConnect = o.greet(m.connected(""))
	}
	return redis.NewUniversalClient(u)
}

// poolSize is per node. An operation holds its connection for well under a
// millisecond, so that this many serve some ten thousand operations a second.
const poolSize = 64

// LogTo sends go-redis's own messages (lost connections, moved slots) to logger,
// at debug level: while Redis is down there are several per request. go-redis has
// one logger for the whole process, which writes plain text to stderr otherwise:
// call this once, before the first store is made.
func LogTo(logger *slog.Logger) { redis.SetLogger(messages{logger}) }

type messages struct{ logger *slog.Logger }

// Printf implements go-redis's logger.
func (m messages) Printf(ctx context.Context, format string, values ...any) {
	m.logger.DebugContext(ctx, "redis client: "+fmt.Sprintf(format, values...))
}
