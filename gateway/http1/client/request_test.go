package client_test

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"sessiongate/gateway/http1/client"
)

// Both transports put the same bytes on the wire, but for the order of fields.
func TestRequestBytes(t *testing.T) {
	for name, change := range map[string]func(*http.Request){
		"plain":          func(*http.Request) {},
		"path and query": func(r *http.Request) { r.URL.Path, r.URL.RawQuery = "/a b/ä", "x=1&y=%20+" },
		"opaque": func(r *http.Request) {
			r.URL.Opaque, r.URL.RawQuery = "/a%2Fb/../c;d//e\xc3\xa4?", "q=\"<>"
		},
		"opaque with two slashes": func(r *http.Request) { r.URL.Opaque = "//x/y" },
		"empty query":             func(r *http.Request) { r.URL.Opaque, r.URL.ForceQuery = "/a", true },
		"star":                    func(r *http.Request) { r.Method, r.URL.Opaque = "OPTIONS", "*" },
		"host":                    func(r *http.Request) { r.Host = "App.Example:81" },
		"no user agent":           func(r *http.Request) { r.Header["User-Agent"] = []string{""} },
		"default user agent":      func(r *http.Request) { r.Header.Del("User-Agent") },
		"two user agents":         func(r *http.Request) { r.Header["User-Agent"] = []string{" a ", "b"} },
		"odd values":              func(r *http.Request) { r.Header["X"] = []string{" \tv \xff\t", "", "w"} },
		"odd name":                func(r *http.Request) { r.Header["x_y"] = []string{"1"} },
		"fields it says itself": func(r *http.Request) {
			r.Header["Host"], r.Header["Content-Length"], r.Header["Transfer-Encoding"], r.Header["Trailer"] = []string{"a"}, []string{"7"}, []string{"chunked"}, []string{"X"}
		},
		"POST without a body": func(r *http.Request) { r.Method = "POST" },
		"NoBody":              func(r *http.Request) { r.Method, r.Body = "PUT", http.NoBody },
		"custom method":       func(r *http.Request) { r.Method = "purge" },
		"body":                func(r *http.Request) { setBody(r, "hello") },
		"close":               func(r *http.Request) { r.Close = true },
	} {
		t.Run(name, func(t *testing.T) {
			seen := map[string][]string{}
			overBoth(t, 0, func(t *testing.T, rt http.RoundTripper, isLeg bool) {
				heads := make(chan string, 1)
				at := upstream(t, func(c *wire, _ int) {
					h := c.head()
					if strings.Contains(h, "Content-Length: 5") {
						b := make([]byte, 5)
						_, _ = io.ReadFull(c, b)
						h += string(b)
					}
					heads <- h
					c.say(hello)
					c.hangUp()
				})
				req, _ := http.NewRequest("GET", at, nil)
				req.Host = "upstream"
				change(req)
				if o := askFor(rt, req); o.failed() {
					t.Fatal(o.HeadErr, o.BodyErr)
				}
				lines := strings.Split(<-heads, "\r\n")
				slices.Sort(lines[2:])
				seen[t.Name()[strings.LastIndexByte(t.Name(), '/'):]] = lines
			})
			if !slices.Equal(seen["/fast"], seen["/standard"]) {
				t.Fatalf("fast     %q\nstandard %q", seen["/fast"], seen["/standard"])
			}
		})
	}
}

func setBody(r *http.Request, s string) {
	r.Method, r.Body, r.ContentLength = "POST", io.NopCloser(strings.NewReader(s)), int64(len(s))
}

// Nothing in a request can end a line early: not one byte is sent.
func TestInjection(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*http.Request)
		strict bool
	}{
		"CRLF in value":         {change: func(r *http.Request) { r.Header["X"] = []string{"a\r\nHost: evil"} }},
		"LF in value":           {change: func(r *http.Request) { r.Header["X"] = []string{"a\nb"} }},
		"CR in value":           {change: func(r *http.Request) { r.Header["X"] = []string{"a\rb"} }},
		"NUL in value":          {change: func(r *http.Request) { r.Header["X"] = []string{"a\x00b"} }},
		"CRLF in name":          {change: func(r *http.Request) { r.Header["X\r\nY"] = []string{"a"} }},
		"colon in name":         {change: func(r *http.Request) { r.Header["X:"] = []string{"a"} }},
		"empty name":            {change: func(r *http.Request) { r.Header[""] = []string{"a"} }},
		"space in method":       {change: func(r *http.Request) { r.Method = "GET /x" }},
		"CRLF in target":        {change: func(r *http.Request) { r.URL.Opaque = "/a\r\nX: y" }},
		"CRLF in query":         {change: func(r *http.Request) { r.URL.RawQuery = "a\r\nX: y" }},
		"space in target":       {change: func(r *http.Request) { r.URL.Opaque = "/a HTTP/1.1" }, strict: true},
		"second Host":           {change: func(r *http.Request) { r.Header["host"] = []string{"evil"} }, strict: true},
		"second framing":        {change: func(r *http.Request) { r.Header["transfer-encoding"] = []string{"chunked"} }, strict: true},
		"body without a length": {change: func(r *http.Request) { setBody(r, "x"); r.Header["content-length"] = []string{"0"} }, strict: true},
	} {
		t.Run(name, func(t *testing.T) {
			overBoth(t, 0, func(t *testing.T, rt http.RoundTripper, isLeg bool) {
				if c.strict && !isLeg {
					t.Skip("ours is stricter")
				}
				url, _ := serveAlways(t, hello)
				req, _ := http.NewRequest("GET", url, nil)
				c.change(req)
				if o := askFor(rt, req); o.HeadErr == nil {
					t.Fatal("accepted")
				}
			})
		})
	}
}

func TestRequestBodies(t *testing.T) {
	overBoth(t, 0, func(t *testing.T, rt http.RoundTripper, _ bool) {
		var conns atomic.Int32
		url := upstream(t, func(c *wire, _ int) {
			conns.Add(1)
			for c.head() != "" {
				n, _ := io.CopyN(io.Discard, c, 300_000)
				if n == 300_000 {
					c.say(hello)
				}
			}
		})
		for range 20 {
			if o := ask(rt, "POST", url, strings.NewReader(strings.Repeat("x", 300_000))); o.Body != "hello" {
				t.Fatal(o.HeadErr, o.BodyErr)
			}
		}
		// Not always one: the answer can be read before the goroutine that sent the body has said
		// that it is done.
		if n := conns.Load(); n > 10 {
			t.Fatalf("%d connections for 20 requests", n)
		}
	})
}

// An upstream may answer before it has read everything; its answer counts.
func TestEarlyAnswer(t *testing.T) {
	for name, after := range map[string]func(c *wire){
		"then closes": func(*wire) {},
		"then reads":  func(c *wire) { c.hangUp() },
	} {
		t.Run(name, func(t *testing.T) {
			url := upstream(t, func(c *wire, _ int) {
				c.head()
				c.say("HTTP/1.1 413 Too Large\r\nContent-Length: 3\r\n\r\nbig")
				after(c)
			})
			r, w := io.Pipe()
			defer w.Close()
			req, _ := http.NewRequest("POST", url, r)
			req.ContentLength = 1 << 20
			o := askFor(transports["fast"](t, nil, 0), req)
			if o.Code != 413 || o.Body != "big" || o.failed() {
				t.Fatal(o.Code, o.HeadErr, o.BodyErr)
			}
		})
	}
}

var errClient = errors.New("the client's fault")

// A body that is not what was said must not look to the upstream like a whole request.
func TestWrongRequestBodies(t *testing.T) {
	for name, c := range map[string]struct {
		body func() io.Reader
		is   error
	}{
		"short":            {body: func() io.Reader { return strings.NewReader("abc") }},
		"long":             {body: func() io.Reader { return strings.NewReader("abcdefgh") }},
		"fails":            {body: func() io.Reader { return io.MultiReader(strings.NewReader("abc"), failing{}) }, is: errClient},
		"fails at the end": {body: func() io.Reader { return io.MultiReader(strings.NewReader("abcde"), failing{}) }, is: errClient},
	} {
		t.Run(name, func(t *testing.T) {
			overBoth(t, 0, func(t *testing.T, rt http.RoundTripper, _ bool) {
				gone := make(chan bool)
				url := upstream(t, func(w *wire, _ int) { w.head(); w.hangUp(); close(gone) })
				req, _ := http.NewRequest("POST", url, nil)
				req.Body, req.ContentLength = io.NopCloser(c.body()), 5
				o := askFor(rt, req)
				if o.HeadErr == nil || c.is != nil && !errors.Is(o.HeadErr, c.is) {
					t.Fatal(o.HeadErr)
				}
				<-gone
			})
		})
	}
}

type failing struct{}

func (failing) Read([]byte) (int, error) { return 0, errClient }

// What our transport does not support goes to the fallback as it is.
func TestFallback(t *testing.T) {
	for name, change := range map[string]func(*http.Request){
		"https":           func(r *http.Request) { r.URL.Scheme = "https" },
		"CONNECT":         func(r *http.Request) { r.Method = "CONNECT" },
		"upgrade":         func(r *http.Request) { r.Header.Set("Upgrade", "websocket") },
		"connection":      func(r *http.Request) { r.Header.Set("Connection", "x") },
		"expect":          func(r *http.Request) { r.Header.Set("Expect", "100-continue") },
		"trailers":        func(r *http.Request) { r.Trailer = http.Header{"X": nil} },
		"unknown length":  func(r *http.Request) { r.Body, r.ContentLength = io.NopCloser(failing{}), -1 },
		"length 0 + body": func(r *http.Request) { r.Body = io.NopCloser(failing{}) },
		"length, no body": func(r *http.Request) { r.ContentLength = 3 },
		"encoding":        func(r *http.Request) { r.TransferEncoding = []string{"chunked"} },
		"IDN":             func(r *http.Request) { r.URL.Host = "bücher.example" },
		"zone":            func(r *http.Request) { r.URL.Host = "[fe80::1%25en0]:80" },
		"odd Host":        func(r *http.Request) { r.Host = "a b" },
		"no header":       func(r *http.Request) { r.Header = nil },
		"no URL":          func(r *http.Request) { r.URL = nil },
		"no host":         func(r *http.Request) { r.URL.Host = "" },
		"trace": func(r *http.Request) {
			*r = *r.WithContext(httptrace.WithClientTrace(r.Context(), &httptrace.ClientTrace{WroteHeaders: func() {}}))
		},
	} {
		t.Run(name, func(t *testing.T) {
			req := &http.Request{Method: "GET", URL: &url.URL{Scheme: "http", Host: "127.0.0.1:1", Path: "/"}, Header: http.Header{}}
			change(req)
			var got *http.Request
			tr, _ := client.New(client.Options{Fallback: roundTrip(func(r *http.Request) (*http.Response, error) {
				got = r
				return nil, errClient
			})})
			if _, err := tr.RoundTrip(req); !errors.Is(err, errClient) || got != req {
				t.Fatal(err, got)
			}
		})
	}
	if _, err := client.New(client.Options{}); err == nil {
		t.Fatal("made a transport without a fallback")
	}
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }
