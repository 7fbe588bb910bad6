package gateway

import (
	"errors"
	"io"
	"net/http"
	"time"
)

// timedBody is a request body of one of our own endpoints: a client may take the
// gateway's patience for each piece, and no longer. The proxy does the same for
// applications.
type timedBody struct {
	io.ReadCloser
	control  *http.ResponseController
	patience time.Duration
}

// timeBody wraps the body of a request that has one.
func (s *Server) timeBody(x *exchange) {
	if s.patience > 0 && x.r.ContentLength != 0 && x.r.Body != nil {
		x.r.Body = &timedBody{x.r.Body, http.NewResponseController(x.ResponseWriter), s.patience}
	}
}

// Read implements io.Reader. The deadline is taken back each time: the server
// reads on by itself to notice that the client hangs up. After a failure it stays,
// or the server would wait for the rest of the body before it closes.
func (b *timedBody) Read(p []byte) (int, error) {
	_ = b.control.SetReadDeadline(time.Now().Add(b.patience))
	n, err := b.ReadCloser.Read(p)
	if err == nil || errors.Is(err, io.EOF) {
		_ = b.control.SetReadDeadline(time.Time{})
	}
	return n, err
}
