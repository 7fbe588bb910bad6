package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"sessiongate/cmd/rig"
)

// gatewayYAML leaves everything else at its default: what is tested is what is shipped.
const gatewayYAML = `server: {listen: "{{.Listen}}", public_url: "http://{{.Public}}", admin: "{{.Admin}}"}
store: {redis: {{.Store}}}
keys:
  cookie: [{id: c1, file: "{{.Keys}}/cookie.key"}]
  seal: [{id: s1, file: "{{.Keys}}/seal.key"}]
session: {cache_ttl: {{.CacheTTL}}{{if .Grace}}, grace: {{.Grace}}{{end}}}
providers:
  - name: api
    kind: tokenapi
    base_url: "http://{{.Provider}}/g{{.Index}}"
    login: {path: /auth/login}
    refresh: {path: /auth/refresh}
    logout: {path: /auth/logout}
rate_limits: {login: {per_ip: 1000000/1m, per_username_and_ip: 1000000/1m}, refresh: {per_ip: 1000000/1m}}
routes:
  - {path: /api/, upstreams: ["http://{{.Upstream}}"]}
`

// gatewayConfig is what the template wants.
type gatewayConfig struct {
	Index                           int
	Listen, Public, Admin           string
	Store, Keys, Provider, Upstream string
	CacheTTL, Grace                 string
}

// gateway is one of the three. Its methods are safe for concurrent use.
type gateway struct {
	index        int
	address      string
	admin        string
	binary, file string
	log          string
	files        int // limit of open files; 0: ours

	mu      sync.Mutex
	process *rig.Process // nil while it does not run
	deaths  []time.Time  // by kill -9
	away    []absence
}

// absence is a time in which a gateway was not itself: stopped, ended, or on its way to that.
type absence struct{ from, to time.Time } // a zero to: still

// start runs the gateway, unless it runs, and waits until it listens.
func (g *gateway) start(ctx context.Context) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.process != nil {
		return nil
	}
	limit := ""
	if g.files > 0 {
		limit = "ulimit -n " + strconv.Itoa(g.files) + " && "
	}
	p, err := rig.Start("", nil, false, "sh", "-c", limit+`exec "$0" serve --config "$1" >>"$2" 2>&1`, g.binary, g.file, g.log)
	if err != nil {
		return err
	}
	if err := p.WaitListening(ctx, g.address); err != nil {
		p.Kill()
		return fmt.Errorf("gateway %d: %w\n%s", g.index, err, endOf(g.log))
	}
	g.process = p
	g.back()
	return nil
}

// kill ends the gateway as kill -9 does.
func (g *gateway) kill() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.process == nil {
		return
	}
	g.leave()
	g.deaths = append(g.deaths, time.Now())
	g.process.Kill()
	g.process = nil
}

// stop ends the gateway as an orderly shutdown does.
func (g *gateway) stop(within time.Duration) {
	g.mu.Lock()
	p := g.process
	g.process = nil
	if p != nil {
		g.leave()
	}
	g.mu.Unlock()
	if p != nil {
		p.StopWithin(within)
	}
}

// pause freezes the process; resume lets it go on.
func (g *gateway) pause() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.leave()
	return g.process.Signal(syscall.SIGSTOP)
}

func (g *gateway) resume() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	defer g.back()
	return g.process.Signal(syscall.SIGCONT)
}

func (g *gateway) leave() { g.away = append(g.away, absence{from: time.Now()}) }

func (g *gateway) back() {
	if n := len(g.away); n > 0 && g.away[n-1].to.IsZero() {
		g.away[n-1].to = time.Now()
	}
}

// wasAway reports whether the gateway was not itself at some time since then. A
// margin is for what it notices a little later.
func (g *gateway) wasAway(since time.Time) bool {
	const margin = 2 * time.Second
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, a := range g.away {
		if a.to.IsZero() || a.to.Add(margin).After(since) {
			return true
		}
	}
	return false
}

// killedAfter reports whether the gateway was killed within a time after at.
func (g *gateway) killedAfter(at time.Time, within time.Duration) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, d := range g.deaths {
		if d.After(at.Add(-100*time.Millisecond)) && d.Before(at.Add(within)) {
			return true
		}
	}
	return false
}

// stoppedAfter reports whether the gateway was away for longer than a time, from
// soon after at.
func (g *gateway) stoppedAfter(at time.Time, within, longer time.Duration) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, a := range g.away {
		if a.from.After(at.Add(-100*time.Millisecond)) && a.from.Before(at.Add(within)) && a.to.Sub(a.from) > longer {
			return true
		}
	}
	return false
}

// load is what the process uses: bytes of memory and goroutines, or zeros.
func (g *gateway) load(ctx context.Context) (memory, goroutines float64) {
	g.mu.Lock()
	p := g.process
	g.mu.Unlock()
	if p == nil {
		return 0, 0
	}
	ctx, stop := context.WithTimeout(ctx, 5*time.Second)
	defer stop()
	m, err := rig.Scrape(ctx, "http://"+g.admin+"/metrics")
	if err != nil {
		return p.Resident(), 0
	}
	return p.Resident(), m["go_goroutines"]
}

func endOf(file string) string {
	b, err := os.ReadFile(file)
	if err != nil {
		return err.Error()
	}
	return string(b[max(0, len(b)-2000):])
}

// openGateways makes the keys and starts three gateways that share them.
func (w *world) openGateways(ctx context.Context) error {
	keys := filepath.Join(w.dir, "keys")
	if err := rig.GenerateKeys(w.binary, keys); err != nil {
		return err
	}
	for i := range w.gateways {
		g := &gateway{index: i, binary: w.binary, files: w.setup.files, log: filepath.Join(w.logs, w.name+"-gateway"+strconv.Itoa(i)+".log")}
		var err error
		if g.address, err = w.ports.address(ctx, false); err != nil {
			return err
		}
		if g.admin, err = w.ports.address(ctx, false); err != nil {
			return err
		}
		g.file = filepath.Join(w.dir, "gateway"+strconv.Itoa(i)+".yaml")
		w.gateways[i] = g
		w.onClose(func() { g.stop(time.Second) })
		c := gatewayConfig{
			Index: i, Listen: g.address, Public: w.gateways[0].address, Admin: g.admin, Store: w.store.yaml(i), Keys: keys,
			Provider: w.api.address, Upstream: w.app.address, CacheTTL: w.setup.cacheTTL,
		}
		if w.setup.grace > 0 {
			c.Grace = w.setup.grace.String()
		}
		if err := rig.WriteConfig(g.file, gatewayYAML, c); err != nil {
			return err
		}
		if err := g.start(ctx); err != nil {
			return err
		}
	}
	return nil
}

// securityEvents counts what the gateways' audit logs call a security event, and
// what they say about handles, by name.
func (w *world) securityEvents() map[string]int {
	count := map[string]int{}
	for _, g := range w.gateways {
		if g == nil {
			continue
		}
		text, err := os.ReadFile(g.log)
		if err != nil {
			continue
		}
		for line := range strings.Lines(string(text)) {
			if !strings.Contains(line, `"audit":true`) {
				continue
			}
			_, rest, _ := strings.Cut(line, `"msg":"`)
			name, _, _ := strings.Cut(rest, `"`)
			if name != "login" && name != "refreshed" && name != "refresh" && name != "logout" {
				count[name]++
			}
		}
	}
	return count
}
