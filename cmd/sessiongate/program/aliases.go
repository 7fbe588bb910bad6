package program

import (
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"slices"

	"sessiongate/configs"
)

// otherName is a route to what may be a token API under a name that the file does not call its own.
type otherName struct {
	route         int
	provider      string
	upstream, api *url.URL
}

// text is the line about it. Two names with one address and port may also be two hosts behind one
// proxy, so that it is for people to say.
func (o otherName) text() string {
	return fmt.Sprintf("routes[%d]: %s has the address and the port of %s, provider %s. If it is that API, write aliases: [%q] there, "+
		"or its tokens reach the scripts of this route", o.route, origin(o.upstream), origin(o.api), o.provider, address(o.upstream))
}

func origin(u *url.URL) string { return u.Scheme + "://" + u.Host }

// otherNames finds the upstreams with the address of a token API that are another server by the file.
func (s *servers) otherNames(apis []tokenAPI, routes []configs.Route) (list []otherName) {
	for i := range routes {
		for _, raw := range routes[i].Upstreams {
			u, err := url.Parse(raw)
			if err != nil {
				continue // an error of its own
			}
			for _, one := range apis {
				if api := s.otherName(u, one.addresses()); api != nil {
					list = append(list, otherName{i, one.provider.Name(), u, api})
				}
			}
		}
	}
	return list
}

// otherName returns the one of the API's addresses that the upstream has; nil if there is none, or
// they are one server by the file.
func (s *servers) otherName(u *url.URL, api []*url.URL) *url.URL {
	if slices.ContainsFunc(api, func(a *url.URL) bool { return s.of(a) == s.of(u) }) {
		return nil
	}
	i := slices.IndexFunc(api, func(a *url.URL) bool { return s.shareAddress(a, u) })
	if i < 0 {
		return nil
	}
	return api[i]
}

func (s *servers) shareAddress(a, b *url.URL) bool {
	others := s.addresses(hostOf(b))
	return portOf(a) == portOf(b) && slices.ContainsFunc(s.addresses(hostOf(a)), func(x netip.Addr) bool {
		return slices.ContainsFunc(others, func(y netip.Addr) bool { return x.Unmap() == y.Unmap() })
	})
}

// address is host and port as aliases has them.
func address(u *url.URL) string { return net.JoinHostPort(u.Hostname(), portOf(u)) }

func portOf(u *url.URL) string {
	if port := u.Port(); port != "" {
		return port
	}
	return map[string]string{"http": "80", "https": "443"}[u.Scheme]
}
