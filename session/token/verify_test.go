package token_test

import (
	"context"
	"crypto"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"sessiongate/session/token"
)

func TestVerifyReturnsWhatWasMinted(t *testing.T) {
	for _, alg := range []string{token.EdDSA, token.ES256, token.RS256, token.HS256} {
		t.Run(alg, func(t *testing.T) {
			ring := newRing(t, start, newKey(t, "k1", alg))
			want := claims()
			want.ID, want.SessionID, want.AuthTime = "jti-1", "sid-1", start.Add(-time.Hour)
			want.Roles, want.Scopes = []string{"admin"}, []string{"read", "write"}
			want.Name, want.PreferredUsername = "Ada", "ada"
			want.Audience = []string{"other", audience}
			want.Extra = map[string]any{"big": json.Number("9007199254740993"), "Team": "x"}
			got, err := newVerifier(t, ring, nil).Verify(t.Context(), mint(t, ring, want))
			if err != nil {
				t.Fatal(err)
			}
			want.Issuer = issuer
			if !reflect.DeepEqual(got, token.Verified{Claims: want, KeyID: "k1"}) {
				t.Errorf("got  %+v\nwant %+v", got, want)
			}
		})
	}
}

// forge builds a token by hand: the attacker chooses the header, the claims and the key.
func forge(t *testing.T, header, body map[string]any, method jwt.SigningMethod, key any) string {
	t.Helper()
	raw, err := (&jwt.Token{Header: header, Claims: jwt.MapClaims(body), Method: method}).SignedString(key)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// The signer is known and honest in key, so that each row fails for the one thing it changes.
func TestVerifyAttacks(t *testing.T) {
	pemBytes, err := token.GenerateSigningKey(token.EdDSA)
	if err != nil {
		t.Fatal(err)
	}
	der, _ := pem.Decode(pemBytes)
	parsed, err := x509.ParsePKCS8PrivateKey(der.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	private := parsed.(ed25519.PrivateKey)
	public := private.Public().(ed25519.PublicKey)
	key, err := token.ParseSigningKey("k1", pemBytes)
	if err != nil {
		t.Fatal(err)
	}
	es, rs := newKey(t, "es", token.ES256), newKey(t, "rs", token.RS256)
	verifier := newVerifier(t, newRing(t, start, key, es, rs), nil)
	_, stranger, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	pkix, err := x509.MarshalPKIXPublicKey(public)
	if err != nil {
		t.Fatal(err)
	}
	publicPEM := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: pkix})

	type attack struct {
		header, body map[string]any
		method       jwt.SigningMethod
		key          any
		cause        string
	}
	with := func(name string, value any) map[string]any { return map[string]any{name: value} }
	attacks := map[string]attack{
		"alg none":                     {header: with("alg", "none"), method: jwt.SigningMethodNone, key: jwt.UnsafeAllowNoneSignatureType, cause: "signature"},
		"alg None":                     {header: with("alg", "None"), cause: "unverifiable"},
		"HMAC with the public key":     {header: with("alg", "HS256"), method: jwt.SigningMethodHS256, key: []byte(public), cause: "signature"},
		"HMAC with the public PEM":     {header: with("alg", "HS256"), method: jwt.SigningMethodHS256, key: publicPEM, cause: "signature"},
		"another algorithm's kid":      {header: with("kid", "es"), cause: "alg is not the one of the key"},
		"stranger's key under our kid": {key: stranger, cause: "signature"},
		"unknown kid":                  {header: with("kid", "k9"), cause: "kid names no known key"},
		"no kid":                       {header: with("kid", nil), cause: "no kid"},
		"kid is a number":              {header: with("kid", 1), cause: "no kid"},
		"an ID token":                  {header: with("typ", "JWT"), cause: "typ"},
		"no typ":                       {header: with("typ", nil), cause: "typ"},
		"logout token":                 {header: with("typ", "logout+jwt"), cause: "typ"},
		"crit":                         {header: with("crit", []string{"b64"}), cause: "crit"},
		"embedded key":                 {header: with("jwk", map[string]any{"kty": "OKP", "crv": "Ed25519", "x": "AA"}), key: stranger, cause: "signature"},
		"other issuer":                 {body: with("iss", "https://evil.example"), cause: "issuer"},
		"issuer with a slash more":     {body: with("iss", issuer+"/"), cause: "issuer"},
		"no issuer":                    {body: with("iss", nil), cause: "missing"},
		"other audience":               {body: with("aud", "https://other.example"), cause: "audience"},
		"audience as a prefix":         {body: with("aud", audience+".evil.example"), cause: "audience"},
		"empty audience":               {body: with("aud", []string{}), cause: "missing"},
		"no audience":                  {body: with("aud", nil), cause: "missing"},
		"expired":                      {body: with("exp", start.Add(-time.Second).Unix()), cause: "expired"},
		"no expiry":                    {body: with("exp", nil), cause: "missing"},
		"expiry as text":               {body: with("exp", "never"), cause: "invalid type"},
		"endless expiry":               {body: with("exp", json.Number("1e300")), cause: ""},
		"not yet":                      {body: with("nbf", start.Add(time.Hour).Unix()), cause: "not valid yet"},
		"no subject":                   {body: with("sub", nil), cause: "required claim"},
		"subject is a number":          {body: with("sub", 7), cause: "required claim"},
		"no jti":                       {body: with("jti", nil), cause: "required claim"},
		"no client":                    {body: with("client_id", nil), cause: "required claim"},
		"no issue time":                {body: with("iat", nil), cause: "required claim"},
		"roles as text":                {body: with("roles", "admin"), cause: "required claim"},
		"roles hold a number":          {body: with("roles", []any{"a", 1}), cause: "required claim"},
	}
	build := func(a attack) string {
		header := map[string]any{"typ": "at+jwt", "alg": "EdDSA", "kid": "k1"}
		body := map[string]any{
			"iss": issuer, "sub": "u-1", "aud": audience, "jti": "j", "client_id": "browser", "iat": start.Unix(),
			"exp": start.Add(10 * time.Minute).Unix(),
		}
		for _, change := range []struct{ from, to map[string]any }{{a.header, header}, {a.body, body}} {
			for name, value := range change.from {
				change.to[name] = value
				if value == nil {
					delete(change.to, name)
				}
			}
		}
		if a.method == nil {
			a.method = jwt.SigningMethodEdDSA
		}
		if a.key == nil {
			a.key = crypto.Signer(private)
		}
		return forge(t, header, body, a.method, a.key)
	}
	if _, err := verifier.Verify(t.Context(), build(attack{})); err != nil {
		t.Fatalf("the honest token is refused: %v", err)
	}
	for name, a := range attacks {
		t.Run(name, func(t *testing.T) { mustBeInvalid(t, verifier, build(a), a.cause) })
	}
}

func TestVerifyRefusesOtherSpellings(t *testing.T) {
	ring := newRing(t, start, newKey(t, "k1", token.EdDSA))
	verifier := newVerifier(t, ring, nil)
	raw := mint(t, ring, claims())
	parts := strings.Split(raw, ".")
	for name, changed := range map[string]string{
		"empty":         "",
		"dots":          "..",
		"two parts":     parts[0] + "." + parts[1],
		"four parts":    raw + ".x",
		"no signature":  parts[0] + "." + parts[1] + ".",
		"space":         " " + raw,
		"line break":    raw + "\n",
		"padding":       raw + "=",
		"loose bits":    raw[:len(raw)-1] + map[bool]string{true: "B", false: "h"}[strings.HasSuffix(raw, "A")],
		"changed claim": parts[0] + "." + base64.RawURLEncoding.EncodeToString([]byte(`{"sub":"root"}`)) + "." + parts[2],
		"JSON array":    base64.RawURLEncoding.EncodeToString([]byte(`[]`)) + "." + parts[1] + "." + parts[2],
		"huge":          strings.Repeat("A", 1<<20),
	} {
		t.Run(name, func(t *testing.T) { mustBeInvalid(t, verifier, changed, "") })
	}
}

func TestLeeway(t *testing.T) {
	ring := newRing(t, start, newKey(t, "k1", token.EdDSA))
	raw := mint(t, ring, claims())
	exp := claims().ExpiresAt
	for _, tt := range []struct {
		leeway time.Duration
		after  time.Duration
		valid  bool
	}{
		{0, -time.Second, true},
		{0, 59 * time.Second, true},
		{0, 60 * time.Second, false},
		{-1, -time.Second, true},
		{-1, 0, false},
		{5 * time.Second, 4 * time.Second, true},
		{5 * time.Second, 5 * time.Second, false},
	} {
		verifier := newVerifier(t, ring, func(o *token.VerifierOptions) { o.Leeway, o.Now = tt.leeway, at(exp.Add(tt.after)) })
		if _, err := verifier.Verify(t.Context(), raw); (err == nil) != tt.valid {
			t.Errorf("leeway %s, %s after expiry: %v", tt.leeway, tt.after, err)
		}
	}
}

func TestAcceptExpiredForgivesAgeOnly(t *testing.T) {
	ring := newRing(t, start, newKey(t, "k1", token.EdDSA))
	accept := func(o *token.VerifierOptions) { o.AcceptExpired, o.Now = true, at(start.Add(240*time.Hour)) }
	c := claims()
	c.ID = "old"
	raw := mint(t, ring, c)
	got, err := newVerifier(t, ring, accept).Verify(t.Context(), raw)
	if err != nil || !got.Expired || got.ID != "old" {
		t.Fatalf("got %+v, %v", got, err)
	}
	mustBeInvalid(t, newVerifier(t, ring, func(o *token.VerifierOptions) { accept(o); o.Issuer = "https://other" }), raw, "issuer")
	mustBeInvalid(t, newVerifier(t, ring, func(o *token.VerifierOptions) { accept(o); o.Audience = []string{"other"} }), raw, "audience")
	mustBeInvalid(t, newVerifier(t, newRing(t, start, newKey(t, "k1", token.EdDSA)), accept), raw, "signature")

	fresh := newVerifier(t, ring, func(o *token.VerifierOptions) { o.AcceptExpired = true })
	if got, err := fresh.Verify(t.Context(), raw); err != nil || got.Expired {
		t.Errorf("a live token: %+v, %v", got, err)
	}
}

func TestVerifierNeedsIssuerAndAudience(t *testing.T) {
	ring := newRing(t, start, newKey(t, "k1", token.EdDSA))
	for _, o := range []token.VerifierOptions{
		{Issuer: issuer, Audience: []string{audience}},
		{Keys: ring, Audience: []string{audience}},
		{Keys: ring, Issuer: issuer},
		{Keys: ring, Issuer: issuer, Audience: []string{""}},
	} {
		if _, err := token.NewVerifier(o); err == nil {
			t.Errorf("accepted %+v", o)
		}
	}
}

func FuzzVerify(f *testing.F) {
	ring, err := token.NewRing([]token.SigningKey{newKey(f, "k1", token.EdDSA), newKey(f, "h1", token.HS256)}, at(start))
	if err != nil {
		f.Fatal(err)
	}
	verifier := newVerifier(f, ring, nil)
	good := mint(f, ring, claims())
	f.Add(good)
	f.Add(good[:len(good)-4])
	f.Add("eyJhbGciOiJub25lIn0.e30.")
	f.Add("..")
	f.Fuzz(func(t *testing.T, raw string) {
		_, err := verifier.Verify(context.Background(), raw)
		if err == nil && raw != good {
			t.Fatalf("forged: %s", raw)
		}
		if err != nil && !errors.Is(err, token.ErrInvalid) {
			t.Fatalf("another error: %v", err)
		}
	})
}

func BenchmarkVerify(b *testing.B) {
	ring := newRing(b, start, newKey(b, "k1", token.EdDSA))
	verifier, raw := newVerifier(b, ring, nil), mint(b, ring, claims())
	b.ReportAllocs()
	for b.Loop() {
		if _, err := verifier.Verify(b.Context(), raw); err != nil {
			b.Fatal(err)
		}
	}
}
