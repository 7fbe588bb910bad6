package configs

import (
	"net/http"
	"strings"
)

// Health is an active health check of a route's upstreams.
type Health struct {
	// Path is requested with GET below the upstream's base path; 2xx and 3xx are well. Required.
	Path string `yaml:"path,required" eg:"/healthz"`
	// Interval between two requests. Default 5s, 100ms to 1h.
	Interval Duration `yaml:"interval" range:"100ms..1h"`
	// Timeout of one request. Default 2s, 10ms to 1m.
	Timeout Duration `yaml:"timeout" range:"10ms..1m"`
	// Healthy is how many good answers in a row bring an address back. Default 2, 1 to 100.
	Healthy int `yaml:"healthy" range:"1..100"`
	// Unhealthy is how many bad ones take it out; a refused connection does at once. Default 2, 1
	// to 100.
	Unhealthy int `yaml:"unhealthy" range:"1..100"`
}

// UpstreamTLS is how https:// upstreams are met.
type UpstreamTLS struct {
	// CAFile holds PEM certificates to trust instead of the system's. Default: the system's.
	CAFile Path `yaml:"ca_file"`
	// CertFile holds our own certificate in PEM, for upstreams that ask for one. Default none.
	CertFile Path `yaml:"cert_file"`
	// KeyFile holds its key in PEM; not readable by everyone. With CertFile only.
	KeyFile Path `yaml:"key_file"`
	// ServerName is the name the upstream's certificate must be for. Default: the host of its URL.
	ServerName string `yaml:"server_name"`
}

// CORS is what a route answers pages of other origins.
type CORS struct {
	// Origins may call, spelt exactly as a browser sends them. "*" alone: all, only with session:
	// none. Required.
	Origins []string `yaml:"allowed_origins,required" eg:"[\"https://other.example.com\"]"`
	// Methods they may use. Default the usual ones.
	Methods []string `yaml:"allowed_methods"`
	// Headers their requests may carry. Default whatever is asked for.
	Headers []string `yaml:"allowed_headers"`
	// Expose are the response headers that their pages may read. Default none beyond the safe ones.
	Expose []string `yaml:"exposed_headers"`
	// MaxAge is how long a browser may remember the answer. Default 10m, 0 to 24h.
	MaxAge Duration `yaml:"max_age" range:"0s..24h"`
}

// RequestHeaders changes the headers of requests. What clients send under one of the names, or
// under a spelling of it with _ for -, is dropped.
type RequestHeaders struct {
	// Set are lines "Name: value". Default none.
	Set []string `yaml:"set"`
	// Remove are names. Default none.
	Remove []string `yaml:"remove"`
	// Claims are lines "Name: claim": sub, name, roles, scope, provider, acr, auth_time, or a
	// further claim of the provider. Default none.
	Claims []string `yaml:"claims"`
}

// ResponseHeaders changes the headers of responses.
type ResponseHeaders struct {
	// Set are lines "Name: value". Default none.
	Set []string `yaml:"set"`
	// Remove are names. Default none.
	Remove []string `yaml:"remove"`
}

// HeaderLine cuts "Name: value".
func HeaderLine(line string) (name, value string, ok bool) {
	name, value, ok = strings.Cut(line, ":")
	return strings.TrimSpace(name), strings.TrimSpace(value), ok && headerName.MatchString(strings.TrimSpace(name))
}

// checkUpstreamRules checks everything of a route that is not its path, target or policy.
func checkUpstreamRules(c *checker, path string, r *Route) {
	if r.Host != "" && (r.Host != strings.ToLower(r.Host) || !hostShape.MatchString(strings.Split(r.Host, ":")[0])) {
		c.problem(path+".host", "is not a host name in lower case", "write host: cdn.example.com")
	} else if r.Host != "" && r.Session != "none" && !c.anyBroken(path+".session") {
		c.problem(path+".host", "is another host than the session cookie's", "write session: none, or remove host")
	}
	if name := strings.Split(r.UpstreamHost, ":")[0]; r.UpstreamHost != "" && (r.UpstreamHost != strings.ToLower(r.UpstreamHost) ||
		!hostShape.MatchString(name) && !isIP(name) || !validAuthorityPort(r.UpstreamHost)) {
		c.problem(path+".upstream_host", "is not upstream, public or a host name in lower case", "write upstream_host: api.internal")
	}
	if r.Rewrite != "" && (r.StripPrefix != "" || !canonicalPath(r.Rewrite)) {
		c.problem(path+".rewrite", "is not a plain path, or stands beside strip_prefix", "write rewrite: /v2/ alone")
	}
	if r.Health != nil && !canonicalPath(r.Health.Path) && !c.anyBroken(path+".health.path") {
		c.problem(path+".health.path", "is not a plain path", "write path: /healthz")
	}
	if t := r.UpstreamTLS; t != nil && (t.CertFile == "") != (t.KeyFile == "") {
		c.problem(path+".upstream_tls", "has one of cert_file and key_file", "write both, or none")
	}
	if r.Static != "" {
		for _, key := range []string{"rewrite", "health", "upstream_tls", "request_headers", "protocol", "connect_timeout", "idle_timeout", "max_connections", "retries", "upstream_host", "redirects"} {
			upstreamOnly(c, path+"."+key)
		}
	} else if r.CSP != "" {
		c.warn(path+".csp", "has no effect but for a static app; use response_headers")
	}
	checkRouteCORS(c, path+".cors", r)
	checkHeaderRules(c, path, r)
}

// validAuthorityPort takes a host without a port, or with a proper one.
func validAuthorityPort(authority string) bool {
	_, port, found := strings.Cut(authority, ":")
	return !found || validPort(port, 1)
}

func checkRouteCORS(c *checker, path string, r *Route) {
	if r.CORS == nil {
		return
	}
	seen := make(map[string]bool)
	for i, o := range r.CORS.Origins {
		if o == "*" && r.Session == "none" && len(r.CORS.Origins) == 1 {
			continue
		}
		checkOrigin(c, index(path+".allowed_origins", i), o, seen)
	}
	for i, m := range r.CORS.Methods {
		if at := index(path+".allowed_methods", i); !methodShape.MatchString(m) {
			c.problem(at, c.quote(at, m)+" is not a method in upper case", "write GET")
		}
	}
	checkHeaderNames(c, path+".allowed_headers", r.CORS.Headers, false)
	checkHeaderNames(c, path+".exposed_headers", r.CORS.Expose, false)
}

func checkHeaderRules(c *checker, path string, r *Route) {
	if h := r.RequestHeaders; h != nil {
		checkHeaderNames(c, path+".request_headers.remove", h.Remove, true)
		checkHeaderLines(c, path+".request_headers.set", h.Set)
		checkHeaderLines(c, path+".request_headers.claims", h.Claims)
		if len(h.Claims) > 0 && r.Session == "none" {
			c.problem(path+".request_headers.claims", "are of a session, and the route has none", "write session: required")
		}
	}
	if h := r.ResponseHeaders; h != nil {
		checkHeaderNames(c, path+".response_headers.remove", h.Remove, true)
		checkHeaderLines(c, path+".response_headers.set", h.Set)
		checkOwnNames(c, path+".response_headers.set", h.Set)
	}
}

func checkHeaderNames(c *checker, path string, names []string, changed bool) {
	for i, n := range names {
		checkHeaderName(c, index(path, i), n, headerName.MatchString(n), changed)
	}
}

func checkHeaderLines(c *checker, path string, lines []string) {
	for i, line := range lines {
		name, value, ok := HeaderLine(line)
		at := index(path, i)
		checkHeaderName(c, at, name, ok && value != "" && !strings.ContainsAny(value, "\r\n\x00"), true)
	}
}

// checkHeaderName refuses what only the gateway, or the connection, may say.
func checkHeaderName(c *checker, path, name string, ok, changed bool) {
	if !ok {
		c.problem(path, "is not a header name, or not a line with one", `write "X-Name: value"`)
		return
	}
	name = http.CanonicalHeaderKey(strings.ReplaceAll(name, "_", "-"))
	switch name {
	case "Authorization", "Connection", "Content-Length", "Cookie", "Host", "Expect", "Keep-Alive", "Te", "Trailer",
		"Transfer-Encoding", "Upgrade", "Proxy-Connection", "Set-Cookie", "X-Request-Id", "Traceparent":
	default:
		if !strings.HasPrefix(name, "X-Forwarded-") {
			return
		}
	}
	if changed {
		c.problem(path, "is a header that the gateway decides on itself", "remove it")
	}
}

// checkOwnNames refuses the fields by which a page tells what the gateway says from what an
// application says.
func checkOwnNames(c *checker, path string, lines []string) {
	for i, line := range lines {
		name, _, _ := HeaderLine(line)
		switch http.CanonicalHeaderKey(name) {
		case "X-Sessiongate-Problem", "X-Sessiongate-Retry", "X-Sessiongate-Session", "X-Sessiongate-Upstream":
			c.problem(index(path, i), "is a header that the gateway decides on itself", "remove it")
		}
	}
}

// checkOverlaps warns of a route inside another that asks less of its users: often it was meant to
// ask more.
func checkOverlaps(c *checker) {
	for i := range c.config.Routes {
		inner, path := &c.config.Routes[i], index("routes", i)
		outer := enclosing(c.config.Routes, i)
		if outer < 0 || c.anyBroken(path) {
			continue
		}
		around := &c.config.Routes[outer]
		if around.Path == "/" {
			continue // everything is inside that one
		}
		if opens(around, inner) {
			c.warn(path, "takes "+c.quote(path+".path", inner.Path)+" out of "+index("routes", outer)+" and asks less of its users")
		}
	}
}

// enclosing is the index of the narrowest prefix route of the same host that route i lies in, or
// -1.
func enclosing(routes []Route, i int) int {
	best := -1
	r := &routes[i]
	for j := range routes {
		o := &routes[j]
		if j == i || o.Match == "exact" || o.Host != r.Host || !under(r.Path, o.Path) {
			continue
		}
		if best < 0 || len(o.Path) > len(routes[best].Path) {
			best = j
		}
	}
	return best
}

// opens tells whether inner admits somebody whom outer does not.
func opens(outer, inner *Route) bool {
	strict := map[string]int{"required": 2, "optional": 1, "none": 0}
	return strict[inner.Session] < strict[outer.Session] || outer.Require != nil && inner.Require == nil
}
