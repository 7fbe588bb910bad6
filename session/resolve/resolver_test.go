package resolve_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"sessiongate/session"
	"sessiongate/session/refresh"
	"sessiongate/session/resolve"
	"sessiongate/session/tracker"
)

var errAway = errors.New("test outage")

const idle = time.Hour

// world is a resolver over a store and a refresher that a test sets.
type world struct {
	*resolve.Resolver
	tracker *tracker.Tracker
	now     time.Time
	handle  session.Handle

	mu        sync.Mutex
	answer    session.Answer
	asked     []session.Presentation
	held      chan struct{} // answers wait until it is closed; nil: they do not
	stored    session.Stored
	slow      []time.Duration // how long the next looks take
	looks     int
	storeErr  error
	refreshed []refresh.Request
	fresh     session.Look
	freshErr  error
	early     int
	finished  []session.Reason
	events    []session.EventType
	sealErr   error
}

func newWorld(t *testing.T, ttl time.Duration) *world {
	t.Helper()
	w := &world{now: time.Unix(1_800_000_000, 0), handle: session.NewHandle(session.Browser).At(2)}
	clock := func() time.Time { return w.now }
	w.tracker = tracker.New(clock)
	w.tracker.Observe(session.Change{Kind: session.ChangeFeedUp})
	providers, err := session.NewProviders(nil)
	if err != nil {
		t.Fatal(err)
	}
	w.Resolver, err = resolve.New(resolve.Options{
		Store: store{w}, Refresher: refresher{w}, Terminator: w, Sealers: &session.Sealers{Browser: plain{w}, Marks: plain{w}},
		Interner: resolve.NewInterner(providers), Forwarder: providers, Tracker: w.tracker, Reporter: session.NewReporter(w, clock),
		Idle: idle, CacheTTL: ttl, CacheBytes: 1 << 20, Now: clock,
	})
	if err != nil {
		t.Fatal(err)
	}
	rec := w.record(2)
	w.answer = session.Answer{Verdict: session.Verdict{Outcome: session.OutcomeCurrent}, Now: w.now, Record: rec, Validator: "v"}
	w.stored = session.Stored{Record: rec, Now: w.now}
	return w
}

// record is the session at a generation, with tokens of its own.
func (w *world) record(generation uint32) *session.Record {
	hash := string(rune('0' + generation))
	return &session.Record{
		ID: w.handle.ID(), Created: w.now, Expires: w.now.Add(10 * time.Minute), Tokens: session.Tokens{Access: session.Secret("access-" + hash)},
		Identity: session.Identity{Subject: "ada", Provider: "p", Roles: []string{"user"}},
		Facts: session.State{
			Found: true, Generation: generation, RotatedAt: w.now.Add(-time.Hour), AckedAt: w.now, Late: generation, LastSeen: w.now,
			Absolute: w.now.Add(24 * time.Hour), SoftAt: w.now.Add(8 * time.Minute), HardAt: w.now.Add(9 * time.Minute),
			Grace: 30 * time.Second, TokensHash: hash,
		},
	}
}

func (w store) Resolve(_ context.Context, p session.Presentation) (session.Answer, error) {
	w.mu.Lock()
	w.asked = append(w.asked, p)
	held, answer, err := w.held, w.answer, w.storeErr
	w.mu.Unlock()
	if held != nil {
		<-held
	}
	if err != nil {
		return session.Answer{}, &session.UnavailableError{Subsystem: session.SubsystemStore, Err: err}
	}
	return answer, nil
}

func (w *world) Get(context.Context, session.ID) (session.Stored, error) {
	w.looks++
	s := w.stored
	s.Asked = w.now
	if len(w.slow) > 0 {
		w.now, w.slow = w.now.Add(w.slow[0]), w.slow[1:]
	}
	return s, w.storeErr
}

// store is the world as a store.
type store struct{ *world }

type refresher struct{ w *world }

func (r refresher) Refresh(_ context.Context, q refresh.Request) (session.Look, error) {
	r.w.refreshed = append(r.w.refreshed, q)
	return r.w.fresh, r.w.freshErr
}

func (r refresher) Early(*session.Session, *session.Look, session.Client) { r.w.early++ }

func (w *world) Finish(_ *session.Record, why session.Reason, _ session.Client) {
	w.finished = append(w.finished, why)
}

func (w *world) Expire(_ context.Context, id session.ID, why session.Reason, _ session.Client) *session.EndedError {
	return &session.EndedError{ID: id, Reason: why}
}

func (w *world) Record(e session.Event) { w.events = append(w.events, e.Type) }

// plain seals nothing.
type plain struct{ w *world }

func (p plain) Seal(b []byte) (string, error)   { return string(b), p.w.sealErr }
func (plain) Open(value string) ([]byte, error) { return []byte(value), nil }

func (w *world) present(o session.ResolveOptions) (*session.Session, error) {
	o.Touch = true
	return w.Resolve(context.Background(), string(w.handle.Payload()), o)
}

func (w *world) good(t *testing.T) *session.Session {
	t.Helper()
	s, err := w.present(session.ResolveOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// later is the session as others have refreshed it.
func (w *world) later(generation uint32) session.Look {
	return session.Look{ReadPoint: w.tracker.ReadPoint(w.tracker.Track(w.handle.ID())), Record: w.record(generation), Now: w.now}
}

// TestCache: a copy is used until its time is over, something is heard, or the feed is
// down.
func TestCache(t *testing.T) {
	w := newWorld(t, 2*time.Second)
	ask := func(want int) *session.Session {
		t.Helper()
		s := w.good(t)
		if len(w.asked) != want {
			t.Errorf("asked %d times, want %d", len(w.asked), want)
		}
		return s
	}
	if first, second := ask(1), ask(1); first != second {
		t.Error("two copies")
	}
	w.tracker.Advance(w.handle.ID(), 2)
	ask(2)
	w.now, w.answer.Now = w.now.Add(3*time.Second), w.now.Add(3*time.Second)
	ask(3)
	w.tracker.Observe(session.Change{Kind: session.ChangeFeedDown})
	ask(4)
	w.storeErr = session.ErrStoreUnavailable
	ask(5) // made before the outage
	w.now = w.now.Add(3 * time.Second)
	if _, err := w.present(session.ResolveOptions{}); !errors.Is(err, session.ErrStoreUnavailable) {
		t.Errorf("got %v", err)
	}
}

// TestValidator: without a cache the store is told what is known, and what it says is
// made of that.
func TestValidator(t *testing.T) {
	w := newWorld(t, 0)
	first := w.good(t)
	w.answer = session.Answer{
		Verdict: session.Verdict{Outcome: session.OutcomeCurrent}, NotModified: true, Now: w.now.Add(time.Minute), LastSeen: w.now.Add(time.Minute),
	}
	w.now = w.now.Add(time.Minute)
	again := w.good(t)
	if w.asked[0].Validator != "" || w.asked[1].Validator != "v" || again.Authorization != first.Authorization {
		t.Errorf("asked %+v", w.asked)
	}
	if _, left, _ := again.Remaining(w.now); left != idle {
		t.Errorf("idle for %v", left)
	}
}

// TestVerdicts: what each of them comes to.
func TestVerdicts(t *testing.T) {
	for name, c := range map[string]struct {
		verdict session.Verdict
		record  bool
		check   func(s *session.Session, err error) bool
		events  []session.EventType
	}{
		"gone":            {session.Verdict{Outcome: session.OutcomeGone}, false, isEnded(""), nil},
		"ended":           {session.Verdict{Outcome: session.OutcomeEnded, Reason: session.Logout}, false, isEnded(session.Logout), nil},
		"expired":         {session.Verdict{Outcome: session.OutcomeExpired, Reason: session.Idle}, true, isEnded(session.Idle), nil},
		"reuse":           {session.Verdict{Outcome: session.OutcomeReuse, Reason: session.Reused}, true, isEnded(session.Reused), []session.EventType{session.EventReuse}},
		"converged":       {session.Verdict{Outcome: session.OutcomeConverge}, true, isGood, []session.EventType{session.EventConverged}},
		"recovered":       {session.Verdict{Outcome: session.OutcomeRecover}, true, isGood, []session.EventType{session.EventRecovered}},
		"rolled back":     {session.Verdict{Outcome: session.OutcomeCurrent, StoreLostWrites: true}, true, isGood, []session.EventType{session.EventRolledBack}},
		"another browser": {session.Verdict{Outcome: session.OutcomeOtherBrowser}, true, isStale(false), []session.EventType{session.EventStale}},
		"retired":         {session.Verdict{Outcome: session.OutcomeRetired}, true, isStale(true), []session.EventType{session.EventStale, session.EventRetired}},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, time.Second)
			w.answer.Verdict = c.verdict
			if !c.record {
				w.answer.Record = nil
			}
			if s, err := w.present(session.ResolveOptions{}); !c.check(s, err) {
				t.Errorf("got %v, %v", s, err)
			}
			if !slices.Equal(w.events, c.events) {
				t.Errorf("recorded %v", w.events)
			}
		})
	}
}

func isGood(s *session.Session, err error) bool { return s != nil && err == nil }

func isEnded(why session.Reason) func(*session.Session, error) bool {
	return func(_ *session.Session, err error) bool {
		var ended *session.EndedError
		return errors.As(err, &ended) && ended.Reason == why
	}
}

func isStale(marked bool) func(*session.Session, error) bool {
	return func(_ *session.Session, err error) bool {
		var stale *session.StaleError
		return errors.As(err, &stale) && (stale.Mark != "") == marked
	}
}

func TestMarkThatCannotBeSealed(t *testing.T) {
	w := newWorld(t, time.Second)
	w.answer.Verdict.Outcome, w.sealErr = session.OutcomeRetired, errAway
	if s, err := w.present(session.ResolveOptions{}); !isStale(false)(s, err) {
		t.Errorf("got %v, %v", s, err)
	}
	if !slices.Contains(w.events, session.EventUnsealable) {
		t.Errorf("recorded %v", w.events)
	}
}

// TestMarkIsBrought: the mark of exactly this handle goes to the store.
func TestMarkIsBrought(t *testing.T) {
	w := newWorld(t, time.Second)
	mark := session.StaleMark{ID: w.handle.ID(), Generation: 2, Issued: w.now}
	for i, k := range []session.StaleMark{mark, {ID: mark.ID, Generation: 1, Issued: w.now}} {
		_, _ = w.Resolve(t.Context(), string(w.handle.Payload()), session.ResolveOptions{Eager: true, Mark: string(k.Payload())})
		if got := w.asked[i].Marked; got.IsZero() != (i == 1) {
			t.Errorf("mark %d: %v", i, got)
		}
	}
}

func TestNotOurs(t *testing.T) {
	w := newWorld(t, time.Second)
	for _, kind := range []session.Kind{session.Browser, session.TokenClient} {
		if _, err := w.Resolve(t.Context(), "nonsense", session.ResolveOptions{Kind: kind}); !errors.Is(err, session.ErrUnauthentic) {
			t.Errorf("got %v", err)
		}
	}
	w.tracker.MarkEnded(w.handle.ID(), session.Logout)
	if s, err := w.present(session.ResolveOptions{}); !isEnded(session.Logout)(s, err) || len(w.asked) != 0 {
		t.Errorf("got %v, %v, asked %d times", s, err, len(w.asked))
	}
}

func TestDueTokens(t *testing.T) {
	w := newWorld(t, time.Second)
	w.fresh = w.later(3)
	w.answer.Verdict = session.Verdict{Outcome: session.OutcomeRefresh, Due: session.HardDue, Rotate: true, Forced: true}
	if s := w.good(t); s.AccessToken() != "access-3" || !w.refreshed[0].Rotate || !w.refreshed[0].Forced {
		t.Errorf("got %v of %+v", s, w.refreshed)
	}
	w.answer.Verdict = session.Verdict{Outcome: session.OutcomeCurrent, Due: session.SoftDue}
	if _, err := w.present(session.ResolveOptions{Eager: true}); err != nil || len(w.refreshed) != 2 {
		t.Errorf("an eager one: %v", err)
	}
	if w.good(t); w.early != 1 || len(w.refreshed) != 2 {
		t.Errorf("%d early, %d refreshed", w.early, len(w.refreshed))
	}
	w.freshErr, w.answer.Verdict.Due = errAway, session.HardDue
	if _, err := w.present(session.ResolveOptions{Force: true}); !errors.Is(err, errAway) {
		t.Errorf("got %v", err)
	}
}

// TestAnswerThatLayUnread, until its token had expired: others may have a new one.
func TestAnswerThatLayUnread(t *testing.T) {
	w := newWorld(t, time.Second)
	w.answer.Record.Expires = w.now.Add(-time.Second)
	w.stored.Record = w.record(3)
	if s := w.good(t); s.AccessToken() != "access-3" {
		t.Errorf("got %q", s.AccessToken().Reveal())
	}
	w.stored.Record, w.fresh = w.answer.Record, w.later(4)
	if s := w.good(t); s.AccessToken() != "access-4" {
		t.Errorf("got %q", s.AccessToken().Reveal())
	}
	w.stored = session.Stored{Reason: session.Logout}
	if s, err := w.present(session.ResolveOptions{}); !isEnded(session.Logout)(s, err) {
		t.Errorf("got %v, %v", s, err)
	}
}

// TestOneCall for those that present the same at the same time.
func TestOneCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 0)
		w.held = make(chan struct{})
		for range 30 {
			go func() {
				if _, err := w.present(session.ResolveOptions{}); err != nil {
					t.Error(err)
				}
			}()
		}
		synctest.Wait()
		close(w.held)
		synctest.Wait()
		if len(w.asked) != 1 {
			t.Errorf("asked %d times", len(w.asked))
		}
	})
}

func TestSuccessor(t *testing.T) {
	w := newWorld(t, 2*time.Second)
	s := w.good(t)
	successor := func() string {
		value, _, _ := w.Successor(t.Context(), s)
		return value
	}
	if successor() != "" {
		t.Error("a successor of the newest handle")
	}
	w.tracker.Advance(s.ID(), 3)
	if got := successor(); got != string(w.handle.At(3).Payload()) || w.looks != 0 {
		t.Errorf("got %q after %d looks", got, w.looks)
	}
	w.now = w.now.Add(time.Second) // the verdict is old
	w.slow = []time.Duration{2 * time.Second}
	if successor() == "" || w.looks != 2 {
		t.Errorf("nothing after %d looks, of which the first took too long", w.looks)
	}
	w.slow = []time.Duration{2 * time.Second, 2 * time.Second}
	if successor() != "" {
		t.Error("set though nobody knows what is true now")
	}
	w.storeErr = errAway
	if successor() != "" {
		t.Error("set in an outage")
	}
	w.storeErr, w.sealErr = nil, errAway
	if successor() != "" {
		t.Error("set unsealed")
	}
	w.sealErr = nil
	w.tracker.MarkEnded(s.ID(), session.Logout)
	if successor() != "" {
		t.Error("a successor in an ended session")
	}
	if value, maxAge, ok := w.CookieValue(s); !ok || value != string(w.handle.Payload()) || maxAge <= 0 {
		t.Errorf("the login's cookie: %q for %v", value, maxAge)
	}
	if _, _, ok := w.CookieValue(w.later(2).Session(session.Handle{}, idle)); ok {
		t.Error("a cookie of a handle that nobody presented")
	}
}

func TestForceRefresh(t *testing.T) {
	w := newWorld(t, 2*time.Second)
	s := w.good(t)
	force := func(s *session.Session) (*session.Session, error) {
		return w.ForceRefresh(t.Context(), s, session.Client{})
	}
	if _, err := force(s); !errors.Is(err, session.ErrNotRenewed) {
		t.Errorf("the same token: %v", err)
	}
	if p := w.asked[len(w.asked)-1]; !p.Force || p.IfTokens != "2" {
		t.Errorf("asked %+v", p)
	}
	w.answer.Verdict, w.fresh = session.Verdict{Outcome: session.OutcomeRefresh, Due: session.HardDue}, w.later(3)
	if fresh, err := force(s); err != nil || fresh.AccessToken() != "access-3" {
		t.Errorf("got %v, %v", fresh, err)
	}
	// The handle may be retired by now: it is not judged again.
	asked := len(w.asked)
	w.now = w.now.Add(time.Minute)
	w.tracker.Advance(s.ID(), 3)
	if _, err := force(s); !errors.Is(err, session.ErrNotRenewed) {
		t.Errorf("nobody has refreshed: %v", err)
	}
	w.stored.Record = w.record(3)
	if fresh, err := force(s); err != nil || fresh.AccessToken() != "access-3" || len(w.asked) != asked {
		t.Errorf("got %v, %v", fresh, err)
	}
	w.stored.Record.Expires, w.stored.Now = w.now, w.now
	if _, err := force(s); !errors.Is(err, session.ErrNotRenewed) {
		t.Errorf("an expired token: %v", err)
	}
	if _, err := force(w.later(2).Session(session.Handle{}, idle)); !errors.Is(err, session.ErrNotRenewed) {
		t.Errorf("nobody presented it: %v", err)
	}
}

// TestRunSweeps drops copies that nobody may use any more.
func TestRunSweeps(t *testing.T) {
	for _, ttl := range []time.Duration{0, time.Second} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t, ttl)
			w.good(t)
			w.now = w.now.Add(time.Hour)
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
			defer cancel()
			w.Run(ctx)
			w.answer.Validator = ""
			w.answer.Now, w.answer.Record = w.now, w.record(2)
			w.good(t)
			if last := w.asked[len(w.asked)-1]; len(w.asked) != 2 || last.Validator != "" {
				t.Errorf("asked %+v", w.asked)
			}
		})
	}
}
