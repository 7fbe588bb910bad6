package server_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
)

// A handler that does not want a body, whatever it makes of the request's fields, does not make it
// the next request. This is ours alone, for the reason below.
func TestForgottenBody(t *testing.T) {
	t.Parallel()
	for name, forget := range map[string]func(r *http.Request, w http.ResponseWriter){
		"untouched": func(*http.Request, http.ResponseWriter) {}, "no length": func(r *http.Request, _ http.ResponseWriter) { r.Body, r.ContentLength = nil, 0 },
		"unknown length": func(r *http.Request, _ http.ResponseWriter) { r.ContentLength = -1 },
		"unknown length, full duplex": func(r *http.Request, w http.ResponseWriter) {
			r.ContentLength = -1
			_ = http.NewResponseController(w).EnableFullDuplex()
		},
		"another length": func(r *http.Request, _ http.ResponseWriter) { r.ContentLength = 1 },
		"another method": func(r *http.Request, _ http.ResponseWriter) { r.Method, r.Close, r.Header = "GET", true, nil },
	} {
		h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			forget(r, w)
			unread(w, r, &notes{})
		})
		for n, requests := range map[int]int32{60: 2, 5000: 2, 100_000: 2, 300_000: 1} {
			s := start(t, "fast", &http.Server{Handler: h})
			if got := answersAfterABody(t, s, n); got != requests || s.begun.Load() != requests {
				t.Errorf("%s, %d bytes: %d answers to %d requests, not %d", name, n, got, s.begun.Load(), requests)
			}
		}
	}
}

// answersAfterABody counts the answers to a request with n bytes that look like requests, and to
// one more.
func answersAfterABody(t *testing.T, s *running, n int) (answers int32) {
	body := strings.Repeat(get("/smuggled"), 1+n/40)[:n]
	c := s.used(t, request("POST /", fmt.Sprintf("Content-Length: %d", n))+body)
	c.say(get("/2"))
	_ = c.CloseWrite()
	for answers = 1; c.hear("GET").Failure == ""; {
		answers++
	}
	return answers
}

// A client that has sent what nobody reads gets the answer and the connection's end, not a reset
// that could take the answer with it.
func TestUnreadEndsPolitely(t *testing.T) {
	t.Parallel()
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { unread(w, r, &notes{}) })
	overBoth(t, func(t *testing.T, name string) {
		c := start(t, name, &http.Server{Handler: h}).dial(t)
		c.say(request("POST /", "Content-Length: 20000000") + strings.Repeat("b", 20_000))
		hears(t, c, "enough")
		if _, err := c.in.ReadByte(); !errors.Is(err, io.EOF) {
			t.Error(err)
		}
	})
}

// A body over its limit is an error to the handler. Unlike net/http's, our server is not told (see
// the package comment), so it decides by what is left whether the connection stays.
func TestOverALimit(t *testing.T) {
	t.Parallel()
	for n, requests := range map[int]int32{5: 2, 3000: 2, 200_000: 2, 300_000: 1} {
		s := start(t, "fast", &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			r.Body = http.MaxBytesReader(w, r.Body, 4)
			_, err := io.ReadAll(r.Body)
			if tooLarge := (*http.MaxBytesError)(nil); r.ContentLength > 0 && !errors.As(err, &tooLarge) {
				t.Errorf("%d bytes: %v", n, err)
			}
			unread(w, r, &notes{})
		})})
		if got := answersAfterABody(t, s, n); got != requests || s.begun.Load() != requests {
			t.Errorf("%d bytes: %d answers to %d requests, not %d", n, got, s.begun.Load(), requests)
		}
	}
}

// With full duplex, the rest of a body that nobody read is read after the response, up to 256 KiB.
// This is ours alone: net/http's server does the same, but then begins to watch the connection
// while it reads the next request from it, and panics (invalid concurrent Body.Read call) if that
// comes late enough.
func TestUnreadInFullDuplex(t *testing.T) {
	t.Parallel()
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { unreadFully(w, r, &notes{}) })
	for _, n := range []int{5, 5000, 100_000, 200_000, 256 << 10} {
		s := start(t, "fast", &http.Server{Handler: h})
		c := s.used(t, sent(n), sent(n), get("/3"))
		if _ = c.CloseWrite(); c.hear("GET").Failure != "closed" {
			t.Errorf("%d bytes: not at the end", n)
		}
	}
}
