package session

import (
	"context"
	"errors"
	"slices"
)

// ErrNoSession means that the owner has no such session. Somebody else's session
// and one that never was are the same answer.
var ErrNoSession = errors.New("session: no such session of this owner")

// OwnSessions lists the live sessions of the owner of s, newest first, s always
// among them: a list that has lost its entry (a fail-over) is put right here.
func (m *Manager) OwnSessions(ctx context.Context, s *Session) ([]Record, error) {
	list, err := m.Sessions(ctx, s.Identity().Owner())
	if err != nil {
		return nil, err
	}
	listed := slices.ContainsFunc(list, func(r Record) bool { return r.ID == s.ID() })
	if !listed && s.track.over.Load() == nil {
		turn, err := m.peruse(ctx, s.ID())
		switch {
		case err != nil:
			return nil, m.storeFault(err, s.ID())
		case turn.State == TurnOver:
			return list, nil // it ended since
		}
		list = append(list, *turn.Record)
		slices.SortStableFunc(list, func(a, b Record) int { return b.Created.Compare(a.Created) })
	}
	return list, nil
}

// EndOwn ends one session of the owner of s. Errors: [ErrNoSession],
// [*UnavailableError].
func (m *Manager) EndOwn(ctx context.Context, s *Session, id ID, why Reason, c Client) error {
	list, err := m.OwnSessions(ctx, s)
	if err != nil {
		return err
	}
	if !slices.ContainsFunc(list, func(r Record) bool { return r.ID == id }) {
		return ErrNoSession
	}
	// Over in between is as good: it is gone, which is what was asked for.
	_, err = m.End(ctx, id, why, c)
	return err
}

// endRounds bounds how often a list is read again. Every session that lived when
// the call began goes in the first round; later ones are for logins that were
// under way, and somebody who can sign in at will cannot keep the call busy.
const endRounds = 5

// EndAll ends every session of the owner but keep (empty: none is kept) and
// returns how many. The list is read again until it is empty, so that a login
// that was half done when the first list was read does not slip through.
func (m *Manager) EndAll(ctx context.Context, o Owner, keep ID, why Reason, c Client) (ended int, err error) {
	ctx, cancel := lasting(ctx, endsTimeout)
	defer cancel()
	for range endRounds {
		list, err := m.Sessions(ctx, o)
		if err != nil {
			return ended, err
		}
		list = slices.DeleteFunc(list, func(r Record) bool { return r.ID == keep })
		if len(list) == 0 {
			break
		}
		for _, r := range list {
			gone, err := m.End(ctx, r.ID, why, c)
			if err != nil && !errors.Is(err, ErrSealed) { // sealed: over, but its tokens stay unrevoked
				return ended, err
			}
			if gone != nil || err != nil {
				ended++
			}
		}
	}
	return ended, nil
}

// EndAllOwn is [Manager.EndAll] for the owner of s. With keep, s stays. Without
// it s ends too, even if the list has lost it.
func (m *Manager) EndAllOwn(ctx context.Context, s *Session, keep bool, why Reason, c Client) (ended int, err error) {
	var kept ID
	if keep {
		kept = s.ID()
	}
	ended, err = m.EndAll(ctx, s.Identity().Owner(), kept, why, c)
	if err != nil || keep {
		return ended, err
	}
	gone, err := m.End(ctx, s.ID(), why, c)
	if gone != nil {
		ended++
	}
	return ended, err
}
