package redisstore_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"sessiongate/session"
	"sessiongate/session/redisstore"
	"sessiongate/session/sessiontest"
	"sessiongate/session/testserver"
)

// sideBySide is one session that replicas of this version and of the one before
// (testdata/before: its scripts as they were) judge and rotate in turn.
type sideBySide struct {
	*testing.T
	store      *redisstore.Store
	clock      *sessiontest.Clock
	id         session.ID
	tokensHash string
	turns      int
}

func newSideBySide(t *testing.T, o redisstore.Options) *sideBySide {
	t.Helper()
	clock := sessiontest.NewClock()
	o.Offset, o.Rules = clock.Offset, session.Rules{Idle: 12 * time.Hour}
	s := &sideBySide{T: t, store: newStore(t, o), clock: clock, id: session.NewHandle(session.Browser).ID()}
	tokens := session.Tokens{Access: "a", Refresh: "r"}
	_, err := s.store.Create(t.Context(), session.Record{
		ID: s.id, Facts: session.State{Generation: 1, BrowserClass: "same"}, Tokens: tokens,
		Identity: session.Identity{Subject: "ada", Provider: "p"},
	}, session.Lifetimes{Idle: 12 * time.Hour, Absolute: 14 * 24 * time.Hour}, s.plan())
	if err != nil {
		t.Fatal(err)
	}
	s.tokensHash = tokens.Hash()
	return s
}

func (s *sideBySide) plan() session.Schedule {
	return session.Schedule{Lifetime: 24 * time.Hour, Soft: 23 * time.Hour, Hard: 23 * time.Hour, Grace: tableGrace}
}

// before is a script of the version before.
func (s *sideBySide) before(names ...string) string {
	s.Helper()
	var b bytes.Buffer
	for _, name := range names {
		text, err := os.ReadFile(filepath.Join("testdata", "before", name+".lua"))
		if err != nil {
			s.Fatal(err)
		}
		b.Write(append(text, '\n'))
	}
	return b.String()
}

// old judges a cookie as the version before does and returns the outcome.
func (s *sideBySide) old(generation int, want session.Outcome) {
	s.Helper()
	state, record := s.store.Keys(s.id)
	reply, err := s.store.Client().Eval(s.Context(), s.before("unchanged", "family", "resolve"), []string{state, record},
		generation, 0, "same", 1, 0, "", (12 * time.Hour).Milliseconds(), (12 * time.Hour).Milliseconds(), 0, "", "",
		s.clock.Offset().Milliseconds()).Text()
	if err != nil {
		s.Fatal(err)
	}
	outcome, _, _ := strings.Cut(reply, ",")
	if outcome != strconv.Itoa(int(want)) {
		s.Fatalf("the version before: generation %d: outcome %s, want %d", generation, outcome, want)
	}
}

// oldRotates commits new tokens as the version before does.
func (s *sideBySide) oldRotates(generation int) {
	s.Helper()
	s.clock.Advance(2 * tableGrace)
	state, record := s.store.Keys(s.id)
	sealed, err := s.store.AsFormer(s.Context(), s.id)
	if err != nil {
		s.Fatal(err)
	}
	s.turns++
	hash, plan := "hash-"+strconv.Itoa(s.turns), s.plan()
	reply, err := s.store.Client().Eval(s.Context(), s.before("family", "commit"), []string{state, record},
		generation, 0, "same", 0, s.tokensHash, "", 1, hash, plan.Lifetime.Milliseconds(), plan.Soft.Milliseconds(),
		plan.Hard.Milliseconds(), plan.Grace.Milliseconds(), sealed, (12 * time.Hour).Milliseconds(),
		s.clock.Offset().Milliseconds()).Slice()
	if err != nil || reply[0] != int64(1) || reply[1] != int64(1) {
		s.Fatalf("the version before did not rotate: %v, %v", reply, err)
	}
	s.tokensHash = hash
}

// now judges a cookie as this version does; marked: with a good mark.
func (s *sideBySide) now(generation uint32, marked bool, want session.Outcome) session.State {
	s.Helper()
	v := session.Presentation{ID: s.id, Generation: generation, BrowserClass: "same", Touch: true}
	if marked {
		at, err := s.store.Now(s.Context())
		if err != nil {
			s.Fatal(err)
		}
		v.Marked = at.Add(-time.Second)
	}
	r, err := s.store.Resolve(s.Context(), v)
	if err != nil {
		s.Fatal(err)
	}
	if r.Verdict.Outcome != want {
		s.Fatalf("generation %d, marked %v: outcome %d, want %d", generation, marked, r.Verdict.Outcome, want)
	}
	if r.Record == nil {
		return session.State{}
	}
	return r.Record.Facts
}

func (s *sideBySide) nowRotates(generation uint32) {
	s.Helper()
	s.clock.Advance(2 * tableGrace)
	s.turns++
	tokens := session.Tokens{Access: "a", Refresh: session.Secret("r" + strconv.Itoa(s.turns))}
	done, err := s.store.Commit(s.Context(), session.Commit{
		Presentation: session.Presentation{ID: s.id, Generation: generation, BrowserClass: "same"}, FromTokens: s.tokensHash, Rotate: true,
		Identity: session.Identity{Subject: "ada", Provider: "p"}, Tokens: tokens, Schedule: s.plan(),
	})
	if err != nil || !done.Rotated {
		s.Fatalf("this version did not rotate: %+v, %v", done, err)
	}
	s.tokensHash = tokens.Hash()
}

// field is what the state holds; "" if it does not.
func (s *sideBySide) field(name string) string {
	state, _ := s.store.Keys(s.id)
	return s.store.Client().HGet(s.Context(), state, name).Val()
}

// gap lets every window pass.
func (s *sideBySide) gap() { s.clock.Advance(tableGrace + time.Second) }

// TestSideBySide: replicas of the version before serve the same sessions. What one
// leaves behind must not be taken for something else by the other.
func TestSideBySide(t *testing.T) {
	for name, o := range map[string]redisstore.Options{"embedded": embedded(t), "real Redis": standalone(testserver.Redis(t))} {
		for story, tell := range sideBySideStories() {
			t.Run(name+"/"+story, func(t *testing.T) { tell(newSideBySide(t, o)) })
		}
	}
}

func sideBySideStories() map[string]func(*sideBySide) {
	return map[string]func(*sideBySide){
		"an ordinary life, turn by turn": func(s *sideBySide) {
			for g := 1; g < 9; g += 2 {
				s.old(g, 5)
				s.now(uint32(g), false, session.OutcomeCurrent)
				s.oldRotates(g)
				s.now(uint32(g), false, session.OutcomeConverge)
				s.old(g, 7)
				s.now(uint32(g+1), false, session.OutcomeCurrent)
				s.clock.Advance(session.LateAfter)
				s.now(uint32(g+1), false, session.OutcomeCurrent)
				s.nowRotates(uint32(g + 1))
				s.old(g+1, 7)
				s.now(uint32(g+1), false, session.OutcomeConverge)
			}
		},
		"lasting use is of its generation only": func(s *sideBySide) {
			s.clock.Advance(2 * session.LateAfter)
			s.now(1, false, session.OutcomeCurrent)
			if s.field("la") != "1" {
				s.Errorf("la = %q", s.field("la"))
			}
			s.oldRotates(1) // and leaves it behind
			s.old(2, 5)
			s.gap()
			s.now(1, false, session.OutcomeRetired)
			s.now(1, true, session.OutcomeRecover)
		},
		"rotated over a recovery": func(s *sideBySide) {
			s.old(1, 5)
			s.nowRotates(1)
			s.old(2, 5)
			s.gap()
			s.now(1, true, session.OutcomeRecover)
			s.old(3, 5) // it is current to both
			s.now(1, false, session.OutcomeConverge)
			s.oldRotates(3) // and leaves rp behind
			if s.field("rp") != "1" {
				s.Errorf("rp = %q", s.field("rp"))
			}
			s.now(3, false, session.OutcomeConverge)
			s.now(4, false, session.OutcomeCurrent)
			s.now(1, false, session.OutcomeRetired) // no window any more
			s.now(2, false, session.OutcomeRetired)
			s.gap()
			s.now(3, true, session.OutcomeRecover) // the next one is in order
			if s.field("rp") != "3" {
				s.Errorf("rp = %q", s.field("rp"))
			}
		},
		"a lost rotation over a recovery": func(s *sideBySide) {
			s.old(1, 5)
			s.nowRotates(1)
			s.old(2, 5)
			s.gap()
			s.now(1, true, session.OutcomeRecover)
			s.old(5, 5) // the store has lost two rotations
			s.now(4, false, session.OutcomeConverge)
			s.gap()
			s.now(1, false, session.OutcomeRetired)
			s.now(4, true, session.OutcomeRecover)
		},
		"a strike condemns nobody here": func(s *sideBySide) {
			s.old(1, 5)
			s.oldRotates(1)
			s.old(2, 5)
			s.gap()
			s.old(1, 9) // strikes
			s.clock.Advance(6 * time.Second)
			s.now(1, false, session.OutcomeRetired)
			s.now(1, true, session.OutcomeRecover)
			if s.field("sk") != "" {
				s.Error("a recovery left the strike to the next generation")
			}
			s.old(3, 5)
			s.nowRotates(3)
			s.old(4, 5)
			s.old(3, 7)
		},
		"a strike goes with its generation": func(s *sideBySide) {
			s.old(1, 5)
			s.oldRotates(1)
			s.old(2, 5)
			s.gap()
			s.old(1, 9)
			s.nowRotates(2)
			s.old(3, 5)
			s.gap()
			s.old(2, 9) // the first of this generation, not the second
			s.now(5, false, session.OutcomeCurrent)
			s.old(5, 5)
			s.gap()
			s.old(4, 9) // after a lost rotation as well
		},
		"what the version before makes of a recovery": func(s *sideBySide) {
			s.old(1, 5)
			s.nowRotates(1)
			s.old(2, 5)
			s.gap()
			s.now(1, true, session.OutcomeRecover)
			s.old(3, 5)
			s.old(2, 7)  // to it the lost handle is an ordinary parent, in its window
			s.old(1, 11) // and another restored tab a thief: the one thing a rollout costs
		},
		"down and up again": func(s *sideBySide) {
			s.now(1, false, session.OutcomeCurrent)
			s.nowRotates(1)
			s.now(2, false, session.OutcomeCurrent)
			s.gap()
			s.now(1, true, session.OutcomeRecover)
			s.clock.Advance(2 * session.LateAfter)
			s.now(3, false, session.OutcomeCurrent)
			for g := 3; g < 6; g++ { // the version before, alone
				s.old(g, 5)
				s.oldRotates(g)
				s.old(g, 7)
			}
			s.now(5, false, session.OutcomeConverge)
			s.now(6, false, session.OutcomeCurrent)
			s.gap()
			s.now(5, true, session.OutcomeRecover)
		},
	}
}
