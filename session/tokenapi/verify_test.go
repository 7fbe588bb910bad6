package tokenapi_test

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	jwtlib "github.com/golang-jwt/jwt/v5"

	"sessiongate/session/tokenapi"
)

func signed(t *testing.T, method jwtlib.SigningMethod, key any, change func(jwtlib.MapClaims)) string {
	t.Helper()
	claims := jwtlib.MapClaims{
		"sub": "u1", "role": "user", "iss": "https://api", "aud": []string{"app", "x"},
		"iat": now.Unix(), "exp": now.Add(15 * time.Minute).Unix(),
	}
	if change != nil {
		change(claims)
	}
	token := jwtlib.NewWithClaims(method, claims)
	token.Header["kid"] = "k1"
	raw, err := token.SignedString(key)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func publicPEM(t *testing.T, key any) []byte {
	t.Helper()
	der, err := x509.MarshalPKIXPublicKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
}

func TestVerification(t *testing.T) {
	secret := []byte("a secret the API signs with, long enough")
	ec, _ := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	public := publicPEM(t, &ec.PublicKey)
	for name, row := range map[string]struct {
		token string
		key   []byte
		want  string
	}{
		"HS256":           {signed(t, jwtlib.SigningMethodHS256, secret, nil), secret, "ok"},
		"HS512":           {signed(t, jwtlib.SigningMethodHS512, secret, nil), secret, "ok"},
		"ES256":           {signed(t, jwtlib.SigningMethodES256, ec, nil), public, "ok"},
		"another secret":  {signed(t, jwtlib.SigningMethodHS256, []byte("x"), nil), secret, "misconfigured"},
		"public as HMAC":  {signed(t, jwtlib.SigningMethodHS256, public, nil), public, "misconfigured"},
		"none":            {signed(t, jwtlib.SigningMethodNone, jwtlib.UnsafeAllowNoneSignatureType, nil), secret, "misconfigured"},
		"not a JWT":       {"opaque", secret, "misconfigured"},
		"no exp":          {signed(t, jwtlib.SigningMethodHS256, secret, func(c jwtlib.MapClaims) { delete(c, "exp") }), secret, "misconfigured"},
		"expired":         {signed(t, jwtlib.SigningMethodHS256, secret, func(c jwtlib.MapClaims) { c["exp"] = now.Add(-2 * time.Minute).Unix() }), secret, "misconfigured"},
		"a little late":   {signed(t, jwtlib.SigningMethodHS256, secret, func(c jwtlib.MapClaims) { c["exp"] = now.Add(-30 * time.Second).Unix() }), secret, "ok"},
		"other issuer":    {signed(t, jwtlib.SigningMethodHS256, secret, func(c jwtlib.MapClaims) { c["iss"] = "https://x" }), secret, "misconfigured"},
		"other audience":  {signed(t, jwtlib.SigningMethodHS256, secret, func(c jwtlib.MapClaims) { c["aud"] = "y" }), secret, "misconfigured"},
		"changed payload": {jwt(ada()), secret, "misconfigured"},
	} {
		a := newAPI(t, say(200, pair(row.token, "r")))
		p := a.provider(t, func(o *tokenapi.Options) {
			o.Logout.URL = ""
			o.Verify = &tokenapi.Verification{Key: row.key, Issuer: "https://api", Audience: "app"}
		})
		if _, err := p.Login(t.Context(), credentials()); kind(err) != row.want {
			t.Errorf("%s at login: %v, want %s", name, err, row.want)
		}
		if _, err := p.Refresh(t.Context(), held()); kind(err) != row.want {
			t.Errorf("%s at a refresh: %v, want %s", name, err, row.want)
		}
	}
}

// With a key set the API may rotate its keys; while the set cannot be had a login waits for better
// times, and a refresh keeps its tokens and the identity there was.
func TestVerificationByKeySet(t *testing.T) {
	public, private, _ := ed25519.GenerateKey(rand.Reader)
	token := signed(t, jwtlib.SigningMethodEdDSA, private, func(c jwtlib.MapClaims) { c["role"] = "boss" })
	var down atomic.Bool
	a := newAPI(t, func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.URL.Path != "/jwks":
			say(200, pair(token, "r2"))(w, r)
		case down.Load():
			w.WriteHeader(500)
		default:
			_, _ = fmt.Fprintf(w, `{"keys":[{"kty":"OKP","crv":"Ed25519","kid":"k1","x":%q}]}`, base64.RawURLEncoding.EncodeToString(public))
		}
	})
	fresh := func() *tokenapi.Provider {
		return a.provider(t, func(o *tokenapi.Options) { o.Verify = &tokenapi.Verification{JWKS: a.URL + "/jwks"} })
	}
	if g, err := fresh().Login(t.Context(), credentials()); err != nil || fmt.Sprint(g.Identity.Roles) != "[boss]" {
		t.Errorf("login: %+v %v", g.Identity, err)
	}
	down.Store(true)
	if _, err := fresh().Login(t.Context(), credentials()); kind(err) != "fault" {
		t.Errorf("login without keys: %v", err)
	}
	g, err := fresh().Refresh(t.Context(), held())
	if err != nil || fmt.Sprint(g.Identity.Roles) != "[user]" || g.Tokens.Refresh.Reveal() != "r2" {
		t.Errorf("refresh without keys: %+v %v", g.Identity, err)
	}
}
