package exchange

import (
	"errors"
	"io"
	"net/http"
	"time"
)

// builtinBodyTime is the longest that the whole body of a request to one of our own
// endpoints may take. They are a few hundred bytes.
const builtinBodyTime = 30 * time.Second

// BodyTimes bound how long request bodies may take. The zero value bounds only those of our own
// endpoints.
type BodyTimes struct {
	next    time.Duration // for the next piece; 0: no limit
	arrival time.Duration // for a body that nobody reads; 0: no limit
}

// NewBodyTimes allows next for each piece of a body, and rate bytes per second for a body that no
// route reads; 0: any.
func NewBodyTimes(next time.Duration, rate int64) BodyTimes {
	return BodyTimes{next, arrivalTime(next, rate)}
}

// Begin gives the body of a request its first limit. Whoever reads the body
// sets another; what refuses the request without reading it leaves this one to
// the server, which throws a small body away before it goes on and would wait for
// it as long as the client likes.
func (t BodyTimes) Begin(x *Exchange) {
	if t.arrival > 0 && x.Request.ContentLength != 0 {
		_ = http.NewResponseController(x.ResponseWriter).SetReadDeadline(time.Now().Add(t.arrival))
	}
}

// maxUnread is how much of a body that nobody wants the server reads.
const maxUnread = 256 << 10

// arrivalTime is how long a body that nobody reads may take, with these limits; 0: any time.
func arrivalTime(next time.Duration, rate int64) time.Duration {
	if rate <= 0 {
		return next
	}
	atRate := builtinBodyTime + maxUnread*time.Second/time.Duration(rate)
	if next <= 0 {
		return atRate
	}
	return min(next, atRate)
}

// timedBody is a request body of one of our own endpoints. Its deadline is never
// put off: one byte now and then must not hold a place.
type timedBody struct {
	io.ReadCloser
	control *http.ResponseController
}

// Whole gives a request to our own endpoints its one deadline, for all of its body.
func (t BodyTimes) Whole(x *Exchange) {
	if x.Request.ContentLength == 0 || x.Request.Body == nil {
		return
	}
	wait := builtinBodyTime
	if t.next > 0 {
		wait = min(wait, t.next)
	}
	b := &timedBody{x.Request.Body, http.NewResponseController(x.ResponseWriter)}
	_ = b.control.SetReadDeadline(time.Now().Add(wait))
	x.Request.Body = b
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
