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
	body    *body   // nil: no body
	carried []sent  // in headers, cookies and the URL
	answers answers // what the configuration knows of its answers; before refused
	refused []int
	named   map[string]bool // the values that are sent, if they are there
}

// newEndpoint compiles e, which may send the values that are in scope. authorization is how an API
// wants its access token in the header of that name.
func newEndpoint(what string, e Endpoint, in *scope, authorization template) (*endpoint, error) {
	if e.URL == "" {
		return nil, nil //nolint:nilnil // no such endpoint is not an error
	}
	c := &endpoint{what: what, method: e.Method, refused: e.Refused, named: make(map[string]bool)}
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
	if c.answers, err = parseAnswers(what, e.Answers); err != nil {
		return nil, fmt.Errorf("%s: %w", what, err)
	}
	if err := c.compile(e, in, authorization); err != nil {
		return nil, fmt.Errorf("%s: %w", what, err)
	}
	if err := c.incomplete(in); err != nil {
		return nil, fmt.Errorf("%s: %w", what, err)
	}
	return c, nil
}

// incomplete finds calls that make no sense: a login that sends no password would let everybody in,
// and a call without a token is about nobody.
func (c *endpoint) incomplete(in *scope) error {
	if slices.Contains(in.names, password) {
		if c.needs(password) {
			return nil
		}
		return fmt.Errorf("the request has no place for %s or %s", username, password)
	}
	for name := range c.named {
		if name == refreshToken || name == accessToken || strings.HasPrefix(name, keepOf) {
			return nil
		}
	}
	return fmt.Errorf("the request has no place for %s or %s", refreshToken, accessToken)
}

// compile sorts what is sent into body, headers, cookies and URL.
func (c *endpoint) compile(e Endpoint, in *scope, authorization template) error {
	list, err := ownKeys(e, in, authorization)
	if err != nil {
		return err
	}
	lines, err := parseSend(e.Send, in)
	if err != nil {
		return fmt.Errorf("send: %w", err)
	}
	var fields []sent
	for _, s := range append(list, lines...) {
		switch {
		case s.to.kind == inBody && (s.to.name == "." || e.Body != ""):
			return fmt.Errorf("%s: name a field, or write the body, not both", s.what)
		case s.to.kind == inBody:
			fields = append(fields, s)
			continue
		case slices.ContainsFunc(c.carried, func(other sent) bool { return other.to == s.to }):
			return fmt.Errorf("%s: another value stands at the same place", s.what)
		}
		c.carried = append(c.carried, s)
	}
	switch {
	case e.Body != "":
		c.body, err = parseBody(e.Body, e.Encoding, in)
	case len(fields) > 0:
		c.body, err = makeBody(fields, e.Encoding)
	}
	if err == nil && c.body != nil && (c.method == http.MethodGet || c.method == http.MethodHead) {
		err = errors.New("a GET has no body: use another method, or a header, a cookie or a query")
	}
	c.note()
	return err
}

// ownKeys are the values for which an endpoint has keys of their own.
func ownKeys(e Endpoint, in *scope, authorization template) (list []sent, err error) {
	for _, key := range []struct{ name, place string }{
		{username, e.Username}, {password, e.Password}, {refreshToken, e.RefreshToken}, {accessToken, e.AccessToken},
	} {
		if key.place == "" {
			continue
		}
		s := sent{what: key.name, value: plain(key.name)}
		s.to, err = parseRequestPlace(key.place)
		switch {
		case err != nil:
			return nil, fmt.Errorf("%s: %w", key.name, err)
		case !slices.Contains(in.names, key.name):
			return nil, fmt.Errorf("%s is not sent there", key.name)
		case s.to.kind != inBody && (key.name == username || key.name == password):
			return nil, fmt.Errorf("%s: can only be a field of the body", key.name)
		case s.to == place{inHeader, "Authorization"} && key.name == accessToken:
			s.value = authorization
		case s.to == place{inHeader, "Authorization"}:
			s.value = asBearer(key.name)
		}
		list = append(list, s)
	}
	return list, nil
}

// asBearer is a token in an Authorization header (RFC 6750 §2.1).
func asBearer(name string) template {
	return template{parts: []string{"Bearer ", ""}, names: []string{name}}
}

// note lists the values that the call sends.
func (c *endpoint) note() {
	add := func(t template) {
		for _, name := range t.names {
			c.named[name] = true
		}
	}
	for _, s := range c.carried {
		add(s.value)
	}
	if c.body != nil {
		c.body.templates(add)
	}
}

// needs reports whether a call makes no sense without the value.
func (c *endpoint) needs(name string) bool { return c.named[name] }

// possible reports whether the values at hand are what the endpoint needs.
func (c *endpoint) possible(v values) bool {
	for _, name := range []string{refreshToken, accessToken} {
		if c.needs(name) && v.get(name) == nil {
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
