package server_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"time"
)

// plainRequests are those that the server of our own is for.
func plainRequests() (rows []conversation) {
	for _, method := range []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"} {
		rows = append(rows,
			conversation{name: method, says: []string{request(method + " /a/b?c=d")}},
			conversation{name: method + " with a body", says: []string{request(method+" /", "Content-Length: 5") + "hello", get("/next")}},
		)
	}
	for _, target := range []string{"//x/y", "/a%2Fb%20c", "/?", "/a;b=c?d=%zz&e", "/\"<>\\^`{|}", "/a?b=/c?d", "/./../a//b/", "/%00%ff", "/:a@b:80/*"} {
		rows = append(rows, conversation{name: "target " + target, says: []string{get(target)}})
	}
	for _, fields := range []string{
		"a: 1\r\nA:2\r\nX: y\r\na:\t3 ", "Empty:\r\nBlank: \t ", "Cookie: a=b; c=\"d\"\r\ncookie: e", "!#$%&'*+-.^_`|~1: ok", "Utf: \xc3\xa4\xff\tx", "Pragma: no-cache",
		"Pragma: no-cache\r\nCache-Control: x", "Pragma: x, no-cache", "Connection: keep-alive", "Connection: close", "connection: CLOSE", "Content-Length: 0",
		"content-length:\t0 ", "User-Agent: x\r\nAccept: */*\r\nAccept-Encoding: gzip, br\r\nX-Forwarded-For: 192.0.2.1", "Content_Length: 5", "Proxy-Connection: close", "Keep-Alive: 1",
		"Authorization: Bearer x\r\nRange: bytes=0-1\r\nIf-None-Match: \"x\"", "X: " + strings.Repeat("y", 3000),
	} {
		rows = append(rows, conversation{name: fmt.Sprintf("fields %.40q", fields), says: []string{request("GET /", strings.Split(fields, "\r\n")...), get("/next")}})
	}
	for _, host := range []string{"x", "app.test:8080", "[::1]:80", "a_b.test", "1.2.3.4", "app.test.", "x:"} {
		rows = append(rows, conversation{name: "host " + host, says: []string{"GET / HTTP/1.1\r\nhost:" + host + "\r\n\r\n"}})
	}
	return append(rows, []conversation{
		{name: "three requests", says: []string{get("/1"), post("hello"), get("/3")}},
		{name: "three at once", says: []string{get("/1"), get("/2"), get("/3")}, pipelined: true},
		{name: "bodies at once", says: []string{post("hello"), post(strings.Repeat("x", 10_000)), post(""), get("/4")}, pipelined: true},
		{name: "40 at once", says: strings.SplitAfterN(strings.Repeat(get("/"), 40), "\r\n\r\n", 40), pipelined: true},
		{name: "nothing after close", says: []string{request("GET /1", "Connection: close"), get("/2")}, pipelined: true},
		{name: "line ends after a POST", says: []string{post("hello"), "\r\n" + get("/2"), get("/3")}},
		{name: "line ends after a POST, at once", says: []string{post("hello"), "\r\n\r\n" + get("/2"), get("/3")}, pipelined: true},
		{name: "more line ends after a POST", says: []string{post("hello"), "\n\r\n\n" + get("/2"), get("/3")}, pipelined: true},
		{name: "line ends after a POST, then foreign", says: []string{post("hello"), "\r\n" + "TRACE /2 HTTP/1.1\r\nHost: x\r\n\r\n", get("/3")}, standard: 2},
		{name: "half closed", says: []string{get("/1"), post("hello")}, pipelined: true, half: true},
		{name: "half closed in a head", says: []string{get("/1"), "GET /2 HTTP/1.1\r\nHost: x\r\n"}, pipelined: true, half: true},
		{name: "half closed in a body", says: []string{request("POST /", "Content-Length: 10") + "hello"}, half: true},
		{name: "only half closed", says: []string{""}, half: true},
		{name: "line end before a request", says: []string{"\r\n" + get("/1")}, standard: 1},
		{name: "line end before the next request", says: []string{get("/1"), "\r\n" + get("/2")}, standard: 2},
		{name: "contexts end", says: []string{get("/1"), post("hello"), get("/3")}, handler: tellOfContexts},
		{name: "files of forms", says: []string{aForm(), get("/2")}, handler: tellOfFormFiles},
	}...)
}

// tellOfContexts notes how the context of the request before has ended, and what was derived from
// it.
func tellOfContexts(_ http.ResponseWriter, r *http.Request, saw *notes) {
	for _, before := range saw.before {
		select { // some end a little after the next request has begun
		case <-before.(context.Context).Done():
		case <-time.After(firstRequestTimeout):
		}
		saw.add("now %v, before %v because of %v", r.Context().Err(), before.(context.Context).Err(), context.Cause(before.(context.Context)))
	}
	child, cancel := context.WithCancel(r.Context())
	later, tooLate := context.WithTimeoutCause(child, time.Hour, errBroken)
	value := context.WithValue(r.Context(), http.ServerContextKey, "x")
	after, ended := context.WithCancelCause(context.Background())
	context.AfterFunc(r.Context(), func() { ended(errBroken) })
	stop := context.AfterFunc(r.Context(), func() { saw.add("what was stopped was done") })
	saw.add("stopped %v, then %v", stop(), stop())
	saw.before = []any{r.Context(), child, later, value, after}
	_, _ = cancel, tooLate
}

func aForm() string {
	body := "--b\r\nContent-Disposition: form-data; name=\"f\"; filename=\"n\"\r\n\r\nhello\r\n--b--\r\n"
	return request("POST /", "Content-Type: multipart/form-data; boundary=b", fmt.Sprintf("Content-Length: %d", len(body))) + body
}

// tellOfFormFiles makes a form spill to a file, and looks for it at the next request.
func tellOfFormFiles(_ http.ResponseWriter, r *http.Request, saw *notes) {
	if len(saw.before) > 0 {
		_, err := os.Stat(saw.before[0].(string))
		saw.add("its file is gone: %v", os.IsNotExist(err))
		return
	}
	saw.err("form", r.ParseMultipartForm(0))
	f, _, err := r.FormFile("f")
	saw.err("file", err)
	if on, ok := f.(*os.File); ok {
		saw.add("spilled")
		saw.before = []any{on.Name()}
		saw.err("close", on.Close())
	}
}

// unread leaves the body to the server.
func unread(w http.ResponseWriter, _ *http.Request, _ *notes) { fmt.Fprint(w, "enough") }

// unreadFully does so while it may be read after the answer has begun.
func unreadFully(w http.ResponseWriter, r *http.Request, saw *notes) {
	saw.err("full duplex", http.NewResponseController(w).EnableFullDuplex())
	unread(w, r, saw)
}

// sent is a request with a body of n bytes.
func sent(n int, fields ...string) string {
	return request("POST /posted", append(fields, fmt.Sprintf("Content-Length: %d", n))...) + strings.Repeat("b", n)
}

// bodies are what handlers do with the bodies of requests, and what becomes of the rest.
func bodies() (rows []conversation) {
	const limit = 256 << 10 // of what is read in a handler's place
	for _, n := range []int{5, 5000, 100_000, limit - 1, limit, limit + 1, limit + 5000, 1 << 20} {
		rows = append(rows,
			conversation{name: fmt.Sprintf("unread %d", n), says: []string{sent(n), get("/2")}, handler: unread},
			conversation{name: fmt.Sprintf("unread %d, closing", n), says: []string{sent(n, "Connection: close")}, handler: unread},
			conversation{name: fmt.Sprintf("read %d", n), says: []string{sent(n), get("/2")}},
		)
		if n > limit { // with less, net/http's server may panic, and releases differ at the limit: see TestUnreadInFullDuplex
			rows = append(rows, conversation{name: fmt.Sprintf("unread %d, full duplex", n), says: []string{sent(n), get("/2")}, handler: unreadFully})
		}
	}
	for name, h := range bodyHandlers() {
		for _, n := range []int{5, 3000, 200_000, 300_000} {
			rows = append(rows, conversation{name: fmt.Sprintf("%s, %d", name, n), says: []string{sent(n), get("/2")}, handler: h})
		}
		rows = append(rows, conversation{name: name + ", none", says: []string{get("/1"), get("/2")}, handler: h})
	}
	cut := request("POST /", "Content-Length: 10") + "hello"
	return append(rows, []conversation{
		{name: "cut and unread", says: []string{cut}, half: true, handler: unread},
		{name: "cut before it began", says: []string{request("POST /", "Content-Length: 10")}, half: true},
		{name: "cut far from the end", says: []string{request("POST /", "Content-Length: 9999999999") + "hello"}, half: true},
		{name: "unread, then more at once", says: []string{sent(5000), get("/2"), sent(5), get("/4")}, handler: unread, pipelined: true},
		{name: "unread and large, then more at once", says: []string{sent(300_000), get("/2")}, handler: unread, pipelined: true},
		{name: "answered before it comes", says: []string{request("POST /", "Content-Length: 300000")}, handler: unread},
		{name: "an error for an answer", says: []string{sent(5), get("/2")}, handler: func(w http.ResponseWriter, _ *http.Request, _ *notes) {
			http.Error(w, "no", http.StatusUnauthorized)
		}},
	}...)
}

// bodyHandlers read bodies as nobody expects.
func bodyHandlers() map[string]func(http.ResponseWriter, *http.Request, *notes) {
	some := func(r *http.Request, saw *notes) {
		n, err := io.ReadFull(r.Body, make([]byte, 3))
		saw.add("%d bytes", n)
		saw.err("some", err)
	}
	all := func(r *http.Request, saw *notes) {
		b, err := io.ReadAll(r.Body)
		saw.add("%d bytes", len(b))
		saw.err("all", err)
	}
	return map[string]func(http.ResponseWriter, *http.Request, *notes){
		"read in part": func(w http.ResponseWriter, r *http.Request, saw *notes) { some(r, saw); unread(w, r, saw) },
		"read twice":   func(_ http.ResponseWriter, r *http.Request, saw *notes) { all(r, saw); all(r, saw) },
		"read after Write": func(w http.ResponseWriter, r *http.Request, saw *notes) {
			some(r, saw)
			unread(w, r, saw)
			all(r, saw)
		},
		"read after Flush": func(w http.ResponseWriter, r *http.Request, saw *notes) {
			some(r, saw)
			saw.err("flush", http.NewResponseController(w).Flush())
			all(r, saw)
			saw.err("close", r.Body.Close())
		},
		"read after a long Write": func(w http.ResponseWriter, r *http.Request, saw *notes) {
			fmt.Fprint(w, strings.Repeat("x", 5000))
			some(r, saw)
		},
		"read after Flush, full duplex": func(w http.ResponseWriter, r *http.Request, saw *notes) {
			saw.err("full duplex", http.NewResponseController(w).EnableFullDuplex())
			some(r, saw)
			saw.err("flush", http.NewResponseController(w).Flush())
			all(r, saw)
		},
		"closed": func(w http.ResponseWriter, r *http.Request, saw *notes) {
			saw.err("close", r.Body.Close())
			unread(w, r, saw)
		},
		"closed, then read": func(_ http.ResponseWriter, r *http.Request, saw *notes) {
			saw.err("close", r.Body.Close())
			all(r, saw)
		},
		"closed in part": func(_ http.ResponseWriter, r *http.Request, saw *notes) {
			some(r, saw)
			saw.err("close", r.Body.Close())
			all(r, saw)
		},
		"closed twice": func(_ http.ResponseWriter, r *http.Request, saw *notes) {
			saw.err("1", r.Body.Close())
			saw.err("2", r.Body.Close())
		},
		"closed at its end": func(_ http.ResponseWriter, r *http.Request, saw *notes) {
			all(r, saw)
			saw.err("close", r.Body.Close())
			all(r, saw)
		},
		"nothing read of it": func(_ http.ResponseWriter, r *http.Request, saw *notes) {
			n, err := r.Body.Read(nil)
			saw.add("%d %v", n, err)
		},
		"another in its place": func(w http.ResponseWriter, r *http.Request, saw *notes) {
			r.Body = io.NopCloser(strings.NewReader("mine"))
			echo(w, r, saw)
		},
		"none in its place": func(w http.ResponseWriter, r *http.Request, saw *notes) { r.Body = nil; unread(w, r, saw) },
		"request changed": func(w http.ResponseWriter, r *http.Request, saw *notes) {
			r.Header.Set("Connection", "close")
			r.Host, r.RequestURI, r.URL.Path = "y", "/y", "/z"
			unread(w, r, saw)
		},
		"length unknown now": func(w http.ResponseWriter, r *http.Request, saw *notes) {
			r.Body, r.ContentLength = io.NopCloser(r.Body), -1 // as one that uncompresses it does
			unread(w, r, saw)
		},
		"under a limit": func(w http.ResponseWriter, r *http.Request, saw *notes) {
			r.Body = http.MaxBytesReader(w, r.Body, 1<<20)
			all(r, saw)
			unread(w, r, saw)
		},
		"panic": func(_ http.ResponseWriter, r *http.Request, saw *notes) { some(r, saw); panic("half read") },
	}
}
