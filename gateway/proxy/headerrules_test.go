package proxy_test

import (
	"net/http"
	"strings"
	"testing"

	"sessiongate/gateway/proxy"
	"sessiongate/gateway/routing"
)

func TestHeaderRules(t *testing.T) {
	var got http.Header
	route := &routing.Route{
		Upstream: routing.Upstream{Addresses: newUpstream(t, func(w http.ResponseWriter, r *http.Request) {
			got = r.Header.Clone()
			w.Header().Set("Server", "secret/1.0")
			w.Header().Set("X-Frame-Options", "ALLOWALL")
		})},
		Headers: routing.Headers{Request: routing.HeaderRules{
			Remove: []string{"x-debug"}, Set: []routing.Field{{Name: "X-Env", Value: "prod"}},
			Claims: []routing.Field{{Name: "X-Acting-For", Value: "sub"}, {Name: "X-Tenant", Value: "tenant"}},
		}, Response: routing.HeaderRules{
			Remove: []string{"server"}, Set: []routing.Field{{Name: "X-Frame-Options", Value: "DENY"}},
		}},
	}
	f := newFront(t, route, proxy.Options{})
	f.fields = []routing.Field{{Name: "X-Acting-For", Value: "ada"}}
	req := request(t, "GET", f.URL+"/api", nil)
	for name := range map[string]bool{
		"X-Debug": true, "X_Debug": true, "X-Env": true, "X_env": true, "X-Acting-For": true, "X_Acting_For": true,
		"X-Acting_for": true, "X-Tenant": true, "X-Mine": true,
	} {
		req.Header[name] = []string{"forged"}
	}
	req.Header["Connection"] = []string{"X-Env, X-Acting-For"}
	res, err := f.Client().Do(req)
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	want := http.Header{"X-Env": {"prod"}, "X-Acting-For": {"ada"}, "X-Mine": {"forged"}}
	for name, values := range got {
		if strings.HasPrefix(name, "X") && !strings.HasPrefix(name, "X-Forwarded") && strings.Join(want[name], ",") != strings.Join(values, ",") {
			t.Errorf("the upstream sees %s: %q", name, values)
		}
	}
	if got.Get("X-Env") != "prod" || got.Get("X-Acting-For") != "ada" {
		t.Errorf("missing: %v", got)
	}
	if res.Header.Get("Server") != "" || res.Header.Get("X-Frame-Options") != "DENY" {
		t.Errorf("response: %v", res.Header)
	}
}
