package server_test

import (
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"sessiongate/gateway/http1/http1test"
)

// before are what may have been said on a connection until something else is looked at: nothing,
// something that is served here, something that net/http has taken over.
var before = map[string][]string{
	"fresh":       nil,
	"used":        {get("/1"), post("hello")},
	"handed over": {get("/1"), request("TRACE /2")},
}

// timeouts are for a head, and between requests.
type timeouts struct{ head, idle time.Duration }

// overBothFrom runs a test with each server and each state of a connection, of which it may open
// several.
func overBothFrom(t *testing.T, h http.Handler, limits timeouts, test func(t *testing.T, s *running, open func() *client)) {
	overBoth(t, func(t *testing.T, name string) {
		for state, says := range before {
			if name != "fast" && state != "used" {
				continue // it is the measure, not what is tested
			}
			t.Run(state, func(t *testing.T) {
				t.Parallel()
				s := start(t, name, &http.Server{Handler: h, ReadHeaderTimeout: limits.head, IdleTimeout: limits.idle})
				test(t, s, func() *client { return s.used(t, says...) })
			})
		}
	})
}

// overBothInTime is overBothFrom for what is about timeouts: test gets the factor by which those of
// limits were multiplied, for its own.
func overBothInTime(t *testing.T, h http.Handler, limits timeouts, test func(t testing.TB, factor time.Duration, open func() *client)) {
	overBoth(t, func(t *testing.T, name string) {
		for state, says := range before {
			if name != "fast" && state != "used" {
				continue // as in overBothFrom
			}
			t.Run(state, func(t *testing.T) {
				t.Parallel()
				http1test.InTime(t, func(t testing.TB, factor time.Duration) {
					s := start(t, name, &http.Server{Handler: h, ReadHeaderTimeout: factor * limits.head, IdleTimeout: factor * limits.idle})
					test(t, factor, func() *client { return s.used(t, says...) })
				})
			})
		}
	})
}

// plainly answers at once.
var plainly = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { echo(w, r, &notes{}) })

// closesAfter waits for the end of a connection, which must not come early, and not with an answer.
func closesAfter(t testing.TB, c *client, since time.Time, d time.Duration) {
	t.Helper()
	a := c.hear("GET")
	if a.Head != "" || a.Failure != "closed" {
		t.Errorf("got %s", a)
	}
	if took := time.Since(since); took < d {
		t.Errorf("closed after %v, not %v", took, d)
	}
}

func hears(t testing.TB, c *client, body string) {
	t.Helper()
	if a := c.hear("GET"); a.Body != body || a.Failure != "" {
		t.Errorf("got %s, want %q", a, body)
	}
}

// A head has its time, however it drips. net/http may close silently or with a 400, as the last
// byte has it.
func TestDrippingHeads(t *testing.T) {
	t.Parallel()
	limits := timeouts{head: 60 * time.Millisecond, idle: time.Minute}
	overBothInTime(t, plainly, limits, func(t testing.TB, factor time.Duration, open func() *client) {
		for _, head := range []string{"GET /" + strings.Repeat("a", 10_000), "POST / HTTP/1.1\r\n" + strings.Repeat("A: b\r\n", 2000), "GET / HTTP/1.0\r\n" + strings.Repeat("A: b\r\n", 2000)} {
			since := time.Now() // before the server's clock begins
			c := open()
			ended := make(chan struct{})
			go drip(c, head, ended)
			a := c.hear("GET")
			close(ended)
			if took := time.Since(since); took < factor*limits.head || a.Failure == "silence" || a.Head != "" && !strings.HasPrefix(a.Head, "HTTP/1.1 400 ") {
				t.Errorf("%.20q: after %v got %s", head, took, a)
			}
		}
	})
}

// drip says a byte now and then.
func drip(c *client, what string, ended <-chan struct{}) {
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for i := range len(what) {
		select {
		case <-tick.C:
			c.say(what[i : i+1])
		case <-ended:
			return
		}
	}
}

// A head that stops somewhere gets, when its time is over, what net/http has to say.
func TestHeadsThatStop(t *testing.T) {
	t.Parallel()
	head := request("POST /a?b", "Content-Length: 5", "A: b")
	http1test.InTime(t, func(t testing.TB, factor time.Duration) {
		got, want := stopped(t, "fast", head, factor), stopped(t, "net/http", head, factor)
		for i := range got {
			if got[i] != want[i] {
				t.Errorf("%q\n     got %s\nnet/http %s", head[:i], got[i], want[i])
			}
		}
	})
}

// stopped says every beginning of a head, each on a connection of its own and once more after
// another request.
func stopped(t testing.TB, name, head string, factor time.Duration) []string {
	s := start(t, name, &http.Server{Handler: plainly, ReadHeaderTimeout: factor * 200 * time.Millisecond})
	answers := make([]string, len(head))
	var all sync.WaitGroup
	for i := range head {
		fresh := s.dial(t)
		fresh.say(head[:i])
		used := s.used(t, get("/"))
		if i > 3 { // before, net/http still waits for a request
			used.say(head[:i])
		} else {
			_ = used.CloseWrite()
		}
		all.Go(func() { answers[i] = fresh.hear("POST").String() + used.hear("POST").String() })
	}
	all.Wait()
	return answers
}

// A new connection that says nothing has as long as a head.
func TestSilentConnections(t *testing.T) {
	t.Parallel()
	const timeout = 50 * time.Millisecond
	overBoth(t, func(t *testing.T, name string) {
		s := start(t, name, &http.Server{Handler: plainly, ReadHeaderTimeout: timeout, IdleTimeout: time.Minute})
		since := time.Now() // before the server's
		closesAfter(t, s.dial(t), since, timeout)
	})
}

// The time for a head is for the head: bodies, handlers and the next request may take longer.
func TestHeaderTimeoutEndsWithTheHead(t *testing.T) {
	t.Parallel()
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if slow, err := time.ParseDuration(strings.TrimPrefix(r.URL.Path, "/slow/")); err == nil {
			<-time.After(slow)
		}
		echo(w, r, &notes{})
	})
	overBothInTime(t, h, timeouts{head: 100 * time.Millisecond}, func(t testing.TB, factor time.Duration, open func() *client) {
		longer := factor * 115 * time.Millisecond
		c := open()
		c.say(get("/slow/" + longer.String()))
		hears(t, c, "GET /slow/"+longer.String()+" ")
		c.say(request("PUT /", "Content-Length: 2") + "a")
		<-time.After(longer)
		c.say("b")
		hears(t, c, "PUT / ab")
		<-time.After(longer)
		c.say(get("/last"))
		hears(t, c, "GET /last ")
	})
}

// Without a timeout for heads, a head may take longer than the wait before it.
func TestSlowHeadsWithoutATimeout(t *testing.T) {
	t.Parallel()
	const timeout = 200 * time.Millisecond
	overBothInTime(t, plainly, timeouts{idle: timeout}, func(t testing.TB, factor time.Duration, open func() *client) {
		var all sync.WaitGroup
		for _, what := range []string{get("/slow"), request("TRACE /slow")} {
			c := open()
			all.Go(func() {
				c.say(what[:10])
				<-time.After(factor * (timeout + 30*time.Millisecond))
				c.say(what[10:])
				hears(t, c, methodOf(what)+" /slow ")
			})
		}
		all.Wait()
	})
}

// A connection that was used waits as long as IdleTimeout says, after each request anew.
func TestIdleTimeout(t *testing.T) {
	t.Parallel()
	const timeout, gap = 200 * time.Millisecond, 55 * time.Millisecond
	overBothInTime(t, plainly, timeouts{idle: timeout, head: time.Minute}, func(t testing.TB, factor time.Duration, open func() *client) {
		c, since := open(), time.Time{}
		for range 4 {
			since = time.Now()
			c.say(get("/"))
			hears(t, c, "GET / ")
			<-time.After(factor * gap)
		}
		closesAfter(t, c, since, factor*timeout)
	})
}

// The wait between requests begins when the answer has ended, not when it began.
func TestIdleTimeoutAfterALongAnswer(t *testing.T) {
	t.Parallel()
	const timeout = 120 * time.Millisecond
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		flushed("")(w, r, &notes{})
		if long, err := time.ParseDuration(strings.TrimPrefix(r.URL.Path, "/long/")); err == nil {
			<-time.After(long)
		}
		fmt.Fprint(w, time.Now().UnixNano())
	})
	overBothInTime(t, h, timeouts{idle: timeout}, func(t testing.TB, factor time.Duration, open func() *client) {
		c := open()
		c.say(get("/long/" + (factor * 90 * time.Millisecond).String()))
		nanos, err := strconv.ParseInt(c.hear("GET").Body, 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		closesAfter(t, c, time.Unix(0, nanos), factor*timeout)
	})
}

// What a handler flushes is with the client at once, interim responses too, and the client's answer
// to it with the handler.
func TestFlushedAtOnce(t *testing.T) {
	t.Parallel()
	overBothFrom(t, http.HandlerFunc(converse), timeouts{}, func(t *testing.T, _ *running, open func() *client) {
		c := open()
		c.say(request("POST /converse", "Content-Length: 8"))
		if interim, err := c.lines(); err != nil || !strings.HasPrefix(interim[0], "HTTP/1.1 103 ") {
			t.Fatal(interim, err)
		}
		c.say("aa")
		if head, err := c.lines(); err != nil || field(head, "Transfer-Encoding") != "chunked" {
			t.Fatal(head, err)
		}
		for _, part := range []string{"bb", "cc", "dd", ""} {
			if _, err := io.ReadFull(c.in, make([]byte, len("8\r\nheard xx\r\n"))); err != nil {
				t.Fatal(err)
			}
			c.say(part)
		}
		if last, err := c.lines(); err != nil || len(last) != 1 || last[0] != "0\r\n" {
			t.Fatal(last, err)
		}
		c.say(get("/"))
		hears(t, c, "")
	})
}

// converse answers each two bytes as they come.
func converse(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path != "/converse" {
		return
	}
	control := http.NewResponseController(w)
	_ = control.EnableFullDuplex()
	w.WriteHeader(http.StatusEarlyHints)
	for part := make([]byte, 2); ; {
		if _, err := io.ReadFull(r.Body, part); err != nil {
			return
		}
		fmt.Fprintf(w, "heard %s", part)
		_ = control.Flush()
	}
}

// The deadlines that a handler sets are for its request.
func TestDeadlinesEndWithTheirRequest(t *testing.T) {
	t.Parallel()
	const soon, later = 100 * time.Millisecond, 115 * time.Millisecond
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		control := http.NewResponseController(w)
		factor, _ := strconv.Atoi(r.URL.RawQuery)
		if strings.Contains(r.URL.Path, "read") {
			_ = control.SetReadDeadline(time.Now().Add(time.Duration(factor) * soon))
		}
		if strings.Contains(r.URL.Path, "write") {
			_ = control.SetWriteDeadline(time.Now().Add(time.Duration(factor) * soon))
		}
		echo(w, r, &notes{})
	})
	overBothInTime(t, h, timeouts{}, func(t testing.TB, factor time.Duration, open func() *client) {
		var all sync.WaitGroup
		for _, path := range []string{"/read", "/write", "/read/write"} {
			path += fmt.Sprintf("?%d", factor)
			c := open()
			all.Go(func() {
				c.say(request("PUT "+path, "Content-Length: 1") + "x")
				hears(t, c, "PUT "+path+" x")
				<-time.After(factor * later)
				c.say(request("PUT /", "Content-Length: 1"))
				<-time.After(factor * later)
				c.say("y")
				hears(t, c, "PUT / y")
			})
		}
		all.Wait()
	})
}
