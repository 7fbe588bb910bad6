package redisstore_test

import (
	"errors"
	"testing"
	"time"

	"sessiongate/session"
	"sessiongate/session/redisstore"
	"sessiongate/session/testserver"
)

// TestRecordBelongsToItsCommit: whoever can write to Redis cannot put an older record
// beside a newer state, nor move the absolute deadline.
func TestRecordBelongsToItsCommit(t *testing.T) {
	stories := map[string]func(t *testing.T, s *redisstore.Store, state, record, older string){
		"nothing": nil,
		"an older record": func(t *testing.T, s *redisstore.Store, _, record, older string) {
			s.Client().Set(t.Context(), record, older, time.Hour)
		},
		"another deadline": func(t *testing.T, s *redisstore.Store, state, _, _ string) {
			s.Client().HIncrBy(t.Context(), state, "ab", time.Hour.Milliseconds())
		},
		"another number": func(t *testing.T, s *redisstore.Store, state, _, _ string) {
			s.Client().HIncrBy(t.Context(), state, "n", 7)
		},
		"no proof": func(t *testing.T, s *redisstore.Store, state, _, _ string) {
			s.Client().HDel(t.Context(), state, "au")
		},
	}
	for name, server := range map[string]redisstore.Options{
		"embedded": embedded(t), "real Redis": standalone(testserver.Redis(t)),
	} {
		for story, meddle := range stories {
			t.Run(name+"/"+story, func(t *testing.T) {
				s := newStore(t, server)
				v := login(t, s, smallTokens())
				state, record := s.Keys(v.ID)
				older := s.Client().Get(t.Context(), record).Val()
				lease, err := s.Get(t.Context(), v.ID)
				if err != nil {
					t.Fatal(err)
				}
				done, err := s.Commit(t.Context(), session.Commit{
					Presentation: v, FromTokens: smallTokens().Hash(), Base: lease.Record.Facts, Identity: lease.Record.Identity,
					Tokens: session.Tokens{Access: "new", Refresh: "new"}, Schedule: session.NewSchedule(10*time.Minute, 0),
				})
				if err != nil || !done.Stored || done.Record.Facts.CommitNumber != 2 {
					t.Fatalf("%+v, %v", done, err)
				}
				if meddle != nil {
					meddle(t, s, state, record, older)
				}
				_, err = s.Get(t.Context(), v.ID)
				_, judged := s.Resolve(t.Context(), v)
				_, listed := s.List(t.Context(), lease.Record.Identity.Owner())
				var lost *session.UnreadableError
				if bad := meddle != nil; errors.Is(err, session.ErrSealed) != bad ||
					errors.Is(judged, session.ErrSealed) != bad || errors.As(listed, &lost) != bad {
					t.Errorf("read: %v; judged: %v; listed: %v", err, judged, listed)
				}
				if _, err := s.End(t.Context(), v.ID, session.Logout); meddle == nil && err != nil {
					t.Error(err)
				}
				if lease, err := s.Get(t.Context(), v.ID); err != nil || lease.Record != nil {
					t.Errorf("after its end: %+v, %v", lease, err)
				}
			})
		}
	}
}
