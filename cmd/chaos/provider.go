package main

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

// provider is a token API with strict rotation: a refresh token is good once, and
// one that comes a second time ends all that descended from its login (RFC 9700
// §4.14.2). Each gateway has a path of its own, so that a token spent twice names
// both who spent it. It is safe for concurrent use.
type provider struct {
	lifetime time.Duration

	mu       sync.Mutex
	trouble  trouble
	next     int
	families map[int]*family
	refresh  map[string]*refreshToken
	access   map[string]*accessToken
	calls    int // refreshes asked for
}

// trouble answers a refresh in place of the usual way; usual does what would have
// been done, and returns the answer. nil: no trouble.
type trouble func(w http.ResponseWriter, r *http.Request, usual func() []byte)

// family is all tokens that descend from one login.
type family struct {
	id      int
	user    string
	began   time.Time
	ended   time.Time // by logout
	killed  time.Time // by reuse
	first   spending  // of the token that came twice
	second  spending
	refused int // refreshes that were answered 401
}

// spending is one use of a refresh token.
type spending struct {
	gateway int
	at      time.Time
	lost    bool         // nobody got the answer
	access  *accessToken // in the answer
}

type refreshToken struct {
	family *family
	parent *refreshToken // what was spent for it; nil: the login's
	spent  *spending
}

type accessToken struct {
	user    string
	family  *family
	expires time.Time
	seen    bool // the upstream was brought it: the store had it
}

func newProvider(lifetime time.Duration) *provider {
	return &provider{
		lifetime: lifetime, families: map[int]*family{}, refresh: map[string]*refreshToken{}, access: map[string]*accessToken{},
	}
}

// handler serves /g0/auth/login, /g1/auth/refresh and so on.
func (p *provider) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /{gateway}/auth/login", p.login)
	mux.HandleFunc("POST /{gateway}/auth/refresh", p.renew)
	mux.HandleFunc("POST /{gateway}/auth/logout", p.logout)
	return mux
}

// be makes refreshes be answered by t from now on; nil: as usual.
func (p *provider) be(t trouble) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.trouble = t
}

func (p *provider) login(w http.ResponseWriter, r *http.Request) {
	var in struct{ Username string }
	if err := json.NewDecoder(r.Body).Decode(&in); err != nil || in.Username == "" {
		http.Error(w, "no user name", http.StatusBadRequest)
		return
	}
	p.mu.Lock()
	p.next++
	f := &family{id: p.next, user: in.Username, began: time.Now()}
	p.families[f.id] = f
	body, _ := p.issue(f, nil)
	p.mu.Unlock()
	answerJSON(w, http.StatusOK, body)
}

func (p *provider) renew(w http.ResponseWriter, r *http.Request) {
	var in struct {
		Token string `json:"refresh_token"`
	}
	_ = json.NewDecoder(r.Body).Decode(&in) // a token that cannot be read is none
	gateway, _ := strconv.Atoi(strings.TrimPrefix(r.PathValue("gateway"), "g"))
	p.mu.Lock()
	p.calls++
	t := p.trouble
	p.mu.Unlock()
	if t == nil {
		w.Header().Set("Content-Type", "application/json")
		p.spend(w, in.Token, gateway)
		return
	}
	t(w, r, func() []byte {
		held := &heldAnswer{header: http.Header{}}
		p.spend(held, in.Token, gateway)
		return held.body
	})
}

// spend takes a refresh token and answers with new tokens or 401.
func (p *provider) spend(w http.ResponseWriter, token string, gateway int) {
	p.mu.Lock()
	rt := p.refresh[token]
	var body []byte
	switch {
	case rt == nil:
	case !rt.family.killed.IsZero() || !rt.family.ended.IsZero():
		rt.family.refused++
	case rt.spent != nil:
		rt.family.killed = time.Now()
		rt.family.first, rt.family.second = *rt.spent, spending{gateway: gateway, at: time.Now()}
		rt.family.refused++
	default:
		rt.spent = &spending{gateway: gateway, at: time.Now()}
		body, rt.spent.access = p.issue(rt.family, rt)
	}
	p.mu.Unlock()
	if body == nil {
		answerJSON(w, http.StatusUnauthorized, []byte(`{"error":"invalid_grant","error_description":"this refresh token is not valid"}`))
		return
	}
	answerJSON(w, http.StatusOK, body)
}

// loseAnswer notes that nobody will get this answer to a refresh.
func (p *provider) loseAnswer(body []byte) {
	var out struct {
		Token string `json:"refresh_token"`
	}
	_ = json.Unmarshal(body, &out) // ours
	p.mu.Lock()
	defer p.mu.Unlock()
	if rt := p.refresh[out.Token]; rt != nil && rt.parent != nil && rt.parent.spent != nil {
		rt.parent.spent.lost = true
	}
}

func (p *provider) logout(w http.ResponseWriter, r *http.Request) {
	var in struct {
		Token string `json:"refresh_token"`
	}
	_ = json.NewDecoder(r.Body).Decode(&in) // as above
	p.mu.Lock()
	if rt := p.refresh[in.Token]; rt != nil && rt.family.ended.IsZero() {
		rt.family.ended = time.Now()
	}
	p.mu.Unlock()
	answerJSON(w, http.StatusOK, []byte(`{}`))
}

// issue makes a pair of tokens. The caller holds the lock.
func (p *provider) issue(f *family, parent *refreshToken) ([]byte, *accessToken) {
	p.next++
	now := time.Now()
	claims, _ := json.Marshal(map[string]any{ // a map of strings and numbers
		"sub": f.user, "iat": now.Unix(), "exp": now.Add(p.lifetime).Unix(), "jti": strconv.Itoa(p.next), "pad": strings.Repeat("x", 300),
	})
	enc := base64.RawURLEncoding
	access := enc.EncodeToString([]byte(`{"alg":"EdDSA","typ":"at+jwt"}`)) + "." + enc.EncodeToString(claims) + "." + enc.EncodeToString(make([]byte, 64))
	refresh := fmt.Sprintf("%s.%d.%d", f.user, f.id, p.next)
	t := &accessToken{user: f.user, family: f, expires: now.Add(p.lifetime)}
	p.access[access] = t
	p.refresh[refresh] = &refreshToken{family: f, parent: parent}
	body, _ := json.Marshal(map[string]any{ // the same
		"access_token": access, "refresh_token": refresh, "token_type": "bearer", "expires_in": int(p.lifetime / time.Second),
	})
	return body, t
}

// leeway is how long a verifier takes a token that has expired, for its way.
const leeway = 250 * time.Millisecond

// check says whose token this is, and whether it is still good.
func (p *provider) check(token string) (owner string, expired, known bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	t := p.access[token]
	if t == nil {
		return "", false, false
	}
	t.seen = true
	return t.user, time.Now().After(t.expires.Add(leeway)), t.family.killed.IsZero()
}

// stored reports whether the tokens of a spending were used afterwards: then a store
// had them.
func (p *provider) stored(s spending) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return s.access != nil && s.access.seen
}

// familyOf is the last login of a user.
func (p *provider) familyOf(user string) (last *family) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, f := range p.families {
		if f.user == user && (last == nil || f.id > last.id) {
			last = f
		}
	}
	return last
}

// count is what the table says about the provider: refreshes asked for, the most
// there should be, families ended by reuse.
func (p *provider) count() (calls int, expected float64, killed []*family) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, f := range p.families {
		until := time.Now()
		switch {
		case !f.killed.IsZero():
			until = f.killed
			killed = append(killed, f)
		case !f.ended.IsZero():
			until = f.ended
		}
		// Tokens are refreshed in the last quarter of such short lives.
		expected += until.Sub(f.began).Seconds() / (0.75 * p.lifetime.Seconds())
	}
	return p.calls, expected, killed
}

func answerJSON(w http.ResponseWriter, status int, body []byte) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(body)
}

// heldAnswer keeps an answer that trouble may send, or not.
type heldAnswer struct {
	header http.Header
	body   []byte
}

// Header implements http.ResponseWriter.
func (h *heldAnswer) Header() http.Header { return h.header }

// WriteHeader implements http.ResponseWriter.
func (h *heldAnswer) WriteHeader(int) {}

// Write implements http.ResponseWriter.
func (h *heldAnswer) Write(b []byte) (int, error) {
	h.body = append(h.body, b...)
	return len(b), nil
}
