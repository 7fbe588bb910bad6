package oidctest

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"fmt"
	"io"
	"maps"
	"math/big"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// token is the token endpoint (RFC 6749 §3.2).
func (e *tokenEndpoint) token(w http.ResponseWriter, r *http.Request) {
	b := e.now()
	if b.Down {
		panic(http.ErrAbortHandler)
	}
	if b.Delay > 0 && !b.DelayAfter {
		pause(r, b.Delay)
	}
	status, doc := e.issue(r, b)
	if b.Delay > 0 && b.DelayAfter {
		pause(r, b.Delay)
	}
	if b.LoseAnswer {
		panic(http.ErrAbortHandler)
	}
	if b.RetryAfter != "" {
		w.Header().Set("Retry-After", b.RetryAfter)
	}
	if b.TokenBody != "" {
		w.WriteHeader(status)
		_, _ = io.WriteString(w, b.TokenBody)
		return
	}
	send(w, status, doc)
}

// pause waits, but not for a client that is gone: its server could not close.
func pause(r *http.Request, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-r.Context().Done():
	}
}

func (e *tokenEndpoint) issue(r *http.Request, b Behaviour) (int, map[string]any) {
	if b.TokenStatus != 0 {
		doc := map[string]any{"error": b.TokenError, "error_description": b.TokenDetail}
		if b.TokenDetail == "" {
			delete(doc, "error_description")
		}
		return b.TokenStatus, doc
	}
	if !e.authentic(r) {
		return http.StatusUnauthorized, map[string]any{"error": "invalid_client"}
	}
	switch r.PostForm.Get("grant_type") {
	case "authorization_code":
		return e.redeem(r.PostForm, b)
	case "refresh_token":
		return e.rotate(r.PostForm, b)
	}
	return http.StatusBadRequest, map[string]any{"error": "unsupported_grant_type"}
}

func refused() (int, map[string]any) {
	return http.StatusBadRequest, map[string]any{"error": "invalid_grant"}
}

// authentic checks the client's authentication (OpenID Connect Core §9).
func (e *tokenEndpoint) authentic(r *http.Request) bool {
	e.mu.Lock()
	key, public := e.client.key, e.client.public
	e.mu.Unlock()
	id, secret, basic := r.BasicAuth()
	switch {
	case public:
		return !basic && r.PostForm.Get("client_id") == ClientID && !r.PostForm.Has("client_secret")
	case key != nil:
		return e.asserted(r.PostForm, key)
	case basic:
		id, _ = url.QueryUnescape(id)
		secret, _ = url.QueryUnescape(secret)
		return id == ClientID && secret == ClientSecret
	}
	return r.PostForm.Get("client_id") == ClientID && r.PostForm.Get("client_secret") == ClientSecret
}

func (e *tokenEndpoint) asserted(form url.Values, key any) bool {
	_, err := jwt.Parse(form.Get("client_assertion"), func(*jwt.Token) (any, error) { return key, nil },
		jwt.WithValidMethods([]string{"ES256", "RS256", "EdDSA"}), jwt.WithIssuer(ClientID), jwt.WithSubject(ClientID),
		jwt.WithAudience(e.Issuer()+"/token"), jwt.WithExpirationRequired())
	return err == nil && form.Get("client_assertion_type") == "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
}

func (e *tokenEndpoint) redeem(form url.Values, b Behaviour) (int, map[string]any) {
	e.mu.Lock()
	defer e.mu.Unlock()
	g := e.codes[form.Get("code")]
	sum := sha256.Sum256([]byte(form.Get("code_verifier")))
	switch {
	case g == nil || g.redirectURI != form.Get("redirect_uri"):
		return refused()
	case g.codeUsed:
		g.dead = true
		return refused()
	case base64.RawURLEncoding.EncodeToString(sum[:]) != g.challenge:
		return refused()
	}
	g.codeUsed = true
	return http.StatusOK, e.tokens(g, b, g.login.subject, true)
}

// rotate gives a new refresh token for one that was never used before. A second
// use of one kills the grant.
func (e *tokenEndpoint) rotate(form url.Values, b Behaviour) (int, map[string]any) {
	e.mu.Lock()
	defer e.mu.Unlock()
	spent := form.Get("refresh_token")
	g := e.refreshes[spent]
	switch {
	case g == nil || g.dead:
		return refused()
	case g.current != spent:
		g.dead = true
		return refused()
	}
	sub := g.login.subject
	if b.RefreshAs != "" {
		sub = b.RefreshAs
	}
	return http.StatusOK, e.tokens(g, b, sub, false)
}

// tokens is called with the lock held.
func (e *tokenEndpoint) tokens(g *grant, b Behaviour, sub string, first bool) map[string]any {
	now := time.Now()
	lifetime := b.Lifetime
	if lifetime == 0 {
		lifetime = 5 * time.Minute
	}
	access := "opaque-" + rand.Text()
	if !b.OpaqueAccess {
		access = e.sign(map[string]any{"typ": "at+jwt"}, map[string]any{
			"iss": e.Issuer(), "sub": sub, "aud": "api", "client_id": ClientID, "iat": now.Unix(), "exp": now.Add(lifetime).Unix(), "jti": rand.Text(),
		})
	}
	if b.LongAccess > 0 {
		access = strings.Repeat("a", b.LongAccess)
	}
	doc := map[string]any{"access_token": access, "token_type": "Bearer", "scope": g.scope, "expires_in": int(lifetime.Seconds())}
	if b.Scope != nil {
		doc["scope"] = b.Scope
	}
	if b.NoExpiresIn {
		delete(doc, "expires_in")
	}
	if !b.NoRefresh && (first || !b.KeepRefresh) {
		g.current = "rt-" + rand.Text()
		e.refreshes[g.current] = g
		doc["refresh_token"] = g.current
	}
	if !b.NoIDToken && (first || !b.NoRefreshID) {
		doc["id_token"] = e.idToken(g, b, sub, first, access)
	}
	return doc
}

func (e *tokenEndpoint) idToken(g *grant, b Behaviour, sub string, first bool, access string) string {
	now := time.Now()
	claims := map[string]any{
		"iss": e.Issuer(), "sub": sub, "aud": ClientID, "iat": now.Unix(), "exp": now.Add(time.Hour).Unix(),
		"sid": g.login.sid, "name": strings.ToUpper(sub[:1]) + sub[1:], "roles": []string{"user"},
		"at_hash": e.hash(access),
	}
	if first {
		claims["nonce"] = g.nonce
	}
	if !b.NoAuthTime {
		claims["auth_time"] = g.login.at.Unix()
	}
	if b.ACR != "" {
		claims["acr"] = b.ACR
	}
	merge(claims, b.IDClaims)
	for from, to := range b.Rename {
		claims[to] = claims[from]
		delete(claims, from)
	}
	if b.Sign != nil {
		return b.Sign(map[string]any{"alg": e.signing.alg, "typ": "JWT", "kid": e.signing.kid}, claims)
	}
	return e.sign(map[string]any{"typ": "JWT"}, claims)
}

// hash is at_hash under the algorithm in force (OpenID Connect Core §3.1.3.6).
func (s *state) hash(access string) string {
	if s.signing.alg == "EdDSA" || s.signing.alg == "Ed25519" {
		sum := sha512.Sum512([]byte(access))
		return base64.RawURLEncoding.EncodeToString(sum[:32])
	}
	sum := sha256.Sum256([]byte(access))
	return base64.RawURLEncoding.EncodeToString(sum[:16])
}

// sign is called with the lock held.
func (s *state) sign(header, claims map[string]any) string {
	method := map[string]jwt.SigningMethod{"RS256": jwt.SigningMethodRS256, "ES256": jwt.SigningMethodES256}[s.signing.alg]
	if method == nil {
		method = jwt.SigningMethodEdDSA
	}
	t := jwt.NewWithClaims(method, jwt.MapClaims(claims))
	t.Header["alg"] = s.signing.alg
	if !s.behaviour.NoTokenKeyID {
		t.Header["kid"] = s.signing.kid
	}
	maps.Copy(t.Header, header)
	merge(t.Header, nil)
	signed, err := t.SignedString(s.signing.key)
	if err != nil {
		panic(fmt.Sprintf("oidctest: sign: %v", err))
	}
	return signed
}

// LogoutToken makes a logout token (Back-Channel Logout §2.4) for the session at
// the provider and its user. Changes replace claims; nil values remove them.
func (p *Provider) LogoutToken(changes map[string]any) string {
	return p.TypedLogoutToken("logout+jwt", changes)
}

// TypedLogoutToken is LogoutToken with another typ.
func (p *Provider) TypedLogoutToken(typ string, changes map[string]any) string {
	sid, now := p.SID(), time.Now()
	p.mu.Lock()
	defer p.mu.Unlock()
	claims := map[string]any{
		"iss": p.Issuer(), "aud": ClientID, "iat": now.Unix(), "exp": now.Add(2 * time.Minute).Unix(), "jti": rand.Text(),
		"sub": subject(p.behaviour), "sid": sid,
		"events": map[string]any{"http://schemas.openid.net/event/backchannel-logout": map[string]any{}},
	}
	merge(claims, changes)
	return p.sign(map[string]any{"typ": typ}, claims)
}

// revoke is RFC 7009.
func (e *tokenEndpoint) revoke(w http.ResponseWriter, r *http.Request) {
	e.mu.Lock()
	fails := e.behaviour.RevokeFails > 0
	if fails {
		e.behaviour.RevokeFails--
	}
	e.mu.Unlock()
	switch {
	case fails:
		http.Error(w, "down", http.StatusServiceUnavailable)
	case !e.authentic(r):
		send(w, http.StatusUnauthorized, map[string]any{"error": "invalid_client"})
	default:
		e.mu.Lock()
		if g := e.refreshes[r.PostForm.Get("token")]; g != nil {
			g.dead = true
		}
		e.mu.Unlock()
	}
}

func (d *documents) userinfo(w http.ResponseWriter, r *http.Request) {
	claims := map[string]any{"sub": subject(d.now()), "email": "ada@example.com"}
	merge(claims, d.now().Userinfo)
	if !strings.HasPrefix(r.Header.Get("Authorization"), "Bearer ") {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	send(w, http.StatusOK, claims)
}

// SignClaims signs any claims with the key in force. nil header entries are left out.
func (p *Provider) SignClaims(header, claims map[string]any) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.sign(header, claims)
}

func publicKey(public any, alg, kid string) map[string]any {
	enc := base64.RawURLEncoding.EncodeToString
	doc := map[string]any{"alg": alg, "use": "sig", "kid": kid}
	switch k := public.(type) {
	case *rsa.PublicKey:
		doc["kty"], doc["n"], doc["e"] = "RSA", enc(k.N.Bytes()), enc(big.NewInt(int64(k.E)).Bytes())
	case ed25519.PublicKey:
		doc["kty"], doc["crv"], doc["x"] = "OKP", "Ed25519", enc(k)
	case *ecdsa.PublicKey:
		point, err := k.Bytes() // 4, X, Y
		if err != nil {
			panic(fmt.Sprintf("oidctest: %v", err))
		}
		doc["kty"], doc["crv"], doc["x"], doc["y"] = "EC", "P-256", enc(point[1:33]), enc(point[33:65])
	}
	return doc
}
