package server

import (
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"
)

// response is the http.ResponseWriter of one request, for one goroutine at a time, as net/http's.
// SetReadDeadline and SetWriteDeadline are safe for concurrent use.
//
// A handler that says how long its answer is has the head sent off at once, into the buffer.
// Otherwise the head waits for the body: one that is over soon gets its length, any other is
// chunked (RFC 9112 §7.1).
type response struct {
	bodyFraming
	conn    *conn
	request *request
	req     *http.Request
	header  http.Header // the handler's
	hasBody bool        // the request has a body; handlers may change what their request says

	written    int64       // bytes of the body, by the handler's count
	waiting    http.Header // the head, as it was at WriteHeader; nil: it is written
	pending    []byte      // of the body, while the head waits
	fullDuplex bool
	broken     error // what went wrong in writing
}

// maxPending is how much of a body is held back to learn its length, and to look at its type. It is
// net/http's.
const maxPending = 2048

// Header implements http.ResponseWriter.
func (w *response) Header() http.Header { return w.header }

// WriteHeader implements http.ResponseWriter. Informational heads (RFC 9110 §15.2) are sent at
// once, and any number of them.
func (w *response) WriteHeader(status int) {
	switch {
	case w.status != 0:
		w.conn.server.logf("superfluous WriteHeader(%d) after %d", status, w.status)
		return
	case status < 100 || status > 999:
		panic(fmt.Sprintf("invalid WriteHeader code %d", status)) // as net/http: nothing sensible could be sent
	case status < 200 && status != http.StatusSwitchingProtocols:
		w.writeInterim(status)
		return
	}
	w.status = status
	invalid := w.takeLength(w.header)
	if w.decided() {
		w.writeHead(w.header, nil)
	} else {
		w.waiting = w.header.Clone()
	}
	if invalid {
		w.conn.server.logf("invalid Content-Length of a response: %q", w.header["Content-Length"][0])
		delete(w.header, "Content-Length")
	}
}

// ensureStatus is for handlers that say none.
func (w *response) ensureStatus() {
	if w.status == 0 {
		w.WriteHeader(http.StatusOK)
	}
}

// decided reports whether the head does not depend on the body, nor on what the handler leaves of
// the request's.
func (w *response) decided() bool {
	if w.hasBody && !w.fullDuplex {
		return false
	}
	if !bodyAllowed(w.status) {
		return true
	}
	return w.length == 0 || w.length > 0 && !w.sniffs(w.header)
}

// writeInterim sends an informational head.
func (w *response) writeInterim(status int) {
	out := &w.conn.out
	out.buf = appendStatus(out.buf, status)
	out.appendFields(w.header, omitFraming)
	out.buf = append(out.buf, crlf...)
	w.note(out.write(nil))
}

// Write implements io.Writer.
func (w *response) Write(p []byte) (int, error) {
	w.ensureStatus()
	switch {
	case len(p) == 0:
		return 0, nil
	case !bodyAllowed(w.status):
		return 0, http.ErrBodyNotAllowed
	}
	w.written += int64(len(p))
	if w.length >= 0 && w.written > w.length {
		return 0, http.ErrContentLength
	}
	if w.waiting != nil {
		if len(w.pending)+len(p) <= maxPending {
			w.pending = append(w.pending, p...)
			return len(p), nil
		}
		w.settle(p)
	}
	if err := w.send(p); err != nil {
		return 0, err
	}
	return len(p), nil
}

// WriteString implements io.StringWriter.
func (w *response) WriteString(s string) (int, error) { return w.Write([]byte(s)) }

// settle writes the head that waits, and the body that waits with it. next is what comes after
// that.
func (w *response) settle(next []byte) {
	h, p := w.waiting, w.pending
	if h == nil {
		return
	}
	w.waiting, w.pending = nil, nil
	sample := p
	if len(p) < maxSniffed {
		sample = append(p, next[:min(len(next), maxSniffed-len(p))]...)
	}
	w.writeHead(h, sample)
	_ = w.send(p) // an error stays in broken
}

// maxSniffed is how much of a body http.DetectContentType looks at.
const maxSniffed = 512

// send sends a piece of the body, or gathers it.
func (w *response) send(p []byte) error {
	if w.bodyless || len(p) == 0 || w.broken != nil {
		return w.broken
	}
	out := &w.conn.out
	if w.chunked {
		out.buf = strconv.AppendUint(out.buf, uint64(len(p)), 16)
		out.buf = append(out.buf, crlf...)
	}
	if len(out.buf)+len(p) <= bufferSize {
		out.buf = append(out.buf, p...)
	} else {
		w.note(out.write(p))
	}
	if w.chunked {
		out.buf = append(out.buf, crlf...)
	}
	return w.broken
}

// note remembers that the client cannot be reached. The request is for nobody then.
func (w *response) note(err error) {
	if err != nil && w.broken == nil {
		w.broken = err
		w.request.context.cancel()
	}
}

// FlushError sends what was gathered.
func (w *response) FlushError() error {
	w.ensureStatus()
	w.settle(nil)
	if w.broken == nil {
		w.note(w.conn.out.write(nil))
	}
	return w.broken
}

// Flush implements http.Flusher.
func (w *response) Flush() { _ = w.FlushError() }

// ReadFrom implements io.ReaderFrom, so that the kernel can copy files.
func (w *response) ReadFrom(src io.Reader) (n int64, err error) {
	w.ensureStatus()
	if w.waiting != nil {
		n, err = io.CopyN(onlyWriter{w}, src, maxSniffed)
		if err != nil {
			if err == io.EOF { //nolint:errorlint // io.CopyN's contract
				err = nil
			}
			return n, err
		}
	}
	direct, ok := w.conn.out.socket.(io.ReaderFrom)
	if err := w.FlushError(); err != nil {
		return n, err
	}
	if !ok || w.chunked || !bodyAllowed(w.status) || w.bodyless {
		rest, err := io.Copy(onlyWriter{w}, src)
		return n + rest, err
	}
	w.conn.guard.begin()
	defer w.conn.guard.end()
	rest, err := direct.ReadFrom(src)
	w.written += rest
	w.note(err)
	return n + rest, err
}

// onlyWriter hides ReadFrom from io.Copy.
type onlyWriter struct{ io.Writer }

// SetReadDeadline is for http.ResponseController.
func (w *response) SetReadDeadline(t time.Time) error {
	return w.conn.hangup.setDeadline(w.conn.in.socket.SetReadDeadline, t)
}

// SetWriteDeadline is for http.ResponseController.
func (w *response) SetWriteDeadline(t time.Time) error {
	return w.conn.hangup.setDeadline(w.conn.in.socket.SetWriteDeadline, t)
}

// EnableFullDuplex is for http.ResponseController: the request's body is left alone while the
// response is written.
func (w *response) EnableFullDuplex() error {
	w.fullDuplex = true
	return nil
}

// finish completes the response after the handler.
func (w *response) finish() {
	w.over = true
	w.ensureStatus()
	w.settle(nil)
	if w.broken != nil {
		return
	}
	if w.chunked {
		w.conn.out.appendTrailers(w.header, w.trailers)
	}
	w.note(w.conn.out.write(nil))
}

// reusable reports whether client and server agree on where the next message begins.
func (w *response) reusable() bool {
	short := w.length >= 0 && w.written != w.length && bodyAllowed(w.status) && !w.bodyless
	return !w.close && !short && w.broken == nil && (!w.hasBody || !w.request.body.abandoned())
}
