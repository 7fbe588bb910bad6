package configs_test

import (
	"strings"
	"testing"
)

// What a route takes off a path must not be what the API's paths begin with.
func TestRouteThatTakesTheAPIsOwnPrefix(t *testing.T) {
	const start = "server: {public_url: http://localhost:8080}\nstore: {embedded: true}\n" +
		"routes:\n  - {path: /, static: demo, session: none}\n"
	const stripped = `{path: /api/, upstreams: ["http://api:8000"], strip_prefix: /api}`
	for _, row := range []struct {
		provider, route string
		warned          string // what the warning has; empty: none
	}{
		{`login: {path: /api/auth/signin}`, stripped, "providers[0].login.path): it gets /api/orders as /orders. Remove strip_prefix"},
		{`login: {path: /signin}, refresh: {path: /api/auth/refresh}`, stripped, "providers[0].refresh.path)"},
		{`aliases: ["localhost:8000"], login: {path: /api/auth/signin}`, strings.Replace(stripped, "api:8000", "localhost:8000", 1), "providers[0].login.path)"},
		{`login: {path: /auth/signin}`, stripped, ""},
		{`login: {path: /apis/signin}`, stripped, ""},
		{`login: {path: /api/auth/signin}`, strings.Replace(stripped, "api:8000", "api:8000/api", 1), ""}, // puts it back
		{`login: {path: /api/auth/signin}`, strings.Replace(stripped, "api:8000", "other:8000", 1), ""},
		{`login: {path: /api/auth/signin}`, `{path: /api/, upstreams: ["http://api:8000"]}`, ""},
	} {
		text := start + "  - " + row.route + "\nproviders: [{name: api, kind: tokenapi, base_url: \"http://api:8000\", " + row.provider + "}]\n"
		got := ""
		for _, w := range load(t, t.TempDir(), text, noEnv).Warnings {
			if strings.Contains(w.String(), "strip_prefix") {
				got = w.String()
			}
		}
		if (row.warned == "") != (got == "") || !strings.Contains(got, row.warned) {
			t.Errorf("%s, %s: %q", row.provider, row.route, got)
		}
	}
}

// Where the page comes from another origin, no route for it is missing.
func TestNoRouteForThePage(t *testing.T) {
	const text = "server: {public_url: http://localhost:8080}\nstore: {embedded: true}\n" +
		"providers: [{name: local, kind: local, users: demo}]\nroutes: [{path: /api/, upstreams: [\"http://api:8000\"]}]\n"
	for more, warned := range map[string]bool{
		"": true,
		"cross_origin: {allowed_origins: [\"http://localhost:5173\"]}\n": false,
	} {
		got := false
		for _, w := range load(t, t.TempDir(), text+more, noEnv).Warnings {
			got = got || strings.Contains(w.String(), "has no route for /")
		}
		if got != warned {
			t.Errorf("%q: warned %v", more, got)
		}
	}
}
