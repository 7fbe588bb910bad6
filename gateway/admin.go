package gateway

import (
	"net"
	"net/http"
	"net/http/pprof"
	"net/netip"
	"slices"
	"strings"
	"sync/atomic"

	"sessiongate/gateway/telemetry"
)

// Health is what the readiness probe knows. It is safe for concurrent use.
type Health struct {
	contacted atomic.Bool
	draining  atomic.Bool
}

// Contacted notes that the store has answered once. A later outage does not
// make the gateway unready: taking every replica out of service would turn a
// pause of the store into an outage of everything.
func (h *Health) Contacted() { h.contacted.Store(true) }

// Drain makes readiness false from now on, so that no new clients arrive.
func (h *Health) Drain() { h.draining.Store(true) }

// Ready reports whether new clients should be sent here.
func (h *Health) Ready() bool { return h.contacted.Load() && !h.draining.Load() }

// NewProbes returns the handler of the health listener: /livez and /readyz, whatever the
// Host, because balancers ask under addresses and names of their own. It has nothing else
// to give, and may be reachable from anywhere.
func NewProbes(h *Health) http.Handler {
	mux := http.NewServeMux()
	addProbes(mux, h)
	return mux
}

func addProbes(mux *http.ServeMux, h *Health) {
	mux.HandleFunc("GET /livez", func(w http.ResponseWriter, _ *http.Request) { plain(w, http.StatusOK, "ok") })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) {
		if !h.Ready() {
			plain(w, http.StatusServiceUnavailable, "not ready")
			return
		}
		plain(w, http.StatusOK, "ok")
	})
}

// AdminOptions are what an operator chooses about the admin listener.
type AdminOptions struct {
	Hosts []string // names under which it answers, besides IP addresses and loopback names
	PProf bool     // serve profiles
}

// NewAdmin returns the handler of the admin listener: metrics, probes and, where asked for,
// profiles. It is for operators and must not be reachable from outside. It answers under IP
// addresses, loopback names and the given ones only: a page that an operator's browser shows
// could make its own name point here (DNS rebinding), and read everything.
func NewAdmin(h *Health, m *telemetry.Metrics, o AdminOptions) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", m.Handler())
	addProbes(mux, h)
	if o.PProf {
		mux.HandleFunc("GET /debug/pprof/", pprof.Index)
		mux.HandleFunc("GET /debug/pprof/cmdline", pprof.Cmdline)
		mux.HandleFunc("GET /debug/pprof/profile", pprof.Profile)
		mux.HandleFunc("GET /debug/pprof/symbol", pprof.Symbol)
		mux.HandleFunc("GET /debug/pprof/trace", pprof.Trace)
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !o.answers(r.Host) {
			plain(w, http.StatusMisdirectedRequest,
				"not under this name: ask an IP address, or list the name in server.admin_hosts")
			return
		}
		mux.ServeHTTP(w, r)
	})
}

// answers judges a Host. None at all comes from HTTP/1.0, which no browser speaks.
func (o AdminOptions) answers(host string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	host = strings.ToLower(strings.TrimSuffix(strings.Trim(host, "[]"), "."))
	if _, err := netip.ParseAddr(host); err == nil {
		return true
	}
	return host == "" || host == "localhost" || strings.HasSuffix(host, ".localhost") ||
		slices.ContainsFunc(o.Hosts, func(name string) bool {
			return strings.EqualFold(strings.TrimSuffix(name, "."), host)
		})
}

func plain(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write([]byte(text + "\n"))
}
