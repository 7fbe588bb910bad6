package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"sessiongate/cmd/rig"
)

// gatewayConfig is what differs between the gateways that are started.
type gatewayConfig struct {
	Name, CacheTTL, Lifetime string
	Binary                   string       // empty: the one that was built
	HTTP1                    string       // empty: as shipped
	Certificate              *certificate // nil: plain HTTP
	TokenAPI                 string       // base URL; empty: the local provider with the demo's users
	Twin                     string       // name of a gateway started before, whose keys and sessions it shares; empty: none
	Core                     string       // where it runs, on Procs cores; empty: where contenders do
	Procs                    int

	Listen, Origin, Admin, Redis, Upstream, Dir, Prefix string // filled in by startGateway
}

// gatewayYAML leaves everything else at its default: what is measured is what is shipped.
const gatewayYAML = `server:
  listen: "{{.Listen}}"
  public_url: "{{.Origin}}"
  admin: "{{.Admin}}"
{{- with .HTTP1}}
  http1: {{.}}
{{- end}}
{{- with .Certificate}}
  tls: {cert_file: "{{.CertFile}}", key_file: "{{.KeyFile}}"}
{{- end}}
{{- if .Redis}}
store: {redis: {addresses: ["{{.Redis}}"], key_prefix: "{{.Prefix}}"}}
{{- else}}
store: {embedded: true}
{{- end}}
keys:
  cookie: [{id: c1, file: "{{.Dir}}/cookie.key"}]
  seal: [{id: s1, file: "{{.Dir}}/seal.key"}]
  signing: [{id: k1, file: "{{.Dir}}/signing.pem"}]
session: {cache_ttl: {{.CacheTTL}}}
providers:
{{- if .TokenAPI}}
  - name: api
    kind: tokenapi
    base_url: "{{.TokenAPI}}"
    login: {path: /auth/login}
    refresh: {path: /auth/refresh}
{{- else}}
  - {name: local, kind: local, users: demo, access_lifetime: {{.Lifetime}}}
{{- end}}
rate_limits: {login: {per_ip: 1000000/1m, per_username_and_ip: 1000000/1m}, refresh: {per_ip: 1000000/1m}}
routes:
  - {path: /api/, upstreams: ["http://{{.Upstream}}"]}
`

// gateway is a running sessiongate.
type gateway struct {
	*rig.Process
	name, address, origin, admin string

	browser bool // sign in with the User-Agent that the load will have
	client  *http.Client
}

func (b *bench) startGateway(ctx context.Context, c gatewayConfig) (*gateway, error) {
	binary := b.gateway
	if c.Binary != "" {
		binary = c.Binary
	}
	if c.Procs == 0 {
		c.Core, c.Procs = b.pins.contender, b.cores
	}
	dir, err := b.keys(binary, c)
	if err != nil {
		return nil, err
	}
	c.Dir, c.Prefix = dir, filepath.Base(dir)+":"
	if c.Listen, err = rig.FreeAddress(ctx); err != nil {
		return nil, err
	}
	if c.Admin, err = rig.FreeAddress(ctx); err != nil {
		return nil, err
	}
	c.Redis, c.Upstream, c.Origin = b.redis, b.upstream, "http://"+c.Listen
	if c.Certificate != nil {
		c.Origin = "https://" + c.Listen
	}
	file := filepath.Join(dir, c.Name+".yaml")
	if err := rig.WriteConfig(file, gatewayYAML, c); err != nil {
		return nil, err
	}
	p, err := rig.Start(c.Core, []string{"GOMAXPROCS=" + strconv.Itoa(c.Procs)}, false, binary, "serve", "--config", file)
	if err != nil {
		return nil, err
	}
	b.onClose(p.Stop)
	g := &gateway{p, c.Name, c.Listen, c.Origin, "http://" + c.Admin, b.browser, c.Certificate.httpClient()}
	return g, p.WaitListening(ctx, c.Listen)
}

// keys makes the keys of a gateway, unless its twin has them, and returns their folder.
func (b *bench) keys(binary string, c gatewayConfig) (dir string, err error) {
	if c.Twin != "" {
		return filepath.Join(b.dir, c.Twin), nil
	}
	dir = filepath.Join(b.dir, c.Name)
	return dir, rig.GenerateKeys(binary, dir)
}

// signIn signs in, and asks again for a while where the gateway has no time now for one more
// password.
func (g *gateway) signIn(ctx context.Context, user, password string) (cookie string, err error) {
	for range 40 {
		cookie, err = g.signInOnce(ctx, user, password)
		if !errors.Is(err, errBusy) {
			return cookie, err
		}
		select {
		case <-time.After(250 * time.Millisecond):
		case <-ctx.Done():
			return "", ctx.Err()
		}
	}
	return "", err
}

var errBusy = errors.New("sign in: status 503")

// signInOnce does what the app's page does, and returns the session cookie as the browser would
// send it.
func (g *gateway) signInOnce(ctx context.Context, user, password string) (cookie string, err error) {
	body, err := json.Marshal(map[string]string{"username": user, "password": password})
	if err != nil {
		return "", err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, g.origin+"/auth/login", bytes.NewReader(body)) //nolint:gosec // a process we started
	if err != nil {
		return "", err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Origin", g.origin)
	req.Header["User-Agent"] = nil // as the load: the session is bound to it
	if g.browser {
		req.Header.Set("User-Agent", userAgent)
	}
	res, err := g.client.Do(req) //nolint:gosec // the same
	if err != nil {
		return "", err
	}
	defer res.Body.Close()
	for _, line := range res.Header["Set-Cookie"] {
		if strings.HasPrefix(line, sessionCookie+"=") {
			value, _, _ := strings.Cut(line, ";")
			return value, nil
		}
	}
	if res.StatusCode == http.StatusServiceUnavailable {
		return "", errBusy
	}
	return "", fmt.Errorf("sign in: status %d and no cookie", res.StatusCode)
}
