package exchange

import (
	"cmp"
	"net"
	"net/netip"
	"net/url"
	"strings"
)

// Site is where browsers find the gateway.
type Site struct {
	Scheme, Host string // of the public URL, the host as [CanonicalHost] has it
	Origin       string // both together (RFC 6454 §6.2)
	Prefix       string // of our own endpoints, "/auth"
	LoginPage    string // the path to sign in at
}

// NewSite reads the public URL; loginPage may be empty for our own page.
func NewSite(public *url.URL, prefix, loginPage string) Site {
	s := Site{Scheme: public.Scheme, Host: CanonicalHost(public.Scheme, public.Host), Prefix: prefix}
	s.Origin, s.LoginPage = s.Scheme+"://"+s.Host, cmp.Or(loginPage, prefix+"/login")
	return s
}

// Loopback reports whether the gateway is a developer's own machine's alone.
func (s Site) Loopback() bool {
	host := strings.Trim(s.Host, "[]")
	if name, _, err := net.SplitHostPort(s.Host); err == nil {
		host = name
	}
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || strings.HasSuffix(host, ".localhost") || err == nil && ip.IsLoopback()
}
