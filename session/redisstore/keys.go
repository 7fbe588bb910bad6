package redisstore

import (
	"sessiongate/session"

	"sessiongate/session/ratelimit"
)

// keys names what a store keeps. The braces make both keys of a session share a slot of
// a Redis Cluster. doc.go has the list of all keys and of what is in them.
type keys struct{ prefix string }

func (k keys) state(id session.ID) string       { return k.prefix + "{" + string(id) + "}:s" }
func (k keys) record(id session.ID) string      { return k.prefix + "{" + string(id) + "}:t" }
func (k keys) owner(o session.Owner) string     { return k.prefix + "u:{" + o.Hash() + "}" }
func (k keys) links(hash string) string         { return k.prefix + "idp:{" + hash + "}" }
func (k keys) usedToken(hash string) string     { return k.prefix + "jti:{" + hash + "}" }
func (k keys) attempts(browser string) string   { return k.prefix + "tx:{" + browser + "}" }
func (k keys) bucket(b ratelimit.Bucket) string { return k.prefix + "rl:{" + string(b) + "}" }
func (k keys) channel() string                  { return k.prefix + "inval" }

// session returns both keys of a session, cut out of one string: one allocation.
func (k keys) session(id session.ID) (state, record string) {
	both := k.prefix + "{" + string(id) + "}:s" + k.prefix + "{" + string(id) + "}:t"
	return both[:len(both)/2], both[len(both)/2:]
}
