package client

import (
	"errors"
	"net/http"
	"os"
)

// roundTrip is one request and its response on one connection.
type roundTrip struct {
	loan
	req *Request

	response    http.Response
	body        body
	values      [8]string // of the response's header
	noResponse  bool      // the connection failed before anything was sent, or nothing came back; see repeatable
	nothingSent bool
}

const maxInterim = 32

// run sends the request and reads the response's head. After an error the loan is over.
func (x *roundTrip) run() (*http.Response, error) {
	c := x.conn
	c.out = x.req.appendHead(c.out[:0])
	if n, err := c.Write(c.out); err != nil {
		x.nothingSent = n == 0 && !isTimeout(err)
		return nil, x.fail("send request", err)
	}
	if x.req.ContentLength > 0 {
		go x.sendBody()
	} else {
		x.requestEnds(true)
	}
	res, err := x.receive()
	if err != nil {
		return nil, x.fail("read response", err)
	}
	return res, nil
}

// receive reads heads up to the final one, and sets up the body.
func (x *roundTrip) receive() (*http.Response, error) {
	r := &x.response
	for interim := 0; ; interim++ {
		raw, err := x.conn.readHead(x.conn.pool.options.MaxHeaderBytes)
		if err != nil {
			x.noResponse = interim == 0 && len(raw) == 0 && !isTimeout(err) // one that timed out had its time
			return nil, err
		}
		if err := x.parseHead(raw); err != nil {
			return nil, err
		}
		if r.StatusCode >= 200 {
			break
		}
		if err := x.interim(interim); err != nil {
			return nil, err
		}
	}
	f, err := frame(r, x.req.method())
	if err != nil {
		return nil, err
	}
	x.headEnds()
	x.setBody(f)
	return r, nil
}

// interim passes on a 1xx response (RFC 9110 §15.2).
func (x *roundTrip) interim(before int) error {
	r := &x.response
	if err := checkInterim(r); err != nil {
		return err
	}
	if before == maxInterim {
		return errManyInterim
	}
	if x.req.Interim == nil {
		return nil
	}
	return x.req.Interim(r.StatusCode, r.Header)
}

// repeatable reports, after an error on a used connection, whether the request may be sent again:
// nothing was sent, or nothing came back and the request is safe to repeat (RFC 9110 §9.2.2, and
// net/http's narrower reading of it).
func (x *roundTrip) repeatable() bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.cause != nil {
		return false
	}
	if x.nothingSent {
		return true
	}
	if !x.noResponse || x.req.ContentLength > 0 {
		return false
	}
	switch x.req.Method {
	case "", http.MethodGet, http.MethodHead, http.MethodOptions, http.MethodTrace:
		return true
	}
	return x.req.has("Idempotency-Key") || x.req.has("X-Idempotency-Key")
}

func isTimeout(err error) bool { return errors.Is(err, os.ErrDeadlineExceeded) }
