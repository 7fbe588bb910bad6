package server_test

import (
	"crypto/tls"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"sessiongate/gateway/http1/http1test"
	"sessiongate/gateway/http1/server"
)

// secured is a server under TLS, and how its clients connect: with HTTP/1.1 or HTTP/2.
func secured(t testing.TB, standard *http.Server, prepare func(*server.Server)) (address string, client func(protocols ...string) *tls.Conn) {
	t.Helper()
	lent := httptest.NewUnstartedServer(nil) // has a certificate for loopback
	lent.StartTLS()
	defer lent.Close()
	if standard.ErrorLog == nil {
		standard.ErrorLog = log.New(io.Discard, "", 0)
	}
	standard.TLSConfig = &tls.Config{Certificates: lent.TLS.Certificates}
	s := server.New(standard)
	if prepare != nil {
		prepare(s)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() { defer close(ended); _ = s.ServeTLS(l) }()
	t.Cleanup(func() { s.Close(); <-ended })
	return l.Addr().String(), func(protocols ...string) *tls.Conn {
		c, err := tls.Dial("tcp", l.Addr().String(), &tls.Config{InsecureSkipVerify: true, NextProtos: protocols})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.Close() })
		_ = c.SetDeadline(time.Now().Add(firstRequestTimeout))
		return c
	}
}

// A deadline that expires is no hang-up: not that of the wait for the request, nor that
// between two requests, nor those that a handler sets, at once or in its first tenths of a
// second. A stream goes on with all of them.
func TestExpiredDeadlinesAreNoHangUp(t *testing.T) {
	t.Parallel()
	states := map[string]func(t testing.TB, h *http.Server) *client{
		"TLS": func(t testing.TB, h *http.Server) *client {
			_, dial := secured(t, h, nil)
			return clientOver(dial("http/1.1"))
		},
	}
	for state, says := range before {
		states[state] = func(t testing.TB, h *http.Server) *client { return start(t, "fast", h).used(t, says...) }
	}
	for state, open := range states {
		t.Run(state, func(t *testing.T) {
			t.Parallel()
			http1test.InTime(t, func(t testing.TB, factor time.Duration) {
				short := factor * 400 * time.Millisecond
				var all sync.WaitGroup
				defer all.Wait()
				for _, path := range []string{"/writes", "/writes-late", "/reads", "/reads-late"} {
					c := open(t, &http.Server{Handler: expiring(t, short), ReadHeaderTimeout: short, IdleTimeout: 2 * short})
					all.Go(func() {
						for _, what := range []string{get(path), request("QUERY " + path)} {
							c.say(what)
							hears(t, c, methodOf(what)+" "+path+" ")
						}
					})
				}
			})
		})
	}
}

// expiring sets deadlines, and answers when they are long over.
func expiring(t testing.TB, short time.Duration) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		c := http.NewResponseController(w)
		switch r.URL.Path {
		case "/writes": // as an event stream does
			_ = c.SetWriteDeadline(time.Now().Add(time.Minute))
			_ = c.SetWriteDeadline(time.Time{})
		case "/writes-late":
			<-time.After(100 * time.Millisecond)
			_ = c.SetWriteDeadline(time.Now().Add(time.Minute))
		case "/reads":
			_ = c.SetReadDeadline(time.Now().Add(short))
		case "/reads-late":
			<-time.After(250 * time.Millisecond)
			_ = c.SetReadDeadline(time.Now().Add(short))
		default:
			plainly(w, r)
			return
		}
		select {
		case <-r.Context().Done():
			t.Error("the context has ended: ", r.URL.Path)
		case <-time.After(3 * short):
		}
		plainly(w, r)
	}
}
