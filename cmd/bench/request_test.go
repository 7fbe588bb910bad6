package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

func parsed(t *testing.T, request []byte) *http.Request {
	t.Helper()
	r, err := http.ReadRequest(bufio.NewReader(strings.NewReader(string(request))))
	if err != nil {
		t.Fatalf("%q: %v", request, err)
	}
	return r
}

// Headers cost every contender something, so there are none that nobody asked for.
func TestRequestIsAsShortAsWrks(t *testing.T) {
	u := &url.URL{Scheme: "http", Host: "h:1", Path: "/api/orders"}
	short := string((&target{url: u}).head("__Host-session=x"))
	if want := "GET /api/orders HTTP/1.1\r\nHost: h:1\r\nCookie: __Host-session=x\r\n\r\n"; short != want {
		t.Errorf("%q", short)
	}
	dressed := parsed(t, (&target{url: u, browser: true, headers: []string{"X-Peer: 1"}}).head("__Host-session=x"))
	if len(dressed.Header) < 13 || dressed.Header.Get("Sec-Fetch-Site") != "same-origin" || dressed.Header.Get("X-Peer") != "1" ||
		dressed.UserAgent() != userAgent {
		t.Error(dressed.Header)
	}
}

func jarsOf(next func() *jar, n int) (list []*jar) {
	for range n {
		list = append(list, next())
	}
	return list
}

func TestPicker(t *testing.T) {
	tg := &target{url: &url.URL{Host: "h"}}
	for i := range 5 {
		tg.jars = append(tg.jars, tg.newJar(fmt.Sprint("c=", i)))
	}
	kept := jarsOf(tg.picker(3, 1), 3)
	if kept[0] != tg.jars[1] || kept[1] != tg.jars[1] || kept[2] != tg.jars[1] {
		t.Error("a connection did not keep its session")
	}
	tg.spread = true
	seen := map[*jar]bool{}
	for i := range 3 {
		for _, j := range jarsOf(tg.picker(3, i), 5) {
			seen[j] = true
		}
	}
	if len(seen) != 5 {
		t.Errorf("only %d of 5 sessions were used", len(seen))
	}
	tg.jars = nil
	if got := parsed(t, *tg.picker(1, 0)().request.Load()); len(got.Cookies()) != 0 {
		t.Error(got.Cookies())
	}
}

func TestCrowd(t *testing.T) {
	c := &crowd{cookies: []byte("c=0c=1c=2c=3c=4"), width: 3}
	tg := &target{url: &url.URL{Host: "h"}, crowd: c}
	use := func(c *crowd, conns, i int) map[string]bool {
		tg.crowd = c
		seen := map[string]bool{}
		next := tg.picker(conns, i)
		for range 200 {
			seen[parsed(t, *next().request.Load()).Header.Get("Cookie")] = true
		}
		return seen
	}
	if got := use(c, 2, 0); len(got) != 5 {
		t.Errorf("of 5 sessions a connection used %v", got)
	}
	if got := use(c.first(2), 64, 3); len(got) != 1 || !got["c=1"] {
		t.Errorf("the fourth of 64 connections for 2 sessions used %v", got)
	}
	first := func() (list string) {
		tg.crowd = c
		for next := tg.picker(2, 0); len(list) < 60; {
			list += parsed(t, *next().request.Load()).Header.Get("Cookie")
		}
		return list
	}
	if a, b := first(), first(); a == b {
		t.Error("two loads ask for the same sessions in the same order")
	}
	if (&crowd{}).len() != 0 {
		t.Error("an empty crowd is not empty")
	}
}

// upstreamAt runs the fixed upstream in this process.
func upstreamAt(t *testing.T, vanish float64) *target {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() { _ = serveFixed(l, 64, vanish) }()
	return &target{url: &url.URL{Scheme: "http", Host: l.Addr().String(), Path: "/api/orders"}, body: 64}
}

func TestUpstreamTellsWhetherThereIsAToken(t *testing.T) {
	up := upstreamAt(t, 0)
	up.url.Path, up.body = bearerPath, 2
	var other *statusError
	defer func() {
		if other == nil || !strings.Contains(other.Error(), `418 with 2 bytes, not 200 with 2: "{}"`) {
			t.Error(other)
		}
	}()
	for _, c := range []struct {
		header string
		seen   bool
	}{{"authorization: BEARER x", true}, {"Authorization: Basic x", false}, {"X-Authorization: Bearer x", false}} {
		var conn *client
		tg := *up
		tg.headers = []string{c.header}
		err := tg.askOnce(t.Context(), &conn, tg.newJar(""))
		conn.hangUp()
		if c.seen && err != nil || !c.seen && !errors.As(err, &other) {
			t.Errorf("%s: %v", c.header, err)
		}
	}
}

func TestCheckBearer(t *testing.T) {
	up := upstreamAt(t, 0)
	for _, c := range []struct {
		contender contender
		header    string
		fails     bool
		says      string
	}{
		{contender{session: true}, "Authorization: Bearer x", false, "bearer token seen"},
		{contender{session: true}, "X: y", true, ""},
		{contender{peer: true}, "X: y", false, "no bearer token seen"},
		{contender{}, "X: y", false, ""},
	} {
		tg := *up
		tg.headers = []string{c.header}
		c.contender.target = &tg
		err := checkBearer(t.Context(), &c.contender)
		if (err != nil) != c.fails || !strings.Contains(c.contender.what, c.says) || c.says == "" && c.contender.what != "" {
			t.Errorf("%+v with %s: %v", c.contender, c.header, err)
		}
	}
}

// Clients and upstreams that go away are counted as what they are, and the load goes on. On a busy
// machine a load of a moment may ask too little for chance to have its way, so there are several.
func TestVanishing(t *testing.T) {
	up := upstreamAt(t, .1)
	var r result
	for range 50 {
		if r = fire(t.Context(), up, load{conns: 4, length: 300 * time.Millisecond, vanish: .1}); r.failed != 0 {
			t.Fatalf("%+v", r)
		}
		if r.requests > 0 && r.vanished > 0 && r.cut > 0 {
			break
		}
	}
	if r.requests == 0 || r.vanished == 0 || r.cut == 0 {
		t.Errorf("%+v", r)
	}
	for range 50 {
		if r = fire(t.Context(), up, load{conns: 4, length: 100 * time.Millisecond}); r.failed > 0 {
			break
		}
	}
	if r.failed == 0 || r.cut != 0 || r.vanished != 0 {
		t.Errorf("an upstream that goes away unexpectedly: %+v", r)
	}
}

func TestUpstreamGone(t *testing.T) {
	for err, want := range map[error]bool{
		io.EOF: true, io.ErrUnexpectedEOF: true, &statusError{status: 502}: true,
		&statusError{status: 503}: false, &statusError{status: 401}: false, errAnswer: false,
	} {
		if upstreamGone(err) != want {
			t.Errorf("%v: %v", err, !want)
		}
	}
}

func TestRefusedAndUnansweredAreToldApart(t *testing.T) {
	var r result
	r.fail(&statusError{status: 503})
	r.fail(io.EOF)
	if r.failed != 2 || r.refused != 1 || !strings.Contains(r.firstFail, "503") {
		t.Errorf("%+v", r)
	}
}
