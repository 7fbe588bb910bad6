package redisstore

import (
	"context"

	"sessiongate/session"
)

// Keep implements [session.Toucher].
func (s *Store) Touch(ctx context.Context, id session.ID) (alive bool, err error) {
	reply, err := s.run(ctx, s.scripts.touch, id, number(s.o.Rules.Idle.Milliseconds()))
	if err != nil {
		return false, err
	}
	n, ok := reply.(int64)
	if !ok {
		return false, unavailable("keep session", errReply)
	}
	return n == 1, nil
}
