package gateway

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"sessiongate/gateway/telemetry"
)

// A page in an operator's browser can make its own name point at the admin listener, but
// not an address, nor a name of this machine.
func TestAdminHosts(t *testing.T) {
	h := NewAdmin(&Health{}, telemetry.NewMetrics(func() bool { return true }), AdminOptions{Hosts: []string{"Metrics.internal"}})
	for host, want := range map[string]int{
		"127.0.0.1:9090": 200, "10.0.0.7": 200, "[::1]:9090": 200, "[fe80::1]": 200, "localhost:9090": 200, "LOCALHOST.": 200,
		"gw.localhost": 200, "metrics.internal:1": 200, "metrics.internal.": 200, "": 200,
		"evil.test:9090": 421, "localhost.evil.test": 421, "127.0.0.1.evil.test": 421, "xmetrics.internal": 421, "a b": 421,
		"metrics.internal.evil.test": 421, "evil-localhost": 421, "1.2.3": 421,
	} {
		for _, path := range []string{"/metrics", "/livez"} {
			if got := ask(h, host, path); got != want {
				t.Errorf("%s under %q: %d, want %d", path, host, got, want)
			}
		}
	}
}

// Profiles are there for who asks for them.
func TestProfilesOnlyWhereAskedFor(t *testing.T) {
	for asked, want := range map[bool]int{false: 404, true: 200} {
		h := NewAdmin(&Health{}, telemetry.NewMetrics(func() bool { return true }), AdminOptions{PProf: asked})
		for _, path := range []string{"/debug/pprof/", "/debug/pprof/cmdline", "/debug/pprof/symbol"} {
			if got := ask(h, "127.0.0.1", path); got != want {
				t.Errorf("asked %v: %s is %d", asked, path, got)
			}
		}
	}
}

// The health listener has the probes under any name, and nothing else.
func TestProbes(t *testing.T) {
	health := &Health{}
	h := NewProbes(health)
	for path, want := range map[string]int{
		"/livez": 200, "/readyz": 503, "/metrics": 404, "/debug/pprof/": 404, "/": 404, "/auth/login": 404,
	} {
		if got := ask(h, "whatever.test", path); got != want {
			t.Errorf("%s: %d, want %d", path, got, want)
		}
	}
	health.Contacted()
	if got := ask(h, "10.1.2.3:9091", "/readyz"); got != 200 {
		t.Errorf("ready: %d", got)
	}
	health.Drain()
	if got := ask(h, "10.1.2.3:9091", "/readyz"); got != 503 {
		t.Errorf("draining: %d", got)
	}
}

func ask(h http.Handler, host, path string) int {
	rec := httptest.NewRecorder()
	r := httptest.NewRequest(http.MethodGet, path, nil)
	r.Host = host
	h.ServeHTTP(rec, r)
	return rec.Code
}
