package proxy_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"sessiongate/gateway/proxy"
	"sessiongate/gateway/routing"

	"github.com/coder/websocket"
)

// cutting is a front whose streams the test gets hold of.
func cutting(t *testing.T, upstream http.HandlerFunc) (*front, chan *proxy.Stream) {
	t.Helper()
	streams := make(chan *proxy.Stream, 10)
	f := newFront(t, &routing.Route{Upstream: routing.Upstream{Addresses: newUpstream(t, upstream)}}, proxy.Options{})
	f.handler.stream = func(s *proxy.Stream) { streams <- s }
	return f, streams
}

func TestCutWebSocket(t *testing.T) {
	gone := make(chan error, 1)
	f, streams := cutting(t, func(w http.ResponseWriter, r *http.Request) {
		conn, err := websocket.Accept(w, r, nil)
		if err != nil {
			return
		}
		defer conn.CloseNow()
		conn.SetReadLimit(1 << 20)
		for {
			kind, message, err := conn.Read(context.Background())
			if err != nil {
				gone <- err
				return
			}
			_ = conn.Write(context.Background(), kind, message)
		}
	})
	conn, _, err := websocket.Dial(t.Context(), f.URL+"/api", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.CloseNow()
	conn.SetReadLimit(1 << 20)
	s := <-streams
	before := s.ClientReads()
	for _, n := range []int{1, 125, 126, 70_000, 0} { // each length of a frame header
		if err := conn.Write(t.Context(), websocket.MessageBinary, make([]byte, n)); err != nil {
			t.Fatal(err)
		}
		if _, m, err := conn.Read(t.Context()); err != nil || len(m) != n {
			t.Fatalf("%d bytes: %d, %v", n, len(m), err)
		}
	}
	if !s.Upgraded() || s.ClientReads() == before {
		t.Errorf("upgraded %v, heard %d before and %d after", s.Upgraded(), before, s.ClientReads())
	}
	start := time.Now()
	s.Cut(4401, "logout")
	_, _, err = conn.Read(t.Context())
	var closed websocket.CloseError
	if !errors.As(err, &closed) || closed.Code != 4401 || closed.Reason != "logout" {
		t.Errorf("the client reads %v", err)
	}
	if err := <-gone; err == nil || time.Since(start) > 5*time.Second {
		t.Errorf("the upstream reads %v after %s", err, time.Since(start))
	}
}

// In the middle of a frame there is no room for another: the connection just ends.
func TestCutInsideAFrame(t *testing.T) {
	f, streams := cutting(t, func(w http.ResponseWriter, r *http.Request) {
		conn, rw, err := http.NewResponseController(w).Hijack()
		if err != nil {
			return
		}
		defer conn.Close()
		_, _ = rw.WriteString("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n\x82\x7e\x01\x00half")
		_ = rw.Flush()
		_, _ = io.Copy(io.Discard, conn)
	})
	_, r := f.send(t, "GET /api HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
	for {
		line, err := r.ReadString('\n')
		if err != nil {
			t.Fatal(err)
		}
		if line == "\r\n" {
			break
		}
	}
	half := make([]byte, 8)
	if _, err := io.ReadFull(r, half); err != nil {
		t.Fatal(err)
	}
	(<-streams).Cut(4401, "logout")
	if rest, _ := io.ReadAll(r); len(rest) != 0 {
		t.Errorf("%q after half a frame", rest)
	}
}

// A response that is cut breaks off, but an event stream has a regular end.
func TestCutResponse(t *testing.T) {
	for name, first := range map[string]string{
		"event stream":        "data: 1\n\n",
		"something else":      "data: 1\n\n",
		"before the first":    "",
		"with its length set": "",
	} {
		t.Run(name, func(t *testing.T) {
			gone := make(chan struct{})
			f, streams := cutting(t, func(w http.ResponseWriter, r *http.Request) {
				if strings.HasPrefix(name, "with") {
					w.Header().Set("Content-Length", "1000000")
				}
				if name == "event stream" {
					w.Header().Set("Content-Type", "text/event-stream; charset=utf-8")
				}
				_, _ = io.WriteString(w, first)
				_ = http.NewResponseController(w).Flush()
				<-r.Context().Done()
				close(gone)
			})
			go func() { (<-streams).Cut(4401, "logout") }()
			res, err := http.Get(f.URL + "/api")
			if err == nil {
				_, err = io.ReadAll(res.Body)
				res.Body.Close()
			}
			if complete := err == nil; complete != (name == "event stream") {
				t.Errorf("complete: %v (%v)", complete, err)
			}
			<-gone
		})
	}
}

// A response whose client reads nothing is cut all the same.
func TestCutWhileTheClientDoesNotRead(t *testing.T) {
	gone := make(chan struct{})
	f, streams := cutting(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(w, zeros{})
		close(gone)
	})
	_, _ = f.send(t, "GET /api HTTP/1.1\r\nHost: x\r\n\r\n")
	(<-streams).Cut(4401, "logout")
	<-gone
	f.Close() // waits for the handler
}

// To cut what has just ended must not harm the next response on the connection.
func TestCutTooLate(t *testing.T) {
	f, streams := cutting(t, func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, "ok") })
	for range 20 {
		f.get(t, "GET", "")
		(<-streams).Cut(4401, "logout")
	}
}
