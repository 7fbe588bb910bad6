package proxy

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"sync"
	"time"

	"sessiongate/gateway/http1/client"
	"sessiongate/gateway/routing"
)

// newStandard returns an http.Transport for upstreams: tuned for many requests to few hosts, and
// one that leaves messages alone (no compression of its own, no proxy from the environment).
// headers is the longest wait from the end of a request to its response headers; 0 waits for ever.
// Close its idle connections when it is no longer used.
func newStandard(headers time.Duration, u *routing.Upstream) *http.Transport {
	d := &dialer{net.Dialer{KeepAlive: 15 * time.Second}, u.ConnectTimeout(), u.TLS}
	t := &http.Transport{
		DialContext:            d.dial,
		DialTLSContext:         d.dialTLS,
		DisableCompression:     true,
		Protocols:              new(http.Protocols),
		ResponseHeaderTimeout:  headers,
		ExpectContinueTimeout:  time.Second,
		IdleConnTimeout:        90 * time.Second,
		MaxIdleConnsPerHost:    1024, // the default of 2 costs a new connection for nearly every request under load
		MaxConnsPerHost:        u.Connections,
		MaxResponseHeaderBytes: 256 << 10,
	}
	t.Protocols.SetHTTP1(u.Protocol == routing.HTTP1)
	t.Protocols.SetHTTP2(true) // by ALPN, so for https only
	t.Protocols.SetUnencryptedHTTP2(u.Protocol == routing.H2C)
	return t
}

// dialer makes connections and marks its errors, so that they can be told from those of an
// exchange. The limit is for all of it: name, TCP and TLS.
type dialer struct {
	net.Dialer
	limit time.Duration
	tls   *tls.Config
}

func (d *dialer) dial(ctx context.Context, network, address string) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, d.limit)
	defer cancel()
	conn, err := d.DialContext(ctx, network, address)
	if err != nil {
		return nil, &connectError{err}
	}
	return conn, nil
}

func (d *dialer) dialTLS(ctx context.Context, network, address string) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, d.limit)
	defer cancel()
	raw, err := d.DialContext(ctx, network, address)
	if err != nil {
		return nil, &connectError{err}
	}
	conn := tls.Client(raw, d.config(address))
	if err := conn.HandshakeContext(ctx); err != nil {
		raw.Close()
		return nil, &connectError{err}
	}
	return conn, nil
}

func (d *dialer) config(address string) *tls.Config {
	c := &tls.Config{MinVersion: tls.VersionTLS12}
	if d.tls != nil {
		c = d.tls.Clone()
	}
	if c.ServerName == "" {
		c.ServerName, _, _ = net.SplitHostPort(address)
	}
	c.NextProtos = []string{"h2", "http/1.1"}
	return c
}

// newTransport returns the transport to an address: our own client where it may and can be,
// http.Transport for all else.
func newTransport(headers time.Duration, u *routing.Upstream, scheme string) transport {
	standard := newStandard(headers, u)
	if u.Standard || scheme != "http" || u.Protocol != routing.HTTP1 || u.Connections > 0 {
		return client.Adapter{RoundTripper: standard, Scheme: scheme}
	}
	d := &dialer{net.Dialer{KeepAlive: 15 * time.Second}, u.ConnectTimeout(), u.TLS}
	t, err := client.New(client.Options{
		Fallback: standard, Dial: d.dial, DialTimeout: u.ConnectTimeout(), HeaderTimeout: headers, WriteTimeout: headers,
	})
	if err != nil {
		return client.Adapter{RoundTripper: standard, Scheme: scheme}
	}
	return t
}

const bufferSize = 32 << 10

// bufferPool lends ReverseProxy its copy buffers. Pointers to arrays go in and out without an
// allocation.
type bufferPool struct{ pool sync.Pool }

func (p *bufferPool) Get() []byte {
	if b, ok := p.pool.Get().(*[bufferSize]byte); ok {
		return b[:]
	}
	return make([]byte, bufferSize)
}

func (p *bufferPool) Put(b []byte) {
	if len(b) == bufferSize {
		p.pool.Put((*[bufferSize]byte)(b))
	}
}
