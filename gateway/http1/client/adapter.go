package client

import (
	"context"
	"maps"
	"net/http"
	"net/http/httptrace"
	"net/textproto"
	"net/url"
	"sync"
)

// Adapter sends requests in parts over an http.RoundTripper: it stands in the place of [Transport]
// where that cannot be, and is what it falls back to.
type Adapter struct {
	http.RoundTripper
	Scheme string // http or https
}

// Send is [Transport.Send] by means of RoundTrip.
func (s Adapter) Send(ctx context.Context, r *Request) (*http.Response, error) {
	if r.Interim != nil {
		i := interim{pass: r.Interim}
		defer i.end()
		ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{Got1xxResponse: i.got})
	}
	res, err := s.RoundTrip(r.standard(ctx, s.Scheme))
	if err == nil && r.Header != nil {
		maps.Copy(r.Header, res.Header)
		res.Header = r.Header
	}
	return res, err
}

// interim keeps 1xx responses from coming late: http.Transport reports them from a goroutine of its
// own, which does not end with the round trip.
type interim struct {
	pass func(int, http.Header) error
	mu   sync.Mutex
	over bool
}

func (i *interim) got(code int, h textproto.MIMEHeader) error {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.over {
		return nil
	}
	return i.pass(code, http.Header(h))
}

func (i *interim) end() {
	i.mu.Lock()
	i.over = true
	i.mu.Unlock()
}

// standard puts the parts together. The path travels in Opaque, which is written to the request
// line as it is.
func (r *Request) standard(ctx context.Context, scheme string) *http.Request {
	query := r.Query
	if !r.HasQuery {
		query = ""
	}
	req := (&http.Request{
		Method: r.Method, Host: r.Authority, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		URL:    &url.URL{Scheme: scheme, Host: r.Address, Opaque: r.Base + r.Path, RawQuery: query, ForceQuery: r.HasQuery},
		Header: make(http.Header, len(r.Fields)+1),
		Body:   r.Body, ContentLength: r.ContentLength, Trailer: r.Trailer, Close: r.Close,
	}).WithContext(ctx)
	values := make([]string, len(r.Fields)) // one array for all, as net/textproto makes one
	for i, f := range r.Fields {
		if before := req.Header[f.Name]; before != nil {
			req.Header[f.Name] = append(before, f.Value)
			continue
		}
		values[i] = f.Value
		req.Header[f.Name] = values[i : i+1 : i+1]
	}
	if req.Header["User-Agent"] == nil {
		req.Header["User-Agent"] = []string{""} // none, where net/http would send its own
	}
	return req
}
