package signin_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"sessiongate/session"
	"sessiongate/session/signin"
	"sessiongate/session/tracker"
)

var errAway = errors.New("test outage")

// world is a service and its redirects over one provider and a store, which a test sets.
type world struct {
	*signin.Redirects
	service *signin.Service

	grant    session.Grant
	err      error // of the provider
	storeErr error
	created  []session.Record
	ended    []session.ID
	why      []session.Reason
	replaced []session.ID
	revoked  int
	worked   []string
	events   []session.EventType
	sessions []session.Record
	attempts map[string]session.Attempt
	closed   []bool // what the next links say
	noLogout bool
	typed    map[string]any // the further fields of the last login
}

func newWorld(t *testing.T, limit session.UserLimit) *world {
	t.Helper()
	w := &world{attempts: make(map[string]session.Attempt)}
	w.grant = session.Grant{
		Identity: session.Identity{Subject: "ada", Provider: "p", SID: "sid"}, Tokens: session.Tokens{Access: "a", Refresh: "r"},
		Lifetime: time.Hour,
	}
	providers, err := session.NewProviders([]session.Provider{provider{w}})
	if err != nil {
		t.Fatal(err)
	}
	now := func() time.Time { return time.Unix(1_800_000_000, 0) }
	w.service = signin.New(signin.Options{
		Store: w, Terminator: w, Sealers: &session.Sealers{Browser: plain{}}, Providers: providers, Tracker: tracker.New(now),
		Reporter: session.NewReporter(w, now), Lifetimes: session.Lifetimes{Idle: time.Hour, Absolute: 24 * time.Hour},
		Grace: 30 * time.Second, PerUser: limit, Now: now,
	})
	w.Redirects = signin.NewRedirects(w.service, w, w, func(p string) { w.worked = append(w.worked, p) })
	return w
}

func (w *world) Now(context.Context) (time.Time, error) {
	return time.Unix(1_800_000_000, 0), w.storeErr
}

func (w *world) Create(_ context.Context, r session.Record, l session.Lifetimes, s session.Schedule) (*session.Record, error) {
	if w.storeErr != nil {
		return nil, w.storeErr
	}
	r.Created = time.Unix(1_800_000_000, 0)
	r.Facts.Absolute, r.Facts.LastSeen, r.Expires = r.Created.Add(l.Absolute), r.Created, r.Created.Add(s.Lifetime)
	w.created = append(w.created, r)
	return &r, nil
}

func (w *world) End(_ context.Context, id session.ID, why session.Reason, _ session.Client) (*session.Record, error) {
	w.ended, w.why = append(w.ended, id), append(w.why, why)
	return nil, nil
}

func (w *world) EndEventually(ctx context.Context, _ session.ID, _ session.Reason, end func(context.Context) error) {
	_ = end(ctx)
}

func (w *world) Replace(_ context.Context, id session.ID, _ session.Identity, _ session.Client) {
	w.replaced = append(w.replaced, id)
}

func (w *world) Supersede(_ context.Context, id session.ID, _ session.Owner, _ session.Client) {
	w.replaced = append(w.replaced, id)
}

func (w *world) Revoke(string, session.Tokens) { w.revoked++ }
func (w *world) Announce(session.Owner)        {}

func (w *world) Sessions(context.Context, session.Owner) ([]session.Record, error) {
	return slices.Concat(slices.Clone(w.created), w.sessions), w.storeErr
}

func (w *world) Record(e session.Event) { w.events = append(w.events, e.Type) }

func (w *world) PutAttempt(_ context.Context, a session.Attempt) error {
	w.attempts[a.Browser+a.State] = a
	return w.storeErr
}

func (w *world) TakeAttempt(_ context.Context, browser, state string) (session.TakenAttempt, error) {
	a, ok := w.attempts[browser+state]
	delete(w.attempts, browser+state)
	if !ok {
		return session.TakenAttempt{}, w.storeErr
	}
	return session.TakenAttempt{Attempt: &a, ReturnTo: a.ReturnTo}, w.storeErr
}

func (w *world) Link(context.Context, string, session.ID, time.Duration) (bool, error) {
	if len(w.closed) == 0 {
		return false, nil
	}
	closed := w.closed[0]
	w.closed = w.closed[1:]
	return closed, nil
}

func (w *world) TakeLinks(context.Context, string) ([]session.ID, error) { return nil, nil }

func (w *world) MarkUsed(context.Context, string, time.Duration) (bool, error) { return true, nil }
func (w *world) Unmark(context.Context, string) error                          { return nil }

type provider struct{ w *world }

func (provider) Name() string { return "p" }

func (p provider) Refresh(context.Context, session.Refresh) (session.Grant, error) {
	return p.w.grant, p.w.err
}

func (provider) ExtraFields() []string { return []string{"otp"} }

func (p provider) Login(_ context.Context, c session.Credentials) (session.Grant, error) {
	if c.Extra != nil {
		p.w.typed = c.Extra
	}
	return p.w.grant, p.w.err
}

func (p provider) AuthorizationURL(_ context.Context, a session.Attempt) (string, error) {
	return "https://idp.example/authorize?state=" + a.State, p.w.err
}

func (p provider) Exchange(context.Context, session.Attempt, session.Response) (session.Grant, error) {
	return p.w.grant, p.w.err
}

func (p provider) LogoutURL(_ context.Context, _ session.Secret, state string) string {
	if p.w.noLogout {
		return ""
	}
	return "https://idp.example/logout?state=" + state
}

// plain seals nothing.
type plain struct{}

func (plain) Seal(b []byte) (string, error)     { return string(b), nil }
func (plain) Open(value string) ([]byte, error) { return []byte(value), nil }

func (w *world) wantSession(t *testing.T, s *session.Session, err error) {
	t.Helper()
	if err != nil || s.Identity().Subject != "ada" || s.AccessToken() != "a" {
		t.Fatalf("got %v, %v", s, err)
	}
}

func TestPassword(t *testing.T) {
	w := newWorld(t, session.UserLimit{})
	prior := session.NewHandle(session.Browser)
	l := session.Login{Username: "ada", Password: "right", Extra: map[string]any{"otp": "1"}, PriorCookies: []string{string(prior.Payload()), "nonsense"}}
	s, err := w.Login(t.Context(), l)
	w.wantSession(t, s, err)
	if !slices.Equal(w.ended, []session.ID{prior.ID()}) || s.ID() == prior.ID() || !slices.Equal(w.events, []session.EventType{session.EventLogin}) {
		t.Errorf("ended %v, recorded %v", w.ended, w.events)
	}
	if names := w.PasswordProviders(); !slices.Equal(names, []string{"p"}) {
		t.Errorf("providers %v", names)
	}
	for name, want := range map[string]int{"p": 1, "": 1, "unknown": 0} {
		if fields := w.ExtraFields(name); len(fields) != want {
			t.Errorf("further fields of %q: %v", name, fields)
		}
	}
	if w.typed["otp"] != "1" {
		t.Errorf("further fields %v", w.typed)
	}
	l.Provider = "unknown"
	if _, err := w.Login(t.Context(), l); !errors.Is(err, session.ErrNoProvider) {
		t.Errorf("got %v", err)
	}
	l.Provider = "p"
	w.err = session.ErrInvalidCredentials
	if _, err := w.Login(t.Context(), l); !errors.Is(err, session.ErrInvalidCredentials) {
		t.Errorf("got %v", err)
	}
	w.err, w.grant.Identity.Subject = nil, ""
	var down *session.UnavailableError
	if _, err := w.Login(t.Context(), l); !errors.As(err, &down) || w.revoked != 1 {
		t.Errorf("nobody signed in: %v", err)
	}
	w.storeErr = errAway
	if _, err := w.Login(t.Context(), l); !errors.Is(err, errAway) {
		t.Errorf("got %v", err)
	}
}

func TestUserLimit(t *testing.T) {
	w := newWorld(t, session.UserLimit{Max: 2})
	w.sessions = []session.Record{{ID: "newer"}, {ID: "older"}}
	s, err := w.Login(t.Context(), session.Login{})
	w.wantSession(t, s, err)
	if !slices.Equal(w.ended, []session.ID{"older"}) || w.why[0] != session.Evicted {
		t.Errorf("ended %v, %v", w.ended, w.why)
	}
	w = newWorld(t, session.UserLimit{Max: 2, Refuse: true})
	w.sessions = []session.Record{{ID: "newer"}, {ID: "older"}}
	if _, err := w.Login(t.Context(), session.Login{}); !errors.Is(err, session.ErrTooMany) || len(w.created) != 0 || w.revoked != 1 {
		t.Errorf("got %v, %d created", err, len(w.created))
	}
}

// start begins an attempt and returns the browser's way back.
func (w *world) start(t *testing.T, s session.LoginStart) session.LoginReturn {
	t.Helper()
	s.Provider, s.Browser, s.ReturnTo = "p", "browser", "/back"
	to, err := w.StartLogin(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	_, state, _ := strings.Cut(to, "state=")
	return session.LoginReturn{Provider: "p", Browser: "browser", State: state}
}

func TestRedirect(t *testing.T) {
	w := newWorld(t, session.UserLimit{})
	prior := session.NewHandle(session.Browser)
	back := w.start(t, session.LoginStart{PriorCookies: []string{string(prior.Payload())}})
	done, err := w.FinishLogin(t.Context(), back)
	w.wantSession(t, done.Session, err)
	if done.ReturnTo != "/back" || !slices.Equal(w.replaced, []session.ID{prior.ID()}) || !slices.Equal(w.worked, []string{"p"}) {
		t.Errorf("back to %q, replaced %v, worked %v", done.ReturnTo, w.replaced, w.worked)
	}
	if _, err := w.FinishLogin(t.Context(), back); !errors.Is(err, session.ErrNoAttempt) {
		t.Errorf("used twice: %v", err)
	}
	if names := w.RedirectProviders(); !slices.Equal(names, []string{"p"}) {
		t.Errorf("providers %v", names)
	}
	back.Provider = "unknown"
	if _, err := w.FinishLogin(t.Context(), back); !errors.Is(err, session.ErrNoProvider) {
		t.Errorf("got %v", err)
	}
	if _, err := w.StartLogin(t.Context(), session.LoginStart{Provider: "unknown"}); !errors.Is(err, session.ErrNoProvider) {
		t.Errorf("got %v", err)
	}
}

// TestRedirectRefused: what each answer of the provider comes to.
func TestRedirectRefused(t *testing.T) {
	denied := &session.DeniedError{Code: "access_denied"}
	expired := &session.DeniedError{Code: "temporarily_unavailable", Description: "authentication_expired"}
	for name, c := range map[string]struct {
		start session.LoginStart
		err   error
		retry bool
		event session.EventType
	}{
		"denied":           {session.LoginStart{}, denied, false, session.EventLoginFailed},
		"denied silently":  {session.LoginStart{PromptNone: true}, denied, true, ""},
		"expired":          {session.LoginStart{}, expired, true, ""},
		"expired again":    {session.LoginStart{Again: true}, expired, false, session.EventLoginFailed},
		"does not hold":    {session.LoginStart{}, &session.RejectedError{Err: errAway}, false, session.EventLoginFailed},
		"out of order":     {session.LoginStart{}, errAway, false, session.EventProviderFault},
		"not our password": {session.LoginStart{}, session.ErrInvalidCredentials, false, session.EventLoginFailed},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, session.UserLimit{})
			back := w.start(t, c.start)
			w.err = c.err
			done, err := w.FinishLogin(t.Context(), back)
			if err == nil || done.Session != nil || (done.Retry != nil) != c.retry || done.AuthRequest.Prompt != "" {
				t.Errorf("got %+v, %v", done, err)
			}
			if c.event != "" && !slices.Equal(w.events, []session.EventType{c.event}) || c.event == "" && len(w.events) != 0 {
				t.Errorf("recorded %v", w.events)
			}
			if _, err := w.StartLogin(t.Context(), session.LoginStart{Provider: "p"}); err == nil {
				t.Error("began though the provider fails")
			}
		})
	}
}

// TestBackChannelLogoutInBetween: a session that the provider has ended meanwhile does
// not begin.
func TestBackChannelLogoutInBetween(t *testing.T) {
	for _, closed := range [][]bool{{true}, {false, true}} {
		w := newWorld(t, session.UserLimit{})
		back := w.start(t, session.LoginStart{})
		w.closed = closed
		var rejected *session.RejectedError
		if _, err := w.FinishLogin(t.Context(), back); !errors.As(err, &rejected) || len(w.ended) != len(w.created) || w.revoked != 1 {
			t.Errorf("got %v, %d created, %d ended", err, len(w.created), len(w.ended))
		}
	}
}

func TestAttemptOfAnotherKind(t *testing.T) {
	w := newWorld(t, session.UserLimit{})
	w.attempts["browserstate"] = session.Attempt{Kind: session.AttemptLogoutReturn, Provider: "p"}
	var rejected *session.RejectedError
	_, err := w.FinishLogin(t.Context(), session.LoginReturn{Provider: "p", Browser: "browser", State: "state"})
	if !errors.As(err, &rejected) {
		t.Errorf("got %v", err)
	}
	w.storeErr = errAway
	if _, err := w.FinishLogin(t.Context(), session.LoginReturn{Provider: "p"}); !errors.Is(err, errAway) {
		t.Errorf("got %v", err)
	}
	if _, err := w.StartLogin(t.Context(), session.LoginStart{Provider: "p"}); !errors.Is(err, errAway) {
		t.Errorf("got %v", err)
	}
}

func TestLogoutRedirect(t *testing.T) {
	w := newWorld(t, session.UserLimit{})
	rec := &session.Record{ID: "a", Identity: session.Identity{Provider: "p"}}
	out := w.StartLogout(t.Context(), rec, "browser", "/bye")
	if out == nil {
		t.Fatal("nowhere to go")
	}
	if url, err := w.RedeemLogout(t.Context(), "browser", out.Ticket); err != nil || url != out.URL {
		t.Errorf("got %q, %v", url, err)
	}
	_, state, _ := strings.Cut(out.URL, "state=")
	if to, err := w.FinishLogout(t.Context(), "browser", state); err != nil || to != "/bye" {
		t.Errorf("got %q, %v", to, err)
	}
	if _, err := w.FinishLogout(t.Context(), "browser", state); !errors.Is(err, session.ErrNoAttempt) {
		t.Errorf("used twice: %v", err)
	}
	if _, err := w.RedeemLogout(t.Context(), "another", out.Ticket); !errors.Is(err, session.ErrNoAttempt) {
		t.Errorf("in another browser: %v", err)
	}
	if o := w.LogoutOrigin(t.Context(), "p"); o != "https://idp.example" {
		t.Errorf("origin %q", o)
	}
	if o := w.LogoutOrigin(t.Context(), "unknown"); o != "" {
		t.Errorf("origin %q", o)
	}
	w.noLogout = true
	if w.StartLogout(t.Context(), rec, "browser", "/bye") != nil || w.LogoutOrigin(t.Context(), "p") != "" {
		t.Error("a page that the provider has not")
	}
	w.noLogout, w.storeErr = false, errAway
	if w.StartLogout(t.Context(), rec, "browser", "/bye") != nil {
		t.Error("a trip that nobody can come back from")
	}
	if _, err := w.RedeemLogout(t.Context(), "browser", "x"); !errors.Is(err, errAway) {
		t.Errorf("got %v", err)
	}
	none := signin.NewRedirects(w.service, nil, nil, nil)
	if _, err := none.RedeemLogout(t.Context(), "browser", "x"); !errors.Is(err, session.ErrNoAttempt) {
		t.Errorf("got %v", err)
	}
}
