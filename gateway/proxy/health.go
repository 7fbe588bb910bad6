package proxy

import (
	"cmp"
	"context"
	"io"
	"net"
	"net/http"
	"slices"
	"sync"
	"time"

	"sessiongate/gateway/routing"
)

// Run watches the route's addresses until ctx ends: it asks each whether it is well, if the route
// says so, and looks names up again. Without it no address is ever taken out by a health check, and
// connections stay with the addresses that names had when they were made.
func (f *Forwarder) Run(ctx context.Context) {
	var wg sync.WaitGroup
	for _, u := range f.upstreams.list {
		if h := f.route.Upstream.Health; h != nil {
			wg.Go(func() { u.probe(ctx, h.WithDefaults()) })
		}
		if name := u.name(); name != "" && f.makeTransport != nil {
			wg.Go(func() { f.watchDNS(ctx, u, name) })
		}
	}
	wg.Wait()
}

// Close closes the connections that carry nothing; the others close when their response has ended.
// Requests may still be served, with connections made anew.
func (f *Forwarder) Close() { f.upstreams.closeIdle() }

// probe asks one address every interval, beginning at once. An address counts as well until the
// check says otherwise.
func (u *upstream) probe(ctx context.Context, h routing.Health) {
	tick := time.NewTicker(h.Interval)
	defer tick.Stop()
	good, bad := h.Healthy, 0
	for {
		refused, err := u.ask(ctx, h)
		switch {
		case ctx.Err() != nil:
			return
		case err == nil && h.Healthy <= good+1:
			good, bad = h.Healthy, 0
			u.unhealthy.Store(false)
		case err == nil:
			good++
		case refused || h.Unhealthy <= bad+1:
			good, bad = 0, h.Unhealthy
			u.unhealthy.Store(true)
		default:
			good, bad = 0, bad+1
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

// ask makes one health request. refused tells that there was no connection.
func (u *upstream) ask(ctx context.Context, h routing.Health) (refused bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, h.Timeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.scheme+"://"+u.host+u.base+h.Path, nil)
	if err != nil {
		return false, err
	}
	req.Host = u.authority // what an application refuses to everybody is not well
	req.Header["User-Agent"] = []string{"sessiongate-health"}
	res, err := u.transport().RoundTrip(req)
	if err != nil {
		return isConnectError(err), err
	}
	_, _ = io.CopyN(io.Discard, res.Body, 16<<10) // short answers keep their connection
	res.Body.Close()
	if res.StatusCode < 200 || res.StatusCode >= 400 {
		return false, &statusError{res.Status}
	}
	return false, nil
}

type statusError struct{ status string }

func (e *statusError) Error() string { return "health check answered " + e.status }

const defaultLookUpInterval = 30 * time.Second

// name is the host's name, empty for a plain address.
func (u *upstream) name() string {
	host, _, err := net.SplitHostPort(u.host)
	if err != nil {
		host = u.host
	}
	if net.ParseIP(host) != nil {
		return ""
	}
	return host
}

// watchDNS looks a name up now and then. When an address it had is gone, new requests get new
// connections; what runs on the old ones goes on to its end.
func (f *Forwarder) watchDNS(ctx context.Context, u *upstream, name string) {
	tick := time.NewTicker(cmp.Or(f.options.LookUpInterval, defaultLookUpInterval))
	defer tick.Stop()
	known := f.options.lookUp(ctx, name)
	for {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
		now := f.options.lookUp(ctx, name)
		if len(now) == 0 {
			continue // the resolver's trouble is no reason to drop what works
		}
		if moved(known, now) {
			old := u.box.Swap(&transportBox{f.makeTransport(u.scheme)})
			closeIdle(old.transport)
		}
		known = now
	}
}

// moved reports whether an address is gone.
func moved(before, after []string) bool {
	return slices.ContainsFunc(before, func(a string) bool { return !slices.Contains(after, a) })
}

func (o *Options) lookUp(ctx context.Context, name string) []string {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	if o.LookUp != nil {
		list, _ := o.LookUp(ctx, name)
		return list
	}
	list, _ := net.DefaultResolver.LookupHost(ctx, name)
	return list
}
