package oidctest

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"sync"
	"testing"
	"time"
)

// The one client that is registered.
const (
	ClientID     = "gateway"
	ClientSecret = "s3cret: with %, & and +" // needs encoding for client_secret_basic
)

// Behaviour is how the provider answers. The zero value is a proper provider
// whose user is signed in without a question.
type Behaviour struct {
	Click   bool   // the authorization page waits for a click on #go
	Subject string // who signs in; empty: "ada"

	AuthError  string  // the authorization endpoint's answer is this error
	AuthErrors int     // … so many times, then no more; 0: always
	AuthDetail string  // its error_description; empty: a script
	AnswerIss  *string // iss of the answer; nil: the issuer; empty: none
	LoseCode   bool    // the answer has no code
	OldSignIn  time.Duration
	NoAuthTime bool
	ACR        string // what sign-ins are; empty: none said

	Issuer      string         // in the discovery document; empty: the true one
	Discovery   map[string]any // replaces entries of it; nil values remove them
	NoDiscovery bool
	// HoldDiscovery keeps the document back until it is closed.
	HoldDiscovery chan struct{}
	NoKeys        bool
	KeysBody      string           // raw body in the place of the key set
	MoreKeys      []map[string]any // published before ours

	Down        bool          // the token endpoint drops connections
	Delay       time.Duration // of the token endpoint
	DelayAfter  bool          // … before the answer instead of before the work
	LoseAnswer  bool          // the token endpoint does its work, and the answer is lost
	TokenStatus int           // answer of the token endpoint, with TokenError
	TokenError  string
	TokenDetail string // its error_description
	TokenBody   string // raw body in the place of an error document
	RetryAfter  string
	RevokeFails int // answers 503 so many times

	Lifetime     time.Duration // of access tokens; 0: 5 min
	NoRefresh    bool          // no refresh token, ever
	KeepRefresh  bool          // a refresh answers without a new refresh token, the old one stays good
	NoExpiresIn  bool
	LongAccess   int  // access tokens are opaque, and so many bytes
	OpaqueAccess bool // access tokens are not JWTs
	NoIDToken    bool
	NoRefreshID  bool              // a refresh answers without an ID token
	Scope        any               // in token replies; nil: what was asked for
	IDClaims     map[string]any    // replaces claims of ID tokens; nil values remove them
	Rename       map[string]string // … and then gives them other names
	RefreshAs    string            // a refresh answers for this subject
	Sign         func(header, claims map[string]any) string
	Userinfo     map[string]any
	Answer       map[string]http.HandlerFunc // by path: answers in the place of the provider
	NoKeyIDs     bool                        // the key set has no kids; tokens have them all the same
	NoTokenKeyID bool                        // tokens have no kid
}

// Provider is a running provider. It is safe for concurrent use.
type Provider struct{ *state }

// state is what the endpoints of a provider share.
type state struct {
	t      testing.TB
	server *httptest.Server

	mu        sync.Mutex
	behaviour Behaviour
	client    registration
	signing   signing
	codes     map[string]*grant
	refreshes map[string]*grant // token → grant, spent ones too
	sessions  map[string]*login // by the cookie at the provider
	requests  []Request
}

// registration is what the provider knows of its one client.
type registration struct {
	redirects  []string
	postLogout []string
	key        any  // public key for private_key_jwt
	public     bool // it needs no authentication
}

// signing is the key in force, and all that are published.
type signing struct {
	alg       string
	key       crypto.Signer
	kid       string
	published []map[string]any
}

// The endpoints.
type (
	documents     struct{ *state }
	authorization struct{ *state }
	tokenEndpoint struct{ *state }
)

// Request is one that reached the provider.
type Request struct {
	Path   string
	Query  url.Values
	Form   url.Values
	Header http.Header
	Status int
}

type login struct {
	sid, subject string
	at           time.Time
}

type grant struct {
	login       *login
	nonce       string
	challenge   string
	redirectURI string
	scope       string
	current     string // refresh token in force
	dead        bool
	codeUsed    bool
}

// New starts a provider; it stops with the test. redirects are the registered
// redirect URIs, see [Provider.Register].
func New(t testing.TB, redirects ...string) *Provider {
	t.Helper()
	return start(t, httptest.NewServer, redirects)
}

// NewTLS is New with an https issuer. [Provider.Trust] says whom its clients have
// to trust.
func NewTLS(t testing.TB, redirects ...string) *Provider {
	t.Helper()
	return start(t, httptest.NewTLSServer, redirects)
}

// Trust returns what a client needs to talk to a provider of NewTLS.
func (p *Provider) Trust() *tls.Config {
	pool := x509.NewCertPool()
	pool.AddCert(p.server.Certificate())
	return &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: pool}
}

func start(t testing.TB, listen func(http.Handler) *httptest.Server, redirects []string) *Provider {
	t.Helper()
	p := &Provider{&state{
		t: t, client: registration{redirects: redirects}, signing: signing{alg: "ES256"},
		codes: map[string]*grant{}, refreshes: map[string]*grant{}, sessions: map[string]*login{},
	}}
	p.RotateKey()
	d, a, e := &documents{p.state}, &authorization{p.state}, &tokenEndpoint{p.state}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /.well-known/openid-configuration", d.discovery)
	mux.HandleFunc("GET /jwks", d.jwks)
	mux.HandleFunc("GET /authorize", a.authorize)
	mux.HandleFunc("POST /token", e.token)
	mux.HandleFunc("POST /revoke", e.revoke)
	mux.HandleFunc("GET /userinfo", d.userinfo)
	mux.HandleFunc("GET /logout", a.logout)
	p.server = listen(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_ = r.ParseForm()
		recorder := &statusWriter{ResponseWriter: w, status: http.StatusOK}
		defer func() { p.note(r, recorder.status) }()
		if as := p.now().Answer[r.URL.Path]; as != nil {
			as(recorder, r)
			return
		}
		mux.ServeHTTP(recorder, r)
	}))
	t.Cleanup(p.server.Close)
	return p
}

type statusWriter struct {
	http.ResponseWriter
	status int
}

// WriteHeader implements [http.ResponseWriter].
func (w *statusWriter) WriteHeader(status int) {
	w.status = status
	w.ResponseWriter.WriteHeader(status)
}

// Unwrap is for [http.ResponseController].
func (w *statusWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// Issuer returns the provider's address.
func (s *state) Issuer() string { return s.server.URL }

// Register adds redirect URIs and post-logout redirect URIs.
func (p *Provider) Register(redirect, postLogout string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.client.redirects = append(p.client.redirects, redirect)
	p.client.postLogout = append(p.client.postLogout, postLogout)
}

// ClientKey makes the client one of private_key_jwt.
func (p *Provider) ClientKey(public any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.client.key = public
}

// Public makes the client one without authentication.
func (p *Provider) Public() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.client.public = true
}

// Set changes the behaviour from now on.
func (p *Provider) Set(change func(*Behaviour)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	change(&p.behaviour)
}

func (s *state) now() Behaviour {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.behaviour
}

// SignWith changes the algorithm of ID and logout tokens: RS256, ES256, EdDSA or
// Ed25519. Discovery says so.
func (p *Provider) SignWith(alg string) {
	p.mu.Lock()
	p.signing.alg = alg
	p.mu.Unlock()
	p.RotateKey()
}

// RotateKey makes a new signing key. The old ones stay published.
func (p *Provider) RotateKey() {
	p.mu.Lock()
	defer p.mu.Unlock()
	var err error
	switch p.signing.alg {
	case "RS256":
		p.signing.key, err = rsa.GenerateKey(rand.Reader, 2048)
	case "ES256":
		p.signing.key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	default:
		_, p.signing.key, err = ed25519.GenerateKey(rand.Reader)
	}
	if err != nil {
		p.t.Fatal(err)
	}
	p.signing.kid = rand.Text()
	p.signing.published = append(p.signing.published, publicKey(p.signing.key.Public(), p.signing.alg, p.signing.kid))
}

func (s *state) note(r *http.Request, status int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests = append(s.requests, Request{
		Path: r.URL.Path, Query: r.URL.Query(), Form: r.PostForm, Header: r.Header.Clone(), Status: status,
	})
}

// Requests returns those with this path, in order of their answers.
func (p *Provider) Requests(path string) (list []Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, r := range p.requests {
		if r.Path == path {
			list = append(list, r)
		}
	}
	return list
}

// Grants counts the token requests of one grant type.
func (p *Provider) Grants(grantType string) (n int) {
	for _, r := range p.Requests("/token") {
		if r.Form.Get("grant_type") == grantType {
			n++
		}
	}
	return n
}

// Dead counts the grants that were killed: by reuse, or by revocation.
func (p *Provider) Dead() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	dead := map[*grant]bool{}
	for _, g := range p.refreshes {
		if g.dead {
			dead[g] = true
		}
	}
	return len(dead)
}

// KillGrants makes every refresh token worthless.
func (p *Provider) KillGrants() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, g := range p.refreshes {
		g.dead = true
	}
}

// EndSessions signs everybody out at the provider.
func (p *Provider) EndSessions() {
	p.mu.Lock()
	defer p.mu.Unlock()
	clear(p.sessions)
}

// SID returns the id of the only session at the provider.
func (s *state) SID() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, l := range s.sessions {
		return l.sid
	}
	return ""
}

func (d *documents) discovery(w http.ResponseWriter, _ *http.Request) {
	b := d.now()
	if b.HoldDiscovery != nil {
		<-b.HoldDiscovery
	}
	if b.NoDiscovery {
		http.Error(w, "down", http.StatusServiceUnavailable)
		return
	}
	d.mu.Lock()
	alg := d.signing.alg
	d.mu.Unlock()
	base := d.Issuer()
	doc := map[string]any{
		"issuer": base, "authorization_endpoint": base + "/authorize", "token_endpoint": base + "/token",
		"jwks_uri": base + "/jwks", "userinfo_endpoint": base + "/userinfo", "revocation_endpoint": base + "/revoke",
		"end_session_endpoint": base + "/logout", "id_token_signing_alg_values_supported": []string{alg},
		"response_types_supported": []string{"code"}, "subject_types_supported": []string{"public"},
		"authorization_response_iss_parameter_supported": true, "backchannel_logout_supported": true,
	}
	if b.Issuer != "" {
		doc["issuer"] = b.Issuer
	}
	merge(doc, b.Discovery)
	send(w, http.StatusOK, doc)
}

func (d *documents) jwks(w http.ResponseWriter, _ *http.Request) {
	b := d.now()
	if b.NoKeys {
		http.Error(w, "down", http.StatusServiceUnavailable)
		return
	}
	if b.KeysBody != "" {
		_, _ = io.WriteString(w, b.KeysBody)
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	keys := slices.Concat(b.MoreKeys, d.signing.published)
	for i := range keys {
		if b.NoKeyIDs {
			keys[i] = maps.Clone(keys[i])
			delete(keys[i], "kid")
		}
	}
	send(w, http.StatusOK, map[string]any{"keys": keys})
}

func send(w http.ResponseWriter, status int, doc any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(doc)
}

// merge replaces entries; nil values remove them.
func merge(into, from map[string]any) {
	maps.Copy(into, from)
	maps.DeleteFunc(into, func(_ string, v any) bool { return v == nil })
}

// Issued counts the refresh tokens given out so far.
func (p *Provider) Issued() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.refreshes)
}

// Current returns the refresh token in force of the only grant.
func (p *Provider) Current() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, g := range p.refreshes {
		return g.current
	}
	return ""
}
