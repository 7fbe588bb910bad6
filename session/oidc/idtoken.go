package oidc

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	gooidc "github.com/coreos/go-oidc/v3/oidc"

	"sessiongate/session"
)

const (
	// keysInterval is the least time between two fetches of the key set: unknown
	// kids cost nothing to forge.
	keysInterval = 10 * time.Second
	keysRetry    = time.Second
	// skew is how far ahead the provider's clock may be.
	skew = time.Minute
)

// keySet is the provider's JWKS: cached by go-oidc, fetched again for a kid it
// does not know, and rate-limited here.
type keySet struct {
	remote *gooidc.RemoteKeySet
	pace   *pace
}

func newKeySet(ctx context.Context, client *http.Client, url string, now func() time.Time) *keySet {
	limit := &pace{next: client.Transport, now: now}
	paced := *client
	paced.Transport = limit
	return &keySet{remote: gooidc.NewRemoteKeySet(gooidc.ClientContext(ctx, &paced), url), pace: limit}
}

// pace lets a fetch through once in a while.
type pace struct {
	next http.RoundTripper
	now  func() time.Time

	mu    sync.Mutex
	after time.Time
	down  bool // the last fetch failed
}

var errPaced = errors.New("the key set was fetched a moment ago")

// RoundTrip implements [http.RoundTripper].
func (p *pace) RoundTrip(r *http.Request) (*http.Response, error) {
	p.mu.Lock()
	if p.now().Before(p.after) {
		p.mu.Unlock()
		return nil, errPaced
	}
	p.after = p.now().Add(keysRetry)
	p.mu.Unlock()
	res, err := p.next.RoundTrip(r)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.down = err != nil || res.StatusCode != http.StatusOK
	if !p.down {
		p.after = p.now().Add(keysInterval)
	}
	return res, err
}

// unreachable reports that the keys could not be fetched, so that a signature
// that does not fit says nothing.
func (p *pace) unreachable() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.down
}

// VerifySignature implements [gooidc.KeySet].
func (k *keySet) VerifySignature(ctx context.Context, jwt string) ([]byte, error) {
	return k.remote.VerifySignature(ctx, jwt)
}

func (p *Provider) verifier(m *metadata) *gooidc.IDTokenVerifier {
	return gooidc.NewVerifier(p.o.Issuer, m.keys, &gooidc.Config{
		ClientID: p.o.ClientID, SupportedSigningAlgs: m.algs, Now: p.o.Now,
	})
}

// verifyError sorts a failed verification: without the provider's keys it is a
// fault and no judgement.
func (p *Provider) verifyError(m *metadata, err error) error {
	if m.keys.pace.unreachable() {
		return &session.FaultError{Err: fmt.Errorf("verify token: %w", brief(err))}
	}
	return &session.RejectedError{Err: brief(err)}
}

// verifyIDToken checks an ID token (OpenID Connect Core §3.1.3.7, RFC 8725): type,
// signature, algorithm, issuer, audience, authorized party, times, and that it
// belongs to the access token it came with. The nonce is the caller's. Errors:
// [*session.RejectedError], [*session.FaultError].
func (p *Provider) verifyIDToken(ctx context.Context, m *metadata, raw, accessToken session.Secret) (*gooidc.IDToken, error) {
	if typ, err := tokenType(raw.Reveal()); err != nil || typ != "" && typ != "jwt" {
		return nil, &session.RejectedError{Err: errors.New("the token's type is not that of an ID token")}
	}
	t, err := p.verifier(m).Verify(ctx, raw.Reveal())
	if err != nil {
		return nil, p.verifyError(m, err)
	}
	var more struct {
		AuthorizedParty string `json:"azp"`
	}
	if err := t.Claims(&more); err != nil {
		return nil, &session.RejectedError{Err: brief(err)}
	}
	switch {
	case t.Subject == "" || len(t.Subject) > 255:
		err = errors.New("sub is missing or too long")
	case len(t.Audience) > 1 && more.AuthorizedParty == "":
		err = errors.New("several audiences and no azp")
	case more.AuthorizedParty != "" && more.AuthorizedParty != p.o.ClientID:
		err = errors.New("azp is another client")
	case t.IssuedAt.After(p.o.Now().Add(skew)):
		err = errors.New("iat is in the future")
	case t.AccessTokenHash != "" && t.VerifyAccessToken(accessToken.Reveal()) != nil:
		err = errors.New("at_hash does not fit the access token")
	}
	if err != nil {
		return nil, &session.RejectedError{Err: fmt.Errorf("ID token: %w", err)}
	}
	return t, nil
}

// tokenType reads typ from a JWT's header, in lower case and without its
// "application/" (RFC 8725 §3.11, RFC 7515 §4.1.9).
func tokenType(raw string) (string, error) {
	head, _, ok := strings.Cut(raw, ".")
	if !ok {
		return "", errors.New("not a JWT")
	}
	text, err := base64.RawURLEncoding.DecodeString(head)
	if err != nil {
		return "", err
	}
	var h struct {
		Type string `json:"typ"`
	}
	if err := json.Unmarshal(text, &h); err != nil {
		return "", err
	}
	return strings.TrimPrefix(strings.ToLower(h.Type), "application/"), nil
}
