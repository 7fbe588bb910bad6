package program

import (
	"net"
	"net/url"
	"strings"
)

// blocked are the paths under a route's upstreams where a token API gives tokens away: login,
// refresh, logout. Through the gateway they would hand a page's script what the cookie is there to
// hide.
func (m routeMaker) blocked(upstreams []*url.URL) []string {
	var paths []string
	for _, u := range upstreams {
		base := strings.TrimSuffix(u.Path, "/")
		for _, e := range m.tokenEndpoints {
			if !sameServer(u, e) || len(e.Path) < len(base) || !strings.EqualFold(e.Path[:len(base)], base) {
				continue
			}
			if rest := e.Path[len(base):]; rest == "" || rest[0] == '/' {
				paths = append(paths, rest)
			}
		}
	}
	return paths
}

// sameServer compares host and port. All names of this machine are one: a file may well say
// localhost here and 127.0.0.1 there.
func sameServer(a, b *url.URL) bool { return serverOf(a) == serverOf(b) }

func serverOf(u *url.URL) string {
	host, port := strings.TrimSuffix(strings.ToLower(u.Hostname()), "."), u.Port()
	if ip := net.ParseIP(host); host == "localhost" || ip != nil && (ip.IsLoopback() || ip.IsUnspecified()) {
		host = "localhost"
	} else if ip != nil {
		host = ip.String()
	}
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[u.Scheme]
	}
	return net.JoinHostPort(host, port)
}
