package limits_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"sessiongate/gateway/limits"
	"sessiongate/gateway/problem"
	"sessiongate/session"
	"sessiongate/session/ratelimit"
)

// passwords is a Passwords of a function.
type passwords func(session.Login) error

func (p passwords) Login(_ context.Context, l session.Login) (*session.Session, error) {
	if err := p(l); err != nil {
		return nil, err
	}
	return &session.Session{}, nil
}

// limiter counts in memory. Nothing drains.
type limiter struct {
	mu   sync.Mutex
	held map[ratelimit.Bucket]int
	err  error
}

func (l *limiter) Take(_ context.Context, b ratelimit.Bucket, r ratelimit.Rate, n int) (time.Duration, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.err != nil {
		return 0, l.err
	}
	if l.held == nil {
		l.held = make(map[ratelimit.Bucket]int)
	}
	if n < 0 {
		l.held[b] += n
		return 0, nil
	}
	if l.held[b]+max(n, 1) > r.Limit {
		return r.Per, nil
	}
	l.held[b] += n
	return 0, nil
}

type events struct {
	mu   sync.Mutex
	list []session.Event
}

func (e *events) Record(event session.Event) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.list = append(e.list, event)
}

func (e *events) count(t session.EventType, limit string) (n int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, event := range e.list {
		if event.Type == t && event.Limit == limit {
			n++
		}
	}
	return n
}

func rates(perIP, perName int) ratelimit.Limits {
	of := func(n int) ratelimit.Rate { return ratelimit.Rate{Limit: n, Per: time.Minute} }
	return ratelimit.Limits{LoginPerIP: of(perIP), LoginPerNameAndIP: of(perName), StartPerIP: of(perIP), RefreshPerIP: of(perIP)}
}

func wrong(session.Login) error { return session.ErrInvalidCredentials }
func right(session.Login) error { return nil }

func at(ip, name string) session.Login {
	return session.Login{Username: name, Client: session.Client{IP: ip}}
}

func code(err error) string {
	if err == nil {
		return ""
	}
	return problem.Of(err).Code
}

func TestAnAddressHasSoManyAttempts(t *testing.T) {
	heard := &events{}
	s := limits.NewSignIn(limits.Options{Passwords: passwords(right), Limiter: &limiter{}, Rates: rates(3, 100), Recorder: heard})
	for i, want := range []string{"", "", "", "rate_limited"} {
		if _, err := s.Login(t.Context(), at("192.0.2.1", "alice")); code(err) != want {
			t.Errorf("attempt %d: %v, want %q", i, err, want)
		}
	}
	if _, err := s.Login(t.Context(), at("192.0.2.2", "alice")); err != nil {
		t.Errorf("another address: %v", err)
	}
	if n := heard.count(session.EventLimited, "login.per_ip"); n != 1 {
		t.Errorf("%d events", n)
	}
}

// A wrong code is a guess as much as a wrong password, even to a provider that says of both the
// same: that a code is needed.
func TestWrongCodesCount(t *testing.T) {
	s := limits.NewSignIn(limits.Options{Limiter: &limiter{}, Rates: rates(100, 2), Recorder: &events{}, Passwords: passwords(func(session.Login) error {
		return &session.StepRequiredError{}
	})})
	for range 5 {
		if _, err := s.Login(t.Context(), at("192.0.2.1", "alice")); code(err) != "login_step_required" {
			t.Errorf("no code yet: %v", err)
		}
	}
	guess := at("192.0.2.1", "alice")
	guess.Extra = map[string]any{"otp": "000000"}
	for _, want := range []string{"login_step_required", "login_step_required", "rate_limited"} {
		if _, err := s.Login(t.Context(), guess); code(err) != want {
			t.Errorf("%v, want %s", err, want)
		}
	}
}

// Failures count at a name, and successes are given back.
func TestAnAddressHasSoManyFailuresAtAName(t *testing.T) {
	outcome := atomic.Bool{}
	s := limits.NewSignIn(limits.Options{Limiter: &limiter{}, Rates: rates(100, 2), Recorder: &events{}, Passwords: passwords(func(session.Login) error {
		if outcome.Load() {
			return nil
		}
		return session.ErrInvalidCredentials
	})})
	outcome.Store(true)
	for range 5 {
		if _, err := s.Login(t.Context(), at("192.0.2.1", "alice")); err != nil {
			t.Fatal(err)
		}
	}
	outcome.Store(false)
	for _, want := range []string{"invalid_credentials", "invalid_credentials", "rate_limited"} {
		if _, err := s.Login(t.Context(), at("192.0.2.1", " ALICE ")); code(err) != want {
			t.Errorf("%v, want %s", err, want)
		}
	}
	if _, err := s.Login(t.Context(), at("192.0.2.1", "bob")); code(err) != "invalid_credentials" {
		t.Errorf("another name: %v", err)
	}
}

// Attempts that are sent all at once wait for each other's outcome, and right ones all get in.
func TestRightPasswordsSentAtOnceAreNoFailures(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := limits.NewSignIn(limits.Options{Limiter: &limiter{}, Rates: rates(100, 2), Recorder: &events{}, Passwords: passwords(func(session.Login) error {
			time.Sleep(time.Second)
			return nil
		})})
		var refused atomic.Int32
		var all sync.WaitGroup
		for range 10 {
			all.Go(func() {
				if _, err := s.Login(t.Context(), at("192.0.2.1", "alice")); err != nil {
					refused.Add(1)
				}
			})
		}
		all.Wait()
		if n := refused.Load(); n != 0 {
			t.Errorf("%d of 10 were refused", n)
		}
	})
}

// One name tried from many addresses refuses nobody: attempts are delayed, and an alarm is raised
// once a minute.
func TestGuessingFromEverywhereIsSlowedDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		heard := &events{}
		s := limits.NewSignIn(limits.Options{Passwords: passwords(wrong), Limiter: &limiter{}, Rates: rates(100, 1), Recorder: heard})
		for i := range 6 {
			began := time.Now()
			_, err := s.Login(t.Context(), at(string(rune('a'+i)), "alice"))
			if code(err) != "invalid_credentials" {
				t.Errorf("%d: %v", i, err)
			}
			if took := time.Since(began); (took >= time.Second) != (i >= 4) {
				t.Errorf("attempt %d took %s", i, took)
			}
		}
		if n := heard.count(session.EventGuessing, ""); n != 1 {
			t.Errorf("%d alarms", n)
		}
	})
}

func TestRefusedRefreshesCount(t *testing.T) {
	s := limits.NewSignIn(limits.Options{Limiter: &limiter{}, Rates: rates(1, 1), Recorder: &events{}})
	client := session.Client{IP: "2001:db8::1"}
	for _, row := range []struct {
		err  error
		want string
	}{
		{&session.StaleError{}, problem.StaleCode},
		{&session.UnavailableError{Subsystem: session.SubsystemStore}, "store_unavailable"},
		{session.ErrUnauthentic, "authentication_required"},
		{session.ErrUnauthentic, "rate_limited"},
		{&session.StaleError{}, problem.StaleCode},
	} {
		if got := s.RefusedRefresh(t.Context(), client, row.err); code(got) != row.want {
			t.Errorf("%v: %v, want %s", row.err, got, row.want)
		}
	}
}

func TestSignInsAtProvidersPagesAreCounted(t *testing.T) {
	s := limits.NewSignIn(limits.Options{Limiter: &limiter{}, Rates: rates(2, 1), Recorder: &events{}})
	for _, want := range []string{"", "", "rate_limited"} {
		if err := s.Start(t.Context(), session.Client{IP: "192.0.2.1"}); code(err) != want {
			t.Errorf("%v, want %q", err, want)
		}
	}
}

// Limits that overload switches off are none; where no limits are wanted nothing is asked.
func TestWithoutTheStore(t *testing.T) {
	broken := &limiter{err: errors.New("out of reach")}
	s := limits.NewSignIn(limits.Options{Passwords: passwords(right), Limiter: broken, Rates: rates(9, 9), Recorder: &events{}})
	if _, err := s.Login(t.Context(), at("192.0.2.1", "alice")); code(err) != "store_unavailable" {
		t.Errorf("%v", err)
	}
	if err := s.RefusedRefresh(t.Context(), session.Client{}, session.ErrUnauthentic); code(err) != "authentication_required" {
		t.Errorf("%v", err)
	}
	free := limits.NewSignIn(limits.Options{Passwords: passwords(right)})
	if _, err := free.Login(t.Context(), at("192.0.2.1", "alice")); err != nil {
		t.Errorf("no limits: %v", err)
	}
}
