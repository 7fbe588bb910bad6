package configs

import (
	"net/url"
	"regexp"
	"slices"
	"strings"
)

// Route is one entry of `routes`: a path prefix, what stands behind it, and its policy. The longest
// prefix wins.
type Route struct {
	// Path is the prefix, by whole segments: /api/ and /api cover /api and /api/x, never /apix.
	// Required.
	Path string `yaml:"path,required" eg:"/api/"`
	// Match is prefix, or exact for this one path as it is written. Default prefix.
	Match string `yaml:"match" oneof:"prefix exact"`
	// Case says whether upstreams tell paths apart by case: insensitive refuses a path that, but
	// for its capitals, leads to a route which demands more; sensitive lets it through. Default
	// insensitive.
	Case string `yaml:"case" oneof:"insensitive sensitive"`
	// Host is the only host name the route is for, as browsers send it. Default empty: the host of
	// public_url. A route of another host cannot use the session, whose cookie belongs to one host.
	Host string `yaml:"host"`
	// Upstreams are the servers behind it: http or https URLs with an optional base path. Either
	// this or Static.
	Upstreams []string `yaml:"upstreams"`
	// Static is a folder with a built app; the word demo names the demo app inside the program.
	// Either this or Upstreams.
	Static App `yaml:"static"`
	// StripPrefix is cut from the path before it goes upstream: Path or its first segments. Default
	// nothing.
	StripPrefix string `yaml:"strip_prefix"`
	// Rewrite is put in the place of Path before the request goes upstream. Default nothing. Not
	// beside StripPrefix.
	Rewrite string `yaml:"rewrite"`
	// UpstreamHost is the Host header that upstreams get: public (that of public_url), upstream
	// (that of their URL), or a name. Default public for http:// upstreams, upstream for https://.
	UpstreamHost string `yaml:"upstream_host"`
	// Redirects says what becomes of an upstream's references to itself (Location,
	// Content-Location, Refresh, the Path and Domain of its cookies): self maps them to the public
	// ones, off leaves them. Default self.
	Redirects string `yaml:"redirects" oneof:"self off"`
	// Methods are the allowed methods, in upper case. Default all but DEBUG. TRACE, TRACK and
	// CONNECT never are.
	Methods []string `yaml:"methods"`
	// Session says whether the route needs one: required, optional (a token if there is one) or
	// none (the cookie is not looked at). Default required.
	Session string `yaml:"session" oneof:"required optional none"`
	// Unauthenticated is the answer to a navigation without a session: "401", or login to send the
	// browser to the login page. Everything that is not a navigation gets 401. Default "401".
	Unauthenticated string `yaml:"unauthenticated" oneof:"401 login"`
	// Require narrows the route to some users. Only with session: required. Default: absent, every
	// user.
	Require *Require `yaml:"require"`
	// Timeout is how long the upstream may take to start its answer. Default 30s, 1ms to 1h.
	// Streams are not cut by it.
	Timeout Duration `yaml:"timeout" range:"1ms..1h"`
	// BodyLimit is the largest request body. Default server.limits.body. Zero: no body at all.
	BodyLimit Size `yaml:"body_limit" range:"0B..1TiB"`
	// BodyRate is how many bytes of a request body a client must send per second, as in
	// server.limits, whose value is the default. Zero: any, for clients that send what they
	// measure.
	BodyRate Size `yaml:"body_rate" range:"0B..1GiB"`
	// Bearer: allow takes access tokens of token clients in Authorization. Default empty:
	// Authorization is dropped.
	Bearer string `yaml:"bearer" oneof:"allow"`
	// CORS lists the origins whose pages may call this route, in place of cross_origin. Default:
	// absent.
	CORS *CORS `yaml:"cors"`
	// RequestHeaders changes the headers that go upstream. Default: absent.
	RequestHeaders *RequestHeaders `yaml:"request_headers"`
	// ResponseHeaders changes the headers that come back. Default: absent.
	ResponseHeaders *ResponseHeaders `yaml:"response_headers"`
	// CSP is the Content-Security-Policy of a static app's pages; none sends none. Default:
	// everything from its own origin, no inline scripts and styles, no base. There is a warning where
	// index.html has more.
	CSP string `yaml:"csp"`
	// Protocol of http:// upstreams: http1, or h2c for HTTP/2 without TLS. https:// agrees on one
	// itself. Default http1.
	Protocol string `yaml:"protocol" oneof:"http1 h2c"`
	// ConnectTimeout bounds making a connection to an upstream, TLS included. Default 5s, 1ms to
	// 1m.
	ConnectTimeout Duration `yaml:"connect_timeout" range:"1ms..1m"`
	// IdleTimeout cuts a response or WebSocket in which nothing has moved for so long. Default 0s:
	// never. Up to 7d.
	IdleTimeout Duration `yaml:"idle_timeout" range:"0s..7d"`
	// MaxConnections bounds the requests that one upstream address gets at a time. Default 0: no
	// bound.
	MaxConnections int `yaml:"max_connections" range:"0..1000000"`
	// Retries is how many other addresses are tried when one fails and that is safe. Default 2, 0
	// to 10.
	Retries int `yaml:"retries" range:"0..10"`
	// Health asks each upstream address whether it is well. Default: absent, only failures count.
	Health *Health `yaml:"health"`
	// UpstreamTLS is for https:// upstreams. Default: absent, the system's certificates.
	UpstreamTLS *UpstreamTLS `yaml:"upstream_tls"`
}

// Require narrows a route to some users; at least one key.
type Require struct {
	// Roles the user needs one of. Default none needed.
	Roles []string `yaml:"roles"`
	// Scopes the token needs one of. Default none needed.
	Scopes []string `yaml:"scopes"`
	// All asks for all of the roles and scopes. Default false: any of them.
	All bool `yaml:"all"`
	// AuthAge is how long ago the user may have signed in at most. Default 0s: it does not matter.
	// 0 to 365d.
	AuthAge Duration `yaml:"auth_age" range:"0s..365d"`
	// ACR are the classes of sign-in that will do, in the words of an OpenID Connect provider.
	// Default none: any.
	ACR []string `yaml:"acr"`
}

var methodShape = regexp.MustCompile(`^[A-Z][A-Z-]{0,31}$`)

// deriveRoutes fills in what follows from other keys.
func deriveRoutes(c *checker) {
	for i := range c.config.Routes {
		if !c.wrote(index("routes", i) + ".body_limit") {
			c.config.Routes[i].BodyLimit = c.config.Server.Limits.Body
		}
		if !c.wrote(index("routes", i) + ".body_rate") {
			c.config.Routes[i].BodyRate = c.config.Server.Limits.BodyRate
		}
	}
}

// routeFiles looks at the folder and the certificates of a route.
func routeFiles(f files, path string, r *Route) {
	if r.Static != Demo {
		f.named(path+".static", Path(r.Static), true)
	}
	if t := r.UpstreamTLS; t != nil {
		f.named(path+".upstream_tls.ca_file", t.CAFile, false)
		f.pair(path+".upstream_tls", t.CertFile, t.KeyFile)
	}
}

func checkRoutes(c *checker) {
	first := make(map[string]string)
	for i := range c.config.Routes {
		r, path := &c.config.Routes[i], index("routes", i)
		if !c.anyBroken(path + ".path") {
			checkRoutePath(c, path+".path", r, first)
		}
		checkTarget(c, path, r)
		checkUpstreamRules(c, path, r)
		checkPolicy(c, path, r)
		checkPagePolicy(c, path, r)
	}
	checkOverlaps(c)
	// A page of another origin is somebody else's to serve.
	away := len(c.config.CrossOrigin.AllowedOrigins) > 0
	if _, root := first[""]; !root && !away && !c.anyBroken("routes", "cross_origin") {
		c.warn("routes", "has no route for /: everything outside the other paths is 404")
	}
}

func checkRoutePath(c *checker, path string, r *Route, first map[string]string) {
	p := r.Path
	switch {
	case !strings.HasPrefix(p, "/"):
		c.problem(path, c.quote(path, p)+" does not start with a slash", "write path: "+c.quoteFix(path, "/"+p, "/api/"))
		return
	case !canonicalPath(p):
		c.problem(path, c.quote(path, p)+" is not a plain path (no escapes, //, dot segments, query)", "write path: /api/")
		return
	}
	for _, reserved := range []string{c.config.Server.AuthPrefix, "/.well-known"} {
		if under(p, reserved) && !c.anyBroken("server.auth_prefix") {
			c.problem(path, "lies under "+reserved+", which the gateway serves itself", "write another path")
			return
		}
	}
	key := strings.TrimSuffix(p, "/")
	if r.Match == "exact" {
		key = "=" + p
	}
	if r.Host != "" {
		key = r.Host + " " + key
	}
	if earlier, twice := first[key]; twice {
		c.problem(path, c.quote(path, p)+" covers the same as "+earlier, "write one of them")
		return
	}
	first[key] = parent(path)
}

func checkTarget(c *checker, path string, r *Route) {
	checkChoice(c, path, r)
	for i, u := range r.Upstreams {
		checkUpstream(c, index(path+".upstreams", i), u)
	}
	if r.StripPrefix != "" && !c.anyBroken(path+".path") && canonicalPath(r.Path) {
		if !canonicalPath(r.StripPrefix) || !under(r.Path, r.StripPrefix) {
			c.problem(path+".strip_prefix", "is not the path or its first segments",
				"write strip_prefix: "+c.quoteFix(path+".path", strings.TrimSuffix(r.Path, "/"), "/api"))
		} else {
			checkPrefixOfAPI(c, path+".strip_prefix", r)
		}
	}
}

func checkChoice(c *checker, path string, r *Route) {
	static, upstreams := r.Static != "", len(r.Upstreams) > 0
	switch {
	case c.anyBroken(path, path+".static", path+".upstreams"):
	case static && upstreams:
		c.problem(path+".static", "stands beside upstreams", "write one of them")
	case !static && !upstreams:
		c.problem(path, "says neither upstreams nor static", `write upstreams: ["http://api:9000"], or static: /srv/app`)
	case static:
		upstreamOnly(c, path+".timeout")
		upstreamOnly(c, path+".body_limit")
		upstreamOnly(c, path+".body_rate")
		upstreamOnly(c, path+".strip_prefix")
	}
}

func upstreamOnly(c *checker, path string) {
	if c.wrote(path) {
		c.warn(path, "has no effect for a static app")
	}
}

// checkUpstream never quotes the URL: it may hold a password.
func checkUpstream(c *checker, path, text string) {
	const example = "write http://api:9000"
	u, err := url.Parse(text)
	switch {
	case err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Opaque != "":
		c.problem(path, "is not an http or https URL", example)
	case u.Hostname() == "" || (!hostShape.MatchString(u.Hostname()) && !isIP(u.Hostname())) || strings.HasSuffix(u.Host, ":") ||
		(u.Port() != "" && !validPort(u.Port(), 1)):
		c.problem(path, "has no proper host and port", example)
	case u.User != nil:
		c.problem(path, "has a user name in it; upstreams get a Bearer token", example)
	case u.RawQuery != "" || u.ForceQuery || strings.Contains(text, "#"):
		c.problem(path, "has a query or a fragment", example)
	case u.Path != "" && !canonicalPath(u.EscapedPath()):
		c.problem(path, "has a base path that is not plain", "write http://api:9000/base")
	}
}

func checkPolicy(c *checker, path string, r *Route) {
	for i, m := range r.Methods {
		if at := index(path+".methods", i); !methodShape.MatchString(m) {
			c.problem(at, c.quote(at, m)+" is not a method in upper case", "write "+c.quoteFix(at, strings.ToUpper(m), "GET"))
		} else if m == "TRACE" || m == "TRACK" || m == "CONNECT" {
			c.problem(at, c.quote(at, m)+" is never forwarded: its answer holds the token, or is a tunnel", "remove it")
		}
	}
	if r.Session == "required" && len(c.config.Providers) == 0 && !c.anyBroken("providers", path+".session") {
		at := path
		if c.wrote(path + ".session") {
			at = path + ".session"
		}
		c.problem(at, "the route needs a session, and there is no provider to sign in with", "write session: none, or a provider")
	}
	if r.Require != nil {
		checkRequire(c, path, r)
	}
	if r.Bearer != "" && r.Session == "none" {
		c.problem(path+".bearer", "is for routes that use a session", "write session: required, or remove bearer")
	}
	switch {
	case r.Bearer == "":
	case !c.config.ExplicitTokens.Enabled:
		c.warn(path+".bearer", "accepts no token while explicit_tokens.enabled is false")
	case !hasLocal(c.config.Providers):
		c.warn(path+".bearer", "accepts no token without a local provider: clients send another provider's tokens to its APIs themselves")
	}
}

// hasLocal tells whether one of the providers is local, so that the gateway itself issues access
// tokens.
func hasLocal(list []Provider) bool {
	return slices.ContainsFunc(list, func(p Provider) bool { return p.Local != nil })
}

func checkRequire(c *checker, path string, r *Route) {
	if r.Session != "required" && !c.anyBroken(path+".session") {
		c.problem(path+".require", "is only possible with session: required", "write session: required, or remove require")
	}
	if len(r.Require.Roles)+len(r.Require.Scopes) == 0 && r.Require.AuthAge == 0 && len(r.Require.ACR) == 0 && !c.brokenBelow(path+".require") {
		c.problem(path+".require", "requires nothing", "write require: {roles: [admin]}")
	}
	checkWords(c, path+".require.roles", r.Require.Roles)
	checkWords(c, path+".require.scopes", r.Require.Scopes)
	checkWords(c, path+".require.acr", r.Require.ACR)
}

func checkWords(c *checker, path string, words []string) {
	for i, w := range words {
		if at := index(path, i); w == "" || !printable(w) || strings.ContainsAny(w, `"\`) {
			c.problem(at, "is empty or has spaces, quotes or control characters", "write one word")
		}
	}
}
