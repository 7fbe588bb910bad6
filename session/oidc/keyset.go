package oidc

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	gooidc "github.com/coreos/go-oidc/v3/oidc"
)

const (
	// keysInterval is how often strangers can make us fetch the key set: unknown
	// kids cost nothing to forge.
	keysInterval = 10 * time.Second
	// keysBurst is how many fetches are saved up for a key that is changed right
	// after the last fetch.
	keysBurst = 2
	// keysRetry is the least time between two fetches after a failure, and for
	// tokens that the provider handed us itself.
	keysRetry = time.Second
)

// keySet is the provider's JWKS: cached by go-oidc, fetched again for a kid it
// does not know, and rate-limited here.
type keySet struct {
	remote *gooidc.RemoteKeySet
	pace   *pace
}

func newKeySet(ctx context.Context, client *http.Client, url string, now func() time.Time) *keySet {
	limit := &pace{next: client.Transport, now: now, saved: keysBurst}
	paced := *client
	paced.Transport = limit
	return &keySet{remote: gooidc.NewRemoteKeySet(gooidc.ClientContext(ctx, &paced), url), pace: limit}
}

// VerifySignature implements [gooidc.KeySet].
//
// go-oidc lets a verification join a fetch that has ended but is not yet cleared away, and so judges by the keys from
// before. That is so if it failed and nobody has asked for a fetch; then it is tried once more.
func (k *keySet) VerifySignature(ctx context.Context, jwt string) ([]byte, error) {
	asked := k.pace.asked.Load()
	payload, err := k.remote.VerifySignature(ctx, jwt)
	if err != nil && k.pace.asked.Load() == asked && ctx.Err() == nil {
		return k.remote.VerifySignature(ctx, jwt)
	}
	return payload, err
}

// pace lets a fetch through once in a while.
type pace struct {
	next  http.RoundTripper
	now   func() time.Time
	asked atomic.Int64 // counts wishes to fetch

	mu     sync.Mutex
	saved  int       // fetches that may be made
	earned time.Time // when the last was earned, or spent from a full stock
	last   time.Time // fetch
	down   bool      // the last fetch failed
}

var errPaced = errors.New("the key set was fetched a moment ago")

// RoundTrip implements [http.RoundTripper].
func (p *pace) RoundTrip(r *http.Request) (*http.Response, error) {
	p.asked.Add(1)
	if !p.take() {
		return nil, errPaced
	}
	res, err := p.next.RoundTrip(r)
	if err == nil && res.StatusCode == http.StatusOK {
		err = usableKeys(res)
	}
	failed := err != nil || res.StatusCode != http.StatusOK
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.down = failed; failed {
		p.saved = max(p.saved, 1) // after keysRetry
	}
	if err != nil {
		return nil, err
	}
	return res, nil
}

func (p *pace) take() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := p.now()
	if n := now.Sub(p.earned) / keysInterval; n > 0 {
		p.saved, p.earned = min(p.saved+int(min(n, keysBurst)), keysBurst), p.earned.Add(n*keysInterval)
	}
	if p.saved < 1 || p.down && now.Sub(p.last) < keysRetry {
		return false
	}
	if p.saved == keysBurst {
		p.earned = now
	}
	p.saved--
	p.last = now
	return true
}

// vouched saves up one fetch for a token that nobody could have forged to make
// us fetch: a provider that changes its key must not cost anyone a sign-in.
func (p *pace) vouched() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.now().Sub(p.last) >= keysRetry {
		p.saved = max(p.saved, 1)
	}
}

// unreachable reports that the keys could not be fetched, so that a signature
// that does not fit says nothing.
func (p *pace) unreachable() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.down
}

// jwk holds the members of a public key that count (RFC 7518 §6, RFC 8037 §2).
// Certificates are left out: nothing here trusts them, and a bad one would spoil
// the set.
type jwk struct {
	Type  string `json:"kty"`
	Use   string `json:"use,omitempty"`
	ID    string `json:"kid,omitempty"`
	Alg   string `json:"alg,omitempty"`
	Curve string `json:"crv,omitempty"`
	N     string `json:"n,omitempty"`
	E     string `json:"e,omitempty"`
	X     string `json:"x,omitempty"`
	Y     string `json:"y,omitempty"`
}

// signs reports a key of a kind that the allowed algorithms use.
func (k jwk) signs() bool {
	switch {
	case k.Use == "enc":
		return false
	case k.Type == "RSA":
		return k.N != "" && k.E != ""
	case k.Type == "EC":
		return (k.Curve == "P-256" || k.Curve == "P-384" || k.Curve == "P-521") && k.X != "" && k.Y != ""
	}
	return k.Type == "OKP" && k.Curve == "Ed25519" && k.X != ""
}

var errNoKeys = errors.New("the answer is not a key set")

// usableKeys takes out of a key set what we cannot use: one key of a new kind
// must not make the others worthless (RFC 7517 §5).
func usableKeys(res *http.Response) error {
	body, err := io.ReadAll(res.Body)
	_ = res.Body.Close()
	if err != nil {
		return err
	}
	var set struct {
		Keys []json.RawMessage `json:"keys"`
	}
	if json.Unmarshal(body, &set) != nil || set.Keys == nil {
		return errNoKeys
	}
	kept := make([]jwk, 0, len(set.Keys))
	for _, raw := range set.Keys {
		var k jwk
		if json.Unmarshal(raw, &k) == nil && k.signs() {
			kept = append(kept, k)
		}
	}
	if body, err = json.Marshal(map[string]any{"keys": kept}); err != nil {
		return err
	}
	res.Body, res.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	res.Header.Del("Content-Length")
	return nil
}
