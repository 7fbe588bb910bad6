package storetest

import (
	"fmt"
	"reflect"
	"sync"
	"testing"
	"time"

	"sessiongate/session"
	"sessiongate/session/sessiontest"
)

// AttemptsHarness is what [AttemptsSuite] tests: two stores of attempts and links,
// as of two processes, on one server.
type AttemptsHarness struct {
	Attempts, Second session.Attempts
	Links, Others    session.ProviderSessions
	Clock            *sessiontest.Clock // all of them take its offset
}

// AttemptsSuite holds stores to the contracts of [session.Attempts] and
// [session.ProviderSessions]. open is called for each subtest.
func AttemptsSuite(t *testing.T, open func(t *testing.T) AttemptsHarness) {
	for name, run := range map[string]func(t *testing.T, h AttemptsHarness){
		"an attempt comes back whole, once":  testAttemptOnce,
		"of many takers one gets it":         testAttemptRace,
		"it belongs to one browser":          testAttemptBrowser,
		"it expires, the return URL later":   testAttemptExpiry,
		"the oldest give way":                testAttemptCap,
		"links are found and closed":         testLinks,
		"a token is new once":                testMarkUsed,
		"links last as long as they are for": testLinksExpire,
		"a clock that goes back":             testAttemptsClockBack,
	} {
		t.Run(name, func(t *testing.T) { run(t, open(t)) })
	}
}

func someAttempt(browser, state string) session.Attempt {
	age := time.Duration(0)
	return session.Attempt{
		State: state, Browser: browser, Kind: session.AttemptLogoutReturn, Created: time.UnixMilli(1_700_000_000_000).UTC(),
		Provider: "corp", Nonce: "nonce", Verifier: "verifier", ReturnTo: "/a?b=" + state,
		AuthRequest: session.AuthRequest{Prompt: "login", LoginHint: "ada", MaxAge: &age, ACR: []string{"gold"}},
		PromptNone:  true, Replaces: []session.ID{"one", "two"}, LogoutURL: "https://id.example.com/logout",
	}
}

func put(t *testing.T, s session.Attempts, a session.Attempt) {
	t.Helper()
	if err := s.PutAttempt(t.Context(), a); err != nil {
		t.Fatal(err)
	}
}

func take(t *testing.T, s session.Attempts, browser, state string) session.TakenAttempt {
	t.Helper()
	taken, err := s.TakeAttempt(t.Context(), browser, state)
	if err != nil {
		t.Fatal(err)
	}
	return taken
}

func testAttemptOnce(t *testing.T, h AttemptsHarness) {
	want := someAttempt(session.NewLoginBinding(), "s1")
	put(t, h.Attempts, want)
	got := take(t, h.Second, want.Browser, "s1")
	if got.Attempt == nil || !reflect.DeepEqual(*got.Attempt, want) || got.ReturnTo != want.ReturnTo {
		t.Errorf("taken %+v, want %+v", got.Attempt, want)
	}
	if got := take(t, h.Attempts, want.Browser, "s1"); got.Attempt != nil || got.ReturnTo != want.ReturnTo {
		t.Errorf("taken again: %+v", got)
	}
	if got := take(t, h.Attempts, want.Browser, "s2"); got.Attempt != nil || got.ReturnTo != "" {
		t.Errorf("an unknown state: %+v", got)
	}
}

func testAttemptRace(t *testing.T, h AttemptsHarness) {
	a := someAttempt(session.NewLoginBinding(), "s")
	put(t, h.Attempts, a)
	var mu sync.Mutex
	var all sync.WaitGroup
	got := 0
	for i := range 20 {
		all.Go(func() {
			s := h.Attempts
			if i%2 == 0 {
				s = h.Second
			}
			taken, err := s.TakeAttempt(t.Context(), a.Browser, "s")
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				t.Error(err)
			}
			if taken.Attempt != nil {
				got++
			}
		})
	}
	all.Wait()
	if got != 1 {
		t.Errorf("given out %d times", got)
	}
}

func testAttemptBrowser(t *testing.T, h AttemptsHarness) {
	a := someAttempt(session.NewLoginBinding(), "s")
	put(t, h.Attempts, a)
	for _, other := range []string{session.NewLoginBinding(), ""} {
		if got := take(t, h.Attempts, other, "s"); got.Attempt != nil || got.ReturnTo != "" {
			t.Errorf("another browser gets %+v", got)
		}
	}
	if take(t, h.Attempts, a.Browser, "s").Attempt == nil {
		t.Error("another browser used it up")
	}
}

func testAttemptExpiry(t *testing.T, h AttemptsHarness) {
	browser := session.NewLoginBinding()
	put(t, h.Attempts, someAttempt(browser, "early"))
	h.Clock.Advance(session.AttemptLife - 10*time.Second)
	put(t, h.Attempts, someAttempt(browser, "late"))
	if take(t, h.Second, browser, "early").Attempt == nil {
		t.Error("gone before its time")
	}
	h.Clock.Advance(session.AttemptLife)
	if got := take(t, h.Attempts, browser, "late"); got.Attempt != nil || got.ReturnTo != "/a?b=late" {
		t.Errorf("too late: %+v", got)
	}
	h.Clock.Advance(session.AttemptMemory)
	put(t, h.Attempts, someAttempt(browser, "new"))
	if got := take(t, h.Attempts, browser, "late"); got.ReturnTo != "" {
		t.Errorf("much too late: %+v", got)
	}
}

func testAttemptCap(t *testing.T, h AttemptsHarness) {
	browser := session.NewLoginBinding()
	for i := range session.MaxAttempts + 3 {
		put(t, h.Attempts, someAttempt(browser, fmt.Sprint(i)))
		h.Clock.Advance(time.Second)
	}
	for i := range session.MaxAttempts + 3 {
		if got := take(t, h.Second, browser, fmt.Sprint(i)).Attempt != nil; got != (i >= 3) {
			t.Errorf("attempt %d there: %v", i, got)
		}
	}
}

func testLinks(t *testing.T, h AttemptsHarness) {
	key := session.NewLoginBinding()
	link := func(id session.ID) (closed bool) {
		closed, err := h.Links.Link(t.Context(), key, id, time.Hour)
		if err != nil {
			t.Fatal(err)
		}
		return closed
	}
	if link("a") || link("b") || link("a") {
		t.Error("closed from the start")
	}
	ids, err := h.Others.TakeLinks(t.Context(), key)
	if err != nil || len(ids) != 2 {
		t.Errorf("linked %v, %v", ids, err)
	}
	if !link("c") {
		t.Error("not closed")
	}
	h.Clock.Advance(session.ClosedFor + time.Second)
	if link("c") {
		t.Error("closed for ever")
	}
}

func testLinksExpire(t *testing.T, h AttemptsHarness) {
	key := session.NewLoginBinding()
	for id, keep := range map[session.ID]time.Duration{"short": time.Minute, "long": time.Hour} {
		if _, err := h.Links.Link(t.Context(), key, id, keep); err != nil {
			t.Fatal(err)
		}
	}
	h.Clock.Advance(30 * time.Minute)
	ids, err := h.Others.TakeLinks(t.Context(), key)
	if err != nil || len(ids) != 1 || ids[0] != "long" {
		t.Errorf("linked %v, %v", ids, err)
	}
}

func testMarkUsed(t *testing.T, h AttemptsHarness) {
	token := session.NewLoginBinding()
	once := func(s session.ProviderSessions) bool {
		first, err := s.MarkUsed(t.Context(), token, time.Minute)
		if err != nil {
			t.Fatal(err)
		}
		return first
	}
	if !once(h.Links) || once(h.Links) || once(h.Others) {
		t.Error("not new exactly once")
	}
	if err := h.Others.Unmark(t.Context(), token); err != nil || !once(h.Links) {
		t.Errorf("taken back: %v", err)
	}
}

// testAttemptsClockBack: nothing lasts longer than it would have, counted from when
// it is looked at first.
func testAttemptsClockBack(t *testing.T, h AttemptsHarness) {
	browser, key := session.NewLoginBinding(), session.NewLoginBinding()
	for i := range session.MaxAttempts {
		put(t, h.Attempts, someAttempt(browser, fmt.Sprint(i)))
	}
	if _, err := h.Links.TakeLinks(t.Context(), key); err != nil {
		t.Fatal(err)
	}
	h.Clock.Advance(-time.Hour)
	closed := func() bool {
		closed, err := h.Links.Link(t.Context(), key, "a", time.Hour)
		if err != nil {
			t.Fatal(err)
		}
		return closed
	}
	if !closed() {
		t.Error("open at once")
	}
	put(t, h.Attempts, someAttempt(browser, "new"))
	h.Clock.Advance(session.AttemptLife - time.Second)
	put(t, h.Attempts, someAttempt(browser, "newer"))
	if take(t, h.Second, browser, "new").Attempt == nil {
		t.Error("attempts from the future displaced one of now")
	}
	h.Clock.Advance(2 * time.Second)
	if last := fmt.Sprint(session.MaxAttempts - 1); take(t, h.Second, browser, last).Attempt != nil {
		t.Error("an attempt from the future lives longer")
	}
	h.Clock.Advance(session.ClosedFor)
	if closed() {
		t.Error("closed for an hour more")
	}
}
