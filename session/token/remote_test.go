package token_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"sessiongate/session/token"
)

// issuerServer serves one JWKS document that tests can change.
type issuerServer struct {
	*httptest.Server
	mu      sync.Mutex
	handler http.HandlerFunc
	fetches atomic.Int32
}

func newIssuer(t testing.TB, ring *token.Ring) *issuerServer {
	t.Helper()
	s := &issuerServer{}
	s.publish(t, ring)
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.fetches.Add(1)
		s.mu.Lock()
		handler := s.handler
		s.mu.Unlock()
		handler(w, r)
	}))
	t.Cleanup(s.Close)
	return s
}

func (s *issuerServer) serve(handler http.HandlerFunc) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.handler = handler
}

func (s *issuerServer) text(document string) {
	s.serve(func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte(document)) })
}

func (s *issuerServer) publish(t testing.TB, ring *token.Ring) {
	t.Helper()
	document, ok := ring.JWKS()
	if !ok {
		t.Fatal("nothing to publish")
	}
	s.text(string(document))
}

// clock is a settable Now for use by several goroutines.
type clock struct{ nanos atomic.Int64 }

func newClock() *clock { c := &clock{}; c.nanos.Store(start.UnixNano()); return c }

func (c *clock) Now() time.Time          { return time.Unix(0, c.nanos.Load()) }
func (c *clock) advance(d time.Duration) { c.nanos.Add(int64(d)) }

func TestRemoteKeysVerifyEveryAlgorithm(t *testing.T) {
	for _, alg := range []string{token.EdDSA, token.Ed25519, token.ES256, token.RS256} {
		ring := newRing(t, start, newKey(t, "k1", alg))
		server := newIssuer(t, ring)
		verifier := newVerifier(t, token.NewRemoteKeys(server.URL, nil, newClock().Now), nil)
		for range 3 {
			if _, err := verifier.Verify(t.Context(), mint(t, ring, claims())); err != nil {
				t.Errorf("%s: %v", alg, err)
			}
		}
		if n := server.fetches.Load(); n != 1 {
			t.Errorf("%s: %d fetches, want 1", alg, n)
		}
	}
}

// A key that is changed right after a fetch is found at once; forged kids cost the issuer one fetch
// in 10 s.
func TestRemoteKeysAskAgainForUnknownKeys(t *testing.T) {
	old, next, strange := newKey(t, "old", token.EdDSA), newKey(t, "next", token.EdDSA), newKey(t, "strange", token.EdDSA)
	oldRing, bothRing := newRing(t, start, old), newRing(t, start, next, old)
	server, now := newIssuer(t, oldRing), newClock()
	verifier := newVerifier(t, token.NewRemoteKeys(server.URL, nil, now.Now), nil)
	fetched := func(want int32) {
		t.Helper()
		if n := server.fetches.Load(); n != want {
			t.Errorf("%d fetches, want %d", n, want)
		}
	}
	if _, err := verifier.Verify(t.Context(), mint(t, oldRing, claims())); err != nil {
		t.Fatal(err)
	}
	fetched(1)
	server.publish(t, bothRing)
	for _, raw := range []string{mint(t, bothRing, claims()), mint(t, oldRing, claims())} {
		if _, err := verifier.Verify(t.Context(), raw); err != nil {
			t.Error(err)
		}
	}
	fetched(2)
	forged := mint(t, newRing(t, start, strange), claims())
	for want := range int32(3) {
		for range 50 {
			mustBeInvalid(t, verifier, forged, "kid names no known key")
		}
		fetched(2 + want)
		now.advance(10 * time.Second)
	}
	now.advance(-time.Hour) // a clock that is set back makes nobody wait
	mustBeInvalid(t, verifier, forged, "kid names no known key")
	now.advance(10 * time.Second)
	mustBeInvalid(t, verifier, forged, "kid names no known key")
	fetched(5)
}

// An issuer that cannot be reached is not the bearer's fault, and does not take known keys away.
func TestRemoteKeysOutage(t *testing.T) {
	ring, strange := newRing(t, start, newKey(t, "k1", token.EdDSA)), newRing(t, start, newKey(t, "k2", token.EdDSA))
	server, now := newIssuer(t, ring), newClock()
	server.serve(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) })
	verifier := newVerifier(t, token.NewRemoteKeys(server.URL, nil, now.Now), nil)
	unavailable := func(raw string) {
		t.Helper()
		if _, err := verifier.Verify(t.Context(), raw); !errors.Is(err, token.ErrKeysUnavailable) || errors.Is(err, token.ErrInvalid) {
			t.Errorf("Verify: %v, want ErrKeysUnavailable only", err)
		}
	}
	good := mint(t, ring, claims())
	for range 20 {
		unavailable(good)
	}
	if n := server.fetches.Load(); n != 1 {
		t.Errorf("%d fetches within 1 s of a failure, want 1", n)
	}
	server.publish(t, ring)
	now.advance(time.Second)
	if _, err := verifier.Verify(t.Context(), good); err != nil {
		t.Fatalf("after the outage: %v", err)
	}
	server.serve(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusInternalServerError) })
	now.advance(10 * time.Second)
	unavailable(mint(t, strange, claims()))
	if _, err := verifier.Verify(t.Context(), good); err != nil {
		t.Errorf("a known key during an outage: %v", err)
	}
}

func TestRemoteKeysForgetKeysThatWereTakenAway(t *testing.T) {
	ring, other := newRing(t, start, newKey(t, "k1", token.EdDSA)), newRing(t, start, newKey(t, "k2", token.EdDSA))
	server, now := newIssuer(t, ring), newClock()
	verifier := newVerifier(t, token.NewRemoteKeys(server.URL, nil, now.Now), nil)
	raw := mint(t, ring, claims())
	if _, err := verifier.Verify(t.Context(), raw); err != nil {
		t.Fatal(err)
	}
	server.publish(t, other)
	now.advance(15 * time.Minute)
	deadline := time.Now().Add(10 * time.Second)
	for {
		if _, err := verifier.Verify(t.Context(), raw); errors.Is(err, token.ErrInvalid) {
			return
		}
		if time.Now().After(deadline) {
			t.Fatal("the withdrawn key is still believed")
		}
	}
}

func TestRemoteKeysRefuseBadAnswers(t *testing.T) {
	ring := newRing(t, start, newKey(t, "k1", token.EdDSA))
	document, _ := ring.JWKS()
	raw := mint(t, ring, claims())
	elsewhere := newIssuer(t, ring)
	for name, handler := range map[string]http.HandlerFunc{
		"redirect": func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, elsewhere.URL, http.StatusFound) },
		"not JSON": func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte("<html>")) },
		"too large": func(w http.ResponseWriter, _ *http.Request) {
			w.Write(append(document, strings.Repeat(" ", 256<<10)...))
		},
		"many keys": func(w http.ResponseWriter, _ *http.Request) {
			w.Write([]byte(`{"keys":[` + strings.Repeat("{},", 100) + "{}]}"))
		},
		"hangs up":    func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
		"not found":   func(w http.ResponseWriter, r *http.Request) { http.NotFound(w, r) },
		"cut in half": func(w http.ResponseWriter, _ *http.Request) { w.Write(document[:len(document)/2]) },
	} {
		t.Run(name, func(t *testing.T) {
			server := newIssuer(t, ring)
			server.serve(handler)
			verifier := newVerifier(t, token.NewRemoteKeys(server.URL, nil, newClock().Now), nil)
			if _, err := verifier.Verify(t.Context(), raw); !errors.Is(err, token.ErrKeysUnavailable) {
				t.Errorf("Verify: %v", err)
			}
		})
	}
	if n := elsewhere.fetches.Load(); n != 0 {
		t.Errorf("a redirect was followed %d times", n)
	}
}

// Keys that are weak, malformed, for another use or secret are skipped; a good one beside them
// still counts.
func TestRemoteKeysSkipUnusableKeys(t *testing.T) {
	secret := "c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0LXNlY3JldA"
	ring := newRing(t, start, newKey(t, "good", token.EdDSA))
	document, _ := ring.JWKS()
	good := strings.TrimSuffix(strings.TrimPrefix(string(document), `{"keys":[`), `]}`)
	bad := map[string]string{
		"oct":      `{"kty":"oct","kid":"oct","alg":"HS256","k":"` + secret + `"}`,
		"enc":      strings.Replace(strings.Replace(good, `"good"`, `"enc"`, 1), `"sig"`, `"enc"`, 1),
		"alg":      strings.Replace(strings.Replace(good, `"good"`, `"alg"`, 1), `"EdDSA"`, `"ES256"`, 1),
		"short":    `{"kty":"OKP","crv":"Ed25519","kid":"short","x":"AAAA"}`,
		"offcurve": `{"kty":"EC","crv":"P-256","kid":"offcurve","x":"` + strings.Repeat("A", 43) + `","y":"` + strings.Repeat("A", 43) + `"}`,
		"weak":     `{"kty":"RSA","kid":"weak","n":"` + strings.Repeat("_", 170) + `","e":"AQAB"}`,
		"evenexp":  `{"kty":"RSA","kid":"evenexp","n":"` + strings.Repeat("_", 400) + `","e":"Ag"}`,
		"p384":     `{"kty":"EC","crv":"P-384","kid":"p384","x":"AA","y":"AA"}`,
	}
	all := good
	for _, entry := range bad {
		all = entry + "," + all
	}
	server := newIssuer(t, ring)
	server.text(`{"keys":[` + all + `]}`)
	keys := token.NewRemoteKeys(server.URL, nil, newClock().Now)
	if _, err := newVerifier(t, keys, nil).Verify(t.Context(), mint(t, ring, claims())); err != nil {
		t.Errorf("the good key: %v", err)
	}
	for kid := range bad {
		for _, alg := range []string{token.HS256, token.EdDSA, token.ES256, token.RS256} {
			if key, err := keys.VerificationKey(t.Context(), kid, alg); err == nil {
				t.Errorf("%s is usable for %s: %v", kid, alg, key)
			}
		}
	}
	if _, err := keys.VerificationKey(t.Context(), "good", token.HS256); err == nil {
		t.Error("a public key is usable as an HMAC secret")
	}
}

func TestRemoteKeysShareOneFetch(t *testing.T) {
	ring := newRing(t, start, newKey(t, "k1", token.EdDSA))
	server := newIssuer(t, ring)
	release, arrived := make(chan struct{}), make(chan struct{}, 1)
	document, _ := ring.JWKS()
	server.serve(func(w http.ResponseWriter, _ *http.Request) {
		arrived <- struct{}{}
		<-release
		w.Write(document)
	})
	verifier := newVerifier(t, token.NewRemoteKeys(server.URL, nil, newClock().Now), nil)
	raw := mint(t, ring, claims())
	var wg sync.WaitGroup
	verify := func() {
		if _, err := verifier.Verify(t.Context(), raw); err != nil {
			t.Error(err)
		}
	}
	wg.Go(verify)
	<-arrived
	for range 20 {
		wg.Go(verify)
	}
	// A client that goes away while it waits gets no verdict about its token.
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := verifier.Verify(gone, raw); !errors.Is(err, token.ErrKeysUnavailable) {
		t.Errorf("cancelled: %v", err)
	}
	close(release)
	wg.Wait()
	if n := server.fetches.Load(); n != 1 {
		t.Errorf("%d fetches, want 1", n)
	}
}

func FuzzJWKS(f *testing.F) {
	ring := newRing(f, start, newKey(f, "k1", token.EdDSA), newKey(f, "k2", token.ES256))
	document, _ := ring.JWKS()
	f.Add(document)
	f.Add([]byte(`{"keys":[{"kty":"RSA","kid":"k1","n":"AQAB","e":"AQAB"}]}`))
	f.Add([]byte(`{"keys":null}`))
	f.Fuzz(func(t *testing.T, document []byte) {
		transport := roundTrip(func(r *http.Request) (*http.Response, error) {
			w := httptest.NewRecorder()
			w.Write(document)
			return w.Result(), nil
		})
		key, err := token.NewRemoteKeys("http://issuer.invalid/", transport, nil).VerificationKey(t.Context(), "k1", token.HS256)
		if err == nil {
			t.Fatalf("an HMAC key out of a document: %v", key)
		}
	})
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }
