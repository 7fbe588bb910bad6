package redisstore

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"

	"sessiongate/session"
)

// listChunk bounds one round trip.
const listChunk = 100

// owners finds the sessions of an owner.
type owners struct {
	*server
	records records
	index   script
}

// add lists a session under its owner for as long as it may live, and drops what is dead.
func (s *owners) add(ctx context.Context, r session.Record, life time.Duration) error {
	return s.addKey(ctx, s.keys.owner(r.Identity.Owner()), r.ID, number(life.Milliseconds()))
}

// addKey is add for the key of an owner's list; life in milliseconds.
func (s *owners) addKey(ctx context.Context, key string, id session.ID, life string) error {
	if err := s.index.Run(ctx, s.client, []string{key}, string(id), life, s.offset()).Err(); err != nil {
		return unavailable(s.index.doing, err)
	}
	return nil
}

// List implements [session.Owners]. Records of another owner are left out:
// the list is not sealed, so whoever can write to Redis could have added them.
// Records that cannot be opened are named in the error: without them "log out
// everywhere" would miss some.
//
// Entries that turn out dead stay: one may belong to a session that is listed
// but not written yet. The next login trims the list.
func (s *owners) List(ctx context.Context, o session.Owner) ([]session.Record, error) {
	ctx, cancel := context.WithTimeout(ctx, s.o.Timeout)
	defer cancel()
	now, err := s.Now(ctx)
	if err != nil {
		return nil, err
	}
	ids, err := s.listed(ctx, o, now)
	if err != nil {
		return nil, err
	}
	live := make([]session.Record, 0, len(ids))
	var lost session.UnreadableError
	for chunk := range slices.Chunk(ids, listChunk) {
		found, err := s.read(ctx, chunk, now, &lost)
		if err != nil {
			return nil, err
		}
		live = append(live, found...)
	}
	live = slices.DeleteFunc(live, func(r session.Record) bool { return r.Identity.Owner() != o })
	slices.SortStableFunc(live, func(a, b session.Record) int { return b.Created.Compare(a.Created) })
	if len(lost.IDs) > 0 {
		return live, &lost
	}
	return live, nil
}

// reindex lists a session once more under its owner: a fail-over may have lost
// the list's entry, which lies on another shard than the session. An error is
// ignored: the next refresh does it again.
func (s *owners) reindex(ctx context.Context, c session.Committed) {
	ctx, cancel := context.WithTimeout(ctx, s.o.Timeout)
	defer cancel()
	_ = s.add(ctx, *c.Record, c.Record.Facts.Absolute.Sub(c.Now))
}

// Announce implements [session.Owners].
func (s *owners) Announce(ctx context.Context, o session.Owner) error {
	ctx, cancel := context.WithTimeout(ctx, s.o.Timeout)
	defer cancel()
	if err := s.client.Publish(ctx, s.keys.channel(), o.Hash()+" o 1").Err(); err != nil {
		return unavailable("announce the owner's list", err)
	}
	return nil
}

func (s *owners) listed(ctx context.Context, o session.Owner, now time.Time) ([]string, error) {
	ids, err := s.client.ZRangeByScore(ctx, s.keys.owner(o), &redis.ZRangeBy{
		Min: "(" + strconv.FormatInt(now.UnixMilli(), 10), Max: "+inf",
	}).Result()
	if err != nil {
		return nil, unavailable("list the owner's sessions", err)
	}
	return ids, nil
}

// read returns those of the sessions that live, in one pipeline per node, and
// notes in lost those it cannot read.
func (s *owners) read(ctx context.Context, ids []string, now time.Time, lost *session.UnreadableError) ([]session.Record, error) {
	states := make([]*redis.SliceCmd, len(ids))
	records := make([]*redis.StringCmd, len(ids))
	_, err := s.client.Pipelined(ctx, func(p redis.Pipeliner) error {
		for i, id := range ids {
			states[i] = p.HMGet(ctx, s.keys.state(session.ID(id)), stateFields()...)
			records[i] = p.Get(ctx, s.keys.record(session.ID(id)))
		}
		return nil
	})
	if err != nil && !entryFault(err) {
		return nil, unavailable("read the owner's sessions", err)
	}
	live := make([]session.Record, 0, len(ids))
	for i, id := range ids {
		r, err := s.entry(session.ID(id), states[i], records[i], now)
		switch {
		case errors.Is(err, session.ErrStoreUnavailable):
			return nil, err
		case err != nil:
			lost.IDs = append(lost.IDs, session.ID(id))
			lost.Err = cmp.Or(lost.Err, err)
		case r != nil:
			live = append(live, *r)
		}
	}
	return live, nil
}

// entry reads one session of the pipeline; nil if it does not live. An error that wraps
// [session.ErrSealed] is about this session alone.
func (s *owners) entry(id session.ID, state *redis.SliceCmd, record *redis.StringCmd, now time.Time) (*session.Record, error) {
	if err := cmp.Or(state.Err(), record.Err()); err != nil && err != redis.Nil { //nolint:errorlint // see entryFault
		if !entryFault(err) {
			return nil, unavailable("read the owner's sessions", err)
		}
		return nil, fmt.Errorf("%w: session %s: %w", session.ErrSealed, id, err)
	}
	r, ok := parseState(state.Val())
	found := sealed{record: record.Val()}
	if !ok || found.record == "" || !isAlive(r.Facts, s.o.Rules, now) {
		return nil, nil //nolint:nilnil // no session is an ordinary answer
	}
	r.ID = id
	found.proof, _ = state.Val()[proofField].(string)
	if err := s.records.open(&r, found); err != nil {
		return nil, err
	}
	return &r, nil
}

// entryFault tells that only one key is to blame: it is gone, or something else
// than a session.
func entryFault(err error) bool {
	return err == redis.Nil || redis.HasErrorPrefix(err, "WRONGTYPE") //nolint:errorlint // go-redis returns it bare
}

func isAlive(f session.State, rules session.Rules, now time.Time) bool {
	return now.Before(f.Absolute) && now.Sub(f.LastSeen) < rules.Idle
}

// stateFields are the fields of the state a list needs, as parseState reads them.
func stateFields() []string {
	return []string{"why", "g", "ra", "aa", "fo", "ls", "ab", "ax", "so", "ha", "gr", "b", "st", "n", "nm", "au"}
}

// proofField is the place of the proof among them.
const proofField = 15

// parseState reads the values of stateFields; false for tombstones and for
// sessions that are gone.
func parseState(values []any) (session.Record, bool) {
	if len(values) != len(stateFields()) || values[0] != nil || values[1] == nil {
		return session.Record{}, false
	}
	text := func(i int) string { v, _ := values[i].(string); return v }
	num := func(i int) int64 { n, _ := strconv.ParseInt(text(i), 10, 64); return n }
	at := func(i int) time.Time { return fromMillis(num(i)) }
	return session.Record{
		Facts: session.State{
			Found: true, Generation: uint32(num(1)),
			RotatedAt: at(2), AckedAt: at(3), ForcedAt: at(4),
			LastSeen: at(5), Absolute: at(6), SoftAt: at(8), HardAt: at(9),
			Grace: time.Duration(num(10)) * time.Millisecond, BrowserClass: text(11), TokensHash: text(12),
			CommitNumber: parseNumber(text(13), text(14), text(12)),
		},
		Expires: at(7),
	}, true
}
