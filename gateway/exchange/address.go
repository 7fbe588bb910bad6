package exchange

import (
	"cmp"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// Addresses tells clients' addresses apart from those of the proxies in front.
type Addresses struct {
	Trusted []netip.Prefix // the proxies
	Header  string         // the one header that they write; empty: X-Forwarded-For
}

// clientIP is the address of the client as far as we can know it: the peer, or,
// if the peer is a trusted proxy, what the configured header says, read from
// right to left up to the first address that is not a trusted proxy. Everything
// further left could have been written by the client.
func (a *Addresses) clientIP(r *http.Request) string {
	peer := peerIP(r.RemoteAddr)
	if len(a.Trusted) == 0 {
		return peer
	}
	addr, err := netip.ParseAddr(peer)
	if err != nil || !a.trusts(addr) {
		return peer
	}
	client := addr
	hops := strings.Split(strings.Join(r.Header.Values(cmp.Or(a.Header, "X-Forwarded-For")), ","), ",")
	for _, hop := range slices.Backward(hops) {
		next, err := netip.ParseAddr(peerIP(strings.TrimSpace(hop)))
		if err != nil {
			break // not an address: nothing to the left of it can be trusted
		}
		client = next
		if !a.trusts(next) {
			break
		}
	}
	return client.Unmap().String()
}

func (a *Addresses) trusts(addr netip.Addr) bool {
	addr = addr.Unmap()
	return slices.ContainsFunc(a.Trusted, func(p netip.Prefix) bool { return p.Contains(addr) })
}

// peerIP cuts the port off, if there is one.
func peerIP(hostport string) string {
	if host, _, err := net.SplitHostPort(hostport); err == nil {
		return host
	}
	return strings.Trim(hostport, "[]")
}

// IPPrefix is the coarse address shown in the list of devices: /24 or /48. It is
// empty for what is no address.
func IPPrefix(ip string) string {
	a, err := netip.ParseAddr(ip)
	if err != nil {
		return ""
	}
	a = a.Unmap().WithZone("")
	bits := 48
	if a.Is4() {
		bits = 24
	}
	p, err := a.Prefix(bits)
	if err != nil {
		return ""
	}
	return p.String()
}

// CanonicalHost lower-cases a Host value and drops the scheme's default port, and the dot
// with which a name may end (RFC 1034 §3.1).
func CanonicalHost(scheme, host string) string {
	host = strings.ToLower(host)
	switch scheme {
	case "http":
		host = strings.TrimSuffix(host, ":80")
	case "https":
		host = strings.TrimSuffix(host, ":443")
	}
	if name, port, dotted := strings.Cut(host, ".:"); dotted {
		return name + ":" + port
	}
	return strings.TrimSuffix(host, ".")
}
