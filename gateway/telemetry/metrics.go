package telemetry

import (
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"sessiongate/session"
)

// Metrics counts what the gateway does. Labels are route patterns, status
// classes and the fixed words of the contract: never a path, a session or a
// user. It is safe for concurrent use.
type Metrics struct {
	registry *prometheus.Registry
	requests *prometheus.CounterVec
	duration *prometheus.HistogramVec
	events   *prometheus.CounterVec
}

// NewMetrics registers the metrics. storeUp tells whether the store's feed is
// connected.
func NewMetrics(storeUp func() bool) *Metrics {
	m := &Metrics{
		registry: prometheus.NewRegistry(),
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "sessiongate_requests_total", Help: "Requests by route and status class.",
		}, []string{"route", "status"}),
		duration: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "sessiongate_request_duration_seconds", Help: "Time from request to the end of the response, by route.",
			Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10},
		}, []string{"route"}),
		events: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "sessiongate_session_events_total", Help: "Session events by type, and by the reason or limit where there is one.",
		}, []string{"type", "reason"}),
	}
	m.registry.MustRegister(m.requests, m.duration, m.events,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "sessiongate_store_up", Help: "1 while the session store's feed is connected.",
		}, func() float64 {
			if storeUp() {
				return 1
			}
			return 0
		}))
	return m
}

// Build names the program in the metrics: sessiongate_build_info is always 1, and its
// labels say which release, commit and Go made the process. Call it at most once.
func (m *Metrics) Build(version, commit, golang string) {
	info := prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "sessiongate_build_info", Help: "Always 1; the labels say what the program was built from.",
		ConstLabels: prometheus.Labels{"version": version, "commit": commit, "goversion": golang},
	})
	info.Set(1)
	m.registry.MustRegister(info)
}

// StoreShortWaits exports how many writes of the store no replica confirmed in time: ends
// and refreshes that a failover would undo. count must only grow. Call it at most once.
func (m *Metrics) StoreShortWaits(count func() uint64) {
	m.registry.MustRegister(prometheus.NewCounterFunc(prometheus.CounterOpts{
		Name: "sessiongate_store_short_waits_total", Help: "Ends and refreshes that too few replicas of the store confirmed in time.",
	}, func() float64 { return float64(count()) }))
}

// Handler serves the metrics for Prometheus.
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{})
}

// RouteMetrics are a route's counters, bound once: no label look-up per request.
type RouteMetrics struct {
	status   [6]prometheus.Counter // by status/100; 0: nothing was sent
	duration prometheus.Observer
}

// Route binds the counters of a route, by the pattern that the configuration has.
func (m *Metrics) Route(route string) *RouteMetrics {
	b := &RouteMetrics{duration: m.duration.WithLabelValues(route)}
	for i, class := range [...]string{"none", "1xx", "2xx", "3xx", "4xx", "5xx"} {
		b.status[i] = m.requests.WithLabelValues(route, class)
	}
	return b
}

// Count counts a finished request: its status (0: nothing was sent) and how long it took.
func (b *RouteMetrics) Count(status int, d time.Duration) {
	class := status / 100
	if class >= len(b.status) || class < 0 {
		class = 0
	}
	b.status[class].Inc()
	b.duration.Observe(d.Seconds())
}

// event counts a session event.
func (m *Metrics) event(e session.Event) {
	reason := string(e.Reason)
	if e.Type == session.EventLimited {
		reason = e.Limit
	}
	m.events.WithLabelValues(string(e.Type), reason).Inc()
}
