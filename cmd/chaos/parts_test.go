package main

import (
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// token asks a provider as a gateway does.
func token(t *testing.T, p *provider, path, body string) (status int, refresh, access string) {
	t.Helper()
	w := httptest.NewRecorder()
	p.handler().ServeHTTP(w, httptest.NewRequest("POST", path, strings.NewReader(body)))
	var out struct {
		Refresh string `json:"refresh_token"`
		Access  string `json:"access_token"`
	}
	if err := json.Unmarshal(w.Body.Bytes(), &out); err != nil {
		t.Fatal(err, w.Body)
	}
	return w.Code, out.Refresh, out.Access
}

func again(refresh string) string { return `{"refresh_token":"` + refresh + `"}` }

func TestProviderEndsAFamilyWhenATokenComesTwice(t *testing.T) {
	p := newProvider(time.Minute)
	_, first, access := token(t, p, "/g0/auth/login", `{"username":"ada"}`)
	if owner, expired, known := p.check(access); owner != "ada" || expired || !known {
		t.Error(owner, expired, known)
	}
	status, second, _ := token(t, p, "/g1/auth/refresh", again(first))
	if status != 200 || second == first {
		t.Error(status, second)
	}
	if status, _, _ := token(t, p, "/g2/auth/refresh", again(first)); status != 401 {
		t.Error(status)
	}
	if status, _, _ := token(t, p, "/g0/auth/refresh", again(second)); status != 401 {
		t.Error("a token of an ended family is taken", status)
	}
	if _, _, known := p.check(access); known {
		t.Error("an access token outlives its family")
	}
	calls, _, killed := p.count()
	if calls != 3 || len(killed) != 1 || killed[0].first.gateway != 1 || killed[0].second.gateway != 2 {
		t.Errorf("%d calls, %+v", calls, killed)
	}
}

func TestProviderKnowsWhichAnswerWasLost(t *testing.T) {
	p := newProvider(time.Minute)
	_, first, _ := token(t, p, "/g0/auth/login", `{"username":"ada"}`)
	p.be(func(w http.ResponseWriter, _ *http.Request, usual func() []byte) {
		p.loseAnswer(usual())
		answerJSON(w, http.StatusBadGateway, []byte(`{}`))
	})
	token(t, p, "/g0/auth/refresh", again(first))
	p.be(nil)
	token(t, p, "/g0/auth/refresh", again(first))
	f := p.familyOf("ada")
	if f.killed.IsZero() || !f.first.lost {
		t.Errorf("%+v", f)
	}
	if w := (&world{provider: p}); !w.unavoidable(f) {
		t.Error("a lost answer is nobody's fault")
	}
}

// A gateway that was killed, or stopped for long, right after it had spent a token
// could not store the answer; a short stop is no excuse, nor is one that began later.
func TestWhatNobodyCouldStore(t *testing.T) {
	at := time.Now()
	death := func(after time.Duration) *gateway { return &gateway{deaths: []time.Time{at.Add(after)}} }
	stop := func(after, long time.Duration) *gateway {
		return &gateway{away: []absence{{at.Add(after), at.Add(after + long)}}}
	}
	for i, c := range []struct {
		g    *gateway
		used bool // the tokens came to the upstream
		want bool
	}{
		{&gateway{}, false, false},
		{death(100 * time.Millisecond), false, true},
		{death(100 * time.Millisecond), true, false},
		{death(20 * time.Second), false, false},
		{death(-time.Second), false, false},
		{stop(100*time.Millisecond, time.Minute), false, true},
		{stop(100*time.Millisecond, time.Minute), true, false},
		{stop(100*time.Millisecond, 3*time.Second), false, false},
		{stop(20*time.Second, time.Minute), false, false},
	} {
		w := &world{gateways: [gateways]*gateway{c.g, {}, {}}, provider: newProvider(time.Minute)}
		first := spending{gateway: 0, at: at, access: &accessToken{seen: c.used}}
		if got := w.unavoidable(&family{killed: at.Add(time.Minute), first: first}); got != c.want {
			t.Errorf("%d: %v", i, got)
		}
		if w.unavoidable(&family{killed: at, first: spending{gateway: gateways, at: at}}) || w.unavoidable(&family{}) {
			t.Error("excused for nothing")
		}
	}
}

func response(cookies ...string) *http.Response {
	return &http.Response{Header: http.Header{"Set-Cookie": cookies}}
}

func TestJar(t *testing.T) {
	var j jar
	j.take(response(handleCookie+"=new; Path=/", "theme=dark"))
	disk := j.saved()
	cleared, carried := j.take(response(handleCookie+"=old; Path=/", markCookie+"=m; Max-Age=3600"))
	if got := j.header(); got != handleCookie+"=old; "+markCookie+"=m" || cleared || carried != 2 {
		t.Error(got, cleared, carried)
	}
	if cleared, _ := j.take(response(handleCookie + "=; Max-Age=0")); !cleared || j.header() != markCookie+"=m" {
		t.Error(cleared, j.header())
	}
	j.restore(disk)
	j.block()
	j.take(response(handleCookie + "=newer"))
	if j.header() != handleCookie+"=new" {
		t.Error("a blocked jar took a cookie:", j.header())
	}
}

// echo answers every byte with itself.
func echo(t *testing.T) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() { _, _ = io.Copy(c, c) }()
		}
	}()
	return l.Addr().String()
}

// says sends a byte and returns what comes back within a moment.
func says(t *testing.T, c net.Conn, word string, patience time.Duration) (string, error) {
	t.Helper()
	if word != "" {
		if _, err := c.Write([]byte(word)); err != nil {
			return "", err
		}
	}
	_ = c.SetReadDeadline(time.Now().Add(patience))
	buf := make([]byte, 10)
	n, err := c.Read(buf)
	return string(buf[:n]), err
}

func TestLink(t *testing.T) {
	l, err := newLink(t.Context(), &ports{}, echo(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(l.close)
	be := func(m linkMode) {
		if err := l.be(m); err != nil {
			t.Fatal(err)
		}
	}
	const soon, moment = 5 * time.Second, 50 * time.Millisecond
	c, err := net.Dial("tcp", l.address)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if got, err := says(t, c, "a", soon); got != "a" {
		t.Error(got, err)
	}
	be(linkHole)
	if got, _ := says(t, c, "b", moment); got != "" {
		t.Error("out of a hole came", got)
	}
	be(linkPass)
	if got, err := says(t, c, "", soon); got != "b" {
		t.Error("what was sent into a hole did not arrive", got, err)
	}
	be(linkMute)
	if got, _ := says(t, c, "c", moment); got != "" {
		t.Error("a reply on a mute link:", got)
	}
	be(linkPass)
	if got, err := says(t, c, "", soon); err == nil {
		t.Error("a connection that lost a reply goes on:", got)
	}
	be(linkRefuse)
	if c, err := net.Dial("tcp", l.address); err == nil {
		c.Close()
		t.Error("a connection that should be refused")
	}
	be(linkPass)
	if c, err := net.Dial("tcp", l.address); err != nil {
		t.Error(err)
	} else {
		c.Close()
	}
}

// TestListenWaits: what is about to let go of an address does not break a world.
func TestListenWaits(t *testing.T) {
	held, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	tried := make(chan error)
	go func() {
		l, err := listen(t.Context(), held.Addr().String())
		if err == nil {
			err = l.Close()
		}
		tried <- err
	}()
	select {
	case err := <-tried:
		t.Fatalf("it did not wait: %v", err)
	case <-time.After(50 * time.Millisecond):
	}
	held.Close()
	if err := <-tried; err != nil {
		t.Error(err)
	}
}
