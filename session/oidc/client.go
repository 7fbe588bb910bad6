package oidc

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"maps"
	"net"
	"net/http"
	"time"

	"sessiongate/session"
)

const (
	maxReply    = 1 << 20
	dialTimeout = 5 * time.Second
)

// client makes every call to the provider, and proves who we are where that is wanted. It
// is safe for concurrent use.
type client struct {
	o    Options
	http *http.Client
	auth clientAuth
}

func newClient(o Options) (*client, error) {
	auth, err := newClientAuth(o)
	return &client{o: o, http: newHTTPClient(o), auth: auth}, err
}

// newHTTPClient makes the client for every call to the provider: discovery, keys,
// tokens, userinfo and revocation. It follows no redirect: a 307 would carry a
// client secret, a refresh token or an access token to another host.
func newHTTPClient(o Options) *http.Client {
	trust := o.TLS
	if trust == nil {
		trust = &tls.Config{MinVersion: tls.VersionTLS12}
	}
	transport := &http.Transport{
		Proxy:               http.ProxyFromEnvironment,
		DialContext:         (&net.Dialer{Timeout: dialTimeout}).DialContext,
		TLSClientConfig:     trust,
		TLSHandshakeTimeout: dialTimeout,
		ForceAttemptHTTP2:   true,
		MaxIdleConnsPerHost: session.RefreshesAtOnce,
		IdleConnTimeout:     90 * time.Second,
	}
	return &http.Client{
		Transport:     bounded{transport},
		Timeout:       o.Timeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// get reads a document to its end. header may be nil.
func (c *client) get(ctx context.Context, from string, header http.Header) (status int, body []byte, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, from, nil)
	if err != nil {
		return 0, nil, err
	}
	maps.Copy(req.Header, header)
	req.Header.Set("Accept", "application/json")
	res, err := c.http.Do(req)
	if err != nil {
		return 0, nil, err
	}
	defer res.Body.Close()
	body, err = io.ReadAll(res.Body)
	return res.StatusCode, body, err
}

// bounded cuts replies that are too long, for every reader of them.
type bounded struct{ next http.RoundTripper }

// RoundTrip implements [http.RoundTripper].
func (b bounded) RoundTrip(r *http.Request) (*http.Response, error) {
	res, err := b.next.RoundTrip(r)
	if err == nil {
		res.Body = &shortBody{ReadCloser: res.Body, left: maxReply}
	}
	return res, err
}

type shortBody struct {
	io.ReadCloser
	left int
}

var errLongReply = errors.New("the provider's reply is longer than 1 MiB")

// Read implements [io.Reader].
func (b *shortBody) Read(p []byte) (int, error) {
	if b.left <= 0 {
		return 0, errLongReply
	}
	if len(p) > b.left {
		p = p[:b.left]
	}
	n, err := b.ReadCloser.Read(p)
	b.left -= n
	return n, err
}
