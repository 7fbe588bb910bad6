package demoapi

import (
	"bufio"
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
)

func TestStream(t *testing.T) {
	issuer := newIssuer(t)
	api, base := startAPI(t, issuer)
	ctx, leave := context.WithCancel(t.Context())
	defer leave()
	lines, response := openStream(t, ctx, base, issuer.mint(t, nil))
	if got := response.Header.Get("Content-Type"); got != "text/event-stream" {
		t.Errorf("Content-Type %q", got)
	}
	want := []string{"event: tick", "id: 1", `data: {"n": 1, `, "", "event: tick", "id: 2", `data: {"n": 2, `, ""}
	for _, prefix := range want {
		if !lines.Scan() || !strings.HasPrefix(lines.Text(), prefix) {
			t.Fatalf("line %q, want %q…", lines.Text(), prefix)
		}
	}
	if api.streams.Load() != 1 {
		t.Errorf("%d streams counted, want 1", api.streams.Load())
	}
	leave()
	waitForStreams(t, api, 0)
}

func TestStreamEndsWithServer(t *testing.T) {
	issuer := newIssuer(t)
	api, base := startAPI(t, issuer)
	lines, _ := openStream(t, t.Context(), base, issuer.mint(t, nil))
	lines.Scan()
	api.endStreams()
	for lines.Scan() { // until the server ends the response
	}
	if lines.Err() != nil {
		t.Errorf("stream was cut, not ended: %v", lines.Err())
	}
}

func TestStreamAnswersHead(t *testing.T) {
	issuer := newIssuer(t)
	api, base := startAPI(t, issuer)
	response, _ := call(t, "HEAD", base+"/api/stream", "", "Authorization: Bearer "+issuer.mint(t, nil))
	if response.StatusCode != http.StatusOK || response.Header.Get("Content-Type") != "text/event-stream" {
		t.Errorf("HEAD: %d %v", response.StatusCode, response.Header)
	}
	waitForStreams(t, api, 0)
}

func openStream(t *testing.T, ctx context.Context, base, raw string) (*bufio.Scanner, *http.Response) {
	t.Helper()
	r, _ := http.NewRequestWithContext(ctx, "GET", base+"/api/stream", nil)
	r.Header.Set("Authorization", "Bearer "+raw)
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { response.Body.Close() })
	return bufio.NewScanner(response.Body), response
}

func waitForStreams(t *testing.T, api *API, want int64) {
	t.Helper()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	deadline := time.After(20 * time.Second)
	for api.streams.Load() != want {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("%d streams open, want %d", api.streams.Load(), want)
		}
	}
}

func TestWebSocketEchoes(t *testing.T) {
	issuer := newIssuer(t)
	api, base := startAPI(t, issuer)
	conn, _, err := websocket.Dial(t.Context(), base+"/api/ws", &websocket.DialOptions{Host: "app.example.com", HTTPHeader: http.Header{
		"Authorization": {"Bearer " + issuer.mint(t, nil)}, "Origin": {"https://app.example.com"},
	}})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.CloseNow()
	conn.SetReadLimit(bodyLimit)
	for kind, message := range map[websocket.MessageType]string{
		websocket.MessageText: "grüße", websocket.MessageBinary: strings.Repeat("\xff", bodyLimit),
	} {
		if err := conn.Write(t.Context(), kind, []byte(message)); err != nil {
			t.Fatal(err)
		}
		gotKind, got, err := conn.Read(t.Context())
		if err != nil || gotKind != kind || string(got) != message {
			t.Errorf("echo of %d bytes: %v, %d bytes, %v", len(message), gotKind, len(got), err)
		}
	}
	api.endStreams()
	if _, _, err := conn.Read(t.Context()); websocket.CloseStatus(err) != websocket.StatusGoingAway {
		t.Errorf("after the server stopped: %v, want going away", err)
	}
	waitForStreams(t, api, 0)
}

func TestWebSocketNeedsToken(t *testing.T) {
	_, base := startAPI(t, newIssuer(t))
	conn, response, err := websocket.Dial(t.Context(), base+"/api/ws", nil)
	if err == nil {
		conn.CloseNow()
		t.Fatal("handshake without a token was accepted")
	}
	if response == nil || response.StatusCode != http.StatusUnauthorized {
		t.Errorf("response %v, want 401", response)
	}
}
