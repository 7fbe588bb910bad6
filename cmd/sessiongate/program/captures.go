package program

import (
	"net/url"
	"slices"
	"strings"
	"time"

	"sessiongate/configs"
	"sessiongate/gateway/capture"
	"sessiongate/gateway/masking"
	"sessiongate/gateway/routing"
)

// captured are the paths of a route that lead to answers which begin sessions; nil: none does.
func (m routeMaker) captured(r *routing.Route) (*routing.Captures, error) {
	var list []routing.Capture
	for _, one := range m.apis.list {
		if !one.captures() || !m.leadsTo(r, &one) {
			continue
		}
		places := one.provider.TokenPlaces()
		rules, err := masking.New(masking.Options{
			Fields: places.Fields, Headers: places.Headers, Cookies: places.Cookies, Parameters: places.Parameters,
			Placeholder: one.config.Placeholder,
		})
		if err != nil {
			return nil, err
		}
		api := &routing.API{Mask: rules, Known: m.family([]tokenAPI{one}, r), Providers: []string{one.provider.Name()}}
		for _, c := range one.entries() {
			c.API = api
			list = append(list, m.onRoute(r, c, one.config)...)
		}
	}
	return routing.NewCaptures(list), nil
}

// captures reports whether any answer of the API begins a session.
func (a *tokenAPI) captures() bool { return len(a.config.AppCalls) > 0 || len(a.config.Capture) > 0 }

// entries are the paths of capture and app_calls, as the configuration has them.
func (a *tokenAPI) entries() (list []routing.Capture) {
	calls := map[string]routing.AppCall{"login": routing.CallLogin, "refresh": routing.CallRefresh, "logout": routing.CallLogout}
	for _, name := range a.config.AppCalls {
		path, method := a.config.AppCall(name)
		c := routing.Capture{Provider: a.provider.Name(), Via: path, Methods: []string{method}, Call: calls[name]}
		if name == "login" {
			c.Statuses = []int{200, 201}
		}
		list = append(list, c)
	}
	for _, c := range a.config.Capture {
		list = append(list, routing.Capture{
			Provider: a.provider.Name(), Via: c.Path, Methods: c.Methods, Statuses: c.Statuses, Begins: c.Begins,
		})
	}
	return list
}

// onRoute is an entry with its paths as they would be appended to the route's upstreams, once for each
// way in which they differ there.
func (m routeMaker) onRoute(r *routing.Route, c routing.Capture, api *configs.TokenAPIProvider) (list []routing.Capture) {
	begins := c.Begins
	for _, u := range r.Upstream.Addresses {
		at, ok := m.below(u, api.URL(c.Via))
		if !ok {
			continue
		}
		c.Path = at
		if begins != "" {
			if c.Begins, ok = m.below(u, api.URL(begins)); !ok {
				continue
			}
		}
		same := func(other routing.Capture) bool { return other.Path == c.Path && other.Begins == c.Begins }
		if !slices.ContainsFunc(list, same) {
			list = append(list, c)
		}
	}
	return list
}

// below returns what a request's path has to be, behind that of an upstream, to reach an address.
func (m routeMaker) below(upstream *url.URL, address string) (path string, ok bool) {
	e, err := url.Parse(address)
	base := strings.TrimSuffix(upstream.Path, "/")
	if err != nil || m.servers.of(upstream) != m.servers.of(e) || len(e.Path) < len(base) || !strings.EqualFold(e.Path[:len(base)], base) {
		return "", false
	}
	path = e.Path[len(base):]
	return path, path == "" || path[0] == '/'
}

// captureAPIs are the APIs whose answers begin sessions, by the provider's name.
func (a *tokenAPIs) captureAPIs() map[string]*capture.API {
	all := make(map[string]*capture.API)
	for _, one := range a.list {
		if one.captures() {
			all[one.provider.Name()] = &capture.API{
				Calls: one.provider.AppCalls(), Placeholder: one.config.Placeholder, Timeout: time.Duration(one.config.Timeout),
			}
		}
	}
	return all
}
