package redisstore

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"regexp"
	"strings"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"
)

const (
	// lastWordsTimeout is how long a broken connection is listened to.
	lastWordsTimeout = 100 * time.Millisecond
	// maxLastWords bounds what is kept of an error reply.
	maxLastWords = 256
)

// listening keeps what Redis said last, if that was an error. A server that
// turns a client away (protected mode, too many clients) says why and hangs up;
// the client is busy writing, and without this it would report "broken pipe".
// It is as safe for concurrent use as the connection.
type listening struct {
	net.Conn
	last *lastWords // of all connections

	said atomic.Pointer[string] // the last reply, if it was an error
}

// Read implements [net.Conn].
func (l *listening) Read(b []byte) (int, error) {
	n, err := l.Conn.Read(b)
	if n > 0 {
		l.hear(b[:n])
	}
	if err != nil && !isTimeout(err) {
		if alert := tlsAlert(err); alert != "" {
			l.last.note(alert)
		}
		err = l.parting(err)
	}
	return n, err
}

// Write implements [net.Conn].
func (l *listening) Write(b []byte) (int, error) {
	n, err := l.Conn.Write(b)
	if err == nil || isTimeout(err) {
		return n, err
	}
	if l.said.Load() == nil {
		l.hearLast()
	}
	return n, l.parting(err)
}

// hearLast reads what arrived before a write failed: nobody else will.
func (l *listening) hearLast() {
	buf := make([]byte, maxLastWords)
	_ = l.SetReadDeadline(time.Now().Add(lastWordsTimeout))
	n, err := l.Conn.Read(buf)
	if n > 0 {
		l.hear(buf[:n])
	}
	if alert := tlsAlert(err); alert != "" {
		l.said.Store(&alert)
		l.last.note(alert)
	}
}

func (l *listening) parting(err error) error {
	if said := l.said.Load(); said != nil {
		return &partingError{*said, err}
	}
	return err
}

// errorReply is an error of Redis (RESP2): a line that begins with a minus sign
// and a word in capitals.
var errorReply = regexp.MustCompile(`^-([A-Z]{2,}[ -~]*)\r\n`)

// hear notes an error reply, and forgets it when something else follows. NOSCRIPT
// and redirections are answers, and no reason to hang up.
func (l *listening) hear(b []byte) {
	if b[0] != '-' {
		if l.said.Load() != nil {
			l.said.Store(nil)
		}
		return
	}
	found := errorReply.FindSubmatch(b[:min(len(b), maxLastWords)])
	if found == nil {
		return
	}
	for _, usual := range []string{"NOSCRIPT", "MOVED", "ASK ", "TRYAGAIN"} {
		if bytes.HasPrefix(found[1], []byte(usual)) {
			return
		}
	}
	said := withoutArguments(string(found[1]))
	l.said.Store(&said)
	l.last.note(said)
}

// withoutArguments cuts what Redis repeats of a command that it does not know:
// where AUTH is renamed, that is a password.
func withoutArguments(text string) string {
	text, _, _ = strings.Cut(text, ", with args beginning with")
	return text
}

// tlsAlert is what a server's TLS says against us, such as a missing certificate.
func tlsAlert(err error) string {
	var op *net.OpError
	if errors.As(err, &op) && op.Op == "remote error" {
		return op.Err.Error()
	}
	return ""
}

func isTimeout(err error) bool {
	var t interface{ Timeout() bool }
	return errors.As(err, &t) && t.Timeout()
}

// partingError is the end of a connection together with what the server said
// before.
type partingError struct {
	said string
	err  error
}

// Error implements error.
func (e *partingError) Error() string {
	if errors.Is(e.err, io.EOF) {
		return fmt.Sprintf("Redis said %q and hung up", e.said)
	}
	return fmt.Sprintf("Redis said %q and hung up (%v)", e.said, e.err)
}

// Unwrap returns the end of the connection, by which go-redis decides whether to
// try again. A list, because go-redis takes one wrapping off what happens while it
// sets a connection up, and that would be this one.
func (e *partingError) Unwrap() []error { return []error{e.err} }

// lastWords is the last error that a server said on any connection. go-redis tries
// again what may pass, at several levels, and may be at it when the time of an
// operation is up: then this is why. It is a hook of go-redis, and safe for
// concurrent use.
type lastWords struct {
	p atomic.Pointer[words]
}

type words struct {
	said string
	at   time.Time
}

func (w *lastWords) note(said string) { w.p.Store(&words{said, time.Now()}) }

// explain adds to the end of an operation's time what was said since it began.
func (w *lastWords) explain(err error, began time.Time) error {
	if !errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	if last := w.p.Load(); last != nil && !last.at.Before(began) {
		return fmt.Errorf("%w; Redis said %q", err, last.said)
	}
	return err
}

// DialHook implements [redis.Hook].
func (w *lastWords) DialHook(next redis.DialHook) redis.DialHook { return next }

// ProcessHook implements [redis.Hook].
func (w *lastWords) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		began := time.Now()
		return w.explain(next(ctx, cmd), began)
	}
}

// ProcessPipelineHook implements [redis.Hook].
func (w *lastWords) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		began := time.Now()
		err := next(ctx, cmds)
		if err == nil {
			return nil
		}
		for _, cmd := range cmds {
			if err := cmd.Err(); err != nil {
				cmd.SetErr(w.explain(err, began))
			}
		}
		return w.explain(err, began)
	}
}

// plainly is an error of go-redis in words for an operator.
type plainly struct{ error }

// Error implements error. A command with many arguments is not even read from a
// client that has not signed in, and the answer to that names no password.
func (e plainly) Error() string {
	text := withoutArguments(e.error.Error())
	if strings.Contains(text, "unauthenticated") {
		text = "NOAUTH Authentication required (" + text + ")"
	}
	return text
}

// Unwrap returns the error itself.
func (e plainly) Unwrap() error { return e.error }
