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
	maxJWKSBytes     = 256 << 10
	fetchTimeout     = 5 * time.Second
	remoteKeysMaxAge = 15 * time.Minute
)

// RemoteKeys is a KeySource that reads the JWKS of a token issuer over HTTP. It is safe for
// concurrent use.
//
// The document is fetched at the first use and kept. It is fetched again when no key in it verifies
// a token: twice at once and then once in 10 s (1 s after a failed fetch), so that forged tokens
// cannot make us hammer the issuer, and more often for tokens that came from the issuer itself; and
// when it is 15 min old, so that keys that were taken away are forgotten. A failed fetch never
// takes known keys away.
type RemoteKeys struct {
	url    string
	client *http.Client
	now    func() time.Time
	// fetching holds one token: whoever has it fetches.
	fetching chan struct{}

	mu      sync.Mutex
	set     *keySet   // never changed, only replaced; nil before the first success
	fetched time.Time // last success
	failure error     // of the last attempt
	pace    pace
}

// NewRemoteKeys makes a source for the JWKS at url. transport nil means http.DefaultTransport; now
// nil means time.Now. Nothing is fetched yet.
func NewRemoteKeys(url string, transport http.RoundTripper, now func() time.Time) *RemoteKeys {
	if now == nil {
		now = time.Now
	}
	return &RemoteKeys{
		url: url, now: now, fetching: make(chan struct{}, 1), pace: newPace(),
		client: &http.Client{
			Transport: transport,
			Timeout:   fetchTimeout,
			// The keys decide who is believed; they come from the configured address or not at all.
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}
}

// Algorithms implements KeySource: the asymmetric ones only.
func (k *RemoteKeys) Algorithms() []string { return Asymmetric() }

// VerificationKey implements KeySource. For an unknown kid it waits for a fetch until ctx ends; for
// a known one it never waits: keys that have become old are renewed in the background.
func (k *RemoteKeys) VerificationKey(ctx context.Context, kid, alg string) (key any, err error) {
	err = k.each(ctx, false, func(set *keySet) error {
		keys, err := set.named(kid, alg)
		if err == nil {
			key = keys[0]
		}
		return err
	})
	return key, err
}

// each calls try with the known keys and, as long as it fails and a fetch brings others, with
// those. fromIssuer says that the token came from its issuer and not from a stranger. The error is
// the last one of try, or wraps ErrKeysUnavailable where the right key may well be one that could
// not be fetched.
func (k *RemoteKeys) each(ctx context.Context, fromIssuer bool, try func(*keySet) error) error {
	set := k.current(ctx)
	err := errUnknownKey
	for {
		if set != nil {
			if err = try(set); err == nil {
				return nil
			}
		}
		newer, fetchErr := k.newer(ctx, set, fromIssuer)
		switch {
		case fetchErr != nil:
			return fmt.Errorf("%w: %w", ErrKeysUnavailable, fetchErr)
		case newer == set:
			return err
		}
		set = newer
	}
}

// current returns the known keys. Old ones are renewed in the background.
func (k *RemoteKeys) current(ctx context.Context) *keySet {
	k.mu.Lock()
	set, old := k.set, k.now().Sub(k.fetched) >= remoteKeysMaxAge
	k.mu.Unlock()
	if set == nil || !old {
		return set
	}
	select {
	case k.fetching <- struct{}{}:
		go func() {
			defer func() { <-k.fetching }()
			_, _ = k.update(ctx, set, false) // kept in k.failure; the known keys go on
		}()
	default: // somebody is at it
	}
	return set
}

// newer waits until nobody else fetches and returns keys fetched after set, or set if the pace
// allows no fetch.
func (k *RemoteKeys) newer(ctx context.Context, set *keySet, fromIssuer bool) (*keySet, error) {
	select {
	case k.fetching <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	defer func() { <-k.fetching }()
	return k.update(ctx, set, fromIssuer)
}

// update is called by the holder of fetching. The error is that of the last fetch, this one's or an
// earlier one's.
func (k *RemoteKeys) update(ctx context.Context, set *keySet, fromIssuer bool) (*keySet, error) {
	if now, failure, fetch := k.due(set, fromIssuer); !fetch {
		return now, failure
	}
	// Detached: a client that goes away must not spend the attempt everybody else waits for.
	found, err := k.fetch(context.WithoutCancel(ctx))
	k.mu.Lock()
	defer k.mu.Unlock()
	k.pace.done(err != nil)
	if k.failure = err; err != nil {
		return nil, err
	}
	k.set, k.fetched = found, k.now()
	return k.set, nil
}

// due reports whether to fetch now: nobody has meanwhile, and the pace allows it.
func (k *RemoteKeys) due(set *keySet, fromIssuer bool) (current *keySet, failure error, fetch bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.set != set {
		return k.set, nil, false
	}
	now := k.now()
	if fromIssuer {
		k.pace.credit(now)
	}
	return k.set, k.failure, k.pace.take(now)
}

func (k *RemoteKeys) fetch(ctx context.Context) (*keySet, error) {
	document, err := k.download(ctx)
	if err != nil {
		return nil, fmt.Errorf("fetch JWKS: %w", err)
	}
	set, err := parseJWKS(document)
	if err != nil {
		return nil, fmt.Errorf("fetch JWKS: %w", err)
	}
	return set, nil
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
