package storetest

import (
	"encoding/json"
	"reflect"
	"testing"
	"time"

	"sessiongate/session"
	"sessiongate/session/sessiontest"
)

// Harness is what [StoreSuite] tests: two stores, as of two processes, on one
// server.
type Harness struct {
	Store, Second session.Store
	Clock         *sessiontest.Clock // both stores take its offset
	// Tamper changes the sealed part of a session behind the store's back.
	Tamper func(t *testing.T, id session.ID)
	// Snapshot notes how a session is stored, and returns what makes the store
	// forget everything that happened to it since.
	Snapshot func(t *testing.T, id session.ID) (forget func())
}

// Rules are the rules the stores of a [Harness] must be made with.
func Rules() session.Rules { return session.Rules{Idle: 30 * time.Minute} }

// StoreSuite holds a store to the contracts of [session.Store]. open is called
// for each subtest; harnesses may share a server.
func StoreSuite(t *testing.T, open func(t *testing.T) Harness) {
	for _, group := range []map[string]func(*storeTest){sessionTests(), validatorTests(), leaseTests(), feedTests(), clockTests(), backoffTests(), lostWritesTests()} {
		for name, run := range group {
			t.Run(name, func(t *testing.T) { run(newStoreTest(t, open(t))) })
		}
	}
}

// storeTest is one session under test, with short names for what tests do with it.
type storeTest struct {
	*sessionSteps
	*leaseSteps
	*lossSteps
	*validatorSteps
}

// sessionSteps create, present and end the session.
type sessionSteps struct {
	*testing.T
	Harness
	id     session.ID
	tokens session.Tokens
	plan   session.Schedule
}

// leaseSteps refresh it.
type leaseSteps struct{ *sessionSteps }

// lossSteps have the store forget, and write again.
type lossSteps struct{ *leaseSteps }

// validatorSteps present it with what is known of it.
type validatorSteps struct{ *leaseSteps }

const (
	suiteBinding  = "binding-one"
	suiteLifetime = 10 * time.Minute
	suiteGrace    = 30 * time.Second
	suiteAbsolute = 2 * time.Hour
)

func newStoreTest(t *testing.T, h Harness) *storeTest {
	s := &sessionSteps{
		T: t, Harness: h,
		id:     session.NewHandle(session.Browser).ID(),
		tokens: session.Tokens{Access: "access-1", Refresh: "refresh-1", ID: "id-1"},
		plan: session.Schedule{
			Lifetime: suiteLifetime, Soft: 9 * time.Minute, Hard: suiteLifetime - 5*time.Second, Grace: suiteGrace,
		},
	}
	l := &leaseSteps{s}
	return &storeTest{s, l, &lossSteps{l}, &validatorSteps{l}}
}

func (s *sessionSteps) must(err error) {
	s.Helper()
	if err != nil {
		s.Fatal(err)
	}
}

func (s *sessionSteps) equal(what string, got, want any) {
	s.Helper()
	if !reflect.DeepEqual(got, want) {
		s.Errorf("%s = %+v, want %+v", what, got, want)
	}
}

func (s *sessionSteps) identity() session.Identity {
	return session.Identity{
		Subject: "ada " + string(s.id), Name: "Ada", Provider: "local",
		Roles: []string{"user", "admin"}, Scopes: []string{"a:b"}, Claims: json.RawMessage(`{"x":[1]}`),
		AuthTime: time.UnixMilli(1_700_000_000_123).UTC(), ACR: "urn:acr", SID: "sid",
	}
}

func (s *sessionSteps) fresh() session.Record {
	return session.Record{
		ID:       s.id,
		Facts:    session.State{Generation: session.FirstGeneration, BrowserClass: suiteBinding},
		Identity: s.identity(),
		Device:   session.Device{Name: "Laptop", UserAgent: "UA", IPPrefix: "192.0.2.0/24"},
		Tokens:   s.tokens,
		Created:  s.Clock.Now().UTC().Truncate(time.Millisecond),
	}
}

func (s *sessionSteps) lives() session.Lifetimes {
	return session.Lifetimes{Idle: Rules().Idle, Absolute: suiteAbsolute}
}

func (s *sessionSteps) create() *session.Record {
	s.Helper()
	r, err := s.Store.Create(s.Context(), s.fresh(), s.lives(), s.plan)
	s.must(err)
	return r
}

func (s *sessionSteps) presented(generation uint32) session.Presentation {
	return session.Presentation{ID: s.id, Generation: generation, BrowserClass: suiteBinding}
}

func (s *sessionSteps) resolve(v session.Presentation) session.Answer {
	s.Helper()
	r, err := s.Second.Resolve(s.Context(), v)
	s.must(err)
	return r
}

// expect resolves and checks which row of the table matched.
func (s *sessionSteps) expect(v session.Presentation, want session.Outcome) session.Answer {
	s.Helper()
	r := s.resolve(v)
	if r.Verdict.Outcome != want {
		s.Fatalf("generation %d: row %d (%q), want %d", v.Generation, r.Verdict.Outcome, r.Verdict.Reason, want)
	}
	return r
}

// ended checks that the session is over with the reason, for every method.
func (s *sessionSteps) ended(why session.Reason) {
	s.Helper()
	r := s.expect(s.presented(1), session.OutcomeEnded)
	s.equal("reason", r.Verdict.Reason, why)
	s.equal("record of an ended session", r.Record, (*session.Record)(nil))
	stored, err := s.Store.Get(s.Context(), s.id)
	s.must(err)
	s.equal("alive", stored.Record != nil, false)
	result, err := s.Store.Acquire(s.Context(), s.id, s.tokens.Hash(), 0, "lease", time.Minute)
	s.must(err)
	s.equal("turn", []any{result.State, result.Reason, result.Record}, []any{session.LeaseSessionEnded, why, (*session.Record)(nil)})
	again, err := s.Store.End(s.Context(), s.id, session.RevokedByOperator)
	s.must(err)
	s.equal("second end", again, (*session.Record)(nil))
}

// near checks a time of the store's clock against the test's.
func (s *sessionSteps) near(what string, got time.Time, fromNow time.Duration) {
	s.Helper()
	if diff := got.Sub(s.Clock.Now().Add(fromNow)); diff < -time.Second || diff > time.Minute {
		s.Errorf("%s is %v away from where it should be", what, diff)
	}
}
