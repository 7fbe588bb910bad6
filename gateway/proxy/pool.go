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
	worstEjection = 30 * time.Second
	// faultsToEject is how many broken exchanges in a row take an address out. A connection that cannot be made does at
	// once: no request can cause that.
	faultsToEject = 5
)

// pool is the addresses of one route. They take turns. An address is out
//
//   - while its active health check says so, or
//   - for a while after it refused a connection or broke several exchanges in a row: a second, then twice as long each
//     time until a request succeeds. This needs a second address to turn to: a lone one is always tried, since failing
//     without trying helps nobody. Broken exchanges alone never take out more than half of the addresses: one poisonous
//     request, sent often, must not close the route.
type pool struct {
	members []*member
	next    atomic.Uint64
	limit   int64
	now     func() time.Time
}

// member is one address and what is known about it.
type member struct {
	scheme, host, base string
	inner              string // base, and what the route puts in the place of its path
	authority          string // the Host header; "" is host
	index              int
	carrier            atomic.Pointer[carrier]

	sick    atomic.Bool  // the health check took it out
	ejected atomic.Int64 // until then, Unix nanoseconds
	busy    atomic.Int64 // requests and streams under way

	faults atomic.Int32 // in a row

	mu    sync.Mutex
	times int // ejected in a row
}

// transport is what sends requests to an address: Send those of clients, RoundTrip the
// health check.
type transport interface {
	http.RoundTripper
	Send(ctx context.Context, r *client.Request) (*http.Response, error)
}

// carrier boxes a transport, so that it can be replaced while requests use the old one.
type carrier struct{ transport }

// noAddressError says that there is nowhere to send a request.
type noAddressError struct {
	why        string
	retryAfter time.Duration
}

func (e *noAddressError) Error() string { return "no upstream address: " + e.why }

// newPool makes the pool of a route. carry makes the transport of an address.
// The addresses that one request has tried fit into a word: a route has at most [routing.MaxUpstreams].
func newPool(route *routing.Route, now func() time.Time, carry func(scheme string) transport) *pool {
	p := &pool{limit: int64(route.Upstream.Connections), now: now}
	for i, u := range route.Upstream.Addresses {
		m := &member{scheme: u.Scheme, host: u.Host, base: strings.TrimSuffix(u.EscapedPath(), "/"), index: i}
		m.inner = m.base + route.UpstreamPrefix()
		m.carrier.Store(&carrier{carry(u.Scheme)})
		p.members = append(p.members, m)
	}
	return p
}

// name gives each address the Host header of its requests.
func (p *pool) name(route *routing.Route, public *url.URL) {
	host := ""
	if public != nil {
		host = cmp.Or(route.Host, public.Host)
	}
	for _, m := range p.members {
		m.authority = route.Upstream.Authority(m.scheme, host)
	}
}

// acquire takes the next address that is in and not among the tried ones, and counts a request to it. Whoever gets one
// must release it.
func (p *pool) acquire(tried uint64) (*member, error) {
	if len(p.members) == 1 && tried == 0 && p.limit == 0 {
		m := p.members[0]
		if m.sick.Load() {
			return nil, p.none(tried)
		}
		m.busy.Add(1)
		return m, nil
	}
	now := p.now().UnixNano()
	first := p.next.Add(1)
	for i := range uint64(len(p.members)) {
		m := p.members[(first+i)%uint64(len(p.members))]
		if tried&(1<<m.index) != 0 || m.out(now) {
			continue
		}
		if n := m.busy.Add(1); p.limit == 0 || n <= p.limit {
			return m, nil
		}
		m.busy.Add(-1)
	}
	return nil, p.none(tried)
}

// none explains why acquire found nothing.
func (p *pool) none(tried uint64) error {
	now := p.now().UnixNano()
	soonest, in := int64(worstEjection), 0
	for _, m := range p.members {
		switch {
		case tried&(1<<m.index) != 0:
		case !m.out(now):
			in++
		case !m.sick.Load():
			soonest = min(soonest, m.ejected.Load()-now)
		}
	}
	if in > 0 {
		return &noAddressError{"all that are in have as many requests as they may", time.Second}
	}
	return &noAddressError{fmt.Sprintf("all %d are out", len(p.members)), max(time.Second, min(time.Duration(soonest), 5*time.Second))}
}

func (m *member) out(now int64) bool { return m.sick.Load() || m.ejected.Load() > now }

func (m *member) release() { m.busy.Add(-1) }

func (m *member) transport() transport { return m.carrier.Load().transport }

// succeeded notes an answer, whatever its status: the address is alive.
func (m *member) succeeded() {
	if m.ejected.Load() == 0 && m.faults.Load() == 0 {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.faults.Store(0)
	m.ejected.Store(0)
	m.times = 0
}

// failed notes an exchange that came to nothing through the address's fault.
func (p *pool) failed(m *member, connecting bool) {
	if len(p.members) == 1 {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	faults := m.faults.Add(1)
	now := p.now()
	if m.ejected.Load() > now.UnixNano() {
		return // a burst that was under way counts once
	}
	if !connecting && (faults < faultsToEject || p.outCount(now.UnixNano())*2 >= len(p.members)) {
		return
	}
	pause := min(firstEjection<<min(m.times, 10), worstEjection)
	m.times++
	m.ejected.Store(now.Add(pause).UnixNano())
}

func (p *pool) outCount(now int64) int {
	n := 0
	for _, m := range p.members {
		if m.out(now) {
			n++
		}
	}
	return n
}

// closeIdle closes the connections that carry nothing.
func (p *pool) closeIdle() {
	for _, m := range p.members {
		closeIdle(m.transport())
	}
}

func closeIdle(t http.RoundTripper) {
	if c, ok := t.(interface{ CloseIdleConnections() }); ok {
		c.CloseIdleConnections()
	}
}
