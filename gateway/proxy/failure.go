package proxy

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"time"
)

// Kind is what went wrong, in the words the caller needs to answer.
type Kind int

// The kinds of failure, with the status that fits.
const (
	Unreachable Kind = iota // 502: no connection to the upstream, or it broke before the response headers
	TimedOut                // 504: no response headers within the route's Timeout
	TooLarge                // 413: the request body is over the route's Body.Limit
	BadRequest              // 400: the request cannot be forwarded, or its body is malformed
	ClientGone              // 499: nobody is left to answer, or the body stopped coming; counted, not written
	Replaced                // Handler.Response returned Err instead of letting the response through
	Unavailable             // 503: every address of the route is out or has all the connections it may have
)

// describe gives each Kind its status and the problem code of the HTTP contract.
func (k Kind) describe() (status int, code string) {
	switch k {
	case TimedOut:
		return http.StatusGatewayTimeout, "upstream_timeout"
	case TooLarge:
		return http.StatusRequestEntityTooLarge, "payload_too_large"
	case BadRequest:
		return http.StatusBadRequest, "bad_request"
	case ClientGone:
		return 499, "client_gone"
	case Unavailable:
		return http.StatusServiceUnavailable, "upstream_unreachable"
	case Unreachable, Replaced:
	}
	return http.StatusBadGateway, "upstream_unreachable"
}

// Status is the HTTP status for the kind; 499 for [ClientGone], which is never written.
func (k Kind) Status() int { status, _ := k.describe(); return status }

// String is the problem code for the kind ("upstream_timeout").
func (k Kind) String() string { _, code := k.describe(); return code }

// Failure says why a request was not answered by its upstream. Nothing has been written to the
// client when it is returned. Err is for logs: it may name inner addresses, which are not for the
// browser.
type Failure struct {
	Kind       Kind
	Err        error
	RetryAfter time.Duration // Unavailable: when an address may be back
}

// Error implements error.
func (f *Failure) Error() string { return fmt.Sprintf("%s: %v", f.Kind, f.Err) }

// Unwrap gives errors.Is and errors.As access to the cause.
func (f *Failure) Unwrap() error { return f.Err }

// handlerError marks an error that came from Handler.Response.
type handlerError struct{ error }

func (e handlerError) Unwrap() error { return e.error }

// classify turns an error of the round trip into a Failure. What the client did wrong comes first:
// the upstream's error is then only an echo of it.
func (fw *forwarding) classify(err error) *Failure {
	gone := errors.Is(fw.r.Context().Err(), context.Canceled)
	if f := fw.body.failed(); f != nil && (f.Kind == TooLarge || !gone) {
		return f
	}
	var replaced handlerError
	var out *noAddressError
	switch {
	case errors.As(err, &replaced):
		return &Failure{Kind: Replaced, Err: replaced.error}
	case gone:
		return &Failure{Kind: ClientGone, Err: err}
	case errors.As(err, &out):
		return &Failure{Kind: Unavailable, Err: err, RetryAfter: out.retryAfter}
	case !fw.sent:
		return &Failure{Kind: BadRequest, Err: err}
	case errors.Is(context.Cause(fw.ctx), errStalled):
		return &Failure{Kind: TimedOut, Err: errStalled}
	case isConnectError(err):
		return &Failure{Kind: Unreachable, Err: err}
	case isTimeout(err):
		return &Failure{Kind: TimedOut, Err: err}
	}
	return &Failure{Kind: Unreachable, Err: err}
}

// connectError is an error from before there was a connection, TLS included: the upstream has seen
// nothing of the request.
type connectError struct{ error }

func (e *connectError) Unwrap() error { return e.error }

// isConnectError reports whether err comes from making the connection: one that takes too long is
// an upstream out of reach, not one that is slow to answer.
func isConnectError(err error) bool {
	var ce *connectError
	var op *net.OpError
	return errors.As(err, &ce) || errors.As(err, &op) && op.Op == "dial"
}

func isTimeout(err error) bool {
	var ne net.Error
	return errors.Is(err, context.DeadlineExceeded) || errors.Is(err, os.ErrDeadlineExceeded) ||
		errors.As(err, &ne) && ne.Timeout()
}
