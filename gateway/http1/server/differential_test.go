package server_test

import (
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"sessiongate/gateway/http1/http1test"
)

// conversation is what a client says on one connection, and who answers.
type conversation struct {
	name      string
	says      []string // each is one request; the next is said when it is answered
	pipelined bool     // all at once instead
	half      bool     // the client closes its side after the last
	handler   func(w http.ResponseWriter, r *http.Request, saw *notes)
	standard  int // from which request on net/http serves, counted as the handler sees them from 1; 0: never; -1: it may
	most      int // MaxHeaderBytes
}

// outcome is all that both sides saw of a conversation.
type outcome struct {
	Answers []answer
	Open    bool // another request can follow
	Saw     []string
	Logged  []string
}

// notes are what a handler saw, or what was logged.
type notes struct {
	mu    sync.Mutex
	lines []string

	before []any // what a handler keeps for the next request
}

func (n *notes) add(format string, args ...any) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.lines = append(n.lines, fmt.Sprintf(format, args...))
}

// taken returns the notes, with names in place of what differs from one connection to the next.
func (n *notes) taken(c *client) []string {
	n.mu.Lock()
	defer n.mu.Unlock()
	names := strings.NewReplacer(c.LocalAddr().String(), "CLIENT", c.RemoteAddr().String(), "SERVER")
	lines := make([]string, len(n.lines))
	for i, line := range n.lines {
		lines[i] = names.Replace(line)
	}
	return lines
}

// err notes an error by what a handler can tell of it.
func (n *notes) err(call string, err error) {
	for _, known := range []error{
		io.EOF, io.ErrUnexpectedEOF, http.ErrBodyReadAfterClose, http.ErrContentLength, http.ErrBodyNotAllowed, http.ErrNotSupported, os.ErrDeadlineExceeded,
	} {
		if errors.Is(err, known) {
			err = known
		}
	}
	n.add("%s: %v", call, err)
}

func isTimeout(err error) bool {
	var e net.Error
	return errors.As(err, &e) && e.Timeout()
}

// Everything that follows is said to net/http's server and to ours. Nobody may see a difference.
func TestConversations(t *testing.T) {
	t.Parallel()
	rows := slices.Concat(plainRequests(), bodies(), foreigners(), lengthsOfHeads(), replies(), controls(), standards())
	all := stages{free: map[string][]*stage{}}
	names := map[string]bool{}
	for _, c := range rows {
		if names[c.name] {
			t.Errorf("two rows have the name %q", c.name)
		}
		names[c.name] = true
		t.Run(c.name, func(sub *testing.T) {
			sub.Parallel()
			compare(sub, all.play(t, sub, c, "fast"), all.play(t, sub, c, "net/http"))
		})
	}
}

// stages are servers for conversations, one at a time each. A new one for each would use up the
// machine's ports.
type stages struct {
	mu   sync.Mutex
	free map[string][]*stage
}

// stage is a server that asks the conversation at hand what to answer.
type stage struct {
	*running
	name string
	now  atomic.Pointer[dialogue]
}

// dialogue is a conversation as it is held.
type dialogue struct {
	conversation
	t           *testing.T
	number      atomic.Int32
	saw, logged notes
}

// play holds a conversation with a server of this name, which lasts as long as the test does.
func (all *stages) play(t, sub *testing.T, c conversation, name string) outcome {
	kind := fmt.Sprint(name, c.most)
	all.mu.Lock()
	var on *stage
	if n := len(all.free[kind]); n > 0 {
		on, all.free[kind] = all.free[kind][n-1], all.free[kind][:n-1]
	}
	all.mu.Unlock()
	if on == nil {
		on = newStage(t, name, c.most)
	}
	on.now.Store(&dialogue{conversation: c, t: sub})
	o := on.play(sub)
	all.mu.Lock()
	defer all.mu.Unlock()
	all.free[kind] = append(all.free[kind], on)
	return o
}

func newStage(t *testing.T, name string, most int) *stage {
	on := &stage{name: name}
	on.running = start(t, name, &http.Server{
		Handler: on, ErrorLog: log.New(on, "", 0), ReadHeaderTimeout: time.Minute, IdleTimeout: time.Minute, MaxHeaderBytes: most,
	})
	return on
}

// play has the conversation of this moment.
func (on *stage) play(t *testing.T) (o outcome) {
	now := on.now.Load()
	c := on.dial(t)
	o.Answers = now.hold(c)
	if !now.half {
		c.say(get("/probe"))
	}
	rest := c.hear("GET")
	if o.Open = strings.Contains(rest.Head, "\r\nX-Probe: "); !o.Open && rest.Head != "" || rest.Failure == "silence" {
		o.Answers = append(o.Answers, rest)
	}
	c.leave()
	http1test.Eventually(t, "the handler", func() bool { return on.handling.Load() == 0 })
	o.Saw, o.Logged = now.saw.taken(c), now.logged.taken(c)
	return o
}

// ServeHTTP notes what a handler is given and who gave it, and lets the conversation's handler
// answer.
func (on *stage) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/probe" {
		w.Header().Set("X-Probe", "1")
		return
	}
	now := on.now.Load()
	now.saw.describe(r, on.standard)
	_, handedOver := w.(http.Hijacker) // which only net/http's is
	n := int(now.number.Add(1))
	if on.name == "fast" && now.standard >= 0 && handedOver != (now.standard > 0 && n >= now.standard) {
		now.t.Errorf("request %d was handed over: %v", n, handedOver)
	}
	if now.handler == nil {
		echo(w, r, &now.saw)
		return
	}
	now.handler(w, r, &now.saw)
}

// Write takes a line of the server's log. What a panic says counts, without its stack; of others,
// that there was one: the words are each server's own.
func (on *stage) Write(p []byte) (int, error) {
	line, _, _ := strings.Cut(string(p), "\n")
	if !strings.HasPrefix(line, "http: panic serving ") {
		line = "a complaint"
	}
	on.now.Load().logged.add("%s", line)
	return len(p), nil
}

// hold says what there is to say, and hears the answers until there are no more.
func (c conversation) hold(cl *client) (answers []answer) {
	says := c.says
	if c.pipelined {
		says = []string{strings.Join(c.says, "")}
	}
	for i, what := range says {
		// Beside the reading: a server may answer before it has heard all, and then not listen.
		var saying sync.WaitGroup
		saying.Go(func() {
			if cl.say(what); c.half && i == len(says)-1 {
				_ = cl.CloseWrite()
			}
		})
		for _, request := range c.says[i:] {
			a := cl.hear(methodOf(request))
			if a.Head != "" || a.Interim != nil || a.Failure == "silence" {
				answers = append(answers, a)
			}
			if a.Failure != "" {
				return answers
			}
			if !c.pipelined {
				break
			}
		}
		saying.Wait()
	}
	return answers
}

func (n *notes) describe(r *http.Request, standard *http.Server) {
	ctx := r.Context()
	isServer := ctx.Value(http.ServerContextKey) == any(standard)
	u := *r.URL
	u.User = nil // a pointer
	n.add("%s %s %s, %#v, user %v", r.Method, r.RequestURI, r.Proto, u, r.URL.User)
	n.add("fields %q", map[string][]string(r.Header))
	n.add("host %q, length %d, none %v, coding %q, close %v, trailer %v", r.Host, r.ContentLength, r.Body == http.NoBody, r.TransferEncoding, r.Close, r.Trailer)
	n.add("from %s to %v, server %v, TLS %v, version %d.%d", r.RemoteAddr, ctx.Value(http.LocalAddrContextKey), isServer, r.TLS != nil, r.ProtoMajor, r.ProtoMinor)
}

// echo answers with what it was asked.
func echo(w http.ResponseWriter, r *http.Request, saw *notes) {
	b, err := io.ReadAll(r.Body)
	saw.add("body %q, trailer %q", b, map[string][]string(r.Trailer))
	saw.err("read", err)
	fmt.Fprintf(w, "%s %s %s", r.Method, r.RequestURI, b)
}

// refusal is our answer to a head that leaves open where its message ends, which net/http may well
// take.
func (a answer) refusal() bool {
	return strings.HasPrefix(a.Head, "HTTP/1.1 400 ") && strings.Contains(a.Body, "(RFC 9112 section ")
}

// upTo cuts an outcome off where a request was refused.
func (o outcome) upTo(answers, saw int) outcome {
	return outcome{Answers: o.Answers[:min(answers, len(o.Answers))], Saw: o.Saw[:min(saw, len(o.Saw))]}
}

// compare reports what differs. A request that is refused ends it.
func compare(t *testing.T, got, want outcome) {
	t.Helper()
	if i := slices.IndexFunc(got.Answers, answer.refusal); i >= 0 {
		if got.Open || len(got.Answers) > i+1 && got.Answers[i+1].Head != "" {
			t.Errorf("goes on after a refusal: %v", got.Answers)
		}
		got, want = got.upTo(i, len(got.Saw)), want.upTo(i, len(got.Saw))
	}
	for i := range max(len(got.Answers), len(want.Answers)) {
		if g, w := nth(got.Answers, i).String(), nth(want.Answers, i).String(); g != w || nth(got.Answers, i).Body != nth(want.Answers, i).Body {
			t.Errorf("answer %d\n     got %s\nnet/http %s", i+1, g, w)
		}
	}
	for i := range max(len(got.Saw), len(want.Saw)) {
		if g, w := nth(got.Saw, i), nth(want.Saw, i); g != w {
			t.Errorf("the handler saw\n         %s\nnet/http %s", g, w)
			break // what follows is about something else
		}
	}
	if !slices.Equal(got.Logged, want.Logged) {
		t.Errorf("logged   %q\nnet/http %q", got.Logged, want.Logged)
	}
	if got.Open != want.Open {
		t.Errorf("open after it: %v\n   net/http: %v", got.Open, want.Open)
	}
}

func nth[T any](all []T, i int) (none T) {
	if i < len(all) {
		return all[i]
	}
	return none
}
