package routing

import (
	"crypto/tls"
	"net/url"
	"time"
)

// Protocol is what an http upstream speaks. With https the two sides agree on HTTP/2 or HTTP/1.1 by
// themselves (ALPN).
type Protocol int

// The protocols of upstreams.
const (
	HTTP1 Protocol = iota // HTTP/1.1, or by ALPN over TLS
	H2C                   // HTTP/2 in plain text with prior knowledge (RFC 9113 §3.3): gRPC servers
)

// Upstream says where a route's requests go, and how the addresses are reached and watched.
// Durations of 0 take the default.
type Upstream struct {
	// Addresses are the servers that take turns, http or https. A path in their URL goes before the
	// request's.
	Addresses []*url.URL
	// Host is the Host header that upstreams get: HostPublic (the one browsers see), HostUpstream
	// (that of their URL) or a name of its own. Empty: HostPublic for http, and HostUpstream for
	// https, where the name often chooses the certificate, and a server answers another with 421
	// (RFC 9110 §7.4).
	Host string
	// KeepReferences leaves the references of upstreams to themselves as they are, in Location,
	// Content-Location, Refresh and Set-Cookie.
	KeepReferences bool
	// Timeout is how long the upstream may take from the end of the request to its response
	// headers, and how long it may take nothing of a large request body. 0: no limit. It never cuts
	// a response that has begun.
	Timeout time.Duration

	Protocol Protocol
	// Standard leaves HTTP/1.1 to net/http's transport, where it is otherwise for
	// gateway/http1/client.
	Standard bool
	// TLS is for https addresses: roots, client certificate, server name. nil: the system's roots.
	// It must not be changed afterwards.
	TLS *tls.Config
	// Connect bounds making a connection, TLS included. Default 5s.
	Connect time.Duration
	// Idle is the longest silence of the upstream inside a response, or of both sides of a
	// WebSocket. 0: no limit.
	Idle time.Duration
	// Connections is how many requests, and with HTTP/1.1 connections, one address gets at the same
	// time. 0: no limit.
	Connections int
	// Retries is how many other addresses are tried when one fails and trying again is safe.
	// Negative: none; 0: 2.
	Retries int
	// Health asks each address whether it is well. nil: nobody asks, and only failures count.
	Health *Health
}

// Health is an active health check. Durations and thresholds of 0 take the default.
type Health struct {
	Path      string        // requested below the address's base path, with GET; 2xx and 3xx are well
	Interval  time.Duration // default 5s
	Timeout   time.Duration // default 2s
	Healthy   int           // so many good answers in a row bring an address back; default 2
	Unhealthy int           // so many bad ones take it out, and one refused connection at once; default 2
}

// The values of [Upstream].Host that are no names.
const (
	HostPublic   = "public"
	HostUpstream = "upstream"
)

// Authority is the Host header for an upstream of the given scheme; "" is that of its URL. public
// may be empty.
func (u *Upstream) Authority(scheme, public string) string {
	switch {
	case u.Host == HostUpstream, u.Host == "" && scheme == "https":
		return ""
	case u.Host == HostPublic, u.Host == "":
		return public
	}
	return u.Host
}

const (
	defaultConnect = 5 * time.Second
	defaultRetries = 2
)

// ConnectTimeout is Connect or its default.
func (u *Upstream) ConnectTimeout() time.Duration {
	if u.Connect > 0 {
		return u.Connect
	}
	return defaultConnect
}

// MaxRetries is how many other addresses are tried, with the default applied: 0 is none.
func (u *Upstream) MaxRetries() int {
	if u.Retries == 0 {
		return defaultRetries
	}
	return max(0, u.Retries)
}

// WithDefaults returns the check with its defaults.
func (h Health) WithDefaults() Health {
	if h.Interval <= 0 {
		h.Interval = 5 * time.Second
	}
	if h.Timeout <= 0 {
		h.Timeout = 2 * time.Second
	}
	if h.Healthy <= 0 {
		h.Healthy = 2
	}
	if h.Unhealthy <= 0 {
		h.Unhealthy = 2
	}
	return h
}
