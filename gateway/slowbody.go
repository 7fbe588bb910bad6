package gateway

import (
	"errors"
	"io"
	"net/http"
	"time"
)

// ownBodyTime is the longest that the whole body of a request to one of our own
// endpoints may take. They are a few hundred bytes.
const ownBodyTime = 30 * time.Second

// timeArrival gives the body of a request its first limit. Whoever reads the body
// sets another; what refuses the request without reading it leaves this one to
// the server, which throws a small body away before it goes on and would wait for
// it as long as the client likes.
func (s *Server) timeArrival(x *exchange) {
	if s.arrival > 0 && x.r.ContentLength != 0 {
		_ = http.NewResponseController(x.ResponseWriter).SetReadDeadline(time.Now().Add(s.arrival))
	}
}

// mostUnread is how much of a body that nobody wants the server reads.
const mostUnread = 256 << 10

// arrivalTime is how long a body that nobody reads may take, with these limits; 0: any time.
func arrivalTime(patience time.Duration, rate int64) time.Duration {
	if rate <= 0 {
		return patience
	}
	atRate := ownBodyTime + mostUnread*time.Second/time.Duration(rate)
	if patience <= 0 {
		return atRate
	}
	return min(patience, atRate)
}

// timedBody is a request body of one of our own endpoints. Its deadline is never
// put off: one byte now and then must not hold a place.
type timedBody struct {
	io.ReadCloser
	control *http.ResponseController
}

// timeBody gives a request to our own endpoints its one deadline.
func (s *Server) timeBody(x *exchange) {
	if x.r.ContentLength == 0 || x.r.Body == nil {
		return
	}
	wait := ownBodyTime
	if s.patience > 0 {
		wait = min(wait, s.patience)
	}
	b := &timedBody{x.r.Body, http.NewResponseController(x.ResponseWriter)}
	_ = b.control.SetReadDeadline(time.Now().Add(wait))
	x.r.Body = b
}

// Read implements io.Reader. At the end of the body the deadline goes: the server
// reads on by itself to notice that the client hangs up, and would take a deadline
// for that. After a failure it stays, or the server would wait for the rest of the
// body before it closes.
func (b *timedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if errors.Is(err, io.EOF) {
		_ = b.control.SetReadDeadline(time.Time{})
	}
	return n, err
}
