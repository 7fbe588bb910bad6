package redisstore

import (
	"context"
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	"sessiongate/session"
)

const (
	rewriteChunk = 100
	suspectTTL   = 2 * time.Minute
	confirmPause = 50 * time.Millisecond
)

// rewriter knows what this process wrote a short while ago, and writes it again where a
// server has forgotten it. It is safe for concurrent use.
type rewriter struct {
	*server
	replicas *replicas
	owners   *owners
	scripts  rewriteScripts

	journal      *journal
	masters      *masters
	peers        *peers
	changed      chan struct{} // takes one: what may be forgotten is to be written again
	suspectUntil atomic.Int64  // readings are compared with the journal until then, in ms
}

type rewriteScripts struct{ rewrite, replay, link script }

// newRewriter makes a rewriter that has yet to be given its server and its parts: the
// connection to a server tells it which master answers.
func newRewriter(o Options) *rewriter {
	w := &rewriter{
		changed: make(chan struct{}, 1), peers: newPeers(newProcess()),
		scripts: rewriteScripts{
			rewrite: sessionScript("write session again", "rewrite"),
			replay:  sessionScript("end session again", "replay"),
			link:    newScript("link session", "link"),
		},
	}
	w.journal = newJournal(o.JournalBytes, o.Now, func(id session.ID) {
		w.report(session.Event{Type: session.EventJournalFull, ID: id})
	})
	w.masters = newMasters(w.masterChanged)
	return w
}

// masterChanged notes that another server answers than before.
func (w *rewriter) masterChanged(name string) {
	w.replicas.forget()
	if !w.peers.isRewriting() {
		return
	}
	w.journal.freeze()
	w.peers.hold(name, time.Now())
	w.suspect()
	w.report(session.Event{Type: session.EventStoreChanged})
	w.wantRewrite()
}

// hint notes that another process found a master we have not met yet.
func (w *rewriter) hint(name string) {
	w.journal.freeze()
	w.peers.hold(name, time.Now())
	w.wantRewrite()
}

func (w *rewriter) wantRewrite() {
	select {
	case w.changed <- struct{}{}:
	default:
	}
}

// suspect makes reads be compared with the journal for a while.
func (w *rewriter) suspect() { w.suspectUntil.Store(w.o.Now().Add(suspectTTL).UnixMilli()) }

// Replay implements [session.Rewriter].
func (w *rewriter) Replay(ctx context.Context, ends []*session.EndedError) error {
	pace := newPace()
	for chunk := range slices.Chunk(ends, rewriteChunk) {
		states, err := w.states(ctx, idsOf(chunk, func(e *session.EndedError) session.ID { return e.ID }))
		if err != nil {
			return err
		}
		var forgotten []*session.EndedError
		for i, e := range chunk {
			w.journal.drop(e.ID)
			if states[i].why == "" {
				forgotten = append(forgotten, e)
			}
		}
		err = each(ctx, forgotten, func(ctx context.Context, e *session.EndedError) error {
			_, err := w.run(ctx, w.scripts.replay, e.ID, string(e.Reason))
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
func (w *rewriter) Rewrite(ctx context.Context) error {
	masters := w.peers.pending()
	entries := w.journal.all()
	now, err := w.Now(ctx)
	if err != nil {
		return err
	}
	pace := newPace()
	for chunk := range slices.Chunk(entries, rewriteChunk) {
		missing, err := w.missing(ctx, chunk)
		if err != nil {
			return err
		}
		err = each(ctx, missing, func(ctx context.Context, e *entry) error { return w.rewrite(ctx, e, now) })
		if err != nil {
			return err
		}
		if err := pace.spend(ctx, 3*len(missing)); err != nil {
			return err
		}
	}
	w.journal.thaw()
	if len(entries) > 0 {
		// Of a master that only others have met we cannot say that it has them.
		masters = slices.DeleteFunc(masters, func(name string) bool { return w.masters.isForeign(name) })
	}
	return w.tellDone(ctx, masters)
}

// tellDone tells everybody that what this process wrote is in these masters.
func (w *rewriter) tellDone(ctx context.Context, masters []string) error {
	ctx, cancel := context.WithTimeout(ctx, w.o.Timeout)
	defer cancel()
	for _, master := range masters {
		w.peers.note(w.process, master, true, time.Now())
		if err := w.publish(ctx, w.client, noticeDone, master); err != nil {
			return unavailable("tell that all is written again", err)
		}
	}
	return nil
}

// missing returns the entries that the server lacks. In a Cluster the lists may
// have been forgotten alone: then every entry counts.
func (w *rewriter) missing(ctx context.Context, entries []*entry) (list []*entry, err error) {
	states, err := w.states(ctx, idsOf(entries, func(e *entry) session.ID { return e.id }))
	if err != nil {
		return nil, err
	}
	for i, e := range entries {
		stored := states[i]
		switch {
		case stored.why != "":
			w.journal.drop(e.id)
		case w.o.Mode == Cluster, stored.number < e.number, stored.number == e.number && stored.tokensHash != e.tokensHash:
			list = append(list, e)
		}
	}
	return list, nil
}

// rewrite writes one entry again. What it is found by comes first: what cannot be
// found must not exist.
func (w *rewriter) rewrite(ctx context.Context, e *entry, now time.Time) error {
	ctx, cancel := context.WithTimeout(ctx, w.o.Timeout)
	defer cancel()
	left := number(e.absolute.Sub(now).Milliseconds())
	if err := w.owners.addKey(ctx, e.owner, e.id, left); err != nil {
		return err
	}
	if e.link != "" {
		closed, err := w.scripts.link.Run(ctx, w.client, []string{e.link}, string(e.id), left,
			session.ClosedFor.Milliseconds(), w.offset()).Int64()
		if err != nil {
			return unavailable(w.scripts.link.doing, err)
		}
		if closed == 1 { // the provider has ended that session: ends win
			w.journal.drop(e.id)
			return nil
		}
	}
	if w.journal.get(e.id) == nil {
		return nil // it ended meanwhile
	}
	reply, err := w.run(ctx, w.scripts.rewrite, e.id, e.sealed, number(w.o.Rules.Idle.Milliseconds()), e.state)
	if err != nil {
		return err
	}
	return w.rewritten(e, reply)
}

// What rewrite.lua answers.
const (
	notForgotten = iota
	writtenAgain
	otherTokens
	hasEnded
)

func (w *rewriter) rewritten(e *entry, reply any) error {
	switch reply {
	case int64(notForgotten):
	case int64(writtenAgain):
		w.report(session.Event{Type: session.EventRewritten, ID: e.id})
	case int64(otherTokens):
		w.journal.drop(e.id)
		w.report(session.Event{Type: session.EventStoreSplit, ID: e.id})
	case int64(hasEnded):
		w.journal.drop(e.id)
	default:
		return unavailable(w.scripts.rewrite.doing, errReply)
	}
	return nil
}

// remember keeps in the journal what was just written.
func (w *rewriter) remember(r *session.Record, sealed []byte, state []any, confirmed bool) {
	if e := newEntry(r, sealed, state); e != nil {
		w.put(e, r.Identity, confirmed)
	}
}

// put keeps an entry in the journal, with what the session is found by.
func (w *rewriter) put(e *entry, of session.Identity, confirmed bool) {
	e.owner, e.at = w.keys.owner(of.Owner()), w.o.Now()
	if key := of.ProviderSession(); key != "" {
		e.link = w.keys.links(key)
	}
	w.journal.put(e, confirmed)
}

// restore writes a session again if a read shows that the server has lost it, and this
// process still has it. It tells whether to read again.
func (w *rewriter) restore(ctx context.Context, id session.ID, stored int64) bool {
	if w.o.Now().UnixMilli() >= w.suspectUntil.Load() {
		return false
	}
	e := w.journal.get(id)
	if e == nil || e.number <= stored {
		return false
	}
	w.report(session.Event{Type: session.EventStoreForgot, ID: id})
	now, err := w.Now(ctx)
	return err == nil && w.rewrite(ctx, e, now) == nil && w.journal.get(id) != nil
}

// idsOf are the ids of a list.
func idsOf[T any](list []T, id func(T) session.ID) []session.ID {
	ids := make([]session.ID, len(list))
	for i, x := range list {
		ids[i] = id(x)
	}
	return ids
}

// Confirm implements [session.Rewriter].
func (w *rewriter) Confirm(ctx context.Context) error {
	for !w.o.alone {
		open := w.journal.unconfirmed()
		if len(open) == 0 {
			return nil
		}
		if err := w.eachMaster(ctx, w.replicas.waitForAll); err == nil {
			w.journal.confirm(open)
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
