package e2e

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
)

// streaming is an upstream with a WebSocket, an event stream and an endless
// download. It tells when each has lost its client.
func streaming(gone chan<- string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		name := r.URL.Path[strings.LastIndexByte(r.URL.Path, '/')+1:]
		switch name {
		case "ws":
			conn, err := websocket.Accept(w, r, nil)
			if err != nil {
				return
			}
			defer conn.CloseNow()
			for {
				kind, message, err := conn.Read(context.Background())
				if err != nil {
					break
				}
				_ = conn.Write(context.Background(), kind, message)
			}
		case "events":
			w.Header().Set("Content-Type", "text/event-stream")
			_, _ = io.WriteString(w, "data: first\n\n")
			_ = http.NewResponseController(w).Flush()
			<-r.Context().Done()
		case "download":
			_, _ = io.WriteString(w, "begin\n")
			_ = http.NewResponseController(w).Flush()
			<-r.Context().Done()
		default:
			return
		}
		gone <- name
	}
}

// dial opens a WebSocket as a page of origin would.
func (b *browser) dial(path, origin string) (*websocket.Conn, *http.Response, error) {
	b.t.Helper()
	return b.dialAt("ws://localhost:8080"+path, origin)
}

// dialAt is dial at another address than the ordinary one.
func (b *browser) dialAt(url, origin string) (*websocket.Conn, *http.Response, error) {
	b.t.Helper()
	return websocket.Dial(b.t.Context(), url, &websocket.DialOptions{
		HTTPClient: &http.Client{Transport: b.wire},
		HTTPHeader: http.Header{
			"Origin": {origin}, "User-Agent": {b.userAgent}, "Cookie": {"__Host-session=" + b.cookie()},
		},
	})
}

// open begins a response and reads its first line.
func (b *browser) open(path string) (*bufio.Reader, io.Closer) {
	b.t.Helper()
	res, err := b.wire.RoundTrip(b.request("GET", path))
	if err != nil || res.StatusCode != 200 {
		b.t.Fatalf("%s: %v, %v", path, res, err)
	}
	b.t.Cleanup(func() { res.Body.Close() })
	r := bufio.NewReader(res.Body)
	if _, err := r.ReadString('\n'); err != nil {
		b.t.Fatal(err)
	}
	return r, res.Body
}

func wsClosed(t *testing.T, conn *websocket.Conn) (int, string) {
	t.Helper()
	_, _, err := conn.Read(t.Context())
	var closed websocket.CloseError
	if !errors.As(err, &closed) {
		t.Errorf("the WebSocket ended with %v, not with a close frame", err)
	}
	return int(closed.Code), closed.Reason
}

// Open on one replica, signed out on another: both sides of every stream end
// at once, a WebSocket with the code 4401.
func TestStreamsEndWithTheirSession(t *testing.T) {
	gone := make(chan string, 10)
	s := newEnvironment(t, options{gateways: 2, realTime: true, upstream: streaming(gone)})
	b := s.browser()
	b.ada()
	conn, _, err := b.dial("/api/ws", publicOrigin)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.CloseNow()
	events, _ := b.open("/api/events")
	download, _ := b.open("/api/download")
	time.Sleep(longEnough) // a download counts as a stream when it takes long

	other := newBrowser(t, s.gateways[0].addr)
	other.ada()
	bystander, _, err := other.dial("/api/ws", publicOrigin)
	if err != nil {
		t.Fatal(err)
	}
	defer bystander.CloseNow()

	start := time.Now()
	if a := b.at(s.gateways[1].addr).do("POST", "/auth/logout"); a.status != 200 {
		t.Fatalf("logout: %v", a)
	}
	if code, reason := wsClosed(t, conn); code != 4401 || reason != "logout" {
		t.Errorf("close frame %d %q", code, reason)
	}
	for name, r := range map[string]*bufio.Reader{"events": events, "download": download} {
		// An event stream ends, a file breaks off.
		if _, err := io.ReadAll(r); (err == nil) != (name == "events") {
			t.Errorf("%s ended with %v", name, err)
		}
	}
	for range 3 {
		<-gone
	}
	if took := time.Since(start); took > 5*time.Second { // an idle connection lives for minutes
		t.Errorf("it took %s", took)
	}
	if err := bystander.Write(t.Context(), websocket.MessageText, []byte("still here")); err != nil {
		t.Fatal(err)
	}
	if _, m, err := bystander.Read(t.Context()); string(m) != "still here" || err != nil {
		t.Errorf("another session of the same user: %q, %v", m, err)
	}
}

// longEnough is past the age at which any response is watched.
const longEnough = 3 * time.Second

func TestWebSocketOfAnotherOriginIsRefused(t *testing.T) {
	s := newEnvironment(t, options{upstream: streaming(make(chan string, 10))})
	b := s.browser()
	b.ada()
	s.upstream.take()
	for _, origin := range []string{"https://evil.test", "null", "http://localhost:8081"} {
		conn, res, err := b.dial("/api/ws", origin)
		if err == nil {
			conn.CloseNow()
			t.Errorf("%s: accepted", origin)
		} else if res == nil || res.StatusCode != 403 {
			t.Errorf("%s: %v, %v", origin, res, err)
		}
	}
	if seen := s.upstream.take(); len(seen) > 0 {
		t.Errorf("the upstream saw %v", seen)
	}
}

// A stream is authorised at its start: the end of the access token is nothing to
// it, the absolute end of the session is.
func TestStreamsOutliveTokensButNotTheSession(t *testing.T) {
	s := newEnvironment(t, options{
		realTime: true, upstream: streaming(make(chan string, 10)), access: "1s",
		session: "absolute_lifetime: 4s, idle_timeout: 4s, grace: 100ms",
	})
	b := s.browser()
	b.ada()
	start := time.Now()
	conn, _, err := b.dial("/api/ws", publicOrigin)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.CloseNow()
	if code, reason := wsClosed(t, conn); code != 4401 || reason != "absolute" && reason != "idle" {
		t.Errorf("close frame %d %q", code, reason)
	}
	if took := time.Since(start); took < 2*time.Second || took > 20*time.Second {
		t.Errorf("after %s", took)
	}
}

// Messages from the client keep the session in use; messages from the upstream
// alone do not.
func TestOnlyTheClientKeepsTheSessionInUse(t *testing.T) {
	talk := func(w http.ResponseWriter, r *http.Request) {
		conn, err := websocket.Accept(w, r, nil)
		if err != nil {
			return
		}
		defer conn.CloseNow()
		ctx := conn.CloseRead(context.Background())
		for ctx.Err() == nil {
			_ = conn.Write(ctx, websocket.MessageText, []byte("tick"))
			time.Sleep(20 * time.Millisecond)
		}
	}
	listen := func(w http.ResponseWriter, r *http.Request) {
		conn, err := websocket.Accept(w, r, nil)
		if err != nil {
			return
		}
		defer conn.CloseNow()
		for {
			if _, _, err := conn.Read(context.Background()); err != nil {
				return
			}
		}
	}
	for name, c := range map[string]struct {
		upstream http.HandlerFunc
		sends    bool
	}{"only the upstream talks": {talk, false}, "the client talks": {listen, true}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newEnvironment(t, options{realTime: true, upstream: c.upstream, access: "1s", session: "idle_timeout: 2s, grace: 100ms"})
			b := s.browser()
			b.ada()
			conn, _, err := b.dial("/api/ws", publicOrigin)
			if err != nil {
				t.Fatal(err)
			}
			defer conn.CloseNow()
			ended := make(chan struct{})
			go func() {
				defer close(ended)
				for {
					if _, _, err := conn.Read(context.Background()); err != nil {
						return
					}
				}
			}()
			limit := 30 * time.Second
			if c.sends {
				limit = 5 * time.Second // of which each part is shorter than the idle timeout
			}
			over := time.After(limit)
			for {
				if c.sends && conn.Write(t.Context(), websocket.MessageText, []byte("hi")) != nil {
					t.Fatal("the session ended under a client that talks")
				}
				select {
				case <-ended:
					if c.sends {
						t.Error("the session ended under a client that talks")
					}
					return
				case <-over:
					if !c.sends {
						t.Error("the session outlived its idle timeout")
					}
					return
				case <-time.After(50 * time.Millisecond):
				}
			}
		})
	}
}

// An upstream that wants a stronger sign-in is heard; any other 401 of its is
// passed on with a mark.
func TestUpstreamSays401(t *testing.T) {
	s := newEnvironment(t, options{upstream: func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Sessiongate-Upstream", "forged")
		switch r.URL.Path {
		case "/api/stepup":
			w.Header().Set("WWW-Authenticate", `Basic realm="x", Bearer error="insufficient_user_authentication", max_age="60", acr_values="gold silver"`)
			w.WriteHeader(401)
		case "/api/own":
			w.Header().Set("WWW-Authenticate", `Basic realm="inner"`)
			w.WriteHeader(401)
			fmt.Fprint(w, "own words")
		}
	}})
	b := s.browser()
	b.ada()
	a := b.get("/api/stepup")
	if a.status != 401 || a.code() != "reauthentication_required" || !strings.Contains(a.body, "max_age=60") ||
		!strings.Contains(a.body, "acr_values=gold+silver") || a.header.Get("X-Sessiongate-Upstream") != "" {
		t.Errorf("step-up: %v", a)
	}
	a = b.get("/api/own")
	if a.status != 401 || a.body != "own words" || a.header.Get("X-Sessiongate-Upstream") != "401" ||
		a.header.Get("WWW-Authenticate") != `Basic realm="inner"` {
		t.Errorf("passed on: %v %v", a, a.header)
	}
	if a = b.get("/api/fine"); a.status != 200 || a.header.Get("X-Sessiongate-Upstream") != "" {
		t.Errorf("fine: %v %v", a, a.header)
	}
}

// A replica that stops tells its streams to connect again.
func TestStreamsAreToldOfAShutdown(t *testing.T) {
	s := newEnvironment(t, options{realTime: true, upstream: streaming(make(chan string, 10))})
	b := s.browser()
	b.ada()
	conn, _, err := b.dial("/api/ws", publicOrigin)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.CloseNow()
	events, _ := b.open("/api/events")
	stopped := make(chan struct{})
	start := time.Now()
	go func() { s.gateways[0].stop(); close(stopped) }()
	if code, reason := wsClosed(t, conn); code != 1012 || reason != "restart" {
		t.Errorf("close frame %d %q", code, reason)
	}
	_, _ = io.ReadAll(events)
	<-stopped
	if took := time.Since(start); took > 5*time.Second {
		t.Errorf("it took %s: the streams held it up", took)
	}
}
