package gateway

import (
	"net/http"
	"net/http/pprof"
	"sync/atomic"
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

// NewAdmin returns the handler of the admin listener. It is for operators and
// must not be reachable from outside.
func NewAdmin(h *Health, m *Metrics) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", m.Handler())
	mux.HandleFunc("GET /livez", func(w http.ResponseWriter, _ *http.Request) { plain(w, http.StatusOK, "ok") })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) {
		if !h.Ready() {
			plain(w, http.StatusServiceUnavailable, "not ready")
			return
		}
		plain(w, http.StatusOK, "ok")
	})
	mux.HandleFunc("GET /debug/pprof/", pprof.Index)
	mux.HandleFunc("GET /debug/pprof/cmdline", pprof.Cmdline)
	mux.HandleFunc("GET /debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("GET /debug/pprof/symbol", pprof.Symbol)
	mux.HandleFunc("GET /debug/pprof/trace", pprof.Trace)
	return mux
}

func plain(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write([]byte(text + "\n"))
}
