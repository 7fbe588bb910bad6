package proxy

import (
	"net/http"
	"time"

	"sessiongate/gateway/routing"
)

// NewTransport is the http.Transport of a route with no settings of its own: tests change its Dial,
// and benchmarks compare with it.
func NewTransport(headers time.Duration) *http.Transport {
	return newStandard(headers, &routing.Upstream{})
}
