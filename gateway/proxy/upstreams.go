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
	// failuresToEject is how many broken exchanges in a row take an address out. A connection that
	// cannot be made does at once: no request can cause that.
	failuresToEject = 5
)

// upstreams is the addresses of one route. They take turns. An address is out
//
//   - while its active health check says so, or
//   - for a while after it refused a connection or broke several exchanges in a row: a second, then
//     twice as long each time until a request succeeds. This needs a second address to turn to: a
//     lone one is always tried, since failing without trying helps nobody. Broken exchanges alone
//     never take out more than half of the addresses: one poisonous request, sent often, must not
//     close the route.
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

// newUpstreams makes those of a route. carry makes the transport of an address. The addresses that
// one request has tried fit into a word: a route has at most [routing.MaxUpstreams].
func newUpstreams(route *routing.Route, now func() time.Time, carry func(scheme string) transport) *upstreams {
	us := &upstreams{limit: int64(route.Upstream.Connections), now: now}
	for i, at := range route.Upstream.Addresses {
		u := &upstream{address: address{scheme: at.Scheme, host: at.Host, base: strings.TrimSuffix(at.EscapedPath(), "/")}, index: i}
		u.inner = u.base + route.UpstreamPrefix()
		u.box.Store(&transportBox{carry(at.Scheme)})
		us.list = append(us.list, u)
	}
	return us
}

// name gives each address the Host header of its requests.
func (us *upstreams) name(route *routing.Route, public *url.URL) {
	host := ""
	if public != nil {
		host = cmp.Or(route.Host, public.Host)
	}
	for _, u := range us.list {
		u.authority = route.Upstream.Authority(u.scheme, host)
	}
}

// acquire takes the next address that is in and not among the tried ones, and counts a request to
// it. Whoever gets one must release it.
func (us *upstreams) acquire(tried uint64) (*upstream, error) {
	if len(us.list) == 1 && tried == 0 && us.limit == 0 {
		u := us.list[0]
		if u.unhealthy.Load() {
			return nil, us.whyNone(tried)
		}
		u.inFlight.Add(1)
		return u, nil
	}
	now := us.now().UnixNano()
	first := us.next.Add(1)
	for i := range uint64(len(us.list)) {
		u := us.list[(first+i)%uint64(len(us.list))]
		if tried&(1<<u.index) != 0 || u.out(now) {
			continue
		}
		if n := u.inFlight.Add(1); us.limit == 0 || n <= us.limit {
			return u, nil
		}
		u.inFlight.Add(-1)
	}
	return nil, us.whyNone(tried)
}

// whyNone explains why acquire found nothing.
func (us *upstreams) whyNone(tried uint64) error {
	now := us.now().UnixNano()
	soonest, in := int64(maxEjection), 0
	for _, u := range us.list {
		switch {
		case tried&(1<<u.index) != 0:
		case !u.out(now):
			in++
		case !u.unhealthy.Load():
			soonest = min(soonest, u.ejectedUntil.Load()-now)
		}
	}
	if in > 0 {
		return &noAddressError{"all that are in have as many requests as they may", time.Second}
	}
	return &noAddressError{fmt.Sprintf("all %d are out", len(us.list)), max(time.Second, min(time.Duration(soonest), 5*time.Second))}
}

func (u *upstream) out(now int64) bool { return u.unhealthy.Load() || u.ejectedUntil.Load() > now }

func (u *upstream) release() { u.inFlight.Add(-1) }

func (u *upstream) transport() transport { return u.box.Load().transport }

// succeeded notes an answer, whatever its status: the address is alive.
func (u *upstream) succeeded() {
	if u.ejectedUntil.Load() == 0 && u.failures.Load() == 0 {
		return
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	u.failures.Store(0)
	u.ejectedUntil.Store(0)
	u.ejections = 0
}

// failed notes an exchange that came to nothing through the address's fault.
func (us *upstreams) failed(u *upstream, connecting bool) {
	if len(us.list) == 1 {
		return
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	failures := u.failures.Add(1)
	now := us.now()
	if u.ejectedUntil.Load() > now.UnixNano() {
		return // a burst that was under way counts once
	}
	if !connecting && (failures < failuresToEject || us.outCount(now.UnixNano())*2 >= len(us.list)) {
		return
	}
	pause := min(firstEjection<<min(u.ejections, 10), maxEjection)
	u.ejections++
	u.ejectedUntil.Store(now.Add(pause).UnixNano())
}

func (us *upstreams) outCount(now int64) int {
	n := 0
	for _, u := range us.list {
		if u.out(now) {
			n++
		}
	}
	return n
}

// closeIdle closes the connections that carry nothing.
func (us *upstreams) closeIdle() {
	for _, u := range us.list {
		closeIdle(u.transport())
	}
}

func closeIdle(t http.RoundTripper) {
	if c, ok := t.(interface{ CloseIdleConnections() }); ok {
		c.CloseIdleConnections()
	}
}
