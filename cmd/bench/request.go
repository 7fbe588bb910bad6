package main

import (
	"bytes"
	"crypto/tls"
	"fmt"
	"math/rand/v2"
	"net/url"
	"strings"
	"sync/atomic"

	"golang.org/x/net/http2/hpack"
)

// target is what one contender is asked.
type target struct {
	url     *url.URL
	headers []string // whole lines
	body    int      // bytes every answer must have
	browser bool     // send what Chromium sends

	tls *tls.Config // nil: plain HTTP
	h2  bool        // HTTP/2, which takes TLS

	jars   []*jar // sessions; none, and no crowd: no cookie
	spread bool   // each request takes the next of the jars; otherwise each connection keeps one
	crowd  *crowd // sessions by the million, in the place of jars
}

// jar holds a browser's session cookie, which answers may replace, and the request of HTTP/1.1 that
// carries it. It is safe for concurrent use.
type jar struct {
	value   atomic.Pointer[string]
	request atomic.Pointer[[]byte]
}

// cookie is name and value, or nothing.
func (j *jar) cookie() string { return *j.value.Load() }

// chromium is what Chromium 142 sends with a page's fetch besides Host and Cookie.
const chromium = "Connection: keep-alive\r\nsec-ch-ua-platform: \"Linux\"\r\nUser-Agent: " + userAgent + "\r\n" +
	"sec-ch-ua: \"Chromium\";v=\"142\", \"Not_A Brand\";v=\"99\"\r\nsec-ch-ua-mobile: ?0\r\nAccept: */*\r\n" +
	"Sec-Fetch-Site: same-origin\r\nSec-Fetch-Mode: cors\r\nSec-Fetch-Dest: empty\r\n" +
	"Referer: http://localhost/orders\r\nAccept-Encoding: gzip, deflate, br, zstd\r\nAccept-Language: en-US,en;q=0.9\r\n"

const userAgent = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36"

// head is one request. Without --browser it is as short as a client's that nobody dressed up (wrk,
// ab, hey): headers cost every contender something, and the more of them there are, the less the
// rest shows.
func (t *target) head(cookie string) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "GET %s HTTP/1.1\r\nHost: %s\r\n", t.url.RequestURI(), t.url.Host)
	if t.browser {
		b.WriteString(chromium)
	}
	for _, h := range t.headers {
		b.WriteString(h + "\r\n")
	}
	switch {
	case cookie != "" && t.browser:
		b.WriteString("Cookie: theme=dark; " + cookie + "\r\n")
	case cookie != "":
		b.WriteString("Cookie: " + cookie + "\r\n")
	}
	b.WriteString("\r\n")
	return b.Bytes()
}

func (t *target) newJar(cookie string) *jar {
	j := new(jar)
	t.refill(j, cookie)
	return j
}

// refill replaces the cookie in a jar.
func (t *target) refill(j *jar, cookie string) {
	head := t.head(cookie)
	j.value.Store(&cookie)
	j.request.Store(&head)
}

// fields is the head of a request as HTTP/2 has it.
func (t *target) fields(cookie string) []hpack.HeaderField {
	list := []hpack.HeaderField{
		{Name: ":method", Value: "GET"},
		{Name: ":scheme", Value: t.url.Scheme},
		{Name: ":authority", Value: t.url.Host},
		{Name: ":path", Value: t.url.RequestURI()},
	}
	lines := t.headers
	if t.browser {
		lines = append(strings.Split(strings.TrimSuffix(chromium, "\r\n"), "\r\n")[1:], lines...) // without Connection
	}
	for _, line := range lines {
		name, value, _ := strings.Cut(line, ":")
		list = append(list, hpack.HeaderField{Name: strings.ToLower(name), Value: strings.TrimSpace(value)})
	}
	if cookie != "" {
		list = append(list, hpack.HeaderField{Name: "cookie", Value: cookie})
	}
	return list
}

// picker returns what gives connection i the jar of its next request.
func (t *target) picker(conns, i int) func() *jar {
	switch {
	case t.crowd != nil:
		return t.crowd.picker(t, conns, i)
	case len(t.jars) == 0:
		plain := t.newJar("")
		return func() *jar { return plain }
	case !t.spread:
		return func() *jar { return t.jars[i%len(t.jars)] }
	}
	at := i - conns
	return func() *jar {
		at += conns
		return t.jars[at%len(t.jars)]
	}
}

// crowd is the cookies of very many sessions end to end: a million jars would keep the collector of
// this process busy while it measures.
type crowd struct {
	cookies []byte
	width   int // of each, all are of the same length
}

func (c *crowd) len() int { return len(c.cookies) / max(1, c.width) }

// first is a crowd of the first n.
func (c *crowd) first(n int) *crowd { return &crowd{c.cookies[:n*c.width], c.width} }

// picker gives a connection one jar of its own, whose request carries another session each time, at
// random. If there are no more sessions than connections each keeps one: requests of one session
// that come together may share a round trip to Redis, and would look cheaper.
func (c *crowd) picker(t *target, conns, i int) func() *jar {
	j := t.newJar(string(c.at(i % c.len())))
	if c.len() <= conns {
		return func() *jar { return j }
	}
	request := *j.request.Load()
	place := bytes.Index(request, c.at(i%c.len()))
	pick := rand.New(rand.NewPCG(rand.Uint64(), uint64(i))) //nolint:gosec // an order, not a secret; another one each time, as caches remember the last
	return func() *jar {
		copy(request[place:], c.at(pick.IntN(c.len())))
		return j
	}
}

func (c *crowd) at(i int) []byte { return c.cookies[i*c.width : (i+1)*c.width] }
