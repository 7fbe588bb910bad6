package client

import (
	"context"
	"errors"
	"maps"
	"net"
	"net/http"
	"net/http/httptrace"
	"sync"
	"sync/atomic"
	"time"
)

// Options configure a [Transport]. The zero value of each field but Fallback is usable.
type Options struct {
	// Fallback takes what the leg does not cover. Required.
	Fallback http.RoundTripper

	// Dial opens connections; nil is a net.Dialer with keep-alive probes every 15 s. What it returns must be a
	// syscall.Conn to be used more than once (doc.go).
	Dial func(ctx context.Context, network, address string) (net.Conn, error)

	// DialTimeout bounds Dial; 0 is 5 s.
	DialTimeout time.Duration

	// HeaderTimeout is the longest wait from the end of a request to its response's head; 0 waits for ever. From a
	// second up it may fire up to 0.1 s late.
	HeaderTimeout time.Duration

	// WriteTimeout is the longest time an upstream may take to accept the next piece of a request (32 KiB at most);
	// 0 waits for ever.
	WriteTimeout time.Duration

	// IdleTimeout closes connections unused for so long; 0 is 90 s.
	IdleTimeout time.Duration

	// MaxIdlePerHost is how many unused connections are kept for one host; 0 is 1024.
	MaxIdlePerHost int

	// MaxHeaderBytes bounds the head of each response, interim ones included; 0 is 256 KiB.
	MaxHeaderBytes int

	// Now is the clock of IdleTimeout; nil is time.Now. Deadlines of connections are always real time.
	Now func() time.Time
}

func (o Options) withDefaults() Options {
	if o.Dial == nil {
		o.Dial = (&net.Dialer{KeepAlive: 15 * time.Second}).DialContext
	}
	if o.DialTimeout <= 0 {
		o.DialTimeout = 5 * time.Second
	}
	if o.IdleTimeout <= 0 {
		o.IdleTimeout = 90 * time.Second
	}
	if o.MaxIdlePerHost <= 0 {
		o.MaxIdlePerHost = 1024
	}
	if o.MaxHeaderBytes <= 0 {
		o.MaxHeaderBytes = 256 << 10
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return o
}

// maxHosts bounds the pools. Hosts come from configuration, so more means that someone routes by what clients say;
// those requests take the fallback.
const maxHosts = 1024

// Transport is an http.RoundTripper. It is safe for concurrent use, as are the Close methods of its response bodies.
// Make it with [New].
type Transport struct {
	options Options

	mu    sync.Mutex                       // held while pools is replaced
	pools atomic.Pointer[map[string]*pool] // by address; never changed in place
}

var errNoFallback = errors.New("new leg: Options.Fallback is not set")

// New makes a Transport. It fails if there is no fallback.
func New(o Options) (*Transport, error) {
	if o.Fallback == nil {
		return nil, errNoFallback
	}
	t := &Transport{options: o.withDefaults()}
	t.pools.Store(&map[string]*pool{})
	return t, nil
}

// RoundTrip implements http.RoundTripper. Errors of the network are *net.OpError inside; a head that did not come in
// time is a timeout (net.Error); a cancelled request gives context.Cause. Errors name no byte the upstream has sent.
func (t *Transport) RoundTrip(req *http.Request) (*http.Response, error) {
	trace := httptrace.ContextClientTrace(req.Context())
	if convertible(req, trace) {
		r := fromHTTP(req, trace)
		if p := t.poolFor(r); p != nil {
			res, err := t.send(req.Context(), r, p)
			if res != nil {
				res.Request = req
			}
			return res, err
		}
	}
	return t.options.Fallback.RoundTrip(req)
}

// Send is RoundTrip for a request in parts; the address is reached by plain HTTP. The response's Request is nil, unless
// the fallback has set it.
func (t *Transport) Send(ctx context.Context, r *Request) (*http.Response, error) {
	if p := t.poolFor(r); p != nil {
		return t.send(ctx, r, p)
	}
	return Adapter{t.options.Fallback, "http"}.Send(ctx, r)
}

// sendBody makes at most two attempts. It closes the request's body unless it returns a response, whose exchange then does.
func (t *Transport) send(ctx context.Context, r *Request, p *pool) (*http.Response, error) {
	if err := r.check(); err != nil {
		r.closeBody()
		return nil, err
	}
	if ctx.Err() != nil {
		r.closeBody()
		return nil, context.Cause(ctx)
	}
	res, err := t.attempt(ctx, r, p, p.take())
	if err == nil {
		return res, nil
	}
	if isStale(err) {
		res, err = t.attempt(ctx, r, p, nil)
	}
	if err != nil {
		clear(r.Header)
		r.closeBody()
	}
	return res, err
}

func isStale(err error) bool {
	var stale staleError
	return errors.As(err, &stale)
}

// staleError marks the failure of a used connection after which a second attempt is safe and may help; the request's
// body is still whole then.
type staleError struct{ error }

func (e staleError) Unwrap() error { return e.error }

// attempt sends r once, on c or else on a new connection.
func (t *Transport) attempt(ctx context.Context, r *Request, p *pool, c *conn) (*http.Response, error) {
	used := c != nil
	if !used {
		var err error
		if c, err = t.dial(ctx, p.address); err != nil {
			return nil, err
		}
	}
	x := &roundTrip{pool: p, conn: c, req: r, ctx: ctx, reusable: true}
	if t.urgent(ctx) {
		x.watch()
	} else {
		p.enter(x)
	}
	res, err := x.run()
	if err != nil && used && x.repeatable() {
		err = staleError{err}
	}
	return res, err
}

// urgent reports whether a time limit is too near for a pool's looks.
func (t *Transport) urgent(ctx context.Context) bool {
	if d := t.options.HeaderTimeout; 0 < d && d < time.Second {
		return true
	}
	if d := t.options.WriteTimeout; 0 < d && d < time.Second {
		return true
	}
	_, ok := ctx.Deadline()
	return ok
}

// dial opens a connection within DialTimeout.
func (t *Transport) dial(ctx context.Context, address string) (*conn, error) {
	dialing, cancel := context.WithTimeout(ctx, t.options.DialTimeout)
	defer cancel()
	c, err := t.options.Dial(dialing, "tcp", address)
	if err != nil {
		if ctx.Err() != nil {
			err = context.Cause(ctx)
		}
		return nil, err
	}
	return newConn(c), nil
}

// poolFor returns the connections for a request, or nil if it is for the fallback.
func (t *Transport) poolFor(r *Request) *pool {
	if !r.supports() {
		return nil
	}
	return t.pool(r.Address)
}

// pool finds an address's connections, or makes their pool. It returns nil if the address is not covered.
func (t *Transport) pool(address string) *pool {
	if p := (*t.pools.Load())[address]; p != nil {
		return p
	}
	if !canCheckIdle || !plainHost(address) {
		return nil
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	old := *t.pools.Load()
	if p := old[address]; p != nil || len(old) >= maxHosts {
		return p
	}
	pools := maps.Clone(old)
	p := newPool(&t.options, address)
	pools[address] = p
	t.pools.Store(&pools)
	return p
}

// CloseIdleConnections closes the connections that are not in use, the fallback's included if it can.
func (t *Transport) CloseIdleConnections() {
	for _, p := range *t.pools.Load() {
		p.closeIdle()
	}
	if f, ok := t.options.Fallback.(interface{ CloseIdleConnections() }); ok {
		f.CloseIdleConnections()
	}
}
