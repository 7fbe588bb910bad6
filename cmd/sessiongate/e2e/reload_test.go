package e2e

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"sessiongate/cmd/sessiongate/program"
)

// reloadable is an environment whose first gateway has a file to reload from.
func reloadable(t *testing.T, o options) (*environment, *liveGateway, func(text string)) {
	t.Helper()
	s := newEnvironment(t, o)
	g := s.gateways[0]
	file := filepath.Join(s.dir, "sessiongate.yaml")
	return s, g, func(text string) {
		t.Helper()
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		g.Reload(file)
	}
}

// plainGet asks for a path as a program without a cookie does.
func plainGet(g *liveGateway, path string) (int, string, error) {
	req, err := http.NewRequestWithContext(context.Background(), "GET", "http://"+g.addr+path, nil)
	if err != nil {
		return 0, "", err
	}
	req.Host = "localhost:8080"
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, "", err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	return res.StatusCode, string(body), err
}

func TestReload(t *testing.T) {
	o := options{}
	s, g, write := reloadable(t, o)
	status := func(path string) int {
		t.Helper()
		code, _, err := plainGet(g, path)
		if err != nil {
			t.Fatal(err)
		}
		return code
	}
	if got := status("/new/x"); got == 200 {
		t.Fatalf("the new route is there before it is: %d", got)
	}
	o.routes = "  - {path: /new/, upstreams: [\"UPSTREAM\"], session: none}\n"
	good := s.config(o)
	write(good)
	if got := status("/new/x"); got != 200 {
		t.Errorf("a good file: %d", got)
	}
	for name, bad := range map[string]string{
		"no YAML":     "routes: [",
		"a wrong key": strings.Replace(good, "routes:", "rotues:", 1),
		"no folder":   strings.Replace(good, "routes:\n", "routes:\n  - {path: /app/, static: /does/not/exist}\n", 1),
		"empty":       "",
	} {
		write(bad)
		if got := status("/new/x"); got != 200 {
			t.Errorf("%s: the route is gone: %d", name, got)
		}
	}
	if !strings.Contains(s.logs.String(), "reload refused") || !strings.Contains(s.logs.String(), "rotues") {
		t.Error("the log does not say why a file was refused")
	}
}

func TestReloadNamesWhatNeedsARestart(t *testing.T) {
	o := options{}
	s, _, write := reloadable(t, o)
	write(s.config(o) + "\nrate_limits: {login: {per_ip: 3/1m}}\n")
	if !strings.Contains(s.logs.String(), "rate_limits") {
		t.Errorf("log: %s", s.logs)
	}
}

// A hundred reloads under load: not one request fails, and one that is under way
// ends where it began.
func TestReloadUnderLoad(t *testing.T) {
	hold := make(chan struct{})
	o := options{upstream: func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/open/held" {
			<-hold
		}
		_, _ = io.WriteString(w, "answer")
	}}
	s, g, write := reloadable(t, o)
	held := make(chan error, 1)
	go func() {
		code, body, err := plainGet(g, "/open/held")
		if err == nil && (code != 200 || body != "answer") {
			err = fmt.Errorf("%d %q", code, body)
		}
		held <- err
	}()
	eventually(t, "the held request is upstream", func() bool { return g.Revisions().InFlight()[0] > 0 })

	var stop atomic.Bool
	var served atomic.Int64
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for !stop.Load() {
				code, body, err := plainGet(g, "/open/x")
				if err != nil || code != 200 || body != "answer" {
					t.Errorf("%d %q %v", code, body, err)
					return
				}
				served.Add(1)
			}
		})
	}
	for i := range 100 {
		o.routes = fmt.Sprintf("  - {path: /n%d/, upstreams: [\"UPSTREAM\"], session: none}\n", i)
		write(s.config(o))
	}
	stop.Store(true)
	wg.Wait()
	if code, _, err := plainGet(g, "/n99/x"); code != 200 || err != nil {
		t.Errorf("the newest file is not at work: %d %v", code, err)
	}
	if n := g.Revisions().InFlight(); served.Load() == 0 || len(n) != 2 || n[0] != 1 {
		t.Errorf("%d requests served, %v still in the revisions", served.Load(), n)
	}
	close(hold)
	if err := <-held; err != nil {
		t.Errorf("the request that was under way: %v", err)
	}
	eventually(t, "the first revision is closed", func() bool { return len(g.Revisions().InFlight()) == 1 })
}

// Two replicas are replaced one after the other while clients keep asking: each
// request is answered, streams find their way to a replica that stays.
func TestRollingRestart(t *testing.T) {
	s := newEnvironment(t, options{gateways: 2, realTime: true})
	b := s.browser()
	b.ada()
	var mu sync.Mutex
	up := []*liveGateway{s.gateways[0], s.gateways[1]}
	client := &http.Client{Transport: &http.Transport{
		MaxIdleConnsPerHost: 8,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			mu.Lock()
			addr := up[len(up)-1].addr // what a balancer would pick
			mu.Unlock()
			return (&net.Dialer{}).DialContext(ctx, "tcp", addr)
		},
	}}
	t.Cleanup(client.CloseIdleConnections)
	var stop atomic.Bool
	var served atomic.Int64
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for !stop.Load() {
				res, err := client.Do(b.request("GET", "/api/x"))
				if err != nil {
					t.Error(err)
					return
				}
				_, err = io.Copy(io.Discard, res.Body)
				res.Body.Close()
				if res.StatusCode != 200 || err != nil {
					t.Errorf("%d %v", res.StatusCode, err)
				}
				served.Add(1)
			}
		})
	}
	more := func() {
		from := served.Load()
		eventually(t, "more requests are served", func() bool { return served.Load() > from+50 })
	}
	for range 2 {
		more()
		fresh := s.start(s.config(s.options), program.Overrides{})
		mu.Lock()
		old := up[0]
		up = append(up[1:], fresh)
		mu.Unlock()
		old.stop()
	}
	more()
	stop.Store(true)
	wg.Wait()
}
