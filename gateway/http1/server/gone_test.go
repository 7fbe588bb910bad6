package server_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"sessiongate/gateway/http1/http1test"
)

// A handler that waits learns that its client is gone: at once or later, politely or not, with its
// body read or without one. It is looked for up to 0.2 s late.
func TestContextEndsWithTheClient(t *testing.T) {
	t.Parallel()
	ended := make(chan error, 100)
	overBothFrom(t, waitForEnd(ended), timeouts{}, func(t *testing.T, s *running, open func() *client) {
		early, late := waiters(t, s, open), waiters(t, s, open)
		leave(t, early, ended)
		<-time.After(300 * time.Millisecond)
		if int(s.handling.Load()) < len(late) {
			t.Error("a context ended while its client was there")
		}
		leave(t, late, ended)
		http1test.Eventually(t, "the connections to end", func() bool { return s.open() == 0 })
	})
}

// waiters are clients whose requests wait.
func waiters(t *testing.T, s *running, open func() *client) (all []*client) {
	for _, what := range []string{get("/wait"), request("POST /wait", "Content-Length: 5") + "hello"} {
		for _, linger := range []int{-1, 0} { // 0: Close sends a reset
			c := open()
			_ = c.SetLinger(linger)
			s.bring(t, c, what)
			all = append(all, c)
		}
	}
	return all
}

// leave closes connections, and waits for what their handlers have to say.
func leave(t *testing.T, all []*client, ended <-chan error) {
	t.Helper()
	for _, c := range all {
		c.Close()
	}
	for range all {
		if err := await(t, ended); !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	}
}

// A handler that writes to a client that is gone learns it by the error, and its context has ended
// then.
func TestWritingToNobody(t *testing.T) {
	t.Parallel()
	ended := make(chan error, 12)
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/endless" {
			return
		}
		_, err := io.Copy(struct{ io.Writer }{w}, neverending{})
		if err != nil {
			err = r.Context().Err()
		}
		ended <- err
	})
	overBothFrom(t, h, timeouts{}, func(t *testing.T, s *running, open func() *client) {
		c := open()
		s.bring(t, c, get("/endless"))
		c.Close()
		if err := await(t, ended); !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	})
}

// waitForEnd answers requests but those to /wait, which wait for the end of their context.
func waitForEnd(ended chan<- error) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		echo(w, r, &notes{})
		if r.URL.Path == "/wait" {
			<-r.Context().Done()
			ended <- r.Context().Err()
		}
	})
}

// The next request, said early, is not the client's end; however much it is, and whenever it comes.
func TestContextOutlivesPipelining(t *testing.T) {
	t.Parallel()
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/wait" {
			select {
			case <-r.Context().Done():
				t.Error("the context has ended")
			case <-time.After(350 * time.Millisecond):
			}
		}
		echo(w, r, &notes{})
	})
	overBothFrom(t, h, timeouts{}, func(t *testing.T, _ *running, open func() *client) {
		var all sync.WaitGroup
		for _, next := range []string{get("/next"), "GET ", request("POST /next", "Content-Length: 100000") + strings.Repeat("x", 100_000)} {
			clients := map[time.Duration]*client{0: open(), 250 * time.Millisecond: open()}
			for after, c := range clients { // before and while the client's end is looked for
				all.Go(func() {
					c.say(get("/wait"))
					<-time.After(after)
					go c.say(next)
					hears(t, c, "GET /wait ")
					if next == "GET " {
						c.say(strings.TrimPrefix(get("/next"), next))
					}
					if a := c.hear("GET"); !strings.Contains(a.Body, " /next ") || a.Failure != "" {
						t.Error(a)
					}
				})
			}
		}
		all.Wait()
	})
}

// A body that never comes ends with its client, or with the server.
func TestBodyThatNeverComes(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(s *running, c *client){
		"hung up": func(_ *running, c *client) { c.Close() }, "reset": func(_ *running, c *client) { _ = c.SetLinger(0); c.Close() },
		"half closed": func(_ *running, c *client) { _ = c.CloseWrite() }, "server closed": func(s *running, _ *client) { s.Close() },
	} {
		t.Run(name, func(t *testing.T) {
			read, ended := make(chan error, 12), make(chan error, 12)
			h := http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
				if _, err := io.ReadAll(r.Body); r.URL.Path == "/never" {
					read <- err
					<-r.Context().Done()
					ended <- r.Context().Err()
				}
			})
			overBothFrom(t, h, timeouts{}, func(t *testing.T, s *running, open func() *client) {
				c := open()
				s.bring(t, c, request("POST /never", "Content-Length: 10")+"hello")
				end(s, c)
				err := await(t, read)
				if polite := name == "hung up" || name == "half closed"; err == nil || polite && !errors.Is(err, io.ErrUnexpectedEOF) {
					t.Error(err)
				}
				if err := await(t, ended); !errors.Is(err, context.Canceled) {
					t.Error(err)
				}
			})
		})
	}
}
