package routing_test

import (
	"errors"
	"net/url"
	"strings"
	"testing"

	"sessiongate/gateway/routing"
)

func TestHostsExactPathsAndRewrites(t *testing.T) {
	up := []*url.URL{{Scheme: "http", Host: "up.test"}}
	routes := []*routing.Route{
		{Path: "/", Upstream: routing.Upstream{Addresses: up}},
		{Path: "/status", Exact: true, Upstream: routing.Upstream{Addresses: up}, Rewrite: "/internal/health"},
		{Path: "/old/", Upstream: routing.Upstream{Addresses: up}, Rewrite: "/v2/new/"},
		{Path: "/both", Exact: true, Upstream: routing.Upstream{Addresses: up}, StripPrefix: "/both"},
		{Path: "/both/", Upstream: routing.Upstream{Addresses: up}},
		{Path: "/", Host: "static.test", Upstream: routing.Upstream{Addresses: up}, Rewrite: "/cdn"},
	}
	table, err := routing.NewTable(routes, []string{"/auth"})
	if err != nil {
		t.Fatal(err)
	}
	for target, c := range map[string]struct {
		route int
		path  string
		err   error
	}{
		"/status":                      {route: 1, path: "/internal/health"},
		"/status?a=b":                  {route: 1, path: "/internal/health"},
		"/status/":                     {err: routing.ErrBadPath}, // a server may take it for /status
		"/status/x":                    {route: 0, path: "/status/x"},
		"/statusx":                     {route: 0, path: "/statusx"},
		"/%73tatus":                    {err: routing.ErrBadPath},
		"/x/../status":                 {err: routing.ErrBadPath},
		"/old":                         {route: 2, path: "/v2/new"},
		"/old/":                        {route: 2, path: "/v2/new/"},
		"/old/a%2Fb":                   {route: 2, path: "/v2/new/a%2Fb"},
		"/old/..":                      {err: routing.ErrBadPath},
		"/old//evil.test":              {route: 2, path: "/v2/new//evil.test"},
		"/both":                        {route: 3, path: "/"},
		"/both/":                       {route: 4, path: "/both/"},
		"/auth/login":                  {route: -1, path: "/auth/login"},
		"http://static.test/a":         {route: 0, path: "/a"}, // the Host header decides, not the target
		"static.test /":                {route: 5, path: "/cdn/"},
		"static.test /a":               {route: 5, path: "/cdn/a"},
		"static.test /auth/login":      {route: -1, path: "/auth/login"},
		"static.test /%61uth/login":    {err: routing.ErrBadPath},
		"unknown.test /a":              {route: 0, path: "/a"},
		"static.test //evil.test/auth": {err: routing.ErrBadPath},
	} {
		host, path, found := strings.Cut(target, " ")
		if !found {
			host, path = "", target
		}
		m, own, err := table.MatchHost(host, path)
		var want *routing.Route
		if c.err == nil && c.route >= 0 {
			want = routes[c.route]
		}
		if !errors.Is(err, c.err) || m.Route != want || c.err == nil && m.Target.Path != c.path || own != (host != "static.test") {
			t.Errorf("%s: %v %q %v own=%v", target, m.Route, m.Target.Path, err, own)
		}
	}
}

func TestRulesThatAreRefused(t *testing.T) {
	up := []*url.URL{{Scheme: "http", Host: "up.test"}}
	for name, r := range map[string]*routing.Route{
		"authorization":  {Headers: routing.Headers{Request: routing.HeaderRules{Set: []routing.Field{{Name: "Authorization", Value: "x"}}}}},
		"length":         {Headers: routing.Headers{Request: routing.HeaderRules{Set: []routing.Field{{Name: "content_length", Value: "1"}}}}},
		"forwarded":      {Headers: routing.Headers{Request: routing.HeaderRules{Claims: []routing.Field{{Name: "X-Forwarded-User", Value: "sub"}}}}},
		"line break":     {Headers: routing.Headers{Request: routing.HeaderRules{Set: []routing.Field{{Name: "X-A", Value: "a\r\nX-B: c"}}}}},
		"no name":        {Headers: routing.Headers{Request: routing.HeaderRules{Remove: []string{"a b"}}}},
		"cookie":         {Headers: routing.Headers{Response: routing.HeaderRules{Set: []routing.Field{{Name: "Set-Cookie", Value: "a=b"}}}}},
		"claim, inbound": {Headers: routing.Headers{Response: routing.HeaderRules{Claims: []routing.Field{{Name: "X-A", Value: "sub"}}}}},
		"two ways":       {StripPrefix: "/api", Rewrite: "/v2"},
		"host":           {Host: "Upper.test"},
	} {
		r.Path, r.Upstream.Addresses = "/api/", up
		if _, err := routing.NewTable([]*routing.Route{r}, nil); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}
