package tokenapi

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"sessiongate/session"
)

// maxReply bounds what is read of an answer.
const maxReply = 1 << 20

// newTransport is for few calls to one host. It knows no proxy from the environment: passwords go
// where the configuration says. Idle connections are closed before common servers close them
// (gunicorn after 2 s, uvicorn and Node after 5 s): a refresh that is written to a connection just
// being closed may be lost after the API has rotated.
func newTransport(t *tls.Config) *http.Transport {
	return &http.Transport{
		DialContext:            (&net.Dialer{Timeout: 5 * time.Second, KeepAlive: 15 * time.Second}).DialContext,
		TLSClientConfig:        t,
		TLSHandshakeTimeout:    5 * time.Second,
		ForceAttemptHTTP2:      true,
		DisableCompression:     true,
		MaxIdleConnsPerHost:    session.RefreshesAtOnce,
		IdleConnTimeout:        time.Second,
		MaxResponseHeaderBytes: 256 << 10,
	}
}

// client calls the API's endpoints. It is safe for concurrent use.
type client struct {
	http    *http.Client
	headers http.Header // sent with every request
	timeout time.Duration
	now     func() time.Time
}

func newClient(o Options) *client {
	return &client{
		http: &http.Client{
			Transport: newTransport(o.TLS),
			// A 307 would make the client send the password again, to wherever it points.
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
		headers: o.Headers, timeout: o.Timeout, now: o.Now,
	}
}

// reply is an answer, read to its end.
type reply struct {
	what   string
	status int
	header http.Header
	data   []byte
	whole  bool // data is all there was

	doc     any // data as JSON, on demand
	decoded bool
}

// call sends the values to an endpoint and judges the answer. The error is a [*session.FaultError],
// a *refusal, or an *unfitError for what a user typed.
func (c *client) call(ctx context.Context, e *endpoint, v values, clientIP string) (*reply, error) {
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	req, err := c.request(ctx, e, v, clientIP)
	var unfit *unfitError
	if errors.As(err, &unfit) && unfit.typed {
		return nil, err // no fault of anybody's
	}
	if err != nil {
		return nil, &session.FaultError{Misconfigured: true, Err: fmt.Errorf("%s: %w", e.what, err)}
	}
	r, err := c.roundTrip(e.what, req)
	if err != nil {
		return nil, &session.FaultError{Err: fmt.Errorf("%s: %w", e.what, err)}
	}
	return r, e.judge(r, c.now())
}

func (c *client) request(ctx context.Context, e *endpoint, v values, clientIP string) (*http.Request, error) {
	var content io.Reader
	var mediaType string
	if e.body != nil {
		data, kind, err := e.body.render(v)
		if err != nil {
			return nil, errors.New("the body cannot be written")
		}
		content, mediaType = bytes.NewReader(data), kind
	}
	req, err := http.NewRequestWithContext(ctx, e.method, e.url.String(), content)
	if err != nil {
		return nil, errors.New("the request cannot be made")
	}
	c.introduce(req, mediaType)
	if clientIP != "" {
		req.Header.Set("X-Forwarded-For", clientIP)
	}
	for _, s := range e.carried {
		if err := s.put(req, v); err != nil {
			return nil, err
		}
	}
	return req, nil
}

// introduce sets what every request to the API says of itself. mediaType is the body's; empty: none.
func (c *client) introduce(req *http.Request, mediaType string) {
	req.Header = c.headers.Clone()
	if req.Header == nil {
		req.Header = make(http.Header)
	}
	req.Header.Set("Accept", "application/json")
	if mediaType != "" {
		req.Header.Set("Content-Type", mediaType)
	}
	if req.Header.Get("User-Agent") == "" {
		req.Header.Set("User-Agent", "sessiongate")
	}
}

func (c *client) roundTrip(what string, req *http.Request) (*reply, error) {
	res, err := c.http.Do(req)
	if err != nil {
		var with *url.Error // names the URL, which the operator knows and a log need not
		if errors.As(err, &with) {
			err = with.Err
		}
		return nil, err
	}
	defer res.Body.Close()
	data, err := io.ReadAll(io.LimitReader(res.Body, maxReply+1))
	if err != nil && res.StatusCode < 300 {
		return nil, fmt.Errorf("read the answer: %w", err)
	}
	return &reply{
		what: what, status: res.StatusCode, header: res.Header,
		data: data[:min(len(data), maxReply)], whole: err == nil && len(data) <= maxReply,
	}, nil
}

// json returns the body as a JSON value.
func (r *reply) json() (any, error) {
	if !r.decoded {
		if !r.whole {
			return nil, errors.New("the answer is larger than 1 MiB")
		}
		doc, err := decodeJSON(r.data)
		if err != nil {
			return nil, err
		}
		r.doc, r.decoded = doc, true
	}
	return r.doc, nil
}

// first reads the value at the first of the places where there is one; empty if there is none.
func (r *reply) first(list []place) string {
	for _, p := range list {
		if text := r.text(p); text != "" {
			return text
		}
	}
	return ""
}

// text reads the value at a place; empty if there is none.
func (r *reply) text(p place) string {
	switch p.kind {
	case inHeader:
		value := r.header.Get(p.name)
		if p.name == "Authorization" {
			value = bearerValue(value)
		}
		return value
	case inCookie:
		return r.cookie(p.name)
	case inLocation:
		return r.location(p.name)
	case inBody, inQuery:
	}
	if p.name == "" {
		return ""
	}
	doc, err := r.json()
	if err != nil && p.name == "." {
		return r.bare()
	}
	if err != nil {
		return ""
	}
	return fieldText(doc, p.name)
}

// bare is a body that is one word and no JSON: some APIs answer with the token alone, as text. A
// page is no token.
func (r *reply) bare() string {
	word := string(bytes.TrimSpace(r.data))
	if !r.whole || len(word) > maxToken || !headerSafe(word) || strings.IndexAny(word, "<{[\"") == 0 {
		return ""
	}
	return word
}

// location returns a parameter of a redirect's target: of its query or, as tokens for scripts come
// (OAuth 2.0 Multiple Response Type Encoding Practices §3), of its fragment.
func (r *reply) location(name string) string {
	target, err := url.Parse(r.header.Get("Location"))
	if err != nil {
		return ""
	}
	for _, text := range []string{target.RawQuery, target.EscapedFragment()} {
		list, _ := url.ParseQuery(text) // what can be read of it
		if value := list.Get(name); value != "" {
			return value
		}
	}
	return ""
}

// cookie returns the last value set under the name; a deletion is no value.
func (r *reply) cookie(name string) (value string) {
	for _, c := range (&http.Response{Header: r.header}).Cookies() {
		if c.Name == name {
			value = c.Value
			if c.MaxAge < 0 {
				value = ""
			}
		}
	}
	return value
}
