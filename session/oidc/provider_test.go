package oidc_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"sessiongate/session"
	"sessiongate/session/oidc"
	"sessiongate/session/oidc/oidctest"
)

const redirectURI = "http://localhost/callback"

func newProvider(t *testing.T, idp *oidctest.Provider, change func(*oidc.Options)) *oidc.Provider {
	t.Helper()
	o := oidc.Options{
		Name: "corp", Issuer: idp.Issuer(), ClientID: oidctest.ClientID, Secret: oidctest.ClientSecret,
		RedirectURI: redirectURI, Scopes: []string{"openid", "offline_access"}, RolesClaim: "roles", Timeout: 5 * time.Second,
	}
	if change != nil {
		change(&o)
	}
	p, err := oidc.New(o)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func attempt() session.Attempt {
	return session.Attempt{
		State: rand.Text(), Nonce: session.Secret(rand.Text()), Verifier: session.Secret(rand.Text() + rand.Text()), Created: time.Now(),
	}
}

// response goes through the provider's page and returns what came back.
func response(t *testing.T, p *oidc.Provider, a session.Attempt) session.Response {
	t.Helper()
	jar, _ := cookiejar.New(nil)
	return responseBy(t, &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}, p, a)
}

func responseBy(t *testing.T, client *http.Client, p *oidc.Provider, a session.Attempt) session.Response {
	t.Helper()
	to, err := p.AuthorizationURL(t.Context(), a)
	if err != nil {
		t.Fatal(err)
	}
	res, err := client.Get(to)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	u, err := url.Parse(res.Header.Get("Location"))
	if err != nil || u.Query().Get("state") != a.State {
		t.Fatalf("provider: %s, %v", res.Status, u)
	}
	q := u.Query()
	return session.Response{Code: session.Secret(q.Get("code")), Issuer: q.Get("iss"), Error: q.Get("error")}
}

func signIn(t *testing.T, p *oidc.Provider) (session.Grant, error) {
	t.Helper()
	a := attempt()
	return p.Exchange(t.Context(), a, response(t, p, a))
}

// kind names an error by what package refresh would make of it.
func kind(err error) string {
	var rejected *session.RejectedError
	var fault *session.FaultError
	var refused *session.RefusedError
	var denied *session.DeniedError
	switch {
	case err == nil:
		return "ok"
	case errors.As(err, &rejected):
		return "rejected"
	case errors.As(err, &refused):
		return "refused"
	case errors.As(err, &denied):
		return "denied"
	case errors.As(err, &fault) && fault.Misconfigured:
		return "misconfigured"
	case errors.As(err, &fault):
		return "fault"
	}
	return err.Error()
}

func TestClientAuthentication(t *testing.T) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	text := session.Secret(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
	for name, row := range map[string]struct {
		change  func(*oidc.Options)
		prepare func(*oidctest.Provider)
		want    string
	}{
		"basic":          {func(*oidc.Options) {}, nil, "ok"},
		"post":           {func(o *oidc.Options) { o.Method = oidc.SecretPost }, nil, "ok"},
		"key":            {func(o *oidc.Options) { o.Method, o.Key, o.KeyID = oidc.PrivateKeyJWT, text, "k1" }, func(p *oidctest.Provider) { p.ClientKey(key.Public()) }, "ok"},
		"none":           {func(o *oidc.Options) { o.Method, o.Secret = oidc.Public, "" }, (*oidctest.Provider).Public, "ok"},
		"wrong secret":   {func(o *oidc.Options) { o.Secret = "another" }, nil, "misconfigured"},
		"wrong audience": {func(o *oidc.Options) { o.Method, o.Key, o.AssertionAudience = oidc.PrivateKeyJWT, text, "https://x" }, func(p *oidctest.Provider) { p.ClientKey(key.Public()) }, "misconfigured"},
	} {
		t.Run(name, func(t *testing.T) {
			idp := oidctest.New(t, redirectURI)
			if row.prepare != nil {
				row.prepare(idp)
			}
			p := newProvider(t, idp, row.change)
			grant, err := signIn(t, p)
			if kind(err) != row.want {
				t.Fatalf("sign-in: %v", err)
			}
			if err != nil {
				return
			}
			if _, err := p.Refresh(t.Context(), session.Refresh{Identity: grant.Identity, Tokens: grant.Tokens}); err != nil {
				t.Errorf("refresh: %v", err)
			}
			if err := p.Revoke(t.Context(), grant.Tokens); err != nil || idp.Dead() != 1 {
				t.Errorf("revoke: %v, %d dead grants", err, idp.Dead())
			}
			seen := map[string]bool{}
			for _, r := range idp.Requests("/token") {
				assertion := r.Form.Get("client_assertion")
				if assertion != "" && seen[assertion] {
					t.Error("an assertion was used twice")
				}
				seen[assertion] = true
			}
		})
	}
}

// An ID token that is not exactly right gives no session.
func TestIDTokens(t *testing.T) {
	part := func(v any) string { b, _ := json.Marshal(v); return base64.RawURLEncoding.EncodeToString(b) }
	past := time.Now().Add(-time.Hour).Unix()
	for name, row := range map[string]struct {
		set  func(*oidctest.Behaviour)
		want string
	}{
		"proper":          {func(*oidctest.Behaviour) {}, "ok"},
		"wrong nonce":     {claims("nonce", "another"), "rejected"},
		"no nonce":        {claims("nonce", nil), "rejected"},
		"wrong aud":       {claims("aud", "another"), "rejected"},
		"aud list":        {claims("aud", []string{oidctest.ClientID}), "ok"},
		"aud, no azp":     {claims("aud", []string{oidctest.ClientID, "x"}), "ok"}, // Core §3.1.3.7, second errata
		"aud without us":  {claims("aud", []string{"y", "x"}), "rejected"},
		"azp of another":  {claims("azp", "another"), "rejected"},
		"azp no text":     {claims("azp", 7), "rejected"},
		"AZP":             {claims("AZP", "another"), "ok"}, // another name, which says nothing
		"wrong iss":       {claims("iss", "https://evil.example"), "rejected"},
		"expired":         {claims("exp", past), "rejected"},
		"no exp":          {claims("exp", nil), "rejected"},
		"iat ahead":       {claims("iat", time.Now().Add(time.Hour).Unix()), "rejected"},
		"no iat":          {claims("iat", nil), "rejected"},
		"iat is text":     {claims("iat", strconv.FormatInt(time.Now().Unix(), 10)), "rejected"},
		"exp is text":     {claims("exp", strconv.FormatInt(time.Now().Add(time.Hour).Unix(), 10)), "rejected"},
		"no sub":          {claims("sub", nil), "rejected"},
		"empty sub":       {claims("sub", ""), "rejected"},
		"sub no text":     {claims("sub", 7), "rejected"},
		"SUB alone":       {renamed("sub", "SUB"), "rejected"},
		"Nonce alone":     {renamed("nonce", "Nonce"), "rejected"},
		"AUD alone":       {renamed("aud", "AUD"), "rejected"},
		"EXP alone":       {renamed("exp", "EXP"), "rejected"},
		"Iat alone":       {renamed("iat", "Iat"), "rejected"},
		"ISS alone":       {renamed("iss", "ISS"), "rejected"},
		"at_hash no text": {claims("at_hash", 7), "rejected"},
		"long sub":        {claims("sub", strings.Repeat("x", 256)), "rejected"},
		"wrong at_hash":   {claims("at_hash", "AAAAAAAAAAAAAAAAAAAAAA"), "rejected"},
		"none at all":     {func(b *oidctest.Behaviour) { b.NoIDToken = true }, "rejected"},
		"alg none": {signed(func(h, c map[string]any) string {
			h["alg"] = "none"
			return part(h) + "." + part(c) + "."
		}), "rejected"},
		"HS256 under the client secret": {signed(func(h, c map[string]any) string {
			h["alg"] = "HS256"
			text := part(h) + "." + part(c)
			mac := hmac.New(sha256.New, []byte(oidctest.ClientSecret))
			mac.Write([]byte(text))
			return text + "." + base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
		}), "rejected"},
		"signature of another key": {signed(func(h, c map[string]any) string {
			text := part(h) + "." + part(c)
			key, _ := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
			sum := sha256.Sum256([]byte(text))
			r, s, _ := ecdsa.Sign(rand.Reader, key, sum[:])
			return text + "." + base64.RawURLEncoding.EncodeToString(append(r.FillBytes(make([]byte, 32)), s.FillBytes(make([]byte, 32))...))
		}), "rejected"},
		"typ of a logout token": {signed(func(h, c map[string]any) string {
			h["typ"] = "logout+jwt"
			return part(h) + "." + part(c) + ".AAAA"
		}), "rejected"},
		"garbage":           {signed(func(_, _ map[string]any) string { return "x" }), "rejected"},
		"keys out of reach": {func(b *oidctest.Behaviour) { b.NoKeys = true }, "fault"},
		"a token of type DPoP": {func(b *oidctest.Behaviour) {
			b.TokenStatus, b.TokenBody = 200, `{"access_token":"a","token_type":"DPoP"}`
		}, "misconfigured"},
		"a header in the token": {func(b *oidctest.Behaviour) {
			b.TokenStatus, b.TokenBody = 200, "{\"access_token\":\"a\\r\\nX: y\",\"token_type\":\"Bearer\"}"
		}, "fault"},
		"an endless reply": {func(b *oidctest.Behaviour) {
			b.TokenStatus, b.TokenBody = 200, `{"access_token":"`+strings.Repeat("a", 2<<20)+`"}`
		}, "fault"},
	} {
		t.Run(name, func(t *testing.T) {
			idp := oidctest.New(t, redirectURI)
			idp.Set(row.set)
			_, err := signIn(t, newProvider(t, idp, nil))
			if kind(err) != row.want {
				t.Errorf("%v (%s), want %s", err, kind(err), row.want)
			}
		})
	}
}

func claims(name string, value any) func(*oidctest.Behaviour) {
	return func(b *oidctest.Behaviour) { b.IDClaims = map[string]any{name: value} }
}

// renamed gives a claim another case: another name (RFC 7519 §4).
func renamed(from, to string) func(*oidctest.Behaviour) {
	return func(b *oidctest.Behaviour) {
		b.Rename = map[string]string{from: to}
	}
}

func signed(f func(header, claims map[string]any) string) func(*oidctest.Behaviour) {
	return func(b *oidctest.Behaviour) { b.Sign = f }
}

// A code that another attempt got is refused by PKCE, and by the nonce where the
// provider forgets PKCE.
func TestCodeInjection(t *testing.T) {
	idp := oidctest.New(t, redirectURI)
	p := newProvider(t, idp, nil)
	victim := attempt()
	stolen := response(t, p, victim)
	if _, err := p.Exchange(t.Context(), attempt(), stolen); kind(err) != "rejected" {
		t.Errorf("injected code: %v", err)
	}
	if _, err := p.Exchange(t.Context(), victim, stolen); err != nil {
		t.Errorf("the code's own attempt: %v", err)
	}
	if _, err := p.Exchange(t.Context(), victim, stolen); kind(err) != "rejected" {
		t.Errorf("a code used twice: %v", err)
	}
}

func TestDiscovery(t *testing.T) {
	for name, row := range map[string]struct {
		set  func(*oidctest.Behaviour)
		want string
	}{
		"another issuer":    {func(b *oidctest.Behaviour) { b.Issuer = "https://evil.example" }, "misconfigured"},
		"a trailing slash":  {func(b *oidctest.Behaviour) { b.Issuer = "/" }, "misconfigured"},
		"no token endpoint": {entry("token_endpoint", nil), "misconfigured"},
		"no keys":           {entry("jwks_uri", ""), "misconfigured"},
		"odd endpoint":      {entry("authorization_endpoint", "javascript:alert(1)"), "misconfigured"},
		"HS256 only":        {entry("id_token_signing_alg_values_supported", []string{"HS256", "none"}), "misconfigured"},
		"down":              {func(b *oidctest.Behaviour) { b.NoDiscovery = true }, "fault"},
	} {
		t.Run(name, func(t *testing.T) {
			idp := oidctest.New(t, redirectURI)
			idp.Set(row.set)
			now := time.Now()
			p := newProvider(t, idp, func(o *oidc.Options) { o.Now = func() time.Time { return now } })
			if err := p.Probe(t.Context()); kind(err) != row.want ||
				name == "down" && !strings.Contains(err.Error(), idp.Issuer()+"/.well-known/openid-configuration answers 5") {
				t.Errorf("%v, want %s", err, row.want)
			}
			_, err := p.Refresh(t.Context(), session.Refresh{Tokens: session.Tokens{Refresh: "r"}})
			if kind(err) != row.want {
				t.Errorf("refresh: %v, want %s", err, row.want)
			}
			if n := len(idp.Requests("/.well-known/openid-configuration")); n != 1 {
				t.Errorf("%d tries at once", n)
			}
			idp.Set(func(b *oidctest.Behaviour) { *b = oidctest.Behaviour{} })
			now = now.Add(2 * time.Second)
			if err := p.Probe(t.Context()); err != nil {
				t.Errorf("after the provider is back: %v", err)
			}
		})
	}
}

// TestNoRefreshTokenAdvice: the log names what was not asked for yet.
func TestNoRefreshTokenAdvice(t *testing.T) {
	for name, row := range map[string]struct {
		scopes []string
		params [][2]string
		want   string
	}{
		"no scope":       {[]string{"openid"}, nil, "ask for offline_access (scopes)"},
		"no consent":     {[]string{"openid", "offline_access"}, nil, "authorization_params: [{name: prompt, value: consent}]"},
		"another prompt": {[]string{"openid", "offline_access"}, [][2]string{{"prompt", "login"}}, "authorization_params: [{name: prompt, value: consent}]"},
		"all of it":      {[]string{"openid", "offline_access"}, [][2]string{{"prompt", "consent"}}, "something else than offline_access"},
	} {
		t.Run(name, func(t *testing.T) {
			idp := oidctest.New(t, redirectURI)
			idp.Set(func(b *oidctest.Behaviour) { b.NoRefresh = true })
			var logged bytes.Buffer
			p := newProvider(t, idp, func(o *oidc.Options) {
				o.Scopes, o.Params, o.Log = row.scopes, row.params, slog.New(slog.NewTextHandler(&logged, nil))
			})
			if _, err := signIn(t, p); err != nil {
				t.Fatal(err)
			}
			if !strings.Contains(logged.String(), row.want) {
				t.Errorf("the log says %s", &logged)
			}
		})
	}
}

func entry(name string, value any) func(*oidctest.Behaviour) {
	return func(b *oidctest.Behaviour) { b.Discovery = map[string]any{name: value} }
}

func TestRolesAndUserinfo(t *testing.T) {
	for path, want := range map[string][]string{
		"roles": {"user"}, "realm_access.roles": {"a", "b"}, "https://example.com/roles": {"c"}, "urn:zitadel:roles": {"x", "y"},
		"a.b.c.roles": {"deep"}, "words": {"one", "two"}, "number": nil, "none.at.all": nil, "": nil, "info": {"from userinfo"},
	} {
		idp := oidctest.New(t, redirectURI)
		idp.Set(func(b *oidctest.Behaviour) {
			b.IDClaims = map[string]any{
				"realm_access": map[string]any{"roles": []any{"a", "b", 3}}, "https://example.com/roles": []string{"c"},
				"urn:zitadel:roles": map[string]any{"y": 1, "x": 2}, "a.b": map[string]any{"c.roles": "deep"}, "words": "one two", "number": 5,
			}
			b.Userinfo = map[string]any{"info": []string{"from userinfo"}, "roles": []string{"admin"}}
		})
		grant, err := signIn(t, newProvider(t, idp, func(o *oidc.Options) { o.RolesClaim, o.Userinfo = path, true }))
		if err != nil {
			t.Fatal(err)
		}
		got := grant.Identity.Roles
		if path == "info" {
			got = []string{strings.Join(got, " ")}
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: %q, want %q", path, got, want)
		}
		if !strings.Contains(string(grant.Identity.Claims), "ada@example.com") || strings.Contains(string(grant.Identity.Claims), "nonce") {
			t.Errorf("claims %s", grant.Identity.Claims)
		}
	}
	idp := oidctest.New(t, redirectURI)
	idp.Set(func(b *oidctest.Behaviour) { b.Userinfo = map[string]any{"sub": "eve"} })
	if _, err := signIn(t, newProvider(t, idp, func(o *oidc.Options) { o.Userinfo = true })); kind(err) != "rejected" {
		t.Errorf("userinfo of another user: %v", err)
	}
}

func TestTimeout(t *testing.T) {
	idp := oidctest.New(t, redirectURI)
	p := newProvider(t, idp, nil)
	grant, err := signIn(t, p)
	if err != nil {
		t.Fatal(err)
	}
	idp.Set(func(b *oidctest.Behaviour) { b.Delay = time.Minute })
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := p.Refresh(ctx, session.Refresh{Identity: grant.Identity, Tokens: grant.Tokens}); kind(err) != "fault" {
		t.Errorf("timeout: %v", err)
	}
}

func TestErrorsHoldNoSecret(t *testing.T) {
	idp := oidctest.New(t, redirectURI)
	p := newProvider(t, idp, nil)
	grant, err := signIn(t, p)
	if err != nil {
		t.Fatal(err)
	}
	for _, set := range []func(*oidctest.Behaviour){
		func(b *oidctest.Behaviour) { b.Down = true },
		func(b *oidctest.Behaviour) { b.TokenStatus, b.TokenError = 401, "invalid_client" },
		func(b *oidctest.Behaviour) { b.TokenStatus, b.TokenError = 400, "invalid_grant" },
		func(b *oidctest.Behaviour) { b.TokenStatus, b.TokenBody = 400, grant.Tokens.Refresh.Reveal() },
		func(b *oidctest.Behaviour) { b.TokenStatus, b.TokenError = 400, grant.Tokens.Refresh.Reveal() },
		func(b *oidctest.Behaviour) {
			b.TokenStatus, b.TokenError = 400, "invalid_grant"
			b.TokenDetail = "the token " + grant.Tokens.Refresh.Reveal() + " is unknown"
		},
	} {
		idp.Set(func(b *oidctest.Behaviour) { *b = oidctest.Behaviour{}; set(b) })
		_, err := p.Refresh(t.Context(), session.Refresh{Identity: grant.Identity, Tokens: grant.Tokens})
		for _, secret := range []string{grant.Tokens.Refresh.Reveal(), oidctest.ClientSecret, url.QueryEscape(oidctest.ClientSecret)} {
			if err == nil || strings.Contains(err.Error(), secret) {
				t.Errorf("error %v", err)
			}
			var said interface {
				ProviderSaid() (code, description string)
			}
			if errors.As(err, &said) {
				if code, description := said.ProviderSaid(); strings.Contains(code+description, secret) {
					t.Errorf("the log would say %q %q", code, description)
				}
			}
		}
	}
}

// What an answer to a refresh means: only the provider's own word is final.
func TestRefreshAnswers(t *testing.T) {
	page := "<h1>invalid_grant</h1>"
	for name, row := range map[string]struct {
		status     int
		code, body string
		want       string
		doubt      bool
	}{
		"invalid_grant":            {400, "invalid_grant", "", "refused", false},
		"invalid_grant with 401":   {401, "invalid_grant", "", "refused", false},
		"interaction_required":     {400, "interaction_required", "", "refused", false},
		"login_required":           {400, "login_required", "", "refused", false},
		"consent_required":         {401, "consent_required", "", "refused", false},
		"access_denied":            {403, "access_denied", "", "refused", false},
		"access_denied with 500":   {500, "access_denied", "", "fault", false},
		"invalid_request":          {400, "invalid_request", "", "misconfigured", true},
		"unauthorized_client":      {400, "unauthorized_client", "", "misconfigured", true},
		"invalid_scope":            {400, "invalid_scope", "", "misconfigured", false},
		"invalid_target":           {400, "invalid_target", "", "misconfigured", false},
		"unknown code":             {400, "out_of_cheese", "", "misconfigured", false},
		"temporarily_unavailable":  {400, "temporarily_unavailable", "", "fault", false},
		"server_error":             {400, "server_error", "", "fault", false},
		"307":                      {307, "", "", "misconfigured", false},
		"425":                      {425, "", page, "fault", false},
		"ERROR is another name":    {400, "", `{"ERROR":"invalid_grant"}`, "fault", true},
		"invalid_client":           {401, "invalid_client", "", "misconfigured", false},
		"a bare 401 is its like":   {401, "", "", "misconfigured", false},
		"a proxy's 401":            {401, "", page, "misconfigured", false},
		"a proxy's 400":            {400, "", page, "fault", true},
		"a proxy's 403":            {403, "", page, "fault", true},
		"403 without a word":       {403, "", " ", "fault", true},
		"403 with foreign JSON":    {403, "", `{"message":"Forbidden"}`, "fault", true},
		"an error that is no text": {400, "", `{"error":{"code":7}}`, "fault", true},
		"404":                      {404, "", page, "fault", false},
		"408":                      {408, "", page, "fault", false},
		"429":                      {429, "", page, "fault", false},
		"invalid_grant with 429":   {429, "invalid_grant", "", "fault", false},
		"502":                      {502, "", page, "fault", false},
	} {
		t.Run(name, func(t *testing.T) {
			idp := oidctest.New(t, redirectURI)
			p := newProvider(t, idp, nil)
			grant, err := signIn(t, p)
			if err != nil {
				t.Fatal(err)
			}
			idp.Set(func(b *oidctest.Behaviour) { b.TokenStatus, b.TokenError, b.TokenBody = row.status, row.code, row.body })
			_, err = p.Refresh(t.Context(), session.Refresh{Identity: grant.Identity, Tokens: grant.Tokens})
			var fault *session.FaultError
			doubt := errors.As(err, &fault) && fault.Doubt
			if kind(err) != row.want || doubt != row.doubt {
				t.Errorf("%v: %s, doubt %v; want %s, %v", err, kind(err), doubt, row.want, row.doubt)
			}
		})
	}
}
