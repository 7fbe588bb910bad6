package problem

import (
	"errors"

	"sessiongate/gateway/proxy"
	"sessiongate/gateway/static"
)

// OfUpstream is the answer to a request that no upstream has answered. The
// cause may name inner addresses, so it is for the log only.
func OfUpstream(f *proxy.Failure) *Problem {
	p := &Problem{Status: f.Kind.Status(), Code: f.Kind.String(), Cause: f.Err, RetryAfter: f.RetryAfter}
	switch f.Kind {
	case proxy.TimedOut:
		p.Title, p.Detail = "Upstream timeout", "The application behind the gateway did not answer in time."
	case proxy.TooLarge:
		return PayloadTooLarge()
	case proxy.BadRequest:
		p.Title, p.Detail = "Bad request", "The request is malformed and was not forwarded."
	case proxy.Unavailable:
		p.Title, p.Detail = "Upstream unavailable", "The application behind the gateway is out of service at the moment. Try again shortly."
	case proxy.Unreachable, proxy.Replaced, proxy.ClientGone:
		p.Title, p.Detail = "Upstream unreachable", "The application behind the gateway could not be reached."
	}
	return p
}

// OfFile is the answer to a request that no file has answered, from the error of
// [static.Folder.Serve].
func OfFile(err error) *Problem {
	if errors.Is(err, static.ErrMethodNotAllowed) {
		return MethodNotAllowed("GET, HEAD")
	}
	return NotFound()
}
