package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// target is what one contender is asked.
type target struct {
	url     *url.URL
	headers []string // whole lines
	jars    []*jar   // connections take turns; none: no cookie
	body    int      // bytes every answer must have
}

// jar holds a browser's session cookie, which answers may replace. It is safe for concurrent use.
type jar struct{ request atomic.Pointer[[]byte] }

// head is the request as a page's fetch would send it.
func (t *target) head(cookie string) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "GET %s HTTP/1.1\r\nHost: %s\r\nUser-Agent: Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0\r\n"+
		"Accept: application/json\r\nAccept-Language: en\r\nAccept-Encoding: gzip, deflate\r\nSec-Fetch-Site: same-origin\r\n"+
		"Sec-Fetch-Mode: cors\r\nSec-Fetch-Dest: empty\r\n", t.url.RequestURI(), t.url.Host)
	for _, h := range t.headers {
		b.WriteString(h + "\r\n")
	}
	if cookie != "" {
		b.WriteString("Cookie: theme=dark; " + cookie + "\r\n")
	}
	b.WriteString("\r\n")
	return b.Bytes()
}

func (t *target) newJar(cookie string) *jar {
	j := new(jar)
	head := t.head(cookie)
	j.request.Store(&head)
	return j
}

// load says how hard to ask.
type load struct {
	conns  int
	length time.Duration
	rate   float64 // per second, of all connections together; 0: closed loop
}

// result is what came back. Latencies are in microseconds.
type result struct {
	histogram *hdrhistogram.Histogram
	requests  int64
	failed    int64
	firstFail string
	took      time.Duration
}

func newHistogram() *hdrhistogram.Histogram {
	return hdrhistogram.New(1, time.Minute.Microseconds(), 3)
}

// fire loads the target until the time is over or ctx ends.
func fire(ctx context.Context, t *target, l load) result {
	began := time.Now()
	parts := make([]result, l.conns)
	var all sync.WaitGroup
	for i := range parts {
		all.Go(func() { parts[i] = t.connection(ctx, l, i, began) })
	}
	all.Wait()
	sum := result{histogram: newHistogram(), took: time.Since(began)}
	for _, p := range parts {
		sum.histogram.Merge(p.histogram)
		sum.requests += p.requests
		sum.failed += p.failed
		if sum.firstFail == "" {
			sum.firstFail = p.firstFail
		}
	}
	return sum
}

// connection is one keep-alive connection's share of a load. After a failure it connects again.
func (t *target) connection(ctx context.Context, l load, i int, began time.Time) result {
	r := result{histogram: newHistogram()}
	plain := t.newJar("")
	j := plain
	if len(t.jars) > 0 {
		j = t.jars[i%len(t.jars)]
	}
	beat := newBeat(l, i, began)
	var c *client
	for end := began.Add(l.length); ; {
		due := beat.next(ctx)
		if !due.Before(end) || ctx.Err() != nil {
			break
		}
		err := t.askOnce(ctx, &c, j)
		if err != nil {
			r.fail(err)
			if c != nil {
				c.Close()
				c = nil
			}
			continue
		}
		r.requests++
		_ = r.histogram.RecordValue(max(1, min(time.Since(due), time.Minute).Microseconds()))
	}
	if c != nil {
		c.Close()
	}
	return r
}

func (r *result) fail(err error) {
	r.failed++
	if r.firstFail == "" {
		r.firstFail = err.Error()
	}
}

// beat says when each request of a connection is due.
type beat struct {
	at       time.Time
	interval time.Duration // 0: closed loop
}

func newBeat(l load, i int, began time.Time) *beat {
	if l.rate <= 0 {
		return &beat{}
	}
	interval := time.Duration(float64(l.conns) / l.rate * float64(time.Second))
	return &beat{began.Add(interval * time.Duration(i) / time.Duration(l.conns)), interval}
}

// next waits for the next due time and returns it. If that has passed, because the answer before was slow, it returns
// at once: what is measured from it is what a user who came then has waited.
func (b *beat) next(ctx context.Context) time.Time {
	if b.interval == 0 {
		return time.Now()
	}
	due := b.at
	b.at = b.at.Add(b.interval)
	if wait := time.Until(due); wait > 0 {
		timer := time.NewTimer(wait)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-ctx.Done():
		}
	}
	return due
}

// client is one raw connection.
type client struct {
	net.Conn
	in *bufio.Reader
}

func newClient(c net.Conn) *client { return &client{c, bufio.NewReaderSize(c, 16<<10)} }

func (t *target) askOnce(ctx context.Context, c **client, j *jar) error {
	if *c == nil {
		conn, err := (&net.Dialer{Timeout: 5 * time.Second}).DialContext(ctx, "tcp", t.url.Host)
		if err != nil {
			return err
		}
		*c = newClient(conn)
	}
	if err := (*c).SetDeadline(time.Now().Add(30 * time.Second)); err != nil {
		return err
	}
	if _, err := (*c).Write(*j.request.Load()); err != nil {
		return err
	}
	status, n, err := (*c).answer(func(cookie string) {
		head := t.head(cookie)
		j.request.Store(&head)
	})
	switch {
	case err != nil:
		return err
	case status != 200 || n != t.body:
		return fmt.Errorf("status %d with %d bytes, not 200 with %d", status, n, t.body)
	}
	return nil
}

var errAnswer = errors.New("not an answer")

// answer reads one response and returns its status and the size of its body. It understands what the contenders send,
// and no more.
func (c *client) answer(onCookie func(string)) (status, size int, err error) {
	line, err := c.in.ReadSlice('\n')
	if err != nil {
		return 0, 0, err
	}
	if len(line) < 12 || string(line[:7]) != "HTTP/1." {
		return 0, 0, errAnswer
	}
	if status, err = strconv.Atoi(string(line[9:12])); err != nil {
		return 0, 0, errAnswer
	}
	length, err := c.fields(onCookie)
	if err != nil {
		return status, 0, err
	}
	if length >= 0 {
		n, err := c.in.Discard(length)
		return status, n, err
	}
	size, err = c.chunks()
	return status, size, err
}

// fields reads the header; the length is -1 for a chunked body.
func (c *client) fields(onCookie func(string)) (length int, err error) {
	for {
		line, err := c.in.ReadSlice('\n')
		if err != nil {
			return 0, err
		}
		line = bytes.TrimSpace(line)
		if len(line) == 0 {
			return length, nil
		}
		switch line[0] | 0x20 {
		case 'c':
			if v, ok := field(line, "content-length:"); ok {
				if length, err = strconv.Atoi(v); err != nil {
					return 0, errAnswer
				}
			}
		case 't':
			if v, ok := field(line, "transfer-encoding:"); ok && v == "chunked" {
				length = -1
			}
		case 's':
			if v, ok := field(line, "set-cookie:"); ok && strings.HasPrefix(v, sessionCookie+"=") {
				value, _, _ := strings.Cut(v, ";")
				onCookie(value)
			}
		}
	}
}

const sessionCookie = "__Host-session"

func field(line []byte, name string) (string, bool) {
	if len(line) < len(name) || !bytes.EqualFold(line[:len(name)], []byte(name)) {
		return "", false
	}
	return string(bytes.TrimSpace(line[len(name):])), true
}

func (c *client) chunks() (size int, err error) {
	for {
		line, err := c.in.ReadSlice('\n')
		if err != nil {
			return size, err
		}
		n, err := strconv.ParseInt(string(bytes.TrimSpace(line)), 16, 32)
		if err != nil {
			return size, errAnswer
		}
		if _, err := io.CopyN(io.Discard, c.in, n+2); err != nil {
			return size, err
		}
		if n == 0 {
			return size, nil
		}
		size += int(n)
	}
}
