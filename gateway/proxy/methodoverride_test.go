package proxy

import (
	"net/http"
	"slices"
	"testing"

	"sessiongate/gateway/http1/client"
)

// No header makes another method of a request than the route would take.
func TestOverridesOfTheMethod(t *testing.T) {
	for value, kept := range map[string]bool{"PATCH": true, "PROPFIND": true, "TRACE": false, " track": false, "Connect,": false, "DEBUG": false} {
		for _, name := range []string{"X-Http-Method-Override", "X-Method", "X_http_method_override", "X-Http_method"} {
			fields := buildRequest(nil, http.Header{name: {value}}, &HeaderPolicy{}, &GatewayHeaders{})
			if got := slices.Contains(fields, client.Field{Name: name, Value: value}); got != kept {
				t.Errorf("%s: %q: kept %v, want %v", name, value, got, kept)
			}
		}
	}
}
