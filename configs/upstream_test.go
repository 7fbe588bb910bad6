package configs_test

import (
	"strings"
	"testing"

	"sessiongate/configs"
)

// routesFile is a working file with these routes.
func routesFile(t *testing.T, routes string) (*configs.Loaded, error) {
	t.Helper()
	text := "server: {public_url: \"http://localhost:8080\"}\nstore: {embedded: true}\n" +
		"providers: [{name: local, kind: local, users: demo}]\nroutes:\n" + routes + "  - {path: /, upstreams: [\"http://a\"], session: none}\n"
	return configs.LoadBytes("test.yaml", []byte(text), noEnv)
}

func TestUpstreamKeysThatAreWrong(t *testing.T) {
	const api = `  - {path: /api/, upstreams: ["https://a"], `
	for line, want := range map[string]string{
		api + `rewrite: /v2/, strip_prefix: /api}`:   "rewrite",
		api + `rewrite: "/v2/../x"}`:                 "rewrite",
		api + `host: cdn.test}`:                      "session cookie",
		api + `host: CDN.test, session: none}`:       "lower case",
		api + `match: regex}`:                        "match",
		api + `protocol: h3}`:                        "protocol",
		api + `upstream_host: "http://a"}`:           "host name",
		api + `upstream_host: Public}`:               "lower case",
		api + `upstream_host: "a:b"}`:                "host name",
		api + `redirects: all}`:                      "redirects",
		api + `case: lower}`:                         "case",
		api + `methods: [GET, TRACE]}`:               "never forwarded",
		api + `retries: 99}`:                         "retries",
		api + `connect_timeout: 5}`:                  "connect_timeout",
		api + `health: {interval: 5s}}`:              "health.path",
		api + `health: {path: "health?x"}}`:          "health.path",
		api + `upstream_tls: {cert_file: /nowhere}}`: "upstream_tls",
		api + `cors: {allowed_origins: ["*"]}}`:      "signed-in user",
		api + `cors: {}}`:                            "allowed_origins",
		api + `cors: {allowed_origins: ["https://x.test"], allowed_methods: [get]}}`:   "upper case",
		api + `request_headers: {set: ["Authorization: x"]}}`:                          "decides on itself",
		api + `request_headers: {set: [X-Env]}}`:                                       "header name",
		api + `request_headers: {claims: ["X-Forwarded-User: sub"]}}`:                  "decides on itself",
		api + `session: none, request_headers: {claims: ["X-A: sub"]}}`:                "of a session",
		api + `response_headers: {remove: [Set_Cookie]}}`:                              "decides on itself",
		api + `response_headers: {set: ["x-sessiongate-problem: overloaded"]}}`:        "decides on itself",
		api + `match: exact}` + "\n" + `  - {path: /api/, match: exact, static: demo}`: "covers the same",
	} {
		_, err := routesFile(t, line+"\n")
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s\n\t%v", line, err)
		}
	}
}

func TestUpstreamKeysThatAreRight(t *testing.T) {
	loaded, err := routesFile(t, `  - path: /api/
    upstreams: ["http://a:1", "http://b:2"]
    protocol: h2c
    connect_timeout: 1s
    idle_timeout: 5m
    max_connections: 10
    retries: 0
    upstream_host: api.internal:81
    redirects: off
    case: sensitive
    methods: [GET, DEBUG]
    health: {path: /healthz, interval: 1s}
    request_headers: {set: ["X-Env: a: b"], remove: [X-Debug], claims: ["X-User-Name: name"]}
  - {path: /api/, match: exact, upstreams: ["http://a"], rewrite: /index}
  - {path: /x/, host: cdn.test, static: demo, session: none, csp: none}
`)
	if err != nil {
		t.Fatal(err)
	}
	r := loaded.Config.Routes[0]
	if r.Protocol != "h2c" || r.Retries != 0 || r.Health.Unhealthy != 2 || r.MaxConnections != 10 {
		t.Errorf("%+v", r)
	}
	if name, value, ok := configs.HeaderLine(r.RequestHeaders.Set[0]); name != "X-Env" || value != "a: b" || !ok {
		t.Errorf("%q %q %v", name, value, ok)
	}
}

func TestRouteThatOpensAnother(t *testing.T) {
	for inner, warned := range map[string]bool{
		`{path: /admin/users/, upstreams: ["http://a"]}`:                                true,
		`{path: /admin/users/, upstreams: ["http://a"], session: none}`:                 true,
		`{path: /admin/users/, upstreams: ["http://a"], require: {roles: [superuser]}}`: false,
		`{path: /other/, upstreams: ["http://a"], session: none}`:                       false,
	} {
		loaded, err := routesFile(t, "  - {path: /admin/, upstreams: [\"http://a\"], require: {roles: [admin]}}\n  - "+inner+"\n")
		if err != nil {
			t.Fatal(err)
		}
		got := false
		for _, w := range loaded.Warnings {
			got = got || strings.Contains(w.String(), "asks less")
		}
		if got != warned {
			t.Errorf("%s: warned %v: %v", inner, got, loaded.Warnings)
		}
	}
}
