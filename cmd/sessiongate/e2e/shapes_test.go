package e2e

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"sessiongate/cmd/sessiongate/program"
	"sessiongate/session/redisstore"
	"sessiongate/session/sessiontest"
)

// The login APIs of products and of well-known tutorials, each as its documentation describes it
// (the files shapes_*), behind the configuration that a reader of the README and of the annotated
// reference writes for it. All go through the same story.

// shape is one login API and the configuration for it.
type shape struct {
	config string // the provider's keys beside name, kind and base_url, one a line
	api    func(b *book, on route)
	claims string        // members of its access token, a JWT, filled in as [book.begin] does; empty: opaque
	life   time.Duration // of its access tokens; default an hour
	login  string        // further members of POST /auth/login
	page   string        // what an app asks of it; default /me
	// subject and roles are what the session document must say; default ada and none.
	subject, roles string
	dead           ending // what comes of a session whose refresh token the API refuses
	deaf           bool   // the API has no call that ends a session
}

// ending is what becomes of a session that can get no new access token.
type ending int

const (
	ended     ending = iota // at once: the API said so in its own words
	doubted                 // at the second refusal, when another session's refresh succeeded in between
	noRefresh               // it ends with its access token
)

// shapes are the rows, by product.
func shapes() map[string]shape {
	all := make(map[string]shape)
	for _, family := range []map[string]shape{nodeShapes(), pythonShapes(), phpShapes(), serverShapes(), hostedShapes()} {
		for name, s := range family {
			all[name] = s
		}
	}
	return all
}

func TestLoginAPIs(t *testing.T) {
	t.Parallel()
	for name, row := range shapes() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			newShapeStory(t, row).run()
		})
	}
}

// shapeStory is one row at work.
type shapeStory struct {
	*environment
	row  shape
	book *book
	seen *strings.Builder // all that browsers got
}

func newShapeStory(t *testing.T, row shape) *shapeStory {
	s := &environment{
		t: t, clock: sessiontest.NewClock(), embedded: redisstore.StartEmbedded(), dir: t.TempDir(), logs: &logBuffer{},
	}
	t.Cleanup(s.embedded.Close)
	s.handles = newKeys(t, s.dir)
	if row.life == 0 {
		row.life = time.Hour
	}
	if row.page == "" {
		row.page = "/me"
	}
	if row.subject == "" {
		row.subject = "ada"
	}
	b := newBook(t, s.clock.Now, row)
	text := strings.ReplaceAll(strings.TrimSpace(row.config), "\n", "\n    ")
	provider := fmt.Sprintf("  - name: api\n    kind: tokenapi\n    base_url: %s\n    %s", b.url, text)
	s.start(s.tokenAPIConfig("embedded: true", strings.ReplaceAll(provider, "BASE", b.url),
		fmt.Sprintf("  - {path: /api/, upstreams: [%q], strip_prefix: /api}", b.url)), program.Overrides{})
	return &shapeStory{s, row, b, &strings.Builder{}}
}

func (s *shapeStory) run() {
	s.t.Helper()
	b := s.browser()
	s.wrongPassword(b)
	s.signIn(b)
	s.works(b, "with the first token")
	s.elsewhere(b)
	s.refreshes(b)
	s.signOut(b)
	s.dies()
	s.saysNothing()
}

func (s *shapeStory) credentials(password string) change {
	return body("application/json", fmt.Sprintf(`{"username":%q,"password":%q%s}`, bookUser, password, s.row.login))
}

// heard notes an answer for [shapeStory.saysNothing].
func (s *shapeStory) heard(a answer) answer {
	s.seen.WriteString(a.body)
	for name, values := range a.header {
		s.seen.WriteString(name + ": " + strings.Join(values, "\n") + "\n")
	}
	return a
}

func (s *shapeStory) wrongPassword(b *browser) {
	s.t.Helper()
	a := s.heard(b.do("POST", "/auth/login", s.credentials("wrong")))
	if a.status != 401 || a.code() != "invalid_credentials" {
		s.t.Errorf("wrong password: %s", a)
	}
}

func (s *shapeStory) signIn(b *browser) {
	s.t.Helper()
	a := s.heard(b.do("POST", "/auth/login", s.credentials(bookPassword)))
	if a.status != 200 {
		s.t.Fatalf("sign-in: %s\n%s", a, s.logs)
	}
	var doc struct {
		User struct {
			Sub   string
			Roles []string
		}
	}
	err := json.Unmarshal([]byte(a.body), &doc)
	if roles := strings.Join(doc.User.Roles, " "); err != nil || doc.User.Sub != s.row.subject || roles != s.row.roles {
		s.t.Errorf("session document: %v, %q, roles %q: %s", err, doc.User.Sub, roles, a)
	}
}

// works asks the API for something that only its own token opens.
func (s *shapeStory) works(b *browser, when string) {
	s.t.Helper()
	if a := s.heard(b.get("/api" + s.row.page)); a.status != 200 || !strings.Contains(a.body, "analytical engine") {
		s.t.Fatalf("%s: %s\n%s", when, a, s.logs)
	}
}

// elsewhere: another call of the API answers with tokens, of which [shapeStory.saysNothing] must find
// none.
func (s *shapeStory) elsewhere(b *browser) {
	s.t.Helper()
	if a := s.heard(b.do("POST", "/api/elsewhere")); a.status != 200 {
		s.t.Errorf("another call that answers with tokens: %s", a)
	}
}

// refreshes lets the access token expire twice: what the first refresh brought must be good for the
// second.
func (s *shapeStory) refreshes(b *browser) {
	s.t.Helper()
	if s.row.dead == noRefresh {
		return
	}
	for i := range 2 {
		s.expire()
		before := b.cookie()
		s.works(b, fmt.Sprintf("after expiry %d", i+1))
		if s.book.needsLive { // the old token still was good, and the new cookie comes with a later answer
			eventually(s.t, "a refresh in the background", func() bool {
				return b.cookie() != before || s.heard(b.get("/api"+s.row.page)).status != 200
			})
		}
		if n := s.book.count().refreshes; n != i+1 {
			s.t.Fatalf("%d refreshes at the API after %d expiries", n, i+1)
		}
	}
}

// expire lets all access tokens run out; those that only a living one renews, nearly.
func (s *shapeStory) expire() {
	if s.book.needsLive {
		s.clock.Advance(s.row.life * 3 / 4)
		return
	}
	s.clock.Advance(s.row.life + time.Second)
}

func (s *shapeStory) signOut(b *browser) {
	s.t.Helper()
	if a := s.heard(b.do("POST", "/auth/logout")); a.status != 200 {
		s.t.Errorf("logout: %s", a)
	}
	if !s.row.deaf {
		eventually(s.t, "the API hears of the logout", func() bool { return s.book.count().logouts == 1 })
	}
	if a := s.heard(b.get("/api" + s.row.page)); a.status != 401 {
		s.t.Errorf("after the logout: %s", a)
	}
}

// dies takes a session's refresh token away at the API.
func (s *shapeStory) dies() {
	s.t.Helper()
	b := s.browser()
	s.signIn(b)
	s.book.kill()
	s.clock.Advance(s.row.life + time.Second)
	path := "/api" + s.row.page
	switch s.row.dead {
	case noRefresh:
		s.clock.Advance(time.Second)
	case doubted:
		if a := s.heard(b.get(path)); a.status != 503 || !strings.Contains(a.body, "login_url") {
			s.t.Errorf("a refusal that may be a proxy's: %s", a)
		}
		other := s.browser()
		s.signIn(other)
		s.expire()
		s.works(other, "another session")
	}
	if a := s.heard(b.get(path)); a.status != 401 || a.code() != "session_ended" && a.code() != "session_expired" {
		s.t.Errorf("a session whose refresh token is dead: %s\n%s", a, s.logs)
	}
}

// saysNothing: no token of the API in anything that a browser got, or in the log.
func (s *shapeStory) saysNothing() {
	s.t.Helper()
	for _, token := range s.book.count().issued {
		if strings.Contains(s.seen.String(), token) {
			s.t.Errorf("a browser got %s", token)
		}
		if strings.Contains(s.logs.String(), token) {
			s.t.Errorf("the log has %s", token)
		}
	}
	if strings.Contains(s.logs.String(), bookPassword) {
		s.t.Error("the log has the password")
	}
}
