package proxy_test

import (
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"sessiongate/gateway/masking"
	"sessiongate/gateway/proxy"
	"sessiongate/gateway/routing"
)

var kilobyte = strings.Repeat("x", 1024)

func benchUpstream(b *testing.B) *httptest.Server {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain")
		_, _ = io.WriteString(w, kilobyte)
	}))
	b.Cleanup(s.Close)
	return s
}

// discard is a ResponseWriter that keeps nothing, so that what is measured is the proxy.
type discard struct{ h http.Header }

func (d *discard) Header() http.Header         { return d.h }
func (d *discard) Write(p []byte) (int, error) { return len(p), nil }
func (d *discard) WriteHeader(int)             {}

func benchRequest() *http.Request {
	r := httptest.NewRequest("GET", "/api/orders/7?page=2", nil)
	r.Header.Set("Accept", "application/json")
	r.Header.Set("User-Agent", "Mozilla/5.0 (X11; Linux x86_64)")
	r.Header.Set("Accept-Language", "en")
	r.Header.Set("Cookie", "__Host-session=MTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM0NTY3ODkw; theme=dark")
	return r
}

func run(b *testing.B, serve func(w http.ResponseWriter, r *http.Request)) {
	r, w := benchRequest(), &discard{h: http.Header{}}
	b.ReportAllocs()
	for b.Loop() {
		clear(w.h)
		serve(w, r)
	}
}

// BenchmarkForward is the hot path of this package: match, header rules, round trip, copy.
func BenchmarkForward(b *testing.B) {
	route := &routing.Route{Path: "/api/", Upstream: routing.Upstream{Addresses: nil}}
	route.Upstream.Addresses = append(route.Upstream.Addresses, mustURL(b, benchUpstream(b).URL))
	table, err := routing.NewTable([]*routing.Route{route}, []string{"/auth"})
	if err != nil {
		b.Fatal(err)
	}
	tr := proxy.NewTransport(0)
	defer tr.CloseIdleConnections()
	f, err := proxy.NewForwarder(route, proxy.Options{
		Cookies: ourCookies, Transport: tr,
	})
	if err != nil {
		b.Fatal(err)
	}
	values := proxy.GatewayHeaders{Bearer: "Bearer x", ClientIP: "192.0.2.1", Host: "app", Proto: "https", RequestID: "r", TraceParent: "00-t-s-01"}
	run(b, func(w http.ResponseWriter, r *http.Request) {
		m, err := table.Match(r.RequestURI)
		if err != nil {
			b.Fatal(err)
		}
		if failure := f.Serve(w, r, nil, m.Target, values); failure != nil {
			b.Error(failure)
		}
	})
}

// BenchmarkBareReverseProxy is what the standard library takes for the same with the same transport
// and no rules.
func BenchmarkBareReverseProxy(b *testing.B) {
	u := mustURL(b, benchUpstream(b).URL)
	tr := proxy.NewTransport(0)
	defer tr.CloseIdleConnections()
	rp := &httputil.ReverseProxy{
		Rewrite: func(pr *httputil.ProxyRequest) {
			pr.SetURL(u)
			pr.SetXForwarded()
			pr.Out.Header.Set("Authorization", "Bearer x")
		},
		Transport: tr, BufferPool: onePool{make([]byte, 32<<10)}, ErrorLog: log.New(io.Discard, "", 0),
	}
	run(b, rp.ServeHTTP)
}

// onePool lends the same buffer again and again: enough for a benchmark that forwards one request
// at a time.
type onePool struct{ b []byte }

func (p onePool) Get() []byte { return p.b }
func (p onePool) Put([]byte)  {}

// masks searches bodies as a route to an API with a login does.
type masks struct {
	handler
	rules *masking.Rules
}

func (m *masks) Fields(h http.Header) {
	m.rules.Strip(h)
	m.rules.StripTokens(h, m)
}

func (m *masks) Rewrite(res *http.Response) error {
	r := masking.NewReader(res.Body, m.rules, masking.KindOf(res.Header), m)
	res.Body = r
	return r.Begin()
}

func (m *masks) IsToken([]byte, bool) bool { return false }

func (m *masks) InPage([]byte) bool { return false }

func (m *masks) Own() string {
	return "Bearer eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhZGEifQ.c2lnbmF0dXJl"[7:]
}

// BenchmarkAPI is an answer of 16 KiB without tokens, on a route to an API with a login and on
// another.
func BenchmarkAPI(b *testing.B) {
	body := `[` + strings.Repeat(`{"id":1,"customer":{"name":"Ada Lovelace","city":"London"},"created_at":"2026-01-02T03:04:05Z","total":3.50},`, 150) + `{}]`
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header()["Content-Type"], w.Header()["Content-Length"] = []string{"application/json"}, []string{strconv.Itoa(len(body))}
		_, _ = io.WriteString(w, body)
	}))
	defer s.Close()
	rules, err := masking.New(masking.Options{Fields: []string{"access_token", "refresh_token"}, Cookies: []string{"refresh"}, Placeholder: "session"})
	if err != nil {
		b.Fatal(err)
	}
	for name, api := range map[string]*routing.API{"masked": {}, "not": nil} {
		route := &routing.Route{Path: "/api/", Upstream: routing.Upstream{Addresses: []*url.URL{mustURL(b, s.URL)}}, Access: routing.Access{API: api}}
		f, err := proxy.NewForwarder(route, proxy.Options{Cookies: ourCookies})
		if err != nil {
			b.Fatal(err)
		}
		b.Run(name, func(b *testing.B) {
			run(b, func(w http.ResponseWriter, r *http.Request) {
				if failure := f.Serve(w, r, &masks{rules: rules}, routing.Target{Path: "/orders"}, proxy.GatewayHeaders{Bearer: "Bearer x"}); failure != nil {
					b.Error(failure)
				}
			})
		})
		f.Close()
	}
}
