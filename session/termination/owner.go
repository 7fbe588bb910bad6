package termination

import (
	"context"
	"slices"

	"sessiongate/session"
	"sessiongate/session/task"
)

// OwnSessions lists the live sessions of the owner of s, newest first, s always
// among them: a list that has lost its entry (a fail-over) is put right here.
// With an [*session.UnreadableError] the list is good but for the sessions it names.
func (t *Terminator) OwnSessions(ctx context.Context, s *session.Session) ([]session.Record, error) {
	list, lost := t.Sessions(ctx, s.Identity().Owner())
	if _, err := session.SplitUnreadable(lost); err != nil {
		return nil, err
	}
	listed := slices.ContainsFunc(list, func(r session.Record) bool { return r.ID == s.ID() })
	if !listed && s.Track().Ended() == nil {
		stored, err := t.reader.Get(ctx, s.ID())
		switch {
		case err != nil:
			return nil, t.reporter.StoreFault(err, s.ID())
		case stored.Record == nil:
			return list, lost // it ended since
		}
		list = append(list, *stored.Record)
		slices.SortStableFunc(list, func(a, b session.Record) int { return b.Created.Compare(a.Created) })
	}
	return list, lost
}

// EndOwn ends one session of the owner of s. Errors: [session.ErrNoSession],
// [*session.UnavailableError].
func (t *Terminator) EndOwn(ctx context.Context, s *session.Session, id session.ID, why session.Reason, c session.Client) error {
	list, err := t.OwnSessions(ctx, s)
	unreadable, err := session.SplitUnreadable(err)
	if err != nil {
		return err
	}
	if !slices.ContainsFunc(list, func(r session.Record) bool { return r.ID == id }) && !slices.Contains(unreadable, id) {
		return session.ErrNoSession
	}
	// An end in between is as good: it is gone, which is what was asked for.
	_, err = t.End(ctx, id, why, c)
	return err
}

// endRounds bounds how often a list is read again. Every session that lived when
// the call began goes in the first round; later ones are for logins that were
// under way, and somebody who can sign in at will cannot keep the call busy.
const endRounds = 5

// EndAll ends every session of the owner but keep (empty: none is kept) and
// returns how many, those that cannot be read included. The list is read again
// until it is empty, so that a login that was half done when the first list was
// read does not slip through. A session that cannot be ended does not save the
// others: the error says so at the end.
func (t *Terminator) EndAll(ctx context.Context, o session.Owner, keep session.ID, why session.Reason, c session.Client) (ended int, err error) {
	ctx, cancel := task.Detach(ctx, endAllTimeout)
	defer cancel()
	for range endRounds {
		list, err := t.Sessions(ctx, o)
		ids, err := session.SplitUnreadable(err)
		if err != nil {
			return ended, err
		}
		for _, r := range list {
			ids = append(ids, r.ID)
		}
		ids = slices.DeleteFunc(ids, func(id session.ID) bool { return id == keep })
		if len(ids) == 0 {
			break
		}
		n, err := t.endEach(ctx, ids, why, c)
		ended += n
		if err != nil {
			return ended, err
		}
	}
	return ended, nil
}

// endEach ends what it can and returns the first fault.
func (t *Terminator) endEach(ctx context.Context, ids []session.ID, why session.Reason, c session.Client) (ended int, first error) {
	for _, id := range ids {
		gone, err := t.End(ctx, id, why, c)
		if gone != nil {
			ended++
		}
		if first == nil {
			first = err
		}
	}
	return ended, first
}

// EndAllOwn is [Terminator.EndAll] for the owner of s. With keep, s stays. Without
// it s ends too, even if the list has lost it.
func (t *Terminator) EndAllOwn(ctx context.Context, s *session.Session, keep bool, why session.Reason, c session.Client) (ended int, err error) {
	var kept session.ID
	if keep {
		kept = s.ID()
	}
	ended, err = t.EndAll(ctx, s.Identity().Owner(), kept, why, c)
	if keep {
		return ended, err
	}
	gone, last := t.End(ctx, s.ID(), why, c)
	if gone != nil {
		ended++
	}
	if err == nil {
		err = last
	}
	return ended, err
}

// Sessions lists the owner's live sessions. With an [*session.UnreadableError] the list is
// good but for the sessions it names.
func (t *Terminator) Sessions(ctx context.Context, o session.Owner) ([]session.Record, error) {
	list, err := t.store.List(ctx, o)
	unreadable, fault := session.SplitUnreadable(err)
	if fault != nil {
		return nil, t.reporter.StoreFault(fault, "")
	}
	for _, id := range unreadable {
		t.reporter.Record(session.Event{Type: session.EventUnsealable, ID: id, Err: err})
	}
	return list, err
}
