package program

import "fmt"

// descriptors is how many files and sockets this process may have open, and how they are
// shared out. A client's connection may need a second one to an upstream while it has a
// request, and the gateway must always be able to reach its store and its providers: a
// process that runs out of descriptors serves nobody.
type descriptors struct {
	limit uint64 // 0: unknown, or none
}

const (
	// leastReserve is for the store, providers, listeners and files.
	leastReserve = 64
	// reserveShare is the part that is kept where it is more.
	reserveShare = 8
	// fewConnections is what check warns of.
	fewConnections = 1000
)

// reserve is what clients do not get.
func (d descriptors) reserve() uint64 { return max(leastReserve, d.limit/reserveShare) }

// shared is what clients and upstreams get together.
func (d descriptors) shared() int {
	const most = 1 << 30
	return int(min(max(d.limit-min(d.reserve(), d.limit), 4), most))
}

// clients is how many connections of clients are served at a time; 0: any number. They
// get three sevenths and upstreams the rest: of the requests under way one address may
// have three quarters (limits.Capacity), and nobody who has a connection is refused then.
func (d descriptors) clients() int {
	if d.limit == 0 {
		return 0
	}
	return max(1, d.shared()*3/7)
}

// requests is what of so many requests at a time may be let in, each with a connection to
// an upstream; 0: any number.
func (d descriptors) requests(configured int) int {
	if d.limit == 0 {
		return configured
	}
	if most := d.shared() - d.clients(); configured == 0 || configured > most {
		return most
	}
	return configured
}

// report says in a check what is left for clients.
func (d descriptors) report(say func(Probed)) {
	if d.limit == 0 {
		return
	}
	say(Probed{Name: "descriptors", OK: true, What: fmt.Sprintf("%d; %d client connections and %d to upstreams at a time, %d in reserve",
		d.limit, d.clients(), d.requests(0), d.reserve())})
	if d.clients() < fewConnections {
		say(Probed{Warning: true, What: "there are few descriptors", Fix: "raise the limit (ulimit -n, LimitNOFILE=, ulimits: nofile)"})
	}
}
