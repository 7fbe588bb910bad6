package proxy

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"sessiongate/gateway/http1/client"
	"sessiongate/gateway/routing"
)

const (
	firstEjection = time.Second
	maxEjection   = 30 * time.Second
	// failuresToEject is how many broken exchanges in a row take an address out. A connection that cannot be made does at
	// once: no request can cause that.
	failuresToEject = 5
)

// upstreams is the addresses of one route. They take turns. An address is out
//
//   - while its active health check says so, or
//   - for a while after it refused a connection or broke several exchanges in a row: a second, then twice as long each
//     time until a request succeeds. This needs a second address to turn to: a lone one is always tried, since failing
//     without trying helps nobody. Broken exchanges alone never take out more than half of the addresses: one poisonous
//     request, sent often, must not close the route.
type upstreams struct {
	list  []*upstream
	next  atomic.Uint64
	limit int64
	now   func() time.Time
}

// address is where an upstream stands.
type address struct {
	scheme, host, base string
	inner              string // base, and what the route puts in the place of its path
	authority          string // the Host header; "" is host
}

// upstream is one address and what is known about it.
type upstream struct {
	address
	index int
	box   atomic.Pointer[transportBox]

	unhealthy    atomic.Bool  // the health check took it out
	ejectedUntil atomic.Int64 // until then, Unix nanoseconds
	inFlight     atomic.Int64 // requests and streams under way

	failures atomic.Int32 // in a row

	mu        sync.Mutex
	ejections int // in a row
}

// transport is what sends requests to an address: Send those of clients, RoundTrip the
// health check.
type transport interface {
	http.RoundTripper
	Send(ctx context.Context, r *client.Request) (*http.Response, error)
}

// transportBox boxes a transport, so that it can be replaced while requests use the old one.
type transportBox struct{ transport }

// noAddressError says that there is nowhere to send a request.
type noAddressError struct {
	why        string
	retryAfter time.Duration
}

func (e *noAddressError) Error() string { return "no upstream address: " + e.why }

// newUpstreams makes those of a route. carry makes the transport of an address.
// The addresses that one request has tried fit into a word: a route has at most [routing.MaxUpstreams].
func newUpstreams(route *routing.Route, now func() time.Time, carry func(scheme string) transport) *upstreams {
	p := &upstreams{limit: int64(route.Upstream.Connections), now: now}
	for i, u := range route.Upstream.Addresses {
		m := &upstream{address: address{scheme: u.Scheme, host: u.Host, base: strings.TrimSuffix(u.EscapedPath(), "/")}, index: i}
		m.inner = m.base + route.UpstreamPrefix()
		m.box.Store(&transportBox{carry(u.Scheme)})
		p.list = append(p.list, m)
	}
	return p
}

// name gives each address the Host header of its requests.
func (p *upstreams) name(route *routing.Route, public *url.URL) {
	host := ""
	if public != nil {
		host = cmp.Or(route.Host, public.Host)
	}
	for _, m := range p.list {
		m.authority = route.Upstream.Authority(m.scheme, host)
	}
}

// acquire takes the next address that is in and not among the tried ones, and counts a request to it. Whoever gets one
// must release it.
func (p *upstreams) acquire(tried uint64) (*upstream, error) {
	if len(p.list) == 1 && tried == 0 && p.limit == 0 {
		m := p.list[0]
		if m.unhealthy.Load() {
			return nil, p.whyNone(tried)
		}
		m.inFlight.Add(1)
		return m, nil
	}
	now := p.now().UnixNano()
	first := p.next.Add(1)
	for i := range uint64(len(p.list)) {
		m := p.list[(first+i)%uint64(len(p.list))]
		if tried&(1<<m.index) != 0 || m.out(now) {
			continue
		}
		if n := m.inFlight.Add(1); p.limit == 0 || n <= p.limit {
			return m, nil
		}
		m.inFlight.Add(-1)
	}
	return nil, p.whyNone(tried)
}

// whyNone explains why acquire found nothing.
func (p *upstreams) whyNone(tried uint64) error {
	now := p.now().UnixNano()
	soonest, in := int64(maxEjection), 0
	for _, m := range p.list {
		switch {
		case tried&(1<<m.index) != 0:
		case !m.out(now):
			in++
		case !m.unhealthy.Load():
			soonest = min(soonest, m.ejectedUntil.Load()-now)
		}
	}
	if in > 0 {
		return &noAddressError{"all that are in have as many requests as they may", time.Second}
	}
	return &noAddressError{fmt.Sprintf("all %d are out", len(p.list)), max(time.Second, min(time.Duration(soonest), 5*time.Second))}
}

func (m *upstream) out(now int64) bool { return m.unhealthy.Load() || m.ejectedUntil.Load() > now }

func (m *upstream) release() { m.inFlight.Add(-1) }

func (m *upstream) transport() transport { return m.box.Load().transport }

// succeeded notes an answer, whatever its status: the address is alive.
func (m *upstream) succeeded() {
	if m.ejectedUntil.Load() == 0 && m.failures.Load() == 0 {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.failures.Store(0)
	m.ejectedUntil.Store(0)
	m.ejections = 0
}

// failed notes an exchange that came to nothing through the address's fault.
func (p *upstreams) failed(m *upstream, connecting bool) {
	if len(p.list) == 1 {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	failures := m.failures.Add(1)
	now := p.now()
	if m.ejectedUntil.Load() > now.UnixNano() {
		return // a burst that was under way counts once
	}
	if !connecting && (failures < failuresToEject || p.outCount(now.UnixNano())*2 >= len(p.list)) {
		return
	}
	pause := min(firstEjection<<min(m.ejections, 10), maxEjection)
	m.ejections++
	m.ejectedUntil.Store(now.Add(pause).UnixNano())
}

func (p *upstreams) outCount(now int64) int {
	n := 0
	for _, m := range p.list {
		if m.out(now) {
			n++
		}
	}
	return n
}

// closeIdle closes the connections that carry nothing.
func (p *upstreams) closeIdle() {
	for _, m := range p.list {
		closeIdle(m.transport())
	}
}

func closeIdle(t http.RoundTripper) {
	if c, ok := t.(interface{ CloseIdleConnections() }); ok {
		c.CloseIdleConnections()
	}
}
