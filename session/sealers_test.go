package session_test

import (
	"errors"
	"testing"
	"time"

	"sessiongate/session"
	"sessiongate/session/seal"
	"sessiongate/session/storetest"
)

// newSealers returns sealers of all three kinds under one new key.
func newSealers(t *testing.T) *session.Sealers {
	t.Helper()
	secret, err := seal.ParseKey([]byte(seal.GenerateKey()))
	if err != nil {
		t.Fatal(err)
	}
	made := func(label string) session.Sealer {
		h, err := seal.NewHandles(label, []seal.Key{{ID: "k", Secret: secret}}, nil)
		if err != nil {
			t.Fatal(err)
		}
		return h
	}
	return &session.Sealers{Browser: made("cookie"), TokenClient: made("explicit"), Marks: made("mark")}
}

// sealed returns what takes the text of a value that must be sealed.
func sealed(t *testing.T) func(value string, err error) string {
	return func(value string, err error) string {
		t.Helper()
		if err != nil || value == "" {
			t.Fatalf("%q, %v", value, err)
		}
		return value
	}
}

// A sealed handle opens as its own kind under its own key, and everything else is
// ErrUnauthentic and the zero Handle.
func TestSealers(t *testing.T) {
	s, foreign, must := newSealers(t), newSealers(t), sealed(t)
	browser, client := session.NewHandle(session.Browser).At(3), session.NewHandle(session.TokenClient).At(5)
	cookie, token := must(s.Seal(browser)), must(s.Seal(client))
	withoutTokens := &session.Sealers{Browser: s.Browser}
	for name, c := range map[string]struct {
		s     *session.Sealers
		kind  session.Kind
		value string
		want  session.Handle
	}{
		"a cookie":                  {s, session.Browser, cookie, browser},
		"a refresh token":           {s, session.TokenClient, token, client},
		"a cookie as a token":       {s, session.TokenClient, cookie, session.Handle{}},
		"a token as a cookie":       {s, session.Browser, token, session.Handle{}},
		"no tokens are accepted":    {withoutTokens, session.TokenClient, token, session.Handle{}},
		"a foreign cookie":          {s, session.Browser, must(foreign.Seal(browser)), session.Handle{}},
		"a foreign token":           {s, session.TokenClient, must(foreign.Seal(client)), session.Handle{}},
		"nothing":                   {s, session.Browser, "", session.Handle{}},
		"garbage":                   {s, session.Browser, "garbage", session.Handle{}},
		"cut short":                 {s, session.Browser, cookie[:len(cookie)-4], session.Handle{}},
		"a second spelling":         {s, session.Browser, cookie + "\n", session.Handle{}},
		"a shorter payload of ours": {s, session.Browser, must(s.Browser.Seal(browser.Payload()[:35])), session.Handle{}},
		"a longer payload of ours":  {s, session.Browser, must(s.Browser.Seal(append(browser.Payload(), 0))), session.Handle{}},
		"a mark":                    {s, session.Browser, must(s.Mark(session.StaleMark{ID: browser.ID(), Generation: 3})), session.Handle{}},
	} {
		h, err := c.s.Open(c.kind, c.value)
		if h != c.want {
			t.Errorf("%s: opens as %s, generation %d", name, h.ID(), h.Generation())
		}
		if refused := c.want == (session.Handle{}); refused != errors.Is(err, session.ErrUnauthentic) || !refused && err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// faultySealer fails in words of its own.
type faultySealer struct{}

func (faultySealer) Seal([]byte) (string, error) { return "", errCause }
func (faultySealer) Open(string) ([]byte, error) { return nil, errCause }

// A sender must not learn why its value does not open; whoever seals must.
func TestFaultySealer(t *testing.T) {
	s := &session.Sealers{Browser: faultySealer{}, Marks: faultySealer{}}
	h := session.NewHandle(session.Browser)
	if _, err := s.Open(session.Browser, "x"); !errors.Is(err, session.ErrUnauthentic) {
		t.Errorf("Open: %v", err)
	}
	if at := s.Marked(h, h.ID(), "x"); !at.IsZero() {
		t.Errorf("Marked: %s", at)
	}
	if _, err := s.Seal(h); !errors.Is(err, errCause) {
		t.Errorf("Seal: %v", err)
	}
	if _, err := s.Mark(session.StaleMark{ID: h.ID()}); !errors.Is(err, errCause) {
		t.Errorf("Mark: %v", err)
	}
}

// A mark counts for exactly the handle that it names, and tells when it was issued. Whatever
// else comes along proves nothing.
func TestMarks(t *testing.T) {
	s, must := newSealers(t), sealed(t)
	h := session.NewHandle(session.Browser).At(7)
	id, issued := h.ID(), time.UnixMilli(1_800_000_000_123)
	mark := func(s *session.Sealers, k session.StaleMark) string { return must(s.Mark(k)) }
	own := mark(s, session.StaleMark{ID: id, Generation: 7, Issued: issued})
	client, err := session.ParseHandle(session.TokenClient, h.Payload())
	if err != nil {
		t.Fatal(err)
	}
	none := &session.Sealers{Browser: s.Browser}
	for name, c := range map[string]struct {
		s      *session.Sealers
		handle session.Handle
		value  string
		counts bool
	}{
		"its own":                   {s, h, own, true},
		"none":                      {s, h, "", false},
		"garbage":                   {s, h, "garbage", false},
		"cut short":                 {s, h, own[:len(own)-4], false},
		"of the generation before":  {s, h, mark(s, session.StaleMark{ID: id, Generation: 6, Issued: issued}), false},
		"of the generation after":   {s, h, mark(s, session.StaleMark{ID: id, Generation: 8, Issued: issued}), false},
		"beside another generation": {s, h.At(6), own, false},
		"of another session": {
			s, h, mark(s, session.StaleMark{ID: session.NewHandle(session.Browser).ID(), Generation: 7, Issued: issued}), false,
		},
		"beside another session":  {s, session.NewHandle(session.Browser).At(7), own, false},
		"of a foreign key":        {s, h, mark(newSealers(t), session.StaleMark{ID: id, Generation: 7, Issued: issued}), false},
		"sealed as a cookie":      {s, h, must(s.Browser.Seal(session.StaleMark{ID: id, Generation: 7, Issued: issued}.Payload())), false},
		"the cookie itself":       {s, h, must(s.Seal(h)), false},
		"a short payload of ours": {s, h, must(s.Marks.Seal([]byte("short"))), false},
		"beside a refresh token":  {s, client, own, false},
		"of a refresh token":      {s, client, mark(s, session.StaleMark{ID: client.ID(), Generation: 7, Issued: issued}), false},
		"where there are none":    {none, h, own, false},
	} {
		want := time.Time{}
		if c.counts {
			want = issued
		}
		if got := c.s.Marked(c.handle, c.handle.ID(), c.value); !got.Equal(want) {
			t.Errorf("%s: issued %s, want %s", name, got, want)
		}
	}
	if value, err := none.Mark(session.StaleMark{ID: id}); value != "" || err != nil {
		t.Errorf("a mark without a key: %q, %v", value, err)
	}
}

// TestMarkProves: a mark proves something from when it was issued until MarkLife later, by
// the store's clock. A retired handle with a proof is reuse (row 11), and else only stale.
func TestMarkProves(t *testing.T) {
	s, must := newSealers(t), sealed(t)
	now := time.UnixMilli(1_800_000_000_000)
	h := session.NewHandle(session.Browser).At(7)
	state := session.State{
		Found: true, Generation: 9, RotatedAt: now.Add(-10 * time.Hour), AckedAt: now.Add(-10 * time.Hour), LastSeen: now,
		Absolute: now.Add(time.Hour), SoftAt: now.Add(time.Hour), HardAt: now.Add(time.Hour), Grace: 30 * time.Second, BrowserClass: "c",
	}
	for age, want := range map[time.Duration]session.Outcome{
		-time.Hour:                          session.OutcomeRetired,
		-time.Millisecond:                   session.OutcomeRetired,
		0:                                   session.OutcomeReuse,
		time.Minute:                         session.OutcomeReuse,
		session.MarkLife:                    session.OutcomeReuse,
		session.MarkLife + time.Millisecond: session.OutcomeRetired,
		30 * 24 * time.Hour:                 session.OutcomeRetired,
	} {
		value := must(s.Mark(session.StaleMark{ID: h.ID(), Generation: 7, Issued: now.Add(-age)}))
		v := session.Presentation{ID: h.ID(), Generation: 7, BrowserClass: "c", Marked: s.Marked(h, h.ID(), value)}
		if got := storetest.Decide(state, v, session.Rules{Idle: time.Hour}, now).Outcome; got != want {
			t.Errorf("issued %s ago: row %d, want %d", age, got, want)
		}
	}
}
