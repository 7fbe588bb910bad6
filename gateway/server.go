package gateway

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"

	"sessiongate/gateway/app"
	"sessiongate/gateway/endpoints"
	"sessiongate/gateway/exchange"
	"sessiongate/gateway/limits"
	"sessiongate/gateway/problem"
	"sessiongate/gateway/proxy"
	"sessiongate/gateway/routing"
	"sessiongate/gateway/streams"
	"sessiongate/gateway/telemetry"
)

// Server is the gateway's public listener with one configuration. It is safe for concurrent use.
type Server struct {
	site      exchange.Site
	exchanges *exchange.Pool
	responder *exchange.Responder
	bodies    exchange.BodyTimes
	capacity  *limits.Capacity
	streams   *streams.Registry
	table     *routing.Table
	routes    *app.Routes
	endpoints *endpoints.Router
	builtin   *telemetry.RouteMetrics // of our own endpoints
	access    telemetry.AccessLog
}

// ServeHTTP implements http.Handler.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	x := s.exchanges.Get(w, r)
	admitted := false
	defer func() { s.finish(x, admitted, recover()) }()
	proxy.CloseAfterChunked(w, r)
	s.bodies.Begin(x)
	if admitted = s.capacity.Enter(x.Client.IP); !admitted {
		s.responder.Fail(x, problem.Overloaded())
		return
	}
	if what := malformed(r, s.site.Scheme); what != "" {
		s.responder.Fail(x, problem.BadRequest(what, nil))
		return
	}
	host := exchange.CanonicalHost(s.site.Scheme, r.Host)
	// This line decides which route a request belongs to. ours: the request is for no other host.
	m, ours, err := s.table.MatchHost(host, r.RequestURI)
	switch {
	case errors.Is(err, routing.ErrBadPath):
		s.responder.Fail(x, problem.BadRequest("The path could be read in more than one way and was not forwarded. "+
			"Send it in its plain form, spelt as the application's own links: no encoded dots, double slashes, parameters or control characters.", nil))
	case !ours && m.Route != nil:
		s.routes.Of(m.Route).Serve(x, m.Target)
	case m.Reserved != endpoints.WellKnown && !s.endpoints.AnyHost(r.URL.Path) && host != s.site.Host:
		s.responder.Fail(x, problem.Misdirected(s.site.Origin))
	case err != nil:
		s.responder.Fail(x, problem.NotFound())
	case m.Route != nil:
		s.routes.Of(m.Route).Serve(x, m.Target)
	default:
		s.endpoints.Serve(x)
	}
}

// finish closes the exchange: a panic becomes a 500, the request is counted and,
// if wanted, logged. Nothing holds the exchange when it goes back to the pool.
func (s *Server) finish(x *exchange.Exchange, admitted bool, fault any) {
	s.streams.Remove(&x.Stream)
	if admitted {
		s.capacity.Leave(x.Client.IP)
	}
	if fault != nil && fault != http.ErrAbortHandler { //nolint:errorlint // recover gives the value itself
		s.access.Log.LogAttrs(x.Request.Context(), slog.LevelError, "panic", slog.String("request_id", x.Client.RequestID),
			slog.String("panic", fmt.Sprint(fault)), slog.String("stack", string(debug.Stack())))
		s.responder.Fail(x, errors.New("panic in handler"))
		fault = nil
	}
	s.logAccess(x)
	if fault != nil {
		panic(http.ErrAbortHandler) // the response is broken: the server must close the connection
	}
	s.exchanges.Put(x)
}

// logAccess counts a finished request and perhaps logs it.
func (s *Server) logAccess(x *exchange.Exchange) {
	took := x.Elapsed()
	metrics := x.Metrics
	if metrics == nil {
		metrics = s.builtin
	}
	metrics.Count(x.Status(), took)
	if !s.access.Wants(x.Status()) {
		return
	}
	r := telemetry.AccessRecord{
		Method: x.Request.Method, Path: x.Request.URL.Path, Route: x.Label, Status: x.Status(), Bytes: x.Bytes(), Took: took,
		IP: x.Client.IP, RequestID: x.Client.RequestID,
	}
	if owner := x.Owner(); owner != nil {
		r.Session = owner.ID()
	}
	s.access.Write(r)
}

// Run watches the upstreams of this server's routes until ctx ends.
func (s *Server) Run(ctx context.Context) { s.routes.Run(ctx) }

// Close closes idle connections to upstreams. Requests under way go on.
func (s *Server) Close() { s.routes.Close() }

// Drain ends the event streams of pages, so that they do not hold up a shutdown: a browser connects
// again by itself, to another replica. It may be called more than once.
func (s *Server) Drain() { s.endpoints.Drain() }
