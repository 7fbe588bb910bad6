package server

import (
	"net/http"

	"golang.org/x/net/http/httpguts"
)

// writeHead writes the final head into the buffer. sample is the beginning of the body, as far as
// there is one yet.
func (w *response) writeHead(h http.Header, sample []byte) {
	out := &w.conn.out
	w.announce(h)
	w.close = w.close || h.Get("Connection") == "close" || w.conn.server.open.closing.Load()
	w.takeBody()
	if w.bothLengths(h) {
		w.conn.server.logf("a response with Transfer-Encoding %q and Content-Length %d", h.Get("Transfer-Encoding"), w.length)
	}
	field, omit := w.frame(h, sample)
	unsaid := w.close && !httpguts.HeaderValuesContainsToken(h["Connection"], "close")
	if unsaid {
		omit |= omitConnection
	}
	out.buf = appendStatus(out.buf, w.status)
	out.appendFields(h, omit)
	out.buf = append(out.buf, field...)
	if len(sample) > 0 && w.sniffs(h) {
		out.buf = appendField(out.buf, "Content-Type", http.DetectContentType(sample))
	}
	if unsaid {
		out.buf = appendField(out.buf, "Connection", "close")
	}
	if !has(h, "Date") {
		out.appendDate()
	}
	out.buf = append(out.buf, crlf...)
}

// takeBody reads the rest of the request's body before the response begins, for clients that send
// all before they read.
func (w *response) takeBody() {
	if !w.hasBody || w.close || w.fullDuplex {
		return
	}
	w.close = !w.request.body.drain()
}
