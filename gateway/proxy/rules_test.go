package proxy_test

import (
	"errors"
	"net/url"
	"strings"
	"testing"

	"sessiongate/gateway/proxy"
)

func TestHostsExactPathsAndRewrites(t *testing.T) {
	up := []*url.URL{{Scheme: "http", Host: "up.test"}}
	routes := []*proxy.Route{
		{Path: "/", Upstreams: up},
		{Path: "/status", Exact: true, Upstreams: up, Rewrite: "/internal/health"},
		{Path: "/old/", Upstreams: up, Rewrite: "/v2/new/"},
		{Path: "/both", Exact: true, Upstreams: up, StripPrefix: "/both"},
		{Path: "/both/", Upstreams: up},
		{Path: "/", Host: "static.test", Upstreams: up, Rewrite: "/cdn"},
	}
	table, err := proxy.NewTable(routes, []string{"/auth"})
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
		"/status/":                     {err: proxy.ErrBadPath}, // a server may take it for /status
		"/status/x":                    {route: 0, path: "/status/x"},
		"/statusx":                     {route: 0, path: "/statusx"},
		"/%73tatus":                    {err: proxy.ErrBadPath},
		"/x/../status":                 {err: proxy.ErrBadPath},
		"/old":                         {route: 2, path: "/v2/new"},
		"/old/":                        {route: 2, path: "/v2/new/"},
		"/old/a%2Fb":                   {route: 2, path: "/v2/new/a%2Fb"},
		"/old/..":                      {err: proxy.ErrBadPath},
		"/old//evil.test":              {route: 2, path: "/v2/new//evil.test"},
		"/both":                        {route: 3, path: "/"},
		"/both/":                       {route: 4, path: "/both/"},
		"/auth/login":                  {route: -1, path: "/auth/login"},
		"http://static.test/a":         {route: 0, path: "/a"}, // the Host header decides, not the target
		"static.test /":                {route: 5, path: "/cdn/"},
		"static.test /a":               {route: 5, path: "/cdn/a"},
		"static.test /auth/login":      {route: -1, path: "/auth/login"},
		"static.test /%61uth/login":    {err: proxy.ErrBadPath},
		"unknown.test /a":              {route: 0, path: "/a"},
		"static.test //evil.test/auth": {err: proxy.ErrBadPath},
	} {
		host, path, found := strings.Cut(target, " ")
		if !found {
			host, path = "", target
		}
		m, own, err := table.MatchHost(host, path)
		var want *proxy.Route
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
	for name, r := range map[string]*proxy.Route{
		"authorization":  {RequestHeaders: proxy.HeaderRules{Set: []proxy.Field{{Name: "Authorization", Value: "x"}}}},
		"length":         {RequestHeaders: proxy.HeaderRules{Set: []proxy.Field{{Name: "content_length", Value: "1"}}}},
		"forwarded":      {RequestHeaders: proxy.HeaderRules{Claims: []proxy.Field{{Name: "X-Forwarded-User", Value: "sub"}}}},
		"line break":     {RequestHeaders: proxy.HeaderRules{Set: []proxy.Field{{Name: "X-A", Value: "a\r\nX-B: c"}}}},
		"no name":        {RequestHeaders: proxy.HeaderRules{Remove: []string{"a b"}}},
		"cookie":         {ResponseHeaders: proxy.HeaderRules{Set: []proxy.Field{{Name: "Set-Cookie", Value: "a=b"}}}},
		"claim, inbound": {ResponseHeaders: proxy.HeaderRules{Claims: []proxy.Field{{Name: "X-A", Value: "sub"}}}},
		"two ways":       {StripPrefix: "/api", Rewrite: "/v2"},
		"host":           {Host: "Upper.test"},
	} {
		r.Path, r.Upstreams = "/api/", up
		if _, err := proxy.NewTable([]*proxy.Route{r}, nil); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}
