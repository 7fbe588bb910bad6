package server_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
)

// FuzzConversation says anything to both servers, in one piece or two, and expects the same answers
// up to the end.
func FuzzConversation(f *testing.F) {
	for _, c := range slices.Concat(plainRequests(), foreigners()) {
		if says := strings.Join(c.says, ""); len(says) < 500 {
			f.Add([]byte(says), uint16(len(says)/2))
		}
	}
	f.Fuzz(differing(f))
}

// phrases are what conversations are made of.
var phrases = []string{
	"GET / HTTP/1.1\r\n", "HEAD /h HTTP/1.1\r\n", "POST /p HTTP/1.1\r\n", "PUT /p?q HTTP/1.1\r\n", "OPTIONS /o HTTP/1.1\r\n", "DELETE /d HTTP/1.1\r\n", "GET / HTTP/1.0\r\n", "TRACE / HTTP/1.1\r\n",
	"GET http://y/ HTTP/1.1\r\n", "OPTIONS * HTTP/1.1\r\n", "CONNECT y:1 HTTP/1.1\r\n", "PRI * HTTP/2.0\r\n", "GET / HTTP/1.1\n", "GET / ", "HTTP/1.1", "Host: x\r\n", "Host: x\r\n\r\n", "Host: y\r\n", "Host: x\n", "Host:\r\n",
	"Content-Length: 5\r\n", "Content-Length: 0\r\n", "Content-Length: 5\r\n\r\nhello", "Content-Length: 99999999\r\n", "Content-Length: x\r\n", "Transfer-Encoding: chunked\r\n", "Transfer-Encoding: x\r\n", "Connection: close\r\n",
	"Connection: keep-alive\r\n", "Connection: x, close\r\n", "Connection: Upgrade\r\n", "Upgrade: h2c\r\n", "Expect: 100-continue\r\n", "Expect: x\r\n", "Trailer: A\r\n", "A: b\r\n", "A : b\r\n", " folded\r\n", "nonsense\r\n", "A: \x00\r\n",
	"\r\n", "\n", "\r", "\r\n\r\n", "\n\n", "hello", "5\r\nhello\r\n", "0\r\n", "0\r\n\r\n", "x", " ", "GET /1 HTTP/1.1\r\nHost: x\r\n\r\n", "POST /2 HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello", "G", "POST",
}

// FuzzPhrases is FuzzConversation for what is put together from phrases, which random bytes rarely
// hit upon.
func FuzzPhrases(f *testing.F) {
	for i := range phrases {
		f.Add([]byte{51, 0, byte(i), 16, 51}, uint16(60))
		f.Add([]byte{52, 2, 15, byte(i), 40, 51}, uint16(90))
	}
	differ := differing(f)
	f.Fuzz(func(t *testing.T, chosen []byte, at uint16) {
		var says []byte
		for _, i := range chosen {
			says = append(says, phrases[int(i)%len(phrases)]...)
		}
		differ(t, says, at)
	})
}

// differing starts both servers, and returns what finds them to differ.
func differing(f *testing.F) func(t *testing.T, says []byte, at uint16) {
	named := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Method", r.Method) // for hear
		echo(w, r, &notes{})
	})
	ours, theirs := start(f, "fast", &http.Server{Handler: named}), start(f, "net/http", &http.Server{Handler: named})
	return func(t *testing.T, says []byte, at uint16) {
		if len(says) > 10_000 {
			return
		}
		i := min(int(at), len(says))
		if got, want := overheard(t, ours, says[:i], says[i:]), overheard(t, theirs, says[:i], says[i:]); got != want && !refusedAfter(got, want) {
			t.Fatalf("%q\n     got %s\nnet/http %s", says, got, want)
		}
	}
}

// refusedAfter reports whether ours are net/http's answers up to one that refuses, and ends the
// connection.
func refusedAfter(ours, theirs string) bool {
	before, refusal, found := strings.Cut(ours, "400 Bad Request: ")
	if !found || !strings.Contains(refusal, "(RFC 9112 section ") {
		return false
	}
	before = before[:strings.LastIndexByte(before, '\n')+1]
	_, after, _ := strings.Cut(refusal, "\n")
	return strings.HasPrefix(theirs, before) && strings.Count(after, "\n") <= 1 && !strings.Contains(after, "HTTP/1.1 ")
}

// overheard is all that a server answers to these pieces and their end.
func overheard(t *testing.T, s *running, pieces ...[]byte) string {
	c := s.dial(t)
	defer c.leave()
	for _, p := range pieces {
		c.say(string(p))
	}
	_ = c.CloseWrite()
	var all strings.Builder
	for {
		a := c.hear("")
		fmt.Fprintln(&all, a)
		if a.Failure != "" {
			return all.String()
		}
	}
}
