package token_test

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"sessiongate/session/token"
)

func TestJWKSHoldsPublicKeysOnly(t *testing.T) {
	future := newKey(t, "future", token.ES256)
	future.From = start.Add(time.Hour)
	ring := newRing(t, start, newKey(t, "ed", token.EdDSA), newKey(t, "full", token.Ed25519), newKey(t, "rs", token.RS256), newKey(t, "hs", token.HS256), future)
	document, ok := ring.JWKS()
	if !ok {
		t.Fatal("nothing to publish")
	}
	var set struct {
		Keys []map[string]string `json:"keys"`
	}
	if err := json.Unmarshal(document, &set); err != nil {
		t.Fatal(err)
	}
	want := map[string]struct{ alg, members string }{
		"ed":     {token.EdDSA, "alg crv kid kty use x"},
		"full":   {token.Ed25519, "alg crv kid kty use x"},
		"rs":     {token.RS256, "alg e kid kty n use"},
		"future": {token.ES256, "alg crv kid kty use x y"},
	}
	if len(set.Keys) != len(want) {
		t.Errorf("%d keys published, want %d", len(set.Keys), len(want))
	}
	for _, key := range set.Keys {
		members := strings.Join(slices.Sorted(maps.Keys(key)), " ")
		if w := want[key["kid"]]; members != w.members || key["alg"] != w.alg || key["use"] != "sig" {
			t.Errorf("key %v", key)
		}
	}
}

func TestJWKSOfASharedSecretDoesNotExist(t *testing.T) {
	if document, ok := newRing(t, start, newKey(t, "hs", token.HS256)).JWKS(); ok || document != nil {
		t.Errorf("published %s", document)
	}
}
