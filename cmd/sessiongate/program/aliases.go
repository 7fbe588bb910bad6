package program

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"time"

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

// otherNames compares the addresses of upstreams with those of token APIs. resolve returns those of
// a name, none for an unknown one.
func otherNames(c *configs.Config, resolve func(host string) []netip.Addr) (list []otherName) {
	for i := range c.Routes {
		for _, raw := range c.Routes[i].Upstreams {
			u, err := url.Parse(raw)
			if err != nil {
				continue // an error of its own
			}
			for j := range c.Providers {
				one := &c.Providers[j]
				if one.TokenAPI == nil {
					continue
				}
				if api := unnamed(u, one.TokenAPI, resolve); api != nil {
					list = append(list, otherName{i, one.Name, u, api})
				}
			}
		}
	}
	return list
}

// unnamed returns the server of the API that the upstream has the address of; nil if there is none,
// or the file says so itself.
func unnamed(u *url.URL, t *configs.TokenAPIProvider, resolve func(host string) []netip.Addr) (api *url.URL) {
	for _, raw := range []string{t.BaseURL, t.URL(t.Login.Path), t.URL(t.Refresh.Path), t.URL(t.Logout.Path)} {
		server, err := url.Parse(raw)
		switch {
		case err != nil || server.Host == "":
		case named(u, server, t.Aliases):
			return nil
		case api == nil && sameAddress(u, server, resolve):
			api = server
		}
	}
	return api
}

// named reports whether the file says that the upstream is the API.
func named(u, api *url.URL, aliases []string) bool {
	return sameServer(u, api) || slices.ContainsFunc(aliases, func(alias string) bool {
		return sameServer(u, &url.URL{Scheme: u.Scheme, Host: alias})
	})
}

// address is host and port as aliases has them.
func address(u *url.URL) string {
	return net.JoinHostPort(u.Hostname(), portOf(u))
}

func portOf(u *url.URL) string {
	if port := u.Port(); port != "" {
		return port
	}
	return map[string]string{"http": "80", "https": "443"}[u.Scheme]
}

func sameAddress(a, b *url.URL, resolve func(host string) []netip.Addr) bool {
	if portOf(a) != portOf(b) {
		return false
	}
	others := resolve(b.Hostname())
	return slices.ContainsFunc(resolve(a.Hostname()), func(x netip.Addr) bool { return slices.Contains(others, x) })
}

// maxResolve bounds one question to the name service.
const maxResolve = 2 * time.Second

// resolver asks the name service once for each name, as long as ctx lasts.
func resolver(ctx context.Context) func(host string) []netip.Addr {
	known := make(map[string][]netip.Addr)
	return func(host string) []netip.Addr {
		if list, asked := known[host]; asked {
			return list
		}
		ctx, cancel := context.WithTimeout(ctx, maxResolve)
		defer cancel()
		list, err := net.DefaultResolver.LookupNetIP(ctx, "ip", host)
		if err != nil {
			list = nil // whether it can be reached is another line
		}
		for i := range list {
			if list[i] = list[i].Unmap(); list[i].IsLoopback() {
				list[i] = netip.IPv6Loopback() // this machine has many
			}
		}
		known[host] = list
		return list
	}
}
