package program

import (
	"net/url"
	"slices"
	"strings"
	"sync"

	"sessiongate/configs"
	"sessiongate/gateway/masking"
	"sessiongate/gateway/routing"
	"sessiongate/session"
	"sessiongate/session/tokenapi"
)

// tokenAPIs are the token APIs of a configuration, as routes need to know them.
type tokenAPIs struct {
	list  []tokenAPI
	mu    sync.Mutex
	known map[string]knownTokens // by what they are made from; they outlive a reload
}

// knownTokens are what is known of the tokens of providers whose APIs are one server.
type knownTokens struct {
	providers []string
	family    *masking.Family
}

// issued lets those who know the provider's tokens see another.
func (a *tokenAPIs) issued(provider string) func(session.Secret) {
	return func(access session.Secret) {
		a.mu.Lock()
		defer a.mu.Unlock()
		for _, k := range a.known {
			if slices.Contains(k.providers, provider) {
				k.family.Learn(access.Reveal())
			}
		}
	}
}

// tokenAPI is one of them.
type tokenAPI struct {
	provider *tokenapi.Provider
	config   *configs.TokenAPIProvider
}

func (a *tokenAPIs) add(p *tokenapi.Provider, c *configs.TokenAPIProvider) {
	a.list = append(a.list, tokenAPI{p, c})
}

func (a *tokenAPIs) providers() (list []*tokenapi.Provider) {
	for _, one := range a.list {
		list = append(list, one.provider)
	}
	return list
}

// endpoints are the URLs that no route may lead to.
func (a *tokenAPIs) endpoints() (list []*url.URL) {
	for _, one := range a.list {
		list = append(list, one.provider.TokenEndpoints()...)
	}
	return list
}

// addresses are where an API is, as its configuration says.
func (a *tokenAPI) addresses() []*url.URL {
	list := a.provider.TokenEndpoints()
	if base, err := url.Parse(a.config.BaseURL); err == nil {
		list = append(list, base)
	}
	return list
}

// api compiles what is known of the token APIs that a route leads to; nil: it leads to none whose
// answers are to be masked.
func (m routeMaker) api(r *routing.Route) (*routing.API, error) {
	var found []tokenAPI
	for _, one := range m.apis.list {
		if one.config.Leaks == "mask" && m.leadsTo(r, &one) {
			found = append(found, one)
		}
	}
	if len(found) == 0 {
		return nil, nil //nolint:nilnil // nil is a route of no API
	}
	o := masking.Options{Placeholder: found[0].config.Placeholder}
	var providers []string
	for _, one := range found {
		places := one.provider.TokenPlaces()
		o.Fields = append(o.Fields, places.Fields...)
		o.Headers = append(o.Headers, places.Headers...)
		o.Cookies = append(o.Cookies, places.Cookies...)
		o.Parameters = append(o.Parameters, places.Parameters...)
		providers = append(providers, one.provider.Name())
	}
	rules, err := masking.New(o)
	if err != nil {
		return nil, err
	}
	return &routing.API{Mask: rules, Known: m.family(found, r), Providers: providers}, nil
}

func (m routeMaker) leadsTo(r *routing.Route, api *tokenAPI) bool {
	return slices.ContainsFunc(r.Upstream.Addresses, func(u *url.URL) bool {
		return slices.ContainsFunc(api.addresses(), func(a *url.URL) bool { return m.servers.of(u) == m.servers.of(a) })
	})
}

// family is what is known of the tokens of APIs that are one server. It is the same for all routes
// there.
func (m routeMaker) family(apis []tokenAPI, r *routing.Route) *masking.Family {
	var names, subjects, hosts, issuers []string
	for _, one := range apis {
		names = append(names, one.provider.Name())
		places := one.provider.TokenPlaces()
		subjects, issuers = append(subjects, places.Subjects...), append(issuers, places.Issuers...)
		for _, u := range one.addresses() {
			hosts = append(hosts, hostOf(u))
		}
		for _, alias := range one.config.Aliases {
			hosts = append(hosts, hostOf(&url.URL{Host: alias}))
		}
	}
	for _, u := range r.Upstream.Addresses {
		hosts = append(hosts, hostOf(u))
	}
	if public, err := url.Parse(m.started.Server.PublicURL); err == nil {
		hosts = append(hosts, hostOf(public))
	}
	key := strings.Join(slices.Concat(names, hosts), " ")
	m.apis.mu.Lock()
	defer m.apis.mu.Unlock()
	if m.apis.known == nil {
		m.apis.known = make(map[string]knownTokens)
	}
	k, there := m.apis.known[key]
	if !there {
		k = knownTokens{names, masking.NewFamily(subjects, hosts, issuers)}
		m.apis.known[key] = k
	}
	return k.family
}
