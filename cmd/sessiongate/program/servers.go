package program

import (
	"context"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"sessiongate/configs"
)

// servers tells which addresses of the configuration are of one server. Names count, since several
// servers may share an address behind a proxy; but all names and addresses of this machine are one,
// and what a token API lists as its aliases is that API.
type servers struct {
	found   map[string][]netip.Addr // by name, as it was looked up
	own     map[netip.Addr]bool     // addresses of this machine
	aliases map[string]string       // from host and port to those in base_url
}

// lookUpLimit bounds the look-ups at a start. Names that are not found by then are just names.
const lookUpLimit = 2 * time.Second

// lookUp is [net.Resolver.LookupNetIP], for tests to replace.
type lookUp func(ctx context.Context, network, host string) ([]netip.Addr, error)

// newServers looks up the names of token APIs and in routes. Without a token API there is nothing to
// compare, and nothing is looked up.
func newServers(providers []configs.Provider, routes []configs.Route, look lookUp) *servers {
	s := &servers{found: make(map[string][]netip.Addr), own: ownAddresses(), aliases: make(map[string]string)}
	var names []string
	add := func(text string) {
		if u, err := url.Parse(text); err == nil && u.Host != "" {
			names = append(names, hostOf(u))
		}
	}
	for i := range providers {
		api := providers[i].TokenAPI
		if api == nil {
			continue
		}
		for _, text := range []string{api.BaseURL, api.URL(api.Login.Path), api.URL(api.Refresh.Path), api.URL(api.Logout.Path)} {
			add(text)
		}
	}
	if len(names) == 0 {
		return s
	}
	for i := range routes {
		for _, text := range routes[i].Upstreams {
			add(text)
		}
	}
	s.lookUpAll(names, look)
	s.alias(providers)
	return s
}

// lookUpAll asks for all names at once.
func (s *servers) lookUpAll(names []string, look lookUp) {
	ctx, cancel := context.WithTimeout(context.Background(), lookUpLimit)
	defer cancel()
	slices.Sort(names)
	var wg sync.WaitGroup
	var mu sync.Mutex
	for _, name := range slices.Compact(names) {
		if _, err := netip.ParseAddr(name); err == nil || name == "localhost" {
			continue
		}
		wg.Go(func() {
			list, err := look(ctx, "ip", name)
			if err != nil {
				return
			}
			mu.Lock()
			defer mu.Unlock()
			s.found[name] = list
		})
	}
	wg.Wait()
}

// alias leads the aliases of each token API to its base_url.
func (s *servers) alias(providers []configs.Provider) {
	for i := range providers {
		api := providers[i].TokenAPI
		if api == nil {
			continue
		}
		base, err := url.Parse(api.BaseURL)
		if err != nil {
			continue
		}
		to := s.of(base)
		for _, alias := range api.Aliases {
			from := s.of(&url.URL{Scheme: base.Scheme, Host: alias})
			if from != to {
				s.aliases[from] = to
			}
		}
	}
}

// of names the server of an address.
func (s *servers) of(u *url.URL) string {
	host, port := hostOf(u), portOf(u)
	if slices.ContainsFunc(s.addresses(host), s.isOurs) || host == "localhost" {
		host = "localhost"
	}
	key := net.JoinHostPort(host, port)
	if to, ok := s.aliases[key]; ok {
		return to
	}
	return key
}

// addresses are those of a host, where they are known.
func (s *servers) addresses(host string) []netip.Addr {
	if ip, err := netip.ParseAddr(host); err == nil {
		return []netip.Addr{ip.Unmap()}
	}
	return s.found[host]
}

func (s *servers) isOurs(ip netip.Addr) bool {
	ip = ip.Unmap()
	return ip.IsLoopback() || ip.IsUnspecified() || s.own[ip.WithZone("")]
}

// hostOf is a host as it is compared.
func hostOf(u *url.URL) string {
	host := strings.TrimSuffix(strings.ToLower(u.Hostname()), ".")
	if ip, err := netip.ParseAddr(host); err == nil {
		return ip.Unmap().String()
	}
	return host
}

func ownAddresses() map[netip.Addr]bool {
	own := make(map[netip.Addr]bool)
	list, err := net.InterfaceAddrs()
	if err != nil {
		return own
	}
	for _, a := range list {
		if prefix, err := netip.ParsePrefix(a.String()); err == nil {
			own[prefix.Addr().Unmap().WithZone("")] = true
		}
	}
	return own
}
