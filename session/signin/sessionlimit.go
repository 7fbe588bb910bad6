package signin

import (
	"context"
	"slices"

	"sessiongate/session"
)

// checkLimit refuses a login that would go over the limit, before anything is written.
// Sessions the new one replaces do not count.
func (s *Service) checkLimit(ctx context.Context, o session.Owner, replaces []session.ID) error {
	if s.perUser.Max <= 0 || !s.perUser.Refuse {
		return nil
	}
	others, err := s.others(ctx, o, replaces)
	if err == nil && len(others) >= s.perUser.Max {
		return session.ErrTooMany
	}
	return err
}

// keepLimit holds the limit after the session id was written. Several logins at once
// each count again here, after their own write, so the last of them sees all: the
// limit may refuse one too many, but it is never passed for good.
func (s *Service) keepLimit(ctx context.Context, o session.Owner, id session.ID, replaces []session.ID, c session.Client) error {
	if s.perUser.Max <= 0 {
		return nil
	}
	others, err := s.others(ctx, o, append(replaces[:len(replaces):len(replaces)], id))
	excess := len(others) + 1 - s.perUser.Max
	switch {
	case err == nil && excess <= 0:
		return nil
	case s.perUser.Refuse:
		_, _ = s.terminator.End(ctx, id, session.Evicted, c) // nobody holds its handle yet
		if err == nil {
			err = session.ErrTooMany
		}
		return err
	}
	// If this fails, there is one session too many until the next login.
	for _, r := range others[max(0, len(others)-max(0, excess)):] { // newest first: these are the oldest
		_, _ = s.terminator.End(ctx, r.ID, session.Evicted, c)
	}
	return nil
}

// others lists the owner's sessions but some. A record that cannot be opened has
// raised its alarm, and must not lock its owner out: it does not count.
func (s *Service) others(ctx context.Context, o session.Owner, but []session.ID) ([]session.Record, error) {
	list, err := s.terminator.Sessions(ctx, o)
	_, err = session.SplitUnreadable(err)
	return slices.DeleteFunc(list, func(r session.Record) bool { return slices.Contains(but, r.ID) }), err
}
