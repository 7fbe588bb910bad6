package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

// streamsPerConn is how many requests an HTTP/2 connection of the load has under way: what a page
// asks for at once.
const streamsPerConn = 8

// answerLimit bounds the wait for an answer.
const answerLimit = 30 * time.Second

// h2conn is a client's connection of HTTP/2 (RFC 9113). Like client it knows what the contenders
// send, and little else: its answers are small enough for the windows that it opens, and its
// requests have no bodies. Streams are safe for concurrent use.
type h2conn struct {
	net.Conn
	in  *http2.Framer // read by one goroutine alone
	jar *jar

	mu      sync.Mutex // guards what follows, and writes
	out     *http2.Framer
	fields  *hpack.Encoder
	block   bytes.Buffer // what fields writes to
	next    uint32       // number of the next stream
	streams map[uint32]*h2stream
	used    uint32 // of the connection's window, since it was opened last
	err     error  // why no stream can begin any more
}

// h2stream is what an answer has brought so far.
type h2stream struct {
	status, size int
	text         []byte // how the answer begins, unless it is 200
	done         chan error
}

// dialH2 opens a connection. The session of its requests is that of the jar: a connection is one
// browser's.
func dialH2(ctx context.Context, t *target, j *jar) (*h2conn, error) {
	conn, err := t.dial(ctx)
	if err != nil {
		return nil, err
	}
	if tc, ok := conn.(*tls.Conn); !ok || tc.ConnectionState().NegotiatedProtocol != http2.NextProtoTLS {
		conn.Close()
		return nil, errors.New("the contender does not speak HTTP/2")
	}
	c := &h2conn{Conn: conn, jar: j, in: http2.NewFramer(nil, conn), out: http2.NewFramer(conn, nil), next: 1, streams: map[uint32]*h2stream{}}
	c.in.ReadMetaHeaders = hpack.NewDecoder(4096, nil)
	c.in.SetReuseFrames()
	c.fields = hpack.NewEncoder(&c.block)
	if err := c.greet(); err != nil {
		conn.Close()
		return nil, err
	}
	go c.read()
	return c, nil
}

// greet sends the preface, with windows that no load fills before read opens them again.
func (c *h2conn) greet() error {
	if _, err := c.Write([]byte(http2.ClientPreface)); err != nil {
		return err
	}
	settings := []http2.Setting{{ID: http2.SettingEnablePush, Val: 0}, {ID: http2.SettingInitialWindowSize, Val: 16 << 20}}
	if err := c.out.WriteSettings(settings...); err != nil {
		return err
	}
	return c.out.WriteWindowUpdate(0, 1<<30)
}

// ask sends one request and waits for its answer.
func (c *h2conn) ask(t *target) error {
	s := &h2stream{done: make(chan error, 1)}
	if err := c.begin(t, s); err != nil {
		return err
	}
	if err := <-s.done; err != nil { // read ends every stream when the connection ends
		return err
	}
	if s.status != http.StatusOK || s.size != t.body {
		return &statusError{s.status, s.size, t.body, string(s.text)}
	}
	return nil
}

// begin writes a request's head on the next stream.
func (c *h2conn) begin(t *target, s *h2stream) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err != nil {
		return c.err
	}
	c.block.Reset()
	for _, f := range t.fields(c.jar.cookie()) {
		if err := c.fields.WriteField(f); err != nil {
			return err
		}
	}
	id := c.next
	c.next += 2
	c.streams[id] = s
	_ = c.SetDeadline(time.Now().Add(answerLimit)) // of a connection that is open
	return c.out.WriteHeaders(http2.HeadersFrameParam{StreamID: id, BlockFragment: c.block.Bytes(), EndStream: true, EndHeaders: true})
}

// read takes what the contender sends until the connection ends.
func (c *h2conn) read() {
	defer c.Close()
	var err error
	for err == nil {
		var f http2.Frame
		if f, err = c.in.ReadFrame(); err == nil {
			err = c.take(f)
		}
		if c.over() {
			break
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err == nil {
		c.err = err
	}
	for id, s := range c.streams {
		delete(c.streams, id)
		s.done <- err
	}
}

func (c *h2conn) take(f http2.Frame) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	s := c.streams[f.Header().StreamID]
	switch f := f.(type) {
	case *http2.SettingsFrame:
		if !f.IsAck() {
			return c.out.WriteSettingsAck()
		}
	case *http2.PingFrame:
		if !f.IsAck() {
			return c.out.WritePing(true, f.Data)
		}
	case *http2.GoAwayFrame:
		c.err = fmt.Errorf("the contender ends the connection: %v", f.ErrCode)
		for id := range c.streams {
			if id > f.LastStreamID {
				c.end(id, c.err)
			}
		}
	case *http2.RSTStreamFrame:
		c.end(f.StreamID, fmt.Errorf("the contender ends the stream: %v", f.ErrCode))
	case *http2.MetaHeadersFrame:
		if s != nil {
			c.head(s, f)
		}
		if f.StreamEnded() {
			c.end(f.StreamID, nil)
		}
	case *http2.DataFrame:
		return c.data(s, f)
	}
	return nil
}

// head reads the fields of an answer, or its trailers.
func (c *h2conn) head(s *h2stream, f *http2.MetaHeadersFrame) {
	for _, field := range f.Fields {
		switch field.Name {
		case ":status":
			s.status, _ = strconv.Atoi(field.Value) // 0 is no status either
		case "set-cookie":
			if strings.HasPrefix(field.Value, sessionCookie+"=") {
				value, _, _ := strings.Cut(field.Value, ";")
				c.jar.value.Store(&value)
			}
		}
	}
}

// data counts a piece of a body, and opens the connection's window again by as much.
func (c *h2conn) data(s *h2stream, f *http2.DataFrame) error {
	if s != nil {
		s.size += len(f.Data())
		if s.status != http.StatusOK {
			s.text = append(s.text, f.Data()[:min(len(f.Data()), 500)]...)
		}
	}
	if f.StreamEnded() {
		c.end(f.StreamID, nil)
	}
	return c.credit(f.Length)
}

// credit gives the window back in large parts: one write for thousands of answers.
func (c *h2conn) credit(n uint32) error {
	const part = 1 << 20
	if c.used += n; c.used < part {
		return nil
	}
	n, c.used = c.used, 0
	return c.out.WriteWindowUpdate(0, n)
}

// open reports whether a stream can begin.
func (c *h2conn) open() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.err == nil
}

// idle reports whether no answer is waited for.
func (c *h2conn) idle() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.streams) == 0
}

// over reports whether the contender has said goodbye and has answered what came before.
func (c *h2conn) over() bool { return !c.open() && c.idle() }

func (c *h2conn) end(id uint32, err error) {
	if s := c.streams[id]; s != nil {
		delete(c.streams, id)
		s.done <- err
	}
}
