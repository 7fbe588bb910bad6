package program

import (
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
		for _, e := range m.apis.endpoints() {
			if m.servers.of(u) != m.servers.of(e) || len(e.Path) < len(base) || !strings.EqualFold(e.Path[:len(base)], base) {
				continue
			}
			if rest := e.Path[len(base):]; rest == "" || rest[0] == '/' {
				paths = append(paths, rest)
			}
		}
	}
	return paths
}
