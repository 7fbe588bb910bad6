package tokenclient_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"sessiongate/session"
	"sessiongate/session/resolve"
	"sessiongate/session/tokenclient"
	"sessiongate/session/tracker"
)

var errAway = errors.New("test outage")

// world is a service over a resolver, a store and tokens that a test sets.
type world struct {
	*tokenclient.Service
	tracker *tracker.Tracker
	now     time.Time

	fresh   *session.Session
	err     error // of the resolver
	sealErr bool
	logouts []string
	access  map[string]session.Access
	stored  session.Stored
	getErr  error
	looks   int
	revoked map[string]time.Duration
	listErr error
	events  []string
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{now: time.Unix(1_800_000_000, 0), access: make(map[string]session.Access), revoked: make(map[string]time.Duration)}
	clock := func() time.Time { return w.now }
	w.tracker = tracker.New(clock)
	w.tracker.Observe(session.Change{Kind: session.ChangeFeedUp})
	providers, err := session.NewProviders(nil)
	if err != nil {
		t.Fatal(err)
	}
	w.Service, err = tokenclient.New(tokenclient.Options{
		Resolver: w, Terminator: w, Reader: w, Sealers: &session.Sealers{TokenClient: plain{}}, Verifier: w, Revoked: w,
		Interner: resolve.NewInterner(providers), Tracker: w.tracker, Reporter: session.NewReporter(w, clock),
		Idle: time.Hour, CacheTTL: 2 * time.Second, CacheBytes: 1 << 20, Now: clock,
	})
	if err != nil {
		t.Fatal(err)
	}
	w.stored.Record = &session.Record{
		ID: "family", Identity: session.Identity{Subject: "ada", Provider: "p"}, Tokens: session.Tokens{Access: "new"},
		Expires: w.now.Add(5 * time.Minute),
		Facts: session.State{
			Generation: 2, LastSeen: w.now, Absolute: w.now.Add(24 * time.Hour), HardAt: w.now.Add(5 * time.Minute), SoftAt: w.now.Add(4 * time.Minute),
		},
	}
	w.stored.Now = w.now
	return w
}

func (w *world) Resolve(context.Context, string, session.ResolveOptions) (*session.Session, error) {
	return w.fresh, w.err
}

func (w *world) CookieValue(s *session.Session) (string, time.Duration, bool) {
	return "sealed " + string(rune('0'+s.Generation())), 0, !w.sealErr
}

func (w *world) Logout(_ context.Context, _ session.Kind, value string, _ session.Reason, _ session.Client) (*session.Record, error) {
	w.logouts = append(w.logouts, value)
	return nil, w.err
}

func (w *world) Expire(_ context.Context, id session.ID, why session.Reason, _ session.Client) *session.EndedError {
	return &session.EndedError{ID: id, Reason: why}
}

func (w *world) Get(context.Context, session.ID) (session.Stored, error) {
	w.looks++
	s := w.stored
	s.Asked = w.now
	return s, w.getErr
}

func (w *world) VerifyAccess(_ context.Context, raw string) (session.Access, error) {
	a, ok := w.access[raw]
	if !ok {
		return a, session.ErrUnauthentic
	}
	return a, nil
}

func (w *world) MarkUsed(_ context.Context, token string, keep time.Duration) (bool, error) {
	w.revoked[token] = keep
	return true, w.listErr
}

func (w *world) IsUsed(_ context.Context, token string) (bool, error) {
	_, used := w.revoked[token]
	return used, w.listErr
}

func (w *world) Record(e session.Event) {
	if e.Type == session.EventRefreshRefused {
		w.events = append(w.events, e.Err.Error())
	}
}

// plain seals nothing.
type plain struct{}

func (plain) Seal(b []byte) (string, error)     { return string(b), nil }
func (plain) Open(value string) ([]byte, error) { return []byte(value), nil }

// session is the family as the handle h presents it.
func (w *world) session(h session.Handle) *session.Session {
	look := session.Look{ReadPoint: w.tracker.ReadPoint(w.tracker.Track("family")), Record: w.stored.Record, Now: w.now}
	return look.Session(h, time.Hour)
}

func presented(h session.Handle) session.TokenClientRefresh {
	return session.TokenClientRefresh{Refresh: session.Secret(session.RefreshPrefix + string(h.Payload())), Access: "old"}
}

func TestRefreshGivesAPair(t *testing.T) {
	w := newWorld(t)
	w.access["old"] = session.Access{ID: "jti", SessionID: "family", Expires: w.now.Add(time.Minute)}
	h := session.NewHandle(session.TokenClient)
	w.fresh = w.session(h)
	version := w.fresh.Track().Version()
	pair, err := w.RefreshTokenClient(t.Context(), presented(h))
	if err != nil || pair.Refresh != "sgr_sealed 2" || pair.Access != "new" || pair.AccessTTL != 5*time.Minute || pair.RefreshTTL != time.Hour {
		t.Errorf("got %+v, %v", pair, err)
	}
	if len(w.revoked) != 1 || w.fresh.Track().Version() == version {
		t.Error("the old access token stays good")
	}
	for _, keep := range w.revoked {
		if keep != 6*time.Minute {
			t.Errorf("listed for %v", keep)
		}
	}
}

func TestRefreshRefused(t *testing.T) {
	w := newWorld(t)
	h := session.NewHandle(session.TokenClient)
	ended := func(why session.Reason) error { return &session.EndedError{ID: "family", Reason: why} }
	refuse := func(r session.TokenClientRefresh, err error) error {
		w.err = err
		_, got := w.RefreshTokenClient(t.Context(), r)
		return got
	}
	for _, got := range []error{
		refuse(session.TokenClientRefresh{Refresh: "no prefix"}, nil), refuse(session.TokenClientRefresh{Refresh: "sgr_short"}, nil),
	} {
		if !errors.Is(got, session.ErrUnauthentic) {
			t.Errorf("got %v", got)
		}
	}
	for _, why := range []session.Reason{"", session.Idle, session.Logout} {
		var over *session.EndedError
		if got := refuse(presented(h), ended(why)); !errors.As(got, &over) || over.Reason != why {
			t.Errorf("got %v", got)
		}
	}
	want := []string{"bad format", "not sealed by us", "unknown: expired and forgotten, or never stored", "expired: idle", "revoked: logout"}
	if !slices.Equal(w.events, want) {
		t.Errorf("recorded %q", w.events)
	}
	if got := refuse(presented(h), errAway); !errors.Is(got, errAway) {
		t.Errorf("got %v", got)
	}
	w.fresh = w.session(h.At(2))
	var down *session.UnavailableError
	if got := refuse(presented(h.At(2)), nil); !errors.As(got, &down) || down.Subsystem != session.SubsystemProvider {
		t.Errorf("no new tokens: %v", got)
	}
	w.sealErr = true
	if _, err := w.TokenPair(w.fresh); err == nil {
		t.Error("a pair without a refresh token")
	}
	if _, err := w.TokenPair(w.session(session.NewHandle(session.Browser))); err == nil {
		t.Error("a pair of a browser's session")
	}
	w.access["old"], w.listErr = session.Access{Expires: w.now.Add(time.Minute)}, errAway
	if got := refuse(presented(h), nil); !errors.Is(got, errAway) {
		t.Errorf("got %v", got)
	}
	if got := w.LogoutTokenClient(t.Context(), presented(h)); !errors.Is(got, errAway) {
		t.Errorf("got %v", got)
	}
}

func TestLogout(t *testing.T) {
	w := newWorld(t)
	h := session.NewHandle(session.TokenClient)
	w.access["old"] = session.Access{Expires: w.now.Add(-time.Hour)} // long since over
	if err := w.LogoutTokenClient(t.Context(), presented(h)); err != nil || len(w.logouts) != 1 || len(w.revoked) != 0 {
		t.Errorf("%v, %d", err, len(w.logouts))
	}
	if err := w.LogoutTokenClient(t.Context(), session.TokenClientRefresh{Refresh: "no prefix"}); err != nil || len(w.logouts) != 1 {
		t.Errorf("%v, %d", err, len(w.logouts))
	}
	w.err = session.ErrUnauthentic
	if err := w.LogoutTokenClient(t.Context(), presented(h)); err != nil {
		t.Errorf("got %v", err)
	}
}

// admitted makes token one of the family.
func (w *world) admitted(token string) {
	w.access[token] = session.Access{ID: token, Subject: "ada", SessionID: "family", Issued: w.now, Expires: w.now.Add(time.Minute)}
}

// TestAdmission: asked once, until something is heard of the family or the feed is down.
func TestAdmission(t *testing.T) {
	w := newWorld(t)
	w.admitted("token")
	admit := func(looks int) {
		t.Helper()
		b, err := w.Authenticate(t.Context(), "token")
		if err != nil || b.SessionID() != "family" || b.Authorization != "Bearer token" || b.Identity().Subject != "ada" {
			t.Fatalf("got %v, %v", b, err)
		}
		if w.looks != looks {
			t.Errorf("%d looks, want %d", w.looks, looks)
		}
	}
	admit(1)
	admit(1)
	w.tracker.Invalidate("family")
	admit(2)
	w.now = w.now.Add(3 * time.Second)
	w.stored.Now = w.now
	admit(3)
	w.tracker.Disconnect()
	admit(4)
	w.getErr = session.ErrStoreUnavailable
	admit(5) // made before the outage
	w.now = w.now.Add(3 * time.Second)
	if _, err := w.Authenticate(t.Context(), "token"); !errors.Is(err, session.ErrStoreUnavailable) {
		t.Errorf("got %v", err)
	}
}

func TestAdmissionRefused(t *testing.T) {
	for name, c := range map[string]struct {
		change func(w *world)
		want   error
	}{
		"unknown":         {func(w *world) { delete(w.access, "token") }, session.ErrUnauthentic},
		"another's":       {func(w *world) { w.stored.Record.Identity.Subject = "eve" }, session.ErrUnauthentic},
		"expired":         {func(w *world) { w.stored.Now = w.now.Add(time.Minute) }, session.ErrAccessExpired},
		"from the future": {func(w *world) { w.stored.Now = w.now.Add(-6 * time.Second) }, session.ErrAccessExpired},
		"revoked":         {func(w *world) { w.revoked[session.Digest("access", "", "token")] = 0 }, session.ErrAccessRevoked},
		"a fault":         {func(w *world) { w.listErr = errAway }, errAway},
		"ended here":      {func(w *world) { w.tracker.MarkEnded("family", session.Logout) }, nil},
		"ended":           {func(w *world) { w.stored = session.Stored{Reason: session.Logout} }, nil},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.admitted("token")
			c.change(w)
			_, err := w.Authenticate(t.Context(), "token")
			var ended *session.EndedError
			if c.want != nil && !errors.Is(err, c.want) || c.want == nil && !errors.As(err, &ended) {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestRunSweeps(t *testing.T) {
	w := newWorld(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	w.Run(ctx)
}
