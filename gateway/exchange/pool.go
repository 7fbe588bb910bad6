package exchange

import (
	"context"
	"net/http"
	"strconv"
	"sync"
	"time"

	"sessiongate/gateway/problem"
	"sessiongate/session"
)

// Sessions finds the session of a request, and the handle that its browser should have.
type Sessions interface {
	// Resolve takes a cookie's value. Its errors are those that [problem.Of] knows.
	Resolve(ctx context.Context, value string, o session.ResolveOptions) (*session.Session, error)
	// Successor returns the value and lifetime of the session cookie that a response should
	// carry; ok is false if the browser needs no other. It is asked when the headers go out.
	Successor(ctx context.Context, s *session.Session) (value string, maxAge time.Duration, ok bool)
}

// PoolOptions are what the exchanges of a configuration share.
type PoolOptions struct {
	Sessions  Sessions
	Cookies   *Cookies
	Addresses Addresses
	// HSTS is how long browsers shall use nothing but https for this host (RFC 6797); 0: not
	// said.
	HSTS time.Duration
	Now  func() time.Time
}

// Pool makes exchanges and takes them back. It is safe for concurrent use.
type Pool struct {
	o    PoolOptions
	hsts []string  // Strict-Transport-Security; nil: none
	idle sync.Pool // *Exchange
}

// NewPool returns an empty pool.
func NewPool(o PoolOptions) *Pool {
	p := &Pool{o: o}
	if o.HSTS > 0 {
		p.hsts = []string{"max-age=" + strconv.Itoa(problem.Seconds(o.HSTS))}
	}
	return p
}

// Get begins a request. The request ID is the trace ID of the
// traceparent we send on, so one string serves both. It guards nothing, hence
// the fast generator.
func (p *Pool) Get(w http.ResponseWriter, r *http.Request) *Exchange {
	trace := newTraceParent()
	x, ok := p.idle.Get().(*Exchange)
	if !ok {
		x = &Exchange{}
	}
	x.ResponseWriter, x.pool, x.Request, x.TraceParent, x.Started = w, p, r, trace, p.o.Now()
	x.Client = session.Client{IP: p.o.Addresses.clientIP(r), UserAgent: r.UserAgent(), RequestID: trace[3:35]}
	return x
}

// Put keeps the exchange of a forwarded request for the next one. The proxy lets go of its writer
// when it returns; of all others, and of connections that are no longer the server's, nobody has
// looked. Its Stream must be in no registry.
func (p *Pool) Put(x *Exchange) {
	if !x.Reusable || x.status == http.StatusSwitchingProtocols {
		return
	}
	*x = Exchange{}
	p.idle.Put(x)
}
