package configs

import (
	"cmp"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"regexp"
	"strings"
)

// Server is the `server` section: where the gateway listens and how the browser sees it.
type Server struct {
	// Listen is the address of the public listener, host:port. Default ":8080", every interface.
	// Port 0: a free one.
	Listen Address `yaml:"listen"`
	// PublicURL is the origin the browser sees: scheme, host and port, nothing more. No default.
	// https, or http for a loopback host only: browsers keep Secure cookies from http origins only
	// there.
	PublicURL string `yaml:"public_url"`
	// Admin is the address of the listener for metrics, health and (with PProf) profiles,
	// host:port. Default 127.0.0.1:9090. It asks nobody who they are. Empty: there is none.
	Admin Address `yaml:"admin"`
	// AdminHosts are the names, without port, under which Admin is asked, besides IP addresses and
	// loopback names: under any other name a page in an operator's browser could read it (DNS
	// rebinding). Default none.
	AdminHosts []string `yaml:"admin_hosts"`
	// AdminExposed says that Admin is meant to be open beyond this machine, because something else
	// guards it, such as a network policy. Default false: there is a warning.
	AdminExposed bool `yaml:"admin_exposed"`
	// PProf serves the profiles of net/http/pprof on Admin, under /debug/pprof/. Default false.
	PProf bool `yaml:"pprof"`
	// Health is the address of a listener that has nothing but /livez and /readyz, under any Host:
	// for balancers and orchestrators on other machines. Default empty: there is none.
	Health Address `yaml:"health"`
	// AuthPrefix is the path under which the gateway's own pages and endpoints stand. Default
	// /auth.
	AuthPrefix string `yaml:"auth_prefix"`
	// TrustedProxies are the addresses or networks whose ForwardedHeader is believed. Default none:
	// the peer's address is the client's.
	TrustedProxies []string `yaml:"trusted_proxies"`
	// ForwardedHeader is the one header with the client's address, a list of addresses read from
	// the right. Default X-Forwarded-For. Never read unless the peer is one of TrustedProxies.
	ForwardedHeader string `yaml:"forwarded_header"`
	// TLS makes the public listener speak HTTPS itself. Default: absent, plain HTTP behind
	// something that ends TLS.
	TLS *ServerTLS `yaml:"tls"`
	// HSTS is how long browsers shall use nothing but https for this host
	// (Strict-Transport-Security). Only with an https public_url. Default 365d. Zero: not said.
	HSTS Duration `yaml:"hsts" range:"0s..1000d"`
	// HTTP1 says who speaks plain HTTP/1.1 with clients and with upstreams: fast, an engine of our
	// own that hands all else to net/http, or standard, net/http alone. Default fast.
	HTTP1 string `yaml:"http1" oneof:"fast standard"`
	// Limits bounds what clients may bring.
	Limits ServerLimits `yaml:"limits"`
	// ShutdownDelay is how long after SIGTERM requests are still taken, while /readyz already says
	// no: the time that balancers need to notice. Then the drain begins. Default 0s, up to 10m.
	ShutdownDelay Duration `yaml:"shutdown_delay" range:"0s..10m"`
	// DrainTimeout is how long requests in flight may go on after SIGTERM and ShutdownDelay.
	// Default 20s, 0 to 10m. Zero: they are cut.
	DrainTimeout Duration `yaml:"drain_timeout" range:"0s..10m"`
}

// ServerTLS names the certificate of the public listener.
type ServerTLS struct {
	// CertFile holds the PEM certificate chain, the server's own first. Required.
	CertFile Path `yaml:"cert_file,required" eg:"/etc/sessiongate/tls.crt"`
	// KeyFile holds the PEM private key. Required; it must not be readable by everyone.
	KeyFile Path `yaml:"key_file,required" eg:"/etc/sessiongate/tls.key"`
}

// ServerLimits bounds what one request may bring.
type ServerLimits struct {
	// Header is the largest request header. Default 32KiB, 4KiB to 1MiB.
	Header Size `yaml:"header" range:"4KiB..1MiB"`
	// Body is the largest request body of a route that does not say otherwise. Default 10MiB. Zero:
	// no body at all.
	Body Size `yaml:"body" range:"0B..1TiB"`
	// HeaderTimeout is how long a client may take for a request header. Default 10s, 1s to 5m.
	HeaderTimeout Duration `yaml:"header_timeout" range:"1s..5m"`
	// BodyTimeout is how long a client may take for the next piece of a request body. Default 30s,
	// 0 to 1h. Zero: for ever.
	BodyTimeout Duration `yaml:"body_timeout" range:"0s..1h"`
	// BodyRate is how many bytes of a request body a client must send per second, counted from 30 s
	// on and only while the gateway waits for it. Default 500B. Zero: any. A route's body_rate goes
	// before it. Upgraded connections are exempt.
	BodyRate Size `yaml:"body_rate" range:"0B..1GiB"`
	// WriteTimeout is how long a client may take nothing of a response that there is something to
	// send of; then its connection ends, or its stream of HTTP/2. Default 60s, 0 to 1h. Zero: for
	// ever.
	WriteTimeout Duration `yaml:"write_timeout" range:"0s..1h"`
	// Requests is how many requests may be under way; past it, and past a fair share for one
	// address when half of it is used, the answer is 503. WebSockets and event streams do not
	// count. Default 10000. Zero: no bound.
	Requests int `yaml:"requests" range:"0..10000000"`
	// ConnectionsPerAddress bounds the connections of one client address. Loopback and
	// TrustedProxies are not counted. Default 0: no bound.
	ConnectionsPerAddress int `yaml:"connections_per_address" range:"0..10000000"`
}

var (
	headerName = regexp.MustCompile("^[A-Za-z0-9!#$%&'*+.^_`|~-]+$")
	// plainPath is a path every server reads alike: nothing to decode, cut or normalise.
	plainPath = regexp.MustCompile(`^(/|(/[A-Za-z0-9._~!$&'()*+,=:@-]+)+/?)$`)
)

// canonicalPath tells whether a path stands as the router compares it: no escapes, parameters,
// empty or dot segments.
func canonicalPath(p string) bool {
	if !plainPath.MatchString(p) {
		return false
	}
	for segment := range strings.SplitSeq(p, "/") {
		if segment == "." || segment == ".." {
			return false
		}
	}
	return true
}

// under tells whether path is prefix or lies below it, by whole segments.
func under(path, prefix string) bool {
	path, prefix = strings.TrimSuffix(path, "/"), strings.TrimSuffix(prefix, "/")
	return path == prefix || strings.HasPrefix(path, prefix+"/")
}

// serverFiles looks at the certificate of the public listener.
func serverFiles(f files, s *Server) {
	if t := s.TLS; t != nil {
		f.pair("server.tls", t.CertFile, t.KeyFile)
	}
}

func checkServer(c *checker) {
	s := &c.config.Server
	checkPublicURL(c)
	checkAuthPrefix(c)
	checkProxies(c)
	if s.Listen == "" {
		c.problem("server.listen", "is empty", `write ":8080"`)
	}
	checkAdmin(c)
	if s.TLS != nil && strings.HasPrefix(s.PublicURL, "http:") {
		c.problem("server.tls", "is set while server.public_url is http", "write public_url: https://…, or remove tls")
	}
}

// checkAdmin holds the listeners for operators against the public one and each other.
func checkAdmin(c *checker) {
	s := &c.config.Server
	differs(c, "server.admin", s.Admin, "server.listen", s.Listen)
	differs(c, "server.health", s.Health, "server.listen", s.Listen)
	differs(c, "server.health", s.Health, "server.admin", s.Admin)
	open := s.Admin != "" && !s.Admin.loopback()
	if open && !s.AdminExposed {
		c.warn("server.admin", "is open beyond this machine and asks nobody who they are; for probes alone there is "+
			"server.health; where a network policy guards it, write admin_exposed: true")
	}
	if s.AdminExposed && !open {
		c.warn("server.admin_exposed", "has no effect while server.admin is not open beyond this machine")
	}
	if s.Admin == "" && s.PProf {
		c.warn("server.pprof", "has no effect while server.admin is empty")
	}
	for i, name := range s.AdminHosts {
		if at := index("server.admin_hosts", i); !hostShape.MatchString(name) {
			c.problem(at, c.quote(at, name)+" is not a host name", "write metrics.internal, without a port")
		}
	}
}

// differs wants two listeners at two addresses.
func differs(c *checker, path string, a Address, other string, b Address) {
	if a != "" && a == b && !strings.HasSuffix(string(a), ":0") {
		c.problem(path, "is the address of "+other+" as well", "write another port")
	}
}

func checkPublicURL(c *checker) {
	const path, example = "server.public_url", "write public_url: https://app.example.com"
	raw := c.config.Server.PublicURL
	if raw == "" {
		c.problem(path, "is missing: the origin the browser sees", example)
		return
	}
	what, fix := publicURLFault(raw)
	if what != "" {
		c.problem(path, what, cmp.Or(fix, example))
		return
	}
	checkPublicPort(c)
}

// checkPublicPort warns of an address of this machine at which nobody listens: whoever writes one
// expects the gateway there, and public_url alone does not bring it there.
func checkPublicPort(c *checker) {
	s := &c.config.Server
	u, what := parseOrigin(s.PublicURL)
	if what != "" || u.Scheme != "http" || c.wrote("server.listen") {
		return
	}
	_, listens, err := net.SplitHostPort(string(s.Listen))
	port := cmp.Or(u.Port(), "80")
	if err != nil || port == listens || c.anyBroken("server.listen") {
		return
	}
	host := "localhost"
	if isIP(u.Hostname()) {
		host = u.Hostname()
	}
	c.warn("server.public_url", "leads the browser to port "+port+", and the gateway listens on "+listens+
		", as listen is not written: write listen: "+Quote(net.JoinHostPort(host, port))+
		" or, with a proxy in front at port "+port+", listen: with the address that it connects to")
}

// publicURLFault is what is wrong with a public_url, and what to write where the text says so.
func publicURLFault(raw string) (what, fix string) {
	u, what := parseOrigin(raw)
	if what == "" && u.Scheme == "http" && !loopbackHost(u.Hostname()) {
		return "http on a host that is not loopback: the browser would drop the Secure __Host- cookie", "write https://" + u.Host
	}
	return what, ""
}

// parseOrigin reads scheme://host[:port]. The answer is nil and what is wrong, without the text
// itself, which may hold a password.
func parseOrigin(raw string) (*url.URL, string) {
	u, err := url.Parse(raw)
	if err != nil || u.Host == "" || u.Hostname() == "" {
		return nil, "is not an origin (scheme, host and port)"
	}
	switch {
	case u.Scheme != "https" && u.Scheme != "http":
		return nil, "has a scheme other than https and http"
	case u.User != nil:
		return nil, "has a user name in it"
	case u.Path != "" || u.RawQuery != "" || u.ForceQuery || strings.Contains(raw, "#"):
		return nil, "has more than scheme, host and port (a path, a slash at the end, a query)"
	case u.Host != strings.ToLower(u.Host) || !strings.HasPrefix(raw, u.Scheme):
		return nil, "is not in lower case, as browsers send it"
	case !hostShape.MatchString(u.Hostname()) && !isIP(u.Hostname()):
		return nil, "has a host that is neither a DNS name nor an address"
	case u.Port() == "" && strings.HasSuffix(u.Host, ":"):
		return nil, "has a colon without a port"
	case u.Port() != "" && !validPort(u.Port(), 1):
		return nil, "has a port that is not 1 to 65535"
	case strings.HasPrefix(u.Port(), "0"):
		return nil, "has a port with a zero in front, which browsers leave out"
	case u.Scheme == "https" && u.Port() == "443", u.Scheme == "http" && u.Port() == "80":
		return nil, "names the port that goes without saying, which browsers leave out"
	}
	return u, ""
}

// checkAuthPrefix marks a wrong prefix as broken: paths are not held against it.
func checkAuthPrefix(c *checker) {
	p := c.config.Server.AuthPrefix
	const path, fix = "server.auth_prefix", "write auth_prefix: /auth"
	switch {
	case !strings.HasPrefix(p, "/"):
		c.breaks(path, "does not start with a slash", fix)
	case p == "/":
		c.breaks(path, "would cover the whole site", fix)
	case strings.HasSuffix(p, "/"):
		c.breaks(path, "ends with a slash", "write auth_prefix: "+strings.TrimRight(p, "/"))
	case under(p, "/.well-known"):
		c.breaks(path, "lies under /.well-known, which has its own use (RFC 8615)", fix)
	case !canonicalPath(p):
		c.breaks(path, "is not a plain path", fix)
	}
}

func checkProxies(c *checker) {
	s := &c.config.Server
	for i, p := range s.TrustedProxies {
		checkNetwork(c, index("server.trusted_proxies", i), p)
	}
	switch {
	case !headerName.MatchString(s.ForwardedHeader):
		c.problem("server.forwarded_header", "is not a header name", "write forwarded_header: X-Forwarded-For")
	case http.CanonicalHeaderKey(s.ForwardedHeader) == "Forwarded":
		c.problem("server.forwarded_header", "Forwarded (RFC 7239) is not a plain list of addresses",
			"write forwarded_header: X-Forwarded-For")
	case s.ForwardedHeader != Default().Server.ForwardedHeader && len(s.TrustedProxies) == 0:
		c.warn("server.forwarded_header", "is never read while server.trusted_proxies is empty")
	}
}

func checkNetwork(c *checker, path, text string) {
	if _, err := netip.ParseAddr(text); err == nil {
		return
	}
	network, err := netip.ParsePrefix(text)
	switch {
	case err != nil:
		c.problem(path, c.quote(path, text)+" is neither an address nor a network", "write 10.0.0.0/8 or 192.0.2.7")
	case network != network.Masked():
		c.problem(path, c.quote(path, text)+" has bits set beyond its mask", "write "+network.Masked().String())
	case network.Bits() == 0:
		c.warn(path, "trusts every address: anyone can pretend to be any client")
	}
}
