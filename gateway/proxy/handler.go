package proxy

import "net/http"

// Handler is what the caller of [Forwarder.Serve] decides about one request while it is under way.
// Serve calls it on the goroutine that called Serve, one method at a time, and not after it has
// returned.
type Handler interface {
	// Response sees every final response (101 included) after the header rules and before it is
	// sent, and may change its header, which may be the writer's own. It may read the body and put
	// another in its place, whose Close closes the one before; of a 101 it must not. An error
	// replaces the response: Serve returns it as a [Failure] of kind Replaced, and what stood in the
	// writer's header is gone.
	Response(res *http.Response) error

	// Renew is asked for the Authorization value of another attempt when the upstream refuses the
	// token (401 with error="invalid_token", RFC 6750 §3.1) of an idempotent request without a
	// body. With ok false the response stands. No final response has been sent by then. The
	// response's header may be read, its body may not.
	Renew(res *http.Response) (authorization string, ok bool)

	// Stream sees every response that has a body, after Response, when its header is about to be
	// sent. The stream may be kept until Serve returns.
	Stream(s *Stream)
}

// OnceHandler is a Handler of requests that must not reach the application twice: each is sent to
// another address only if the one before has seen nothing of it.
type OnceHandler interface {
	Handler
	// Once reports whether the request is such a one.
	Once() bool
}

// passAll is the Handler of a caller that has none.
type passAll struct{}

func (passAll) Response(*http.Response) error       { return nil }
func (passAll) Renew(*http.Response) (string, bool) { return "", false }
func (passAll) Stream(*Stream)                      {}
