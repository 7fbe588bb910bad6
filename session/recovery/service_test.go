package recovery_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"sessiongate/session"
	"sessiongate/session/recovery"
	"sessiongate/session/tracker"
)

var errAway = errors.New("test outage")

// fakeStore answers what a test says, and notes what it was told.
type fakeStore struct {
	mu     sync.Mutex
	answer session.Answer
	stored session.Stored
	lease  session.LeaseResult
	err    error
	fails  int // of the next restores
	held   bool
	told   []string
	known  int64
	ends   []*session.EndedError
}

func (f *fakeStore) Resolve(context.Context, session.Presentation) (session.Answer, error) {
	return f.answer, f.err
}

func (f *fakeStore) Get(context.Context, session.ID) (session.Stored, error) { return f.stored, f.err }

func (f *fakeStore) Acquire(_ context.Context, _ session.ID, _ string, known int64, _ string, _ time.Duration) (session.LeaseResult, error) {
	f.known = known
	return f.lease, f.err
}

func (f *fakeStore) Extend(_ context.Context, id session.ID, lease, tokensHash string, _ time.Duration) (bool, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.told = append(f.told, "extend "+string(id)+" "+lease+" "+tokensHash)
	return f.held || tokensHash != "", f.err
}

func (f *fakeStore) Replay(_ context.Context, ends []*session.EndedError) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.fails > 0 {
		f.fails--
		return errAway
	}
	f.told, f.ends = append(f.told, "replay"), ends
	return nil
}

func (f *fakeStore) Rewrite(context.Context) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.told = append(f.told, "rewrite")
	return nil
}

type recorder struct{ types []session.EventType }

func (r *recorder) Record(e session.Event) { r.types = append(r.types, e.Type) }

type world struct {
	*recovery.Service
	store   *fakeStore
	tracker *tracker.Tracker
	events  *recorder
	now     time.Time
}

func newWorld() *world {
	w := &world{store: &fakeStore{}, events: &recorder{}, now: time.Unix(1_800_000_000, 0)}
	clock := func() time.Time { return w.now }
	w.tracker = tracker.New(clock)
	w.Service = recovery.New(w.store, w.tracker, session.NewReporter(w.events, clock), clock)
	return w
}

// inDoubt makes the store one that may have forgotten commit 5 of session a.
func (w *world) inDoubt() {
	w.tracker.NoteCommit("a", 5)
	w.tracker.Observe(session.Change{Kind: session.ChangeStore})
}

func record(number int64) *session.Record {
	return &session.Record{ID: "a", Facts: session.State{CommitNumber: number, TokensHash: "hash"}}
}

func wantUnavailable(t *testing.T, err error) {
	t.Helper()
	var down *session.UnavailableError
	if !errors.As(err, &down) || down.Subsystem != session.SubsystemStore {
		t.Errorf("got %v", err)
	}
}

// TestForgottenSessionIsNotOver: while in doubt, a session that is not there though it was
// written is an error, and so is nothing else.
func TestForgottenSessionIsNotOver(t *testing.T) {
	w := newWorld()
	w.store.answer = session.Answer{Verdict: session.Verdict{Outcome: session.OutcomeGone}}
	p := session.Presentation{ID: "a"}
	if a, err := w.Resolve(t.Context(), p); err != nil || a.Verdict.Outcome != session.OutcomeGone {
		t.Errorf("not in doubt: %+v, %v", a, err)
	}
	if _, err := w.Get(t.Context(), "a"); err != nil {
		t.Errorf("not in doubt: %v", err)
	}
	w.inDoubt()
	_, err := w.Resolve(t.Context(), p)
	wantUnavailable(t, err)
	_, err = w.Get(t.Context(), "a")
	wantUnavailable(t, err)
	if !w.Forgot(session.LeaseResult{State: session.LeaseSessionEnded}, "a") {
		t.Error("a session that the store lost counts as over")
	}
	if w.Forgot(session.LeaseResult{State: session.LeaseSessionEnded, Reason: session.Logout}, "a") {
		t.Error("a session that ended counts as forgotten")
	}
	if !w.Forgot(session.LeaseResult{State: session.LeaseTokensSpent}, "a") {
		t.Error("spent tokens are not known")
	}

	w.store.stored = session.Stored{Reason: session.Logout}
	if s, err := w.Get(t.Context(), "a"); err != nil || s.Reason != session.Logout || !s.Asked.Equal(w.now) {
		t.Errorf("an end: %+v, %v", s, err)
	}
	w.store.answer = session.Answer{Verdict: session.Verdict{Outcome: session.OutcomeCurrent}, Record: record(4)}
	if _, err := w.Resolve(t.Context(), p); err != nil || w.events.types[len(w.events.types)-1] != session.EventStoreForgot {
		t.Errorf("an older record: %v, %v", err, w.events.types)
	}
	w.store.err = errAway
	_, err = w.Resolve(t.Context(), p)
	wantUnavailable(t, err)
}

func TestNewestCommitIsAskedFor(t *testing.T) {
	w := newWorld()
	for _, c := range []struct{ heard, record, want int64 }{{0, 3, 3}, {7, 3, 7}, {7, 9, 9}} {
		w.tracker.NoteCommit("a", c.heard)
		if _, err := w.Acquire(t.Context(), record(c.record), "lease", time.Second); err != nil || w.store.known != c.want {
			t.Errorf("known is %d, want %d: %v", w.store.known, c.want, err)
		}
	}
}

func TestClockStepIsTold(t *testing.T) {
	w := newWorld()
	for _, step := range []time.Duration{0, time.Second, time.Hour} {
		w.store.answer.Now = w.now.Add(step)
		_, _ = w.Resolve(t.Context(), session.Presentation{ID: "a"})
	}
	if !slices.Equal(w.events.types, []session.EventType{session.EventClockStep}) {
		t.Errorf("recorded %v", w.events.types)
	}
}

func TestLeaseIsTakenAgain(t *testing.T) {
	w := newWorld()
	extend := func() bool {
		held, err := w.Extend(t.Context(), "a", "lease", time.Second)
		if err != nil {
			t.Fatal(err)
		}
		return held
	}
	if extend() {
		t.Error("a lease that nobody holds was extended")
	}
	w.Hold("a", "lease", "hash", time.Second)
	if !extend() || w.store.told[len(w.store.told)-1] != "extend a lease hash" {
		t.Errorf("told %v", w.store.told)
	}
	w.store.held = true
	if !extend() || w.store.told[len(w.store.told)-1] != "extend a lease " {
		t.Errorf("told %v", w.store.told)
	}
	w.store.held = false
	w.Drop("a", "another")
	if !extend() {
		t.Error("dropped by another's name")
	}
	w.Drop("a", "lease")
	w.Drop("a", "lease")
	if extend() {
		t.Error("taken again after it was dropped")
	}
}

// TestRestore: leases first, then ends, then what was written; again until it works.
func TestRestore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.Hold("a", "lease", "hash", time.Second)
		w.tracker.MarkEnded("b", session.Logout)
		w.tracker.MarkEnded("c", "") // nothing is known of it
		w.store.fails = 2
		ctx, cancel := context.WithCancel(t.Context())
		go w.Run(ctx)
		w.Observe(session.Change{Kind: session.ChangeEnded})
		synctest.Wait()
		if len(w.store.told) != 0 {
			t.Fatalf("told %v for nothing", w.store.told)
		}
		for range 3 {
			w.Observe(session.Change{Kind: session.ChangeFeedUp})
		}
		time.Sleep(10 * time.Second)
		synctest.Wait()
		again := []string{"extend a lease ", "extend a lease hash"}
		want := slices.Concat(again, again, again, []string{"replay", "rewrite"})
		if got := w.store.told[:min(len(want), len(w.store.told))]; !slices.Equal(got, want) {
			t.Errorf("told %q, want %q", w.store.told, want)
		}
		if len(w.store.ends) != 1 || w.store.ends[0].ID != "b" {
			t.Errorf("replayed %v", w.store.ends)
		}
		cancel()
		synctest.Wait()
	})
}
