package tokenapi

import (
	"bytes"
	"io"
	"net/http"
)

// exchange is one call as it went over the wire.
type exchange struct {
	at    string // the URL without its query, which may have tokens
	reply *reply // nil: none came
	err   error
}

// recorder keeps the answers of a trial's calls, one after the other.
type recorder struct {
	next  http.RoundTripper
	since []exchange // since the last take
	all   []*reply
}

// RoundTrip implements [http.RoundTripper].
func (c *recorder) RoundTrip(req *http.Request) (*http.Response, error) {
	x := exchange{at: origin(req.URL) + req.URL.Path}
	res, err := c.next.RoundTrip(req)
	if err != nil {
		x.err = err
		c.since = append(c.since, x)
		return nil, err
	}
	data, err := io.ReadAll(io.LimitReader(res.Body, maxReply+1))
	x.reply = &reply{
		status: res.StatusCode, header: res.Header,
		data: data[:min(len(data), maxReply)], whole: err == nil && len(data) <= maxReply,
	}
	if err != nil {
		x.err = err
	}
	c.since, c.all = append(c.since, x), append(c.all, x.reply)
	res.Body = again{io.MultiReader(bytes.NewReader(data), failing{err}, res.Body), res.Body}
	return res, nil
}

// take returns the calls since the last take.
func (c *recorder) take() []exchange {
	list := c.since
	c.since = nil
	return list
}

// secrets are the tokens and cookies that came.
func (c *recorder) secrets(s sources) (list []string) {
	for _, r := range c.all {
		list = append(list, r.first(s.access), r.first(s.refresh))
		for _, cookie := range (&http.Response{Header: r.header}).Cookies() {
			list = append(list, cookie.Value)
		}
	}
	return list
}

// again is a body that was read already.
type again struct {
	io.Reader
	io.Closer
}

// failing ends in the error that reading did end in; nil: in none.
type failing struct{ err error }

// Read implements [io.Reader].
func (f failing) Read([]byte) (int, error) {
	if f.err != nil {
		return 0, f.err
	}
	return 0, io.EOF
}
