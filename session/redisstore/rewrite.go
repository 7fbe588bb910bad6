package redisstore

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"
	"golang.org/x/sync/errgroup"

	"sessiongate/session"
)

const (
	scriptInterval = time.Millisecond // at most 1,000 scripts a second
	rewriteChunk   = 100
	maxRewrites    = 8 // scripts under way at a time
	suspectTTL     = 2 * time.Minute
	confirmPause   = 50 * time.Millisecond
)

// masterChanged takes in that another server answers than before.
func (s *Store) masterChanged(name string) {
	s.replicas.forget()
	if !s.peers.isRewriting() {
		return
	}
	s.journal.freeze()
	s.peers.hold(name, time.Now())
	s.suspect()
	s.report(session.Event{Type: session.EventStoreChanged})
	s.wantRewrite()
}

// hint takes in that another process found a master we have not met yet.
func (s *Store) hint(name string) {
	s.journal.freeze()
	s.peers.hold(name, time.Now())
	s.wantRewrite()
}

func (s *Store) wantRewrite() {
	select {
	case s.changed <- struct{}{}:
	default:
	}
}

// suspect makes readings be compared with the journal for a while.
func (s *Store) suspect() { s.suspectUntil.Store(s.o.Now().Add(suspectTTL).UnixMilli()) }

func (s *Store) report(e session.Event) {
	if s.o.Recorder == nil {
		return
	}
	e.Time = s.o.Now()
	s.o.Recorder.Record(e)
}

// EndAgain implements [session.Rewriter].
func (s *Store) Replay(ctx context.Context, ends []*session.EndedError) error {
	pace := newPace()
	for chunk := range slices.Chunk(ends, rewriteChunk) {
		states, err := s.states(ctx, idsOf(chunk, func(e *session.EndedError) session.ID { return e.ID }))
		if err != nil {
			return err
		}
		var forgotten []*session.EndedError
		for i, e := range chunk {
			s.journal.drop(e.ID)
			if states[i].why == "" {
				forgotten = append(forgotten, e)
			}
		}
		err = each(ctx, forgotten, func(ctx context.Context, e *session.EndedError) error {
			_, err := s.run(ctx, s.scripts.replay, e.ID, string(e.Reason))
			return err
		})
		if err != nil {
			return err
		}
		if err := pace.spend(ctx, len(forgotten)); err != nil {
			return err
		}
	}
	return nil
}

// Rewrite implements [session.Rewriter].
func (s *Store) Rewrite(ctx context.Context) error {
	masters := s.peers.pending()
	entries := s.journal.all()
	now, err := s.Now(ctx)
	if err != nil {
		return err
	}
	pace := newPace()
	for chunk := range slices.Chunk(entries, rewriteChunk) {
		missing, err := s.missing(ctx, chunk)
		if err != nil {
			return err
		}
		err = each(ctx, missing, func(ctx context.Context, e *entry) error { return s.rewrite(ctx, e, now) })
		if err != nil {
			return err
		}
		if err := pace.spend(ctx, 3*len(missing)); err != nil {
			return err
		}
	}
	s.journal.thaw()
	if len(entries) > 0 {
		// Of a master that only others have met we cannot say that it has them.
		masters = slices.DeleteFunc(masters, func(name string) bool { return s.masters.isForeign(name) })
	}
	return s.tellDone(ctx, masters)
}

// tellDone tells everybody that what this process wrote is in these masters.
func (s *Store) tellDone(ctx context.Context, masters []string) error {
	ctx, cancel := context.WithTimeout(ctx, s.o.Timeout)
	defer cancel()
	for _, master := range masters {
		s.peers.note(s.peers.self, master, true, time.Now())
		if err := s.publish(ctx, s.client, noticeDone, master); err != nil {
			return unavailable("tell that all is written again", err)
		}
	}
	return nil
}

// missing returns the entries that the server lacks. In a Cluster the lists may
// have been forgotten alone: then every entry counts.
func (s *Store) missing(ctx context.Context, entries []*entry) (list []*entry, err error) {
	states, err := s.states(ctx, idsOf(entries, func(e *entry) session.ID { return e.id }))
	if err != nil {
		return nil, err
	}
	for i, e := range entries {
		stored := states[i]
		switch {
		case stored.why != "":
			s.journal.drop(e.id)
		case s.o.Mode == Cluster, stored.number < e.number, stored.number == e.number && stored.stamp != e.stamp:
			list = append(list, e)
		}
	}
	return list, nil
}

// rewrite writes one entry again. What it is found by comes first: what cannot be
// found must not exist.
func (s *Store) rewrite(ctx context.Context, e *entry, now time.Time) error {
	ctx, cancel := context.WithTimeout(ctx, s.o.Timeout)
	defer cancel()
	left := number(e.absolute.Sub(now).Milliseconds())
	if err := s.scripts.index.Run(ctx, s.client, []string{e.owner}, string(e.id), left, s.offset()).Err(); err != nil {
		return unavailable("list session under its owner", err)
	}
	if e.link != "" {
		closed, err := s.scripts.link.Run(ctx, s.client, []string{e.link}, string(e.id), left,
			session.ClosedFor.Milliseconds(), s.offset()).Int64()
		if err != nil {
			return unavailable(s.scripts.link.name, err)
		}
		if closed == 1 { // the provider has ended that session: ends win
			s.journal.drop(e.id)
			return nil
		}
	}
	if s.journal.get(e.id) == nil {
		return nil // it ended meanwhile
	}
	reply, err := s.run(ctx, s.scripts.rewrite, e.id, e.sealed, number(s.o.Rules.Idle.Milliseconds()), e.state)
	if err != nil {
		return err
	}
	return s.rewritten(e, reply)
}

// What again.lua answers.
const (
	againNothing = iota
	againWritten
	againSplit
	againOver
)

func (s *Store) rewritten(e *entry, reply any) error {
	switch reply {
	case int64(againNothing):
	case int64(againWritten):
		s.report(session.Event{Type: session.EventRewritten, ID: e.id})
	case int64(againSplit):
		s.journal.drop(e.id)
		s.report(session.Event{Type: session.EventStoreSplit, ID: e.id})
	case int64(againOver):
		s.journal.drop(e.id)
	default:
		return unavailable("write session again", errReply)
	}
	return nil
}

// restore writes a session again that a reading shows to be forgotten, if this
// process knows better. It tells whether to read again.
func (s *Store) restore(ctx context.Context, id session.ID, stored int64) bool {
	if s.o.Now().UnixMilli() >= s.suspectUntil.Load() {
		return false
	}
	e := s.journal.get(id)
	if e == nil || e.number <= stored {
		return false
	}
	s.report(session.Event{Type: session.EventStoreForgot, ID: id})
	now, err := s.Now(ctx)
	return err == nil && s.rewrite(ctx, e, now) == nil && s.journal.get(id) != nil
}

// stored is what a look at many sessions tells of one.
type stored struct {
	why, stamp string
	number     int64
}

// states looks at the sessions of a chunk in one round trip per node.
func (s *Store) states(ctx context.Context, ids []session.ID) ([]stored, error) {
	ctx, cancel := context.WithTimeout(ctx, s.o.Timeout)
	defer cancel()
	replies := make([]*redis.SliceCmd, len(ids))
	_, err := s.client.Pipelined(ctx, func(p redis.Pipeliner) error {
		for i, id := range ids {
			replies[i] = p.HMGet(ctx, s.stateKey(id), "why", "n", "nm", "st")
		}
		return nil
	})
	if err != nil {
		return nil, unavailable("look at sessions", err)
	}
	list := make([]stored, len(ids))
	for i, reply := range replies {
		var text [4]string
		for j, v := range reply.Val() {
			text[j], _ = v.(string)
		}
		list[i] = stored{why: text[0], number: parseNumber(text[1], text[2], text[3]), stamp: text[3]}
	}
	return list, nil
}

// idsOf are the ids of a list.
func idsOf[T any](list []T, id func(T) session.ID) []session.ID {
	ids := make([]session.ID, len(list))
	for i, x := range list {
		ids[i] = id(x)
	}
	return ids
}

// each runs f for each entry, several at a time.
func each[T any](ctx context.Context, list []T, f func(context.Context, T) error) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(maxRewrites)
	for _, x := range list {
		group.Go(func() error { return f(ctx, x) })
	}
	return group.Wait()
}

// pace spreads scripts over time.
type pace struct {
	began time.Time
	spent int
}

func newPace() *pace { return &pace{began: time.Now()} }

// spend waits until n scripts more are in order.
func (p *pace) spend(ctx context.Context, n int) error {
	p.spent += n
	timer := time.NewTimer(time.Until(p.began.Add(time.Duration(p.spent) * scriptInterval)))
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Confirm implements [session.Rewriter].
func (s *Store) Confirm(ctx context.Context) error {
	for !s.o.alone {
		open := s.journal.unconfirmed()
		if len(open) == 0 {
			return nil
		}
		if err := s.eachMaster(ctx, s.waitForAll); err == nil {
			s.journal.confirm(open)
			return nil
		}
		select {
		case <-time.After(confirmPause):
		case <-ctx.Done():
			return fmt.Errorf("%d sessions are not on every replica yet: %w", len(open), ctx.Err())
		}
	}
	return nil
}

// eachMaster calls f for the master, or for those of a Cluster.
func (s *Store) eachMaster(ctx context.Context, f func(context.Context, *redis.Client) error) error {
	if cluster, ok := s.client.(*redis.ClusterClient); ok {
		return cluster.ForEachMaster(ctx, f)
	}
	node, err := s.node(ctx, s.channel())
	if err != nil {
		return err
	}
	return f(ctx, node)
}

// parseNumber reads the commit number of a session's fields n, nm and st, as
// lua/family.lua does.
func parseNumber(n, mark, stamp string) int64 {
	count, err := strconv.ParseInt(n, 10, 64)
	if err != nil {
		return 0
	}
	if mark != stamp[:min(len(stamp), 4)] {
		count++
	}
	return count
}
