package server_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httputil"
	"runtime"
	"strings"
	"time"
)

// controls use what a ResponseWriter can do besides.
func controls() []conversation {
	over := time.Unix(1, 0)
	return []conversation{
		{name: "controls", says: []string{post("hello"), get("/2")}, handler: func(w http.ResponseWriter, r *http.Request, saw *notes) {
			c := http.NewResponseController(w)
			saw.err("read deadline", c.SetReadDeadline(time.Now().Add(time.Hour)))
			saw.err("write deadline", c.SetWriteDeadline(time.Now().Add(time.Hour)))
			saw.err("full duplex", c.EnableFullDuplex())
			echo(w, r, saw)
			saw.err("flush", c.Flush())
			saw.err("no read deadline", c.SetReadDeadline(time.Time{}))
			saw.err("no write deadline", c.SetWriteDeadline(time.Time{}))
		}},
		{name: "abilities", says: []string{get("/1")}, handler: func(w http.ResponseWriter, _ *http.Request, saw *notes) {
			_, flusher := w.(http.Flusher)
			_, reader := w.(io.ReaderFrom)
			_, text := w.(io.StringWriter)
			_, pusher := w.(http.Pusher)
			saw.add("Flush %v, ReadFrom %v, WriteString %v, Push %v", flusher, reader, text, pusher)
		}},
		{name: "read deadline over", says: []string{request("POST /", "Content-Length: 5")}, handler: func(w http.ResponseWriter, r *http.Request, saw *notes) {
			saw.err("deadline", http.NewResponseController(w).SetReadDeadline(over))
			echo(w, r, saw)
		}},
		{name: "read deadline soon", says: []string{request("POST /", "Content-Length: 10") + "hello"}, handler: func(w http.ResponseWriter, r *http.Request, saw *notes) {
			saw.err("deadline", http.NewResponseController(w).SetReadDeadline(time.Now().Add(20*time.Millisecond)))
			echo(w, r, saw)
		}},
		{name: "read deadline over, unread", says: []string{request("POST /", "Content-Length: 5")}, handler: func(w http.ResponseWriter, r *http.Request, saw *notes) {
			saw.err("deadline", http.NewResponseController(w).SetReadDeadline(over))
			unread(w, r, saw)
		}},
		{name: "read deadline over, no body", says: []string{get("/1"), get("/2"), post("hello")}, handler: func(w http.ResponseWriter, r *http.Request, saw *notes) {
			if r.Method == http.MethodGet {
				saw.err("deadline", http.NewResponseController(w).SetReadDeadline(time.Now().Add(time.Hour)))
			}
			echo(w, r, saw)
		}},
		{name: "write deadline over", says: []string{get("/1")}, handler: func(w http.ResponseWriter, r *http.Request, saw *notes) {
			saw.err("deadline", http.NewResponseController(w).SetWriteDeadline(over))
			flushed("hello")(w, r, saw)
		}},
		{name: "write deadline over, unflushed", says: []string{get("/1")}, handler: func(w http.ResponseWriter, r *http.Request, saw *notes) {
			saw.err("deadline", http.NewResponseController(w).SetWriteDeadline(over))
			write("hello")(w, r, saw)
		}},
		{name: "write deadline over, long", says: []string{get("/1")}, handler: func(w http.ResponseWriter, _ *http.Request, saw *notes) {
			saw.err("deadline", http.NewResponseController(w).SetWriteDeadline(over))
			_, err := io.Copy(w, io.LimitReader(neverending{}, 1<<20))
			saw.add("timeout %v", isTimeout(err))
		}},
		{name: "write deadline over, lifted", says: []string{get("/1"), get("/2")}, handler: func(w http.ResponseWriter, r *http.Request, saw *notes) {
			saw.err("deadline", http.NewResponseController(w).SetWriteDeadline(over))
			saw.err("lifted", http.NewResponseController(w).SetWriteDeadline(time.Time{}))
			flushed("hello")(w, r, saw)
		}},
		{name: "late answers", says: []string{get("/1"), post("hello"), get("/3")}, pipelined: true, handler: late250(echo)},
		{name: "late panic", says: []string{get("/1"), get("/2")}, handler: late250(func(http.ResponseWriter, *http.Request, *notes) { panic("late") })},
		{name: "late abort", says: []string{get("/1"), get("/2")}, pipelined: true, handler: late250(func(http.ResponseWriter, *http.Request, *notes) { panic(http.ErrAbortHandler) })},
		{name: "late goexit", says: []string{post("hello"), get("/2")}, handler: late250(func(http.ResponseWriter, *http.Request, *notes) { runtime.Goexit() })},
		{name: "late, with deadlines", says: []string{get("/1"), get("/2")}, handler: late250(func(w http.ResponseWriter, r *http.Request, saw *notes) {
			saw.err("read deadline", http.NewResponseController(w).SetReadDeadline(time.Now().Add(time.Hour)))
			saw.err("write deadline", http.NewResponseController(w).SetWriteDeadline(time.Now().Add(time.Hour)))
			echo(w, r, saw)
		})},
		{name: "goexit", says: []string{get("/1"), get("/2")}, handler: func(http.ResponseWriter, *http.Request, *notes) { runtime.Goexit() }},
		{name: "goexit after Flush", says: []string{get("/1"), get("/2")}, handler: func(w http.ResponseWriter, r *http.Request, saw *notes) {
			flushed("hello")(w, r, saw)
			runtime.Goexit()
		}},
		{name: "a write beside the reading", says: []string{sent(100_000), get("/2")}, handler: func(w http.ResponseWriter, r *http.Request, saw *notes) {
			saw.err("full duplex", http.NewResponseController(w).EnableFullDuplex())
			_, err := io.Copy(w, r.Body)
			saw.err("copy", err)
		}},
	}
}

// late250 answers when the client's end is looked for.
func late250(h reply) reply {
	return func(w http.ResponseWriter, r *http.Request, saw *notes) {
		<-time.After(250 * time.Millisecond)
		saw.add("still there: %v", r.Context().Err() == nil)
		h(w, r, saw)
	}
}

type neverending struct{}

func (neverending) Read(p []byte) (int, error) { clear(p); return len(p), nil }

// standards are handlers that come with net/http.
func standards() (rows []conversation) {
	content := strings.Repeat("content ", 2000)
	for name, h := range map[string]http.Handler{
		"NotFound": http.NotFoundHandler(), "Redirect": http.RedirectHandler("/x?y", http.StatusFound), "Error": http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "1000")
			http.Error(w, "sorry", http.StatusTeapot)
		}),
		"ServeContent": http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Etag", `"x"`)
			http.ServeContent(w, r, "a.txt", time.Unix(1e9, 0), strings.NewReader(content))
		}),
		"TimeoutHandler": http.TimeoutHandler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, content) }), time.Minute, "late"),
		"timeout":        http.TimeoutHandler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }), time.Millisecond, "late"),
		"ServeMux":       mux(), "MaxBytesHandler": http.MaxBytesHandler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "x") }), 10),
		"ReverseProxy": &httputil.ReverseProxy{Rewrite: func(*httputil.ProxyRequest) {}, Transport: upstream{}},
	} {
		serve := func(w http.ResponseWriter, r *http.Request, _ *notes) { h.ServeHTTP(w, r) }
		rows = append(rows, conversation{name: name, handler: serve, says: []string{
			get("/a/../b"), request("HEAD /"), request("GET /", "Range: bytes=5-20"), request("GET /", "If-None-Match: \"x\""),
			request("GET /", "If-Modified-Since: Sun, 09 Sep 2001 01:46:40 GMT"), request("GET /", "Range: bytes=99999-"), post("hello"), request("OPTIONS /"), request("PUT /thing/7"),
		}})
	}
	return rows
}

func mux() *http.ServeMux {
	m := http.NewServeMux()
	m.HandleFunc("PUT /thing/{id}", func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, r.Pattern, r.PathValue("id")) })
	m.HandleFunc("GET /{$}", func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, r.Pattern) })
	return m
}

// upstream answers with a body of unknown length and a trailer.
type upstream struct{}

func (upstream) RoundTrip(r *http.Request) (*http.Response, error) {
	return &http.Response{
		StatusCode: 200, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Request: r, ContentLength: -1, Header: http.Header{"Via": {"x"}, "Content-Type": {"a/b"}},
		Trailer: http.Header{"Sum": {"7"}}, Body: io.NopCloser(strings.NewReader("proxied " + r.Method)),
	}, nil
}
