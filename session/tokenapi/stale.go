package tokenapi

import (
	"fmt"
	"net/http"
	"slices"
)

// staleness are the conditions of [Options.Stale], by which upstreams refuse a token.
type staleness []condition

// newStale reads [Options.Stale].
func newStale(lines []string) (list staleness, err error) {
	for _, line := range lines {
		c, err := parseCondition(line)
		if err != nil {
			return nil, fmt.Errorf("stale: %w", err)
		}
		list = append(list, c)
	}
	return list, nil
}

// Stale reports whether the answer of an upstream, which got an access token of this provider, says
// that the token is no good. body is the whole answer if it is JSON and of a status of which
// [Provider.LooksInside]; else nil.
func (p *Provider) Stale(status int, header http.Header, body []byte) bool {
	r := &reply{what: "a route", status: status, header: header, data: body, whole: true}
	return slices.ContainsFunc(p.stale, func(c condition) bool { return c.holds(r) })
}

// LooksInside reports whether it takes the body to know whether an answer with this status is
// stale.
func (p *Provider) LooksInside(status int) bool {
	return slices.ContainsFunc(p.stale, func(c condition) bool { return c.looksInside() && c.mayHave(status) })
}
