package e2e

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

const (
	bookUser     = "ada@example.com"
	bookPassword = `secret & "quoted"`
)

// book is what the mocks of login APIs share: one user, and the tokens given out. Safe for
// concurrent use.
type book struct {
	url       string
	now       func() time.Time
	life      time.Duration
	claims    string
	needsLive bool // only an access token that has not expired is exchanged for a new one

	mu       sync.Mutex
	families int
	tokens   map[string]*bookToken
	counts   bookCounts
	shown    told // how the last sign-in was answered, not filled in
}

type bookCounts struct {
	refreshes, logouts int
	issued             []string
}

// bookToken is a token of one sign-in.
type bookToken struct {
	family  int
	refresh bool
	ends    time.Time // of an access token
	dead    bool
}

// route adds a call to a mock: "POST /auth/login".
type route func(call string, answer func(q asked) told)

func newBook(t *testing.T, now func() time.Time, row shape) *book {
	b := &book{now: now, life: row.life, claims: row.claims, tokens: make(map[string]*bookToken)}
	mux := http.NewServeMux()
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	b.url = server.URL
	on := func(call string, answer func(q asked) told) {
		mux.HandleFunc(call, func(w http.ResponseWriter, r *http.Request) {
			text, _ := io.ReadAll(r.Body)
			answer(asked{r, string(text)}).write(w)
		})
	}
	row.api(b, on)
	on("POST /elsewhere", func(asked) told {
		like := b.last()
		return b.begin(like.body, like.header...)
	})
	return b
}

// last is how the API answered a sign-in: for a call that the configuration does not name and that is
// answered alike, such as a registration.
func (b *book) last() told {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.shown
}

// asked is a request to a mock.
type asked struct {
	*http.Request
	text string
}

// at is what stands at a place: a member of a JSON body or a field of a form (user.email),
// header:NAME, cookie:NAME or query:NAME.
func (q asked) at(place string) string {
	kind, name, found := strings.Cut(place, ":")
	switch {
	case found && kind == "header":
		return q.Header.Get(name)
	case found && kind == "query":
		return q.URL.Query().Get(name)
	case found:
		c, err := q.Cookie(name)
		if err != nil {
			return ""
		}
		return c.Value
	case strings.HasPrefix(q.Header.Get("Content-Type"), "application/x-www-form-urlencoded"):
		form, _ := url.ParseQuery(q.text)
		return form.Get(place)
	}
	var value any
	_ = json.Unmarshal([]byte(q.text), &value)
	for name := range strings.SplitSeq(place, ".") {
		switch v := value.(type) {
		case map[string]any:
			value = v[name]
		case []any:
			i, err := strconv.Atoi(name)
			if err != nil || i >= len(v) {
				return ""
			}
			value = v[i]
		default:
			return ""
		}
	}
	if value == nil {
		return ""
	}
	return fmt.Sprint(value)
}

// bearer is the token in Authorization after the scheme.
func (q asked) bearer(scheme string) string {
	token, ok := strings.CutPrefix(q.Header.Get("Authorization"), scheme+" ")
	if !ok {
		return ""
	}
	return token
}

// told is a mock's answer.
type told struct {
	status int
	body   string
	header []string // "Name: value"
}

// say is an answer in JSON, or an empty one.
func say(status int, body string, header ...string) told { return told{status, body, header} }

func (a told) write(w http.ResponseWriter) {
	if a.body != "" {
		w.Header().Set("Content-Type", "application/json")
	}
	for _, line := range a.header {
		name, value, _ := strings.Cut(line, ": ")
		if name == "Content-Type" {
			w.Header().Del(name)
		}
		w.Header().Add(name, value)
	}
	w.WriteHeader(a.status)
	_, _ = io.WriteString(w, a.body)
}

// known tells the right password from a wrong one.
func (b *book) known(name, password string) bool { return name == bookUser && password == bookPassword }

// begin is a successful sign-in. In body and header stand ACCESS, REFRESH, CSRF_A and CSRF_R (see
// [csrfOf]), and ISO, EPOCH and MILLIS, the end of the access token.
func (b *book) begin(body string, header ...string) told {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.families++
	b.shown = told{200, body, header}
	return b.grant(b.families, body, header)
}

func (b *book) grant(family int, body string, header []string) told {
	n := len(b.counts.issued)
	ends := b.now().Add(b.life)
	fill := strings.NewReplacer("ISO", ends.UTC().Format("2006-01-02T15:04:05.000Z"),
		"EPOCH", strconv.FormatInt(ends.Unix(), 10), "MILLIS", strconv.FormatInt(ends.UnixMilli(), 10)).Replace
	access, refresh := fmt.Sprintf("access-opaque-%08d", n), fmt.Sprintf("refresh-opaque-%08d", n)
	if b.claims != "" {
		part := base64.RawURLEncoding.EncodeToString
		payload := fill(fmt.Sprintf(`{%s,"jti":"%d"}`, b.claims, n))
		access = part([]byte(`{"alg":"HS256","typ":"JWT"}`)) + "." + part([]byte(payload)) + ".c2lnbmF0dXJl"
	}
	b.tokens[access] = &bookToken{family: family, ends: ends}
	b.tokens[refresh] = &bookToken{family: family, refresh: true}
	b.counts.issued = append(b.counts.issued, access, refresh)
	given := strings.NewReplacer("ACCESS", access, "REFRESH", refresh, "CSRF_A", csrfOf(access), "CSRF_R", csrfOf(refresh)).Replace
	lines := make([]string, len(header))
	for i, line := range header {
		lines[i] = given(fill(line))
	}
	return told{200, given(fill(body)), lines}
}

// csrfOf is what must come back beside a token in a cookie.
func csrfOf(token string) string { return fmt.Sprintf("%x", sha256.Sum256([]byte(token))) }

// rotate takes a refresh token, which is good once, for new tokens; refused is the answer to any
// other.
func (b *book) rotate(token string, refused told, body string, header ...string) told {
	return b.renew(token, refused, true, body, header)
}

// reuse is rotate for APIs whose refresh token stays.
func (b *book) reuse(token string, refused told, body string, header ...string) told {
	return b.renew(token, refused, false, body, header)
}

func (b *book) renew(token string, refused told, once bool, body string, header []string) told {
	b.mu.Lock()
	defer b.mu.Unlock()
	t := b.tokens[token]
	if t == nil || !t.refresh || t.dead {
		return refused
	}
	t.dead = once
	b.counts.refreshes++
	return b.grant(t.family, body, header)
}

// exchange takes an access token for a new one.
func (b *book) exchange(token string, refused told, body string, header ...string) told {
	b.mu.Lock()
	defer b.mu.Unlock()
	t := b.tokens[token]
	if t == nil || t.refresh || t.dead || b.needsLive && !b.now().Before(t.ends) {
		return refused
	}
	b.counts.refreshes++
	return b.grant(t.family, body, header)
}

// good tells a living access token from anything else.
func (b *book) good(token string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	t := b.tokens[token]
	return t != nil && !t.refresh && b.now().Before(t.ends)
}

// page is a thing that only a living access token opens.
func (b *book) page(token string, refused told) told {
	if !b.good(token) {
		return refused
	}
	return say(200, `{"thing":"analytical engine"}`)
}

// revoke ends the sign-in that a token belongs to.
func (b *book) revoke(token string, refused, done told) told {
	b.mu.Lock()
	defer b.mu.Unlock()
	t := b.tokens[token]
	if t == nil || t.dead {
		return refused
	}
	b.endFamilies(func(f int) bool { return f == t.family })
	b.counts.logouts++
	return done
}

// kill ends every sign-in there is, as far as its refreshes go.
func (b *book) kill() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.endFamilies(func(int) bool { return true })
}

func (b *book) endFamilies(is func(int) bool) {
	for _, t := range b.tokens {
		t.dead = t.dead || is(t.family)
	}
}

func (b *book) count() bookCounts {
	b.mu.Lock()
	defer b.mu.Unlock()
	c := b.counts
	c.issued = slices.Clone(c.issued)
	return c
}
