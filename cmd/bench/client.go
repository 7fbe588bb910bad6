package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// client is one raw connection.
type client struct {
	net.Conn
	in   *bufio.Reader
	text string // of the last answer that was not 200, its beginning
}

func newClient(c net.Conn) *client { return &client{Conn: c, in: bufio.NewReaderSize(c, 16<<10)} }

// hangUp closes the connection, if there is one.
func (c *client) hangUp() {
	if c != nil {
		c.Close()
	}
}

// statusError is an answer, but not the right one.
type statusError struct {
	status, size, want int
	text               string // how the answer begins
}

// Error implements error.
func (e *statusError) Error() string {
	return fmt.Sprintf("status %d with %d bytes, not 200 with %d: %.250q", e.status, e.size, e.want, e.text)
}

// send writes a request, or a part of one, on a connection that is opened if need be.
func (t *target) send(ctx context.Context, c **client, request []byte) error {
	if *c == nil {
		conn, err := t.dial(ctx)
		if err != nil {
			return err
		}
		*c = newClient(conn)
	}
	if err := (*c).SetDeadline(time.Now().Add(answerLimit)); err != nil {
		return err
	}
	_, err := (*c).Write(request)
	return err
}

// dial opens a connection to the target, with TLS if it has it.
func (t *target) dial(ctx context.Context) (net.Conn, error) {
	dialer := &net.Dialer{Timeout: 5 * time.Second}
	if t.tls == nil {
		return dialer.DialContext(ctx, "tcp", t.url.Host)
	}
	config := t.tls.Clone()
	config.NextProtos = []string{"http/1.1"}
	if t.h2 {
		config.NextProtos = []string{"h2"}
	}
	return (&tls.Dialer{NetDialer: dialer, Config: config}).DialContext(ctx, "tcp", t.url.Host)
}

func (t *target) askOnce(ctx context.Context, c **client, j *jar) error {
	if err := t.send(ctx, c, *j.request.Load()); err != nil {
		return err
	}
	status, n, err := (*c).answer(func(cookie string) { t.refill(j, cookie) })
	switch {
	case err != nil:
		return err
	case status != http.StatusOK || n != t.body:
		return &statusError{status, n, t.body, (*c).text}
	}
	return nil
}

var errVanished = errors.New("the client went away")

// vanish is a client that goes away: inside its request, before the answer, or inside the answer.
// Half of them do so without a goodbye. The caller closes the connection.
func (t *target) vanish(ctx context.Context, c **client, j *jar) error {
	request := *j.request.Load()
	way := rand.IntN(3) //nolint:gosec // chance, not a secret
	if way == 0 {
		request = request[:rand.IntN(len(request))] //nolint:gosec // the same
	}
	if err := t.send(ctx, c, request); err != nil {
		return err
	}
	if way == 2 {
		_, _ = (*c).in.ReadByte()
	}
	if tcp, ok := (*c).Conn.(*net.TCPConn); ok && rand.IntN(2) == 0 { //nolint:gosec // the same
		_ = tcp.SetLinger(0)
	}
	return errVanished
}

var errAnswer = errors.New("not an answer")

// answer reads one response and returns its status and the size of its body. It understands what
// the contenders send, and no more.
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
	if status != http.StatusOK {
		text, _ := c.in.Peek(min(max(0, length), 500)) // what is there is enough
		c.text = string(text)
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
