package proxy_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"sessiongate/gateway/proxy"
	"sessiongate/gateway/routing"
)

// The Host that an upstream gets, whatever it is reached by, requests and health checks alike.
func TestUpstreamHost(t *testing.T) {
	checks := make(chan string, 1000)
	answer := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/health" {
			checks <- r.Host
		}
		_, _ = io.WriteString(w, r.Host)
	})
	plain := httptest.NewServer(answer)
	t.Cleanup(plain.Close)
	h2c := httptest.NewUnstartedServer(answer)
	h2c.Config.Protocols = new(http.Protocols)
	h2c.Config.Protocols.SetUnencryptedHTTP2(true)
	h2c.Start()
	t.Cleanup(h2c.Close)
	encrypted := httptest.NewUnstartedServer(answer)
	encrypted.EnableHTTP2 = true
	encrypted.StartTLS()
	t.Cleanup(encrypted.Close)
	roots := x509.NewCertPool()
	roots.AddCert(encrypted.Certificate())

	const public = "app.example.com"
	for name, c := range map[string]struct {
		server   *httptest.Server
		set      string
		protocol routing.Protocol
		want     string // "": that of the URL
	}{
		"http": {plain, "", routing.HTTP1, public}, "http, upstream": {plain, "upstream", routing.HTTP1, ""},
		"http, a name": {plain, "api.internal:81", routing.HTTP1, "api.internal:81"},
		"h2c":          {h2c, "", routing.H2C, public}, "h2c, a name": {h2c, "api.internal", routing.H2C, "api.internal"},
		"https": {encrypted, "", routing.HTTP1, ""}, "https, public": {encrypted, "public", routing.HTTP1, public},
	} {
		u := mustURL(t, c.server.URL)
		if c.want == "" {
			c.want = u.Host
		}
		route := &routing.Route{
			Path: "/api",
			Upstream: routing.Upstream{
				Addresses: []*url.URL{u}, Host: c.set, Protocol: c.protocol, TLS: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12},
				Health: &routing.Health{Path: "/health", Interval: time.Hour},
			},
		}
		f := newFront(t, route, proxy.Options{Public: &url.URL{Scheme: "https", Host: public}})
		for _, body := range []io.Reader{nil, io.MultiReader(strings.NewReader("x"))} {
			if _, got := get(t, request(t, "POST", f.URL+"/api", body)); got != c.want {
				t.Errorf("%s: the upstream gets %s, want %s", name, got, c.want)
			}
		}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() { defer close(done); f.forwarder.Run(ctx) }()
		if got := <-checks; got != c.want {
			t.Errorf("%s: a health check gets %s, want %s", name, got, c.want)
		}
		cancel()
		<-done
	}
}
