package configs

import (
	"net/url"
	"strings"
)

// checkPrefixOfAPI warns of a route that cuts off what the paths of its API begin with: the calls
// of the provider, which go there without a route, have it.
func checkPrefixOfAPI(c *checker, path string, r *Route) {
	for i := range c.config.Providers {
		p := &c.config.Providers[i]
		if p.TokenAPI == nil || c.brokenBelow(index("providers", i)) {
			continue
		}
		for _, call := range []struct{ key, path string }{{"login", p.TokenAPI.Login.Path}, {"refresh", p.TokenAPI.Refresh.Path}} {
			at, err := url.Parse(p.TokenAPI.URL(call.path))
			if err != nil || call.path == "" || !under(at.Path, r.StripPrefix) || !leadsToRootOf(r, p.TokenAPI, at) {
				continue
			}
			shown := strings.TrimSuffix(r.StripPrefix, "/")
			c.warn(path, "takes "+shown+" away, with which the paths of that API begin ("+index("providers", i)+"."+call.key+
				".path): it gets "+shown+"/orders as /orders. Remove strip_prefix")
			return
		}
	}
}

// leadsToRootOf reports whether one of a route's upstreams is the server of an API's endpoint,
// without a path in front that would put back what was cut.
func leadsToRootOf(r *Route, t *TokenAPIProvider, at *url.URL) bool {
	for _, text := range r.Upstreams {
		u, err := url.Parse(text)
		if err != nil || u.Path != "" && u.Path != "/" {
			continue
		}
		same := strings.EqualFold(u.Host, at.Host)
		for _, alias := range t.Aliases {
			same = same || strings.EqualFold(u.Host, alias)
		}
		if same {
			return true
		}
	}
	return false
}
