package redisstore

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"strings"
	"sync"

	"github.com/redis/go-redis/v9"
)

// masters knows which Redis answers. The same address may be another server, or the
// same one with another past, as soon as a connection was made anew; so what tells
// them apart, the run id and the id of the replication history, is asked for on
// each connection before it is used.
type masters struct {
	changed func(name string) // another master was found

	mu        sync.Mutex
	names     map[string]string   // by address; a single one, or sentinels' master: by ""
	histories map[string]struct{} // that masters had
	foreign   map[string]struct{} // names that only others have mentioned
}

// identity is what a server says of itself.
type identity struct {
	name     string // no other server has it, nor this one after a start or a promotion
	history  string // id of its replication history
	previous string // the history it continues, after a promotion
}

// maxRemembered bounds what is remembered of servers that change all the time.
const maxRemembered = 1000

func newMasters(changed func(name string)) *masters {
	return &masters{
		changed: changed, names: make(map[string]string),
		histories: make(map[string]struct{}), foreign: make(map[string]struct{}),
	}
}

// connected makes go-redis's OnConnect for an address. It never refuses a connection.
func (m *masters) connected(addr string) func(context.Context, *redis.Conn) error {
	return func(ctx context.Context, conn *redis.Conn) error {
		if id, ok := identify(ctx, conn); ok {
			m.note(addr, id)
		}
		return nil
	}
}

// note notes which master a connection to addr leads to.
func (m *masters) note(addr string, id identity) {
	if m.isNew(addr, id) {
		m.changed(id.name)
	}
}

// isNew reports whether a master took the place of another. The first one at an
// address did not, unless it continues the history of one we know.
func (m *masters) isNew(addr string, id identity) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	name, known := m.names[addr]
	_, continues := m.histories[id.previous]
	if len(m.histories) >= maxRemembered {
		clear(m.histories)
	}
	m.histories[id.history] = struct{}{}
	if name == id.name {
		return false
	}
	if !known && len(m.names) >= maxRemembered {
		clear(m.names)
	}
	m.names[addr] = id.name
	return known || continues
}

// has reports whether connections lead to the master of that name.
func (m *masters) has(name string) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, n := range m.names {
		if n == name {
			return true
		}
	}
	return false
}

// isForeign reports whether only others have met the master of that name.
func (m *masters) isForeign(name string) bool {
	m.mu.Lock()
	_, mentioned := m.foreign[name]
	m.mu.Unlock()
	return mentioned && !m.has(name)
}

// mention notes that another process knows a master, and reports whether it is
// news to us.
func (m *masters) mention(name string) bool {
	if m.has(name) {
		return false
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, known := m.foreign[name]; known {
		return false
	}
	if len(m.foreign) >= maxRemembered {
		clear(m.foreign)
	}
	m.foreign[name] = struct{}{}
	return true
}

// identify asks a connection which master it leads to. ok is false where Redis does
// not say, and for sentinels and replicas.
func identify(ctx context.Context, conn redis.Cmdable) (id identity, ok bool) {
	server, replication := newOnce(ctx, "info", "server"), newOnce(ctx, "info", "replication")
	_, err := conn.Pipelined(ctx, func(p redis.Pipeliner) error {
		return p.BatchProcess(ctx, server, replication)
	})
	if err != nil {
		return identity{}, false
	}
	s, r := infoFields(server.Val()), infoFields(replication.Val())
	if s["run_id"] == "" || s["redis_mode"] == "sentinel" || r["role"] == "slave" {
		return identity{}, false
	}
	return identity{
		name: nameOf(s["run_id"], r["master_replid"]), history: r["master_replid"], previous: r["master_replid2"],
	}, true
}

// once is a command that go-redis does not try again. A new connection is asked who it
// leads to before the command that it was made for; a server that refuses everything
// would be asked so often, sentinels above all, that the time is up before the reason
// is known.
type once struct{ *redis.StringCmd }

func newOnce(ctx context.Context, args ...any) once { return once{redis.NewStringCmd(ctx, args...)} }

// NoRetry implements [redis.Cmder].
func (once) NoRetry() bool { return true }

// nameOf has the form of a session id, as all first words on the channel have.
func nameOf(parts ...string) string {
	sum := sha256.Sum256([]byte(strings.Join(parts, "\n")))
	return base64.RawURLEncoding.EncodeToString(sum[:16])
}

// masterOf names the master a command connection leads to, whatever Redis permits
// us to ask: where it hides INFO, by the address at which it takes the connection.
// known is false then, for another server may have that address.
func masterOf(ctx context.Context, conn *redis.Conn) (id identity, known bool, err error) {
	if id, known = identify(ctx, conn); known {
		return id, true, nil
	}
	info, err := conn.Do(ctx, "CLIENT", "INFO").Text()
	var refused redis.Error
	if err != nil && !errors.As(err, &refused) {
		return id, false, err
	}
	for field := range strings.FieldsSeq(info) {
		if addr, ok := strings.CutPrefix(field, "laddr="); ok {
			return identity{name: nameOf(addr)}, false, nil
		}
	}
	return identity{name: nameOf("unknown")}, false, nil
}

// infoFields reads a reply to INFO.
func infoFields(text string) map[string]string {
	fields := make(map[string]string)
	for line := range strings.Lines(text) {
		if name, value, ok := strings.Cut(strings.TrimSpace(line), ":"); ok {
			fields[name] = value
		}
	}
	return fields
}
