package proxy

import (
	"net/http"
)

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

	// Renew sees every final response (101 included) before anything is done with it, and may ask
	// for another attempt: with another token than the request had, because the response refuses
	// that one. None: the response stands. It stands too where repeatable is false: such a request has a
	// body, is not idempotent, must arrive once, or was this other attempt already. The response's
	// header may be read, its body by [Peek] only. An error is as that of Response.
	Renew(res *http.Response, repeatable bool) (Token, error)

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

func (passAll) Response(*http.Response) error             { return nil }
func (passAll) Renew(*http.Response, bool) (Token, error) { return Token{}, nil }
func (passAll) Stream(*Stream)                            {}
