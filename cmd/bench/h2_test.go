package main

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"
)

// h2Target is a server of HTTP/2 in this process, and what is asked of it.
func h2Target(t *testing.T, body int, h http.HandlerFunc) *target {
	t.Helper()
	s := httptest.NewUnstartedServer(h)
	s.EnableHTTP2 = true
	s.StartTLS()
	t.Cleanup(s.Close)
	at, err := url.Parse(s.URL + "/api/orders")
	if err != nil {
		t.Fatal(err)
	}
	return &target{url: at, body: body, tls: s.Client().Transport.(*http.Transport).TLSClientConfig, h2: true}
}

func TestStreamsShareAConnection(t *testing.T) {
	var mu sync.Mutex
	peers, wrong := map[string]bool{}, ""
	tg := h2Target(t, 5, func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		peers[r.RemoteAddr] = true
		if r.ProtoMajor != 2 || r.Host == "" || r.Header.Get("X-Peer") != "1" || r.Header.Get("Cookie") != "__Host-session=a" || r.Header.Get("Connection") != "" {
			wrong = r.Proto + " " + r.Header.Get("Cookie")
		}
		_, _ = io.WriteString(w, "hello")
	})
	tg.headers, tg.browser = []string{"X-Peer: 1"}, true
	tg.jars = []*jar{tg.newJar("__Host-session=a")}
	var r result
	for _, length := range []time.Duration{200 * time.Millisecond, 2 * time.Second, 20 * time.Second} { // for a busy machine
		r = fire(t.Context(), tg, load{conns: 2*streamsPerConn + 1, length: length})
		if r.requests >= 20 || r.failed != 0 {
			break
		}
		mu.Lock()
		clear(peers)
		mu.Unlock()
	}
	if r.failed != 0 || r.requests < 20 || len(peers) != 3 || wrong != "" {
		t.Errorf("%d requests, %d failed (%s), %d connections, wrong: %s", r.requests, r.failed, r.firstFail, len(peers), wrong)
	}
}

// A cookie that an answer replaces is sent from then on.
func TestStreamsKeepCookies(t *testing.T) {
	tg := h2Target(t, 0, func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Cookie") == "__Host-session=old" {
			w.Header().Set("Set-Cookie", "__Host-session=new; Path=/")
		}
	})
	tg.jars = []*jar{tg.newJar("__Host-session=old")}
	asker := tg.askers(load{conns: 1})[0]
	defer asker.hangUp()
	if err := asker.ask(t.Context()); err != nil || tg.jars[0].cookie() != "__Host-session=new" {
		t.Error(err, tg.jars[0].cookie())
	}
}

func TestStreamsTellWhatIsWrong(t *testing.T) {
	tg := h2Target(t, 5, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Query().Has("abort") {
			panic(http.ErrAbortHandler)
		}
		http.Error(w, "no such order", http.StatusNotFound)
	})
	asker := tg.askers(load{conns: 1})[0]
	defer asker.hangUp()
	var other *statusError
	if err := asker.ask(t.Context()); !errors.As(err, &other) || other.status != 404 || !strings.Contains(err.Error(), "no such order") {
		t.Error(err)
	}
	tg.url.RawQuery = "abort"
	if err := asker.ask(t.Context()); err == nil || errors.As(err, &other) {
		t.Error("a stream that was reset:", err)
	}
}

// A load asks again after its connection broke.
func TestStreamsReconnect(t *testing.T) {
	tg := h2Target(t, 0, func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Connection", "close") }) // a GOAWAY
	var r result
	for _, length := range []time.Duration{200 * time.Millisecond, 2 * time.Second, 20 * time.Second} { // for a busy machine
		if r = fire(t.Context(), tg, load{conns: 1, length: length}); r.requests >= 2 {
			break
		}
	}
	if r.requests < 2 {
		t.Errorf("%d requests, %d failed: %s", r.requests, r.failed, r.firstFail)
	}
}

func TestRatiosAreTakenWithinAFront(t *testing.T) {
	list := summarize([]*row{
		{name: "rp-tls", perSecond: []float64{100}},
		{name: "cached-tls", perSecond: []float64{170}},
		{name: "nginx-tls", perSecond: []float64{200}},
		{name: "rp-h2", perSecond: []float64{50}},
		{name: "cached-h2", perSecond: []float64{70}},
	})
	if list[1].ToRP.Median != 1.7 || list[1].ToNginx.Median != .85 || list[4].ToRP.Median != 1.4 {
		t.Errorf("%+v", list)
	}
}
