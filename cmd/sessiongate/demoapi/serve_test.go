package demoapi

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net"
	"testing"
	"time"

	"sessiongate/session/token"
)

// TestRunEndsWithItsContext: streams end at once, and then the API.
func TestRunEndsWithItsContext(t *testing.T) {
	issuer := newIssuer(t)
	log, logWriter := io.Pipe()
	t.Cleanup(func() { log.Close() })
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		ended <- Run(ctx, Options{Listen: "127.0.0.1:0", Issuer: testIssuer, JWKS: issuer.jwks.URL, Audience: testAudience},
			slog.New(slog.NewJSONHandler(logWriter, nil)))
	}()
	first := bufio.NewScanner(log)
	first.Scan()
	var line struct{ Address string }
	if err := json.Unmarshal(first.Bytes(), &line); err != nil || line.Address == "" {
		t.Fatalf("first log line %q: %v", first.Text(), err)
	}
	go io.Copy(io.Discard, log)
	base, raw := "http://"+line.Address, issuer.mint(t, nil)
	if response, body := call(t, "GET", base+"/api/me", "", "Authorization: Bearer "+raw); response.StatusCode != 200 {
		t.Fatalf("me: %d %s", response.StatusCode, body)
	}
	lines, _ := openStream(t, t.Context(), base, raw)
	lines.Scan()
	stop()
	for lines.Scan() { // the stream must end, or the API would not
	}
	select {
	case err := <-ended:
		if err != nil {
			t.Errorf("Run returned %v", err)
		}
	case <-time.After(20 * time.Second):
		t.Error("the API goes on after its context")
	}
}

func TestServeFinishesRunningRequests(t *testing.T) {
	verifier := verifierFunc(func() (token.Verified, error) { return token.Verified{}, nil })
	api := New(verifier, nil, slog.New(slog.DiscardHandler))
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- Serve(ctx, listener, api) }()
	time.AfterFunc(20*time.Second, stop) // so that a fault cannot hang the test
	go func() {
		waitForRequest(api)
		stop()
	}()
	url := "http://" + listener.Addr().String() + "/api/slow?ms=300"
	if response, body := call(t, "GET", url, "", "Authorization: Bearer any"); response.StatusCode != 200 {
		t.Errorf("a request that ran when the server was stopped: %d %s", response.StatusCode, body)
	}
	if err := <-ended; err != nil {
		t.Errorf("Serve = %v", err)
	}
	if conn, err := net.Dial("tcp", listener.Addr().String()); err == nil {
		conn.Close()
		t.Error("the address still answers")
	}
}

func waitForRequest(api *API) {
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for api.requests.Load() == 0 {
		<-tick.C
	}
}

type verifierFunc func() (token.Verified, error)

func (f verifierFunc) Verify(context.Context, string) (token.Verified, error) { return f() }
