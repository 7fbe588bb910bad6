package token_test

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"time"

	"sessiongate/session/token"
)

func TestMintedTokenGolden(t *testing.T) {
	ring := newRing(t, start, newKey(t, "k1", token.EdDSA))
	c := claims()
	c.ID, c.SessionID, c.AuthTime = "jti-1", "sid-1", start.Add(-time.Hour)
	c.Roles, c.Scopes = []string{"user", "admin"}, []string{"read", "write:all"}
	c.Name, c.PreferredUsername = "Ada Lovelace", "ada"
	c.IssuedAt = start.Add(999 * time.Millisecond)
	c.Extra = map[string]any{"team": "engines"}
	c.Issuer = "https://attacker.example"

	header, body := segments(t, mint(t, ring, c))
	gotHeader, _ := json.Marshal(header)
	gotBody, _ := json.Marshal(body)
	wantHeader := `{"alg":"EdDSA","kid":"k1","typ":"at+jwt"}`
	wantBody := `{"aud":"https://api.example.com","auth_time":1772362800,"client_id":"browser","exp":1772367000,"iat":1772366400,` +
		`"iss":"https://app.example.com","jti":"jti-1","name":"Ada Lovelace","preferred_username":"ada","roles":["user","admin"],` +
		`"scope":"read write:all","sid":"sid-1","sub":"u-1","team":"engines"}`
	if string(gotHeader) != wantHeader {
		t.Errorf("header\n got %s\nwant %s", gotHeader, wantHeader)
	}
	if string(gotBody) != wantBody {
		t.Errorf("claims\n got %s\nwant %s", gotBody, wantBody)
	}
}

func TestMintLeavesOutWhatIsEmpty(t *testing.T) {
	ring := newRing(t, start, newKey(t, "k1", token.EdDSA))
	c := claims()
	c.Audience = []string{"a", "b"}
	_, first := segments(t, mint(t, ring, c))
	_, second := segments(t, mint(t, ring, c))
	if first["jti"] == second["jti"] || len(first["jti"].(string)) != 22 {
		t.Errorf("jti %v, then %v: want 128 fresh bits", first["jti"], second["jti"])
	}
	delete(first, "jti")
	want := map[string]any{
		"aud": []any{"a", "b"}, "client_id": "browser", "exp": 1772367000.0, "iat": 1772366400.0, "iss": issuer,
		"roles": []any{}, "sub": "u-1",
	}
	if !reflect.DeepEqual(first, want) {
		t.Errorf("got %v\nwant %v", first, want)
	}
}

// What the gateway says in a token cannot be replaced by extra claims, in any spelling.
func TestExtraClaimsCannotReplaceOurs(t *testing.T) {
	ring := newRing(t, start, newKey(t, "k1", token.EdDSA))
	names := []string{
		"iss", "sub", "aud", "exp", "nbf", "iat", "jti", "client_id", "sid", "roles", "scope", "auth_time", "name",
		"preferred_username", "azp", "acr", "amr", "act", "may_act", "cnf",
	}
	c := claims()
	c.Extra = map[string]any{"ok": 1, "": "nameless"}
	for _, name := range names {
		c.Extra[name], c.Extra[strings.ToUpper(name)] = "smuggled", "smuggled"
		if !token.ReservedClaim(name) || !token.ReservedClaim(strings.ToUpper(name)) {
			t.Errorf("%q is not reserved", name)
		}
	}
	_, body := segments(t, mint(t, ring, c))
	for name, value := range body {
		if value == "smuggled" || value == "nameless" {
			t.Errorf("claim %q came through", name)
		}
	}
	if body["ok"] != 1.0 || body["sub"] != "u-1" {
		t.Errorf("claims %v", body)
	}
}

func TestMintRefuses(t *testing.T) {
	minter, err := token.NewMinter(issuer, newRing(t, start, newKey(t, "k1", token.EdDSA)))
	if err != nil {
		t.Fatal(err)
	}
	tests := map[string]func(*token.Claims){
		"no subject":                func(c *token.Claims) { c.Subject = "" },
		"no client":                 func(c *token.Claims) { c.ClientID = "" },
		"no audience":               func(c *token.Claims) { c.Audience = nil },
		"empty audience":            func(c *token.Claims) { c.Audience = []string{"a", ""} },
		"no issue time":             func(c *token.Claims) { c.IssuedAt = time.Time{} },
		"no expiry":                 func(c *token.Claims) { c.ExpiresAt = time.Time{} },
		"expiry in the same second": func(c *token.Claims) { c.ExpiresAt = c.IssuedAt.Add(999 * time.Millisecond) },
		"two scopes in one":         func(c *token.Claims) { c.Scopes = []string{"read admin"} },
		"empty scope":               func(c *token.Claims) { c.Scopes = []string{""} },
		"scope with a quote":        func(c *token.Claims) { c.Scopes = []string{`a"b`} },
		"claim without JSON form":   func(c *token.Claims) { c.Extra = map[string]any{"f": func() {}} },
	}
	for name, change := range tests {
		t.Run(name, func(t *testing.T) {
			c := claims()
			change(&c)
			if raw, err := minter.Mint(c); err == nil {
				t.Errorf("minted %s", raw)
			}
		})
	}
	if _, err := token.NewMinter("", nil); err == nil {
		t.Error("minter without issuer and keys")
	}
}

func TestNewestKeyInForceSigns(t *testing.T) {
	always, second := newKey(t, "always", token.EdDSA), newKey(t, "second", token.EdDSA)
	first, next := newKey(t, "first", token.ES256), newKey(t, "next", token.EdDSA)
	first.From, next.From = start, start.Add(time.Hour)
	now := start
	ring, err := token.NewRing([]token.SigningKey{always, second, next, first}, func() time.Time { return now })
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		at   time.Time
		want string
	}{
		{start.Add(-1), "always"},
		{start, "first"},
		{start.Add(time.Hour - 1), "first"},
		{start.Add(time.Hour), "next"},
		{time.Time{}, "always"},
	} {
		now = tt.at
		raw := mint(t, ring, claims())
		if header, _ := segments(t, raw); header["kid"] != tt.want {
			t.Errorf("at %s signed by %v, want %s", tt.at, header["kid"], tt.want)
		}
		if _, err := newVerifier(t, newRing(t, start, next, first, always), nil).Verify(t.Context(), raw); err != nil {
			t.Errorf("at %s: %v", tt.at, err)
		}
	}
}
