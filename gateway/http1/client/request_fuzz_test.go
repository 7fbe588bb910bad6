package client_test

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"

	"sessiongate/gateway/http1/client"
)

var errFallback = errors.New("went to the fallback")

// FuzzRequestBytes writes requests made of anything. Either not a byte is sent, or the bytes are
// one request: with these parts and no others, and framed once.
func FuzzRequestBytes(f *testing.F) {
	for _, s := range [][6]string{
		{"GET", "/a", "b=c", "Accept", "*/*", ""},
		{"POST", "/", "", "X", "a\r\nHost: evil", "app.test:81"},
		{"PUT", "/a HTTP/1.1\r\nX: y", "", "X\r\nY", "", ""},
		{"G ET", "*", "\n", "Host", "evil", "a\r\nb"},
		{"", "//x/y", " ", "content-length", "9", "[::1]"},
		{"DELETE", "/\x7f", "#?", "Transfer-encoding", "chunked", "b\u00fccher"},
		{"HEAD", "/\xff", "", "Connection", "close", " "},
		{"X", "", "", "Te ", "\ttrailers ", "upstream.test"},
	} {
		f.Add(s[0], s[1], s[2], s[3], s[4], s[5])
	}
	f.Fuzz(func(t *testing.T, method, path, query, name, value, authority string) {
		m := newMemory([]byte(hello))
		defer m.Close()
		tr, err := client.New(client.Options{Dial: m.dial, Fallback: roundTrip(func(*http.Request) (*http.Response, error) { return nil, errFallback })})
		if err != nil {
			t.Fatal(err)
		}
		res, err := tr.Send(t.Context(), &client.Request{
			Method: method, Address: "upstream.test", Authority: authority, Path: path, Query: query, HasQuery: query != "",
			Fields: []client.Field{{Name: name, Value: value}, {Name: "X-Last", Value: "1"}},
		})
		m.mu.Lock()
		sent := string(m.seen)
		m.mu.Unlock()
		if err != nil {
			if sent != "" {
				t.Fatalf("%v, after %q was sent", err, sent)
			}
			return
		}
		res.Body.Close()
		if want := written(method, path, query, name, value, authority); sent != want {
			t.Fatalf("sent %q\nwant %q", sent, want)
		}
		checkLines(t, strings.SplitAfter(strings.TrimSuffix(sent, "\r\n"), "\r\n"))
	})
}

func written(method, path, query, name, value, authority string) string {
	if method == "" {
		method = "GET"
	}
	if query != "" {
		path += "?" + query
	}
	if authority == "" {
		authority = "upstream.test"
	}
	length := ""
	if slices.Contains([]string{"POST", "PUT", "PATCH"}, method) {
		length = "Content-Length: 0\r\n"
	}
	return method + " " + path + " HTTP/1.1\r\nHost: " + authority + "\r\n" + length + name + ": " + strings.Trim(value, " \t") + "\r\nX-Last: 1\r\n\r\n"
}

// checkLines reads a head as a server would that takes every CR, LF, blank and colon for what it
// may be.
func checkLines(t *testing.T, lines []string) {
	frames := map[string]int{}
	for i, line := range lines[:len(lines)-1] {
		text := strings.TrimSuffix(line, "\r\n")
		if strings.ContainsAny(text, "\r\n\x00") || i == 0 && strings.Count(text, " ") != 2 {
			t.Fatalf("line %q", line)
		}
		if i > 0 {
			name, _, _ := strings.Cut(text, ":")
			if name == "" || strings.ContainsAny(name, " \t") {
				t.Fatalf("line %q", line)
			}
			frames[strings.ToLower(name)]++
		}
	}
	if frames["host"] != 1 || frames["content-length"] > 1 || frames["transfer-encoding"] > 0 || frames["trailer"] > 0 {
		t.Fatalf("framed as %v: %q", frames, lines)
	}
}
