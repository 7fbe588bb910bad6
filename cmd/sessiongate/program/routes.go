package program

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"time"

	"sessiongate/configs"
	"sessiongate/gateway/routing"
	"sessiongate/gateway/static"
	"sessiongate/web"
)

// routeMaker makes the routes of a revision.
type routeMaker struct {
	started *configs.Config // what the process started with
	servers *servers
	apis    *tokenAPIs
}

func (m routeMaker) routes(n *revision, c *configs.Config) ([]*routing.Route, error) {
	var list []*routing.Route
	for i := range c.Routes {
		r, err := m.route(n, &c.Routes[i])
		if err != nil {
			return nil, fmt.Errorf("routes[%d]: %w", i, err)
		}
		list = append(list, r)
	}
	return list, nil
}

func (m routeMaker) route(n *revision, c *configs.Route) (*routing.Route, error) {
	r := &routing.Route{
		Path: c.Path, Exact: c.Match == "exact", Host: m.foreignHost(c.Host), StripPrefix: c.StripPrefix,
		Rewrite: c.Rewrite, CaseSensitive: c.Case == "sensitive",
		Access:  routing.Access{Methods: c.Methods, Bearer: c.Bearer == "allow"},
		Headers: routing.Headers{CSP: c.CSP},
		Body:    routing.Body{Limit: bodyLimit(c.BodyLimit), Rate: int64(c.BodyRate)},
	}
	policy(r, c)
	rules(r, c)
	var err error
	if r.Upstream, err = upstreamOf(c); err != nil {
		return nil, err
	}
	r.Upstream.Standard = m.started.Server.HTTP1 == "standard" // as the process started
	if r.Access.Captures, err = m.captured(r); err != nil {
		return nil, err
	}
	r.Access.Blocked = slices.DeleteFunc(m.blocked(r.Upstream.Addresses), r.Access.Captures.At)
	if r.Access.API, err = m.api(r); err != nil {
		return nil, err
	}
	switch c.Static {
	case "":
	case configs.Demo:
		r.Static = web.Demo()
	default:
		root, err := static.Open(c.Static.String())
		if err != nil {
			return nil, err
		}
		n.closers = append(n.closers, func() { _ = root.Close() })
		r.Static = root.FS()
	}
	return r, nil
}

// foreignHost is the route's host unless it is the gateway's own.
func (m routeMaker) foreignHost(host string) string {
	if u, err := url.Parse(m.started.Server.PublicURL); err == nil && u.Host == host {
		return ""
	}
	return host
}

// policy fills in who may use the route.
func policy(r *routing.Route, c *configs.Route) {
	switch c.Session {
	case "optional":
		r.Access.Session = routing.SessionOptional
	case "none":
		r.Access.Session = routing.SessionNone
	}
	if c.Unauthenticated == "login" {
		r.Access.Unauthenticated = routing.Login
	}
	if q := c.Require; q != nil {
		r.Access.Require = routing.Require{Roles: q.Roles, Scopes: q.Scopes, All: q.All, AuthAge: time.Duration(q.AuthAge), ACR: q.ACR}
	}
}

// rules fills in what happens to headers.
func rules(r *routing.Route, c *configs.Route) {
	if h := c.RequestHeaders; h != nil {
		r.Headers.Request = routing.HeaderRules{Set: fields(h.Set), Remove: h.Remove, Claims: fields(h.Claims)}
	}
	if h := c.ResponseHeaders; h != nil {
		r.Headers.Response = routing.HeaderRules{Set: fields(h.Set), Remove: h.Remove}
	}
	if x := c.CORS; x != nil {
		r.Access.CORS = &routing.CORS{
			Origins: x.Origins, Methods: x.Methods, Headers: x.Headers, Expose: x.Expose, MaxAge: time.Duration(x.MaxAge),
		}
	}
}

func fields(lines []string) (list []routing.Field) {
	for _, line := range lines {
		name, value, _ := configs.HeaderLine(line) // checked at load
		list = append(list, routing.Field{Name: name, Value: value})
	}
	return list
}

// upstreamOf reads where requests go, and how the addresses are reached.
func upstreamOf(c *configs.Route) (u routing.Upstream, err error) {
	u = routing.Upstream{
		Host: c.UpstreamHost, KeepReferences: c.Redirects == "off", Timeout: time.Duration(c.Timeout),
		Connect: time.Duration(c.ConnectTimeout), Idle: time.Duration(c.IdleTimeout),
		Connections: c.MaxConnections, Retries: c.Retries,
	}
	for _, raw := range c.Upstreams {
		address, err := url.Parse(raw)
		if err != nil {
			return u, errors.New("an upstream is not a URL")
		}
		u.Addresses = append(u.Addresses, address)
	}
	if c.Retries == 0 {
		u.Retries = -1
	}
	if c.Protocol == "h2c" {
		u.Protocol = routing.H2C
	}
	if h := c.Health; h != nil {
		u.Health = &routing.Health{
			Path: h.Path, Interval: time.Duration(h.Interval), Timeout: time.Duration(h.Timeout),
			Healthy: h.Healthy, Unhealthy: h.Unhealthy,
		}
	}
	u.TLS, err = upstreamTLS(c.UpstreamTLS)
	return u, err
}

func upstreamTLS(c *configs.UpstreamTLS) (*tls.Config, error) {
	if c == nil {
		return nil, nil //nolint:nilnil // nil is the transport's own default
	}
	t := &tls.Config{MinVersion: tls.VersionTLS12, ServerName: c.ServerName}
	var err error
	if t.RootCAs, err = trustedCAs("upstream_tls.ca_file", c.CAFile); err != nil {
		return nil, err
	}
	t.Certificates, err = ownCertificate("upstream_tls.cert_file", c.CertFile, c.KeyFile)
	return t, err
}

// bodyLimit translates the file's 0, no body at all: to the proxy that is no limit.
func bodyLimit(size configs.Size) int64 {
	if size == 0 {
		return routing.NoBody
	}
	return int64(size)
}
