package tokenapi

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// endpoint is an [Endpoint] made ready: everything that can be wrong with it was found when it was
// made. A nil endpoint is one the API does not have.
type endpoint struct {
	what    string // "login", for errors
	url     *url.URL
	method  string
	body    *body  // nil: no body
	carried []sent // in headers and cookies
	refused []int
}

// newEndpoint compiles e. allowed names the values that may be sent to it.
func newEndpoint(what string, e Endpoint, allowed ...string) (*endpoint, error) {
	if e.URL == "" {
		return nil, nil //nolint:nilnil // no such endpoint is not an error
	}
	c := &endpoint{what: what, method: e.Method, refused: e.Refused}
	var err error
	if c.url, err = parseURL(e.URL); err != nil {
		return nil, fmt.Errorf("%s: %w", what, err)
	}
	switch {
	case e.Method != strings.ToUpper(e.Method) || !isToken(e.Method):
		return nil, fmt.Errorf("%s: the method is not one in upper case", what)
	case e.Encoding != JSON && e.Encoding != Form:
		return nil, fmt.Errorf("%s: the encoding is neither json nor form", what)
	}
	for _, status := range e.Refused {
		if status < 400 || status > 499 || status == http.StatusTooManyRequests || status == http.StatusRequestTimeout {
			return nil, fmt.Errorf("%s: %d cannot mean refused: 400 to 499 can, but for 408 and 429", what, status)
		}
	}
	if err := c.compile(e, allowed); err != nil {
		return nil, fmt.Errorf("%s: %w", what, err)
	}
	// A login that sends no password would let everybody in; a refresh without a token is about
	// nobody.
	if slices.ContainsFunc(allowed, c.needs) && (!slices.Contains(allowed, password) || c.needs(password)) {
		return c, nil
	}
	return nil, fmt.Errorf("%s: the request has no place for %s", what, strings.Join(allowed, " or "))
}

// compile sorts the places into body, headers and cookies.
func (c *endpoint) compile(e Endpoint, allowed []string) error {
	var fields []sent
	for _, v := range []sent{
		{place{name: e.Username}, username},
		{place{name: e.Password}, password},
		{place{name: e.RefreshToken}, refreshToken},
		{place{name: e.AccessToken}, accessToken},
	} {
		if v.to.name == "" {
			continue
		}
		to, err := parseRequestPlace(v.to.name)
		switch {
		case err != nil:
			return fmt.Errorf("%s: %w", v.value, err)
		case !slices.Contains(allowed, v.value):
			return fmt.Errorf("%s is not sent there", v.value)
		case to.kind == inBody && (to.name == "." || e.Body != ""):
			return fmt.Errorf("%s: name a field, or write the body, not both", v.value)
		case to.kind != inBody && (v.value == username || v.value == password):
			return fmt.Errorf("%s: can only be a field of the body", v.value)
		}
		v.to = to
		if to.kind == inBody {
			fields = append(fields, v)
			continue
		}
		if slices.ContainsFunc(c.carried, func(other sent) bool { return other.to == to }) {
			return fmt.Errorf("%s: another value stands at the same place", v.value)
		}
		c.carried = append(c.carried, v)
	}
	var err error
	switch {
	case e.Body != "":
		c.body, err = parseBody(e.Body, e.Encoding, allowed)
	case len(fields) > 0:
		c.body, err = makeBody(fields, e.Encoding)
	}
	if err == nil && c.body != nil && (c.method == http.MethodGet || c.method == http.MethodHead) {
		err = errors.New("a GET has no body: use another method, or a header or a cookie")
	}
	return err
}

// needs reports whether a call makes no sense without the value.
func (c *endpoint) needs(value string) bool {
	for _, v := range c.carried {
		if v.value == value {
			return true
		}
	}
	return c.body != nil && c.body.uses(value)
}

// possible reports whether the values at hand are what the endpoint needs.
func (c *endpoint) possible(v values) bool {
	for _, name := range []string{refreshToken, accessToken} {
		if c.needs(name) && v.get(name) == "" {
			return false
		}
	}
	return true
}

// parseURL wants an address without credentials: they would end up in logs.
func parseURL(text string) (*url.URL, error) {
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.Opaque != "":
		return nil, errors.New("the URL is not an http or https URL with a host")
	case u.User != nil:
		return nil, errors.New("the URL has a user name in it; send it in a header")
	}
	u.Fragment, u.RawFragment = "", ""
	return u, nil
}
