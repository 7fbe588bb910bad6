package client

import (
	"cmp"
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
	// Fallback takes what the Transport does not support. Required.
	Fallback http.RoundTripper

	// Dial opens connections; nil is a net.Dialer with keep-alive probes every 15 s. What it
	// returns must be a syscall.Conn to be used more than once (doc.go).
	Dial func(ctx context.Context, network, address string) (net.Conn, error)

	// DialTimeout bounds Dial; 0 is 5 s.
	DialTimeout time.Duration

	// HeaderTimeout is the longest wait from the end of a request to its response's head; 0 waits
	// for ever. From a second up it may fire up to 0.1 s late.
	HeaderTimeout time.Duration

	// WriteTimeout is the longest time an upstream may take to accept the next piece of a request
	// (32 KiB at most); 0 waits for ever.
	WriteTimeout time.Duration

	// IdleTimeout closes connections unused for so long; 0 is 90 s.
	IdleTimeout time.Duration

	// MaxIdlePerHost is how many unused connections are kept for one host; 0 is 1024.
	MaxIdlePerHost int

	// MaxHeaderBytes bounds the head of each response, interim ones included; 0 is 256 KiB.
	MaxHeaderBytes int

	// Now is the clock of IdleTimeout; nil is time.Now. Deadlines of connections are always real
	// time.
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

// maxHosts bounds the pools. Hosts come from configuration, so more means that someone routes by
// what clients say; those requests take the fallback.
const maxHosts = 1024

// Transport is an http.RoundTripper. It is safe for concurrent use, as are the Close methods of its
// response bodies. Make it with [New].
type Transport struct {
	options Options

	mu    sync.Mutex                       // held while pools is replaced
	pools atomic.Pointer[map[string]*pool] // by address; never changed in place
}

var errNoFallback = errors.New("new Transport: Options.Fallback is not set")

// New makes a Transport. It fails if there is no fallback.
func New(o Options) (*Transport, error) {
	if o.Fallback == nil {
		return nil, errNoFallback
	}
	t := &Transport{options: o.withDefaults()}
	t.pools.Store(&map[string]*pool{})
	return t, nil
}

// RoundTrip implements http.RoundTripper. Errors of the network are *net.OpError inside; a head
// that did not come in time is a timeout (net.Error); a cancelled request gives context.Cause.
// Errors name no byte the upstream has sent.
func (t *Transport) RoundTrip(req *http.Request) (*http.Response, error) {
	trace := httptrace.ContextClientTrace(req.Context())
	if convertible(req, trace) {
		if r := fromHTTP(req, trace); t.poolFor(r) != nil {
			res, err := t.Send(req.Context(), r)
			if res != nil {
				res.Request = req
			}
			return res, err
		}
	}
	return t.options.Fallback.RoundTrip(req)
}

// Send is RoundTrip for a request in parts; the address is reached by plain HTTP. The response's
// Request is nil, unless the fallback has set it. Send closes the request's body after an error;
// after a response, the response's end does.
func (t *Transport) Send(ctx context.Context, r *Request) (*http.Response, error) {
	p := t.poolFor(r)
	if p == nil {
		return Adapter{t.options.Fallback, "http"}.Send(ctx, r)
	}
	err := r.check()
	if ctx.Err() != nil {
		err = cmp.Or(err, context.Cause(ctx))
	}
	if err != nil {
		r.closeBody()
		return nil, err
	}
	for c := p.take(); ; c = nil { // a second time only after a used connection, and then on a new one
		x, err := t.begin(ctx, r, p, c)
		if err == nil {
			var res *http.Response
			if res, err = x.run(); err == nil {
				return res, nil
			}
			if c != nil && x.repeatable() {
				continue
			}
		}
		clear(r.Header)
		r.closeBody()
		return nil, err
	}
}

// begin lends c to the request, or else a new connection.
func (t *Transport) begin(ctx context.Context, r *Request, p *pool, c *conn) (*roundTrip, error) {
	if c == nil {
		var err error
		if c, err = t.dial(ctx, p); err != nil {
			return nil, err
		}
	}
	x := &roundTrip{loan: loan{conn: c, ctx: ctx, reusable: true}, req: r}
	if t.urgent(ctx) {
		x.watch()
	} else {
		p.enter(&x.loan)
	}
	return x, nil
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
func (t *Transport) dial(ctx context.Context, p *pool) (*conn, error) {
	dialing, cancel := context.WithTimeout(ctx, t.options.DialTimeout)
	defer cancel()
	c, err := t.options.Dial(dialing, "tcp", p.address)
	if err != nil {
		if ctx.Err() != nil {
			err = context.Cause(ctx)
		}
		return nil, err
	}
	return newConn(c, p), nil
}

// poolFor returns the connections for a request, or nil if it is for the fallback.
func (t *Transport) poolFor(r *Request) *pool {
	if !r.supports() {
		return nil
	}
	return t.pool(r.Address)
}

// pool finds an address's connections, or makes their pool. It returns nil if the address is not
// supported.
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

// CloseIdleConnections closes the connections that are not in use, the fallback's included if it
// can.
func (t *Transport) CloseIdleConnections() {
	for _, p := range *t.pools.Load() {
		p.closeIdle()
	}
	if f, ok := t.options.Fallback.(interface{ CloseIdleConnections() }); ok {
		f.CloseIdleConnections()
	}
}
