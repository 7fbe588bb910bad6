package token

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"
)

const (
	maxJWKSBytes     = 64 << 10
	fetchTimeout     = 5 * time.Second
	fetchInterval    = 10 * time.Second
	fetchRetry       = time.Second
	remoteKeysMaxAge = 15 * time.Minute
)

// RemoteKeys is a KeySource that reads the JWKS of a token issuer over HTTP. It is safe for concurrent use.
//
// The document is fetched at the first use and kept. It is fetched again when a token names an unknown key, at most
// once in 10 s (1 s after a failed fetch), so that forged kids cannot make us hammer the issuer; and when it is
// 15 min old, so that keys that were taken away are forgotten. A failed fetch never takes known keys away.
type RemoteKeys struct {
	url    string
	client *http.Client
	now    func() time.Time
	// turn holds one token: whoever has it fetches.
	turn chan struct{}

	mu      sync.RWMutex
	keys    map[string]publicKey // nil before the first success
	fetched time.Time            // last success
	tried   time.Time            // last attempt
	failure error                // of the last attempt
}

// NewRemoteKeys makes a source for the JWKS at url. transport nil means http.DefaultTransport; now nil means time.Now.
// Nothing is fetched yet.
func NewRemoteKeys(url string, transport http.RoundTripper, now func() time.Time) *RemoteKeys {
	if now == nil {
		now = time.Now
	}
	return &RemoteKeys{
		url: url, now: now, turn: make(chan struct{}, 1),
		client: &http.Client{
			Transport: transport,
			Timeout:   fetchTimeout,
			// The keys decide who is believed; they come from the configured address or not at all.
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}
}

// Algorithms implements KeySource: the asymmetric ones only.
func (k *RemoteKeys) Algorithms() []string { return []string{EdDSA, ES256, RS256} }

// VerificationKey implements KeySource. For an unknown kid it waits for a fetch until ctx ends; for a known one it never
// waits: keys that have become old are renewed in the background.
func (k *RemoteKeys) VerificationKey(ctx context.Context, kid, alg string) (any, error) {
	key, known, due := k.look(kid)
	switch {
	case due && known:
		k.renew(ctx, kid)
	case due:
		if err := k.wait(ctx, kid); err != nil {
			return nil, err
		}
		key, known, _ = k.look(kid)
	}
	switch {
	case !known && k.failing():
		return nil, ErrKeysUnavailable // it may well be a key we could not fetch
	case !known:
		return nil, errUnknownKey
	case key.alg != alg:
		return nil, errWrongAlgorithm
	}
	return key.key, nil
}

// look finds kid among the kept keys and says whether a fetch is called for and allowed.
func (k *RemoteKeys) look(kid string) (key publicKey, known, due bool) {
	k.mu.RLock()
	defer k.mu.RUnlock()
	key, known = k.keys[kid]
	now := k.now()
	wanted := !known || now.Sub(k.fetched) >= remoteKeysMaxAge
	pause := fetchInterval
	if k.failure != nil {
		pause = fetchRetry
	}
	return key, known, wanted && (k.tried.IsZero() || now.Sub(k.tried) >= pause)
}

func (k *RemoteKeys) failing() bool {
	k.mu.RLock()
	defer k.mu.RUnlock()
	return k.failure != nil
}

// wait takes its turn and fetches, unless somebody else did so meanwhile.
func (k *RemoteKeys) wait(ctx context.Context, kid string) error {
	select {
	case k.turn <- struct{}{}:
	case <-ctx.Done():
		return fmt.Errorf("%w: %w", ErrKeysUnavailable, ctx.Err())
	}
	defer func() { <-k.turn }()
	return k.update(ctx, kid)
}

// renew fetches in the background if nobody else does.
func (k *RemoteKeys) renew(ctx context.Context, kid string) {
	select {
	case k.turn <- struct{}{}:
	default:
		return
	}
	go func() {
		defer func() { <-k.turn }()
		_ = k.update(ctx, kid) // kept in k.failure; the known keys go on
	}()
}

// update is called by the holder of the turn.
func (k *RemoteKeys) update(ctx context.Context, kid string) error {
	if _, _, due := k.look(kid); !due {
		return nil
	}
	// Detached: a client that goes away must not spend the attempt everybody else waits for.
	keys, err := k.fetch(context.WithoutCancel(ctx))
	k.mu.Lock()
	defer k.mu.Unlock()
	k.tried, k.failure = k.now(), err
	if err != nil {
		return fmt.Errorf("%w: %w", ErrKeysUnavailable, err)
	}
	k.keys, k.fetched = keys, k.tried
	return nil
}

func (k *RemoteKeys) fetch(ctx context.Context) (map[string]publicKey, error) {
	document, err := k.download(ctx)
	if err != nil {
		return nil, fmt.Errorf("fetch JWKS: %w", err)
	}
	keys, err := parseJWKS(document)
	if err != nil {
		return nil, fmt.Errorf("fetch JWKS: %w", err)
	}
	return keys, nil
}

func (k *RemoteKeys) download(ctx context.Context) ([]byte, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, k.url, nil)
	if err != nil {
		return nil, err
	}
	request.Header.Set("Accept", "application/jwk-set+json, application/json")
	response, err := k.client.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("answer %d", response.StatusCode)
	}
	document, err := io.ReadAll(io.LimitReader(response.Body, maxJWKSBytes+1))
	if err != nil {
		return nil, err
	}
	if len(document) > maxJWKSBytes {
		return nil, errors.New("document is too large")
	}
	return document, nil
}
