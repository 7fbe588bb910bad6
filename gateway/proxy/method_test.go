package proxy

import (
	"net/http"
	"slices"
	"testing"
	"testing/fstest"
)

func TestMethodsOfRoutes(t *testing.T) {
	all, listed, static := Route{}, Route{Methods: []string{"GET", "DEBUG"}}, Route{Static: fstest.MapFS{}}
	for method, want := range map[string][2]bool{ // with nothing listed, and with the list
		"GET": {true, true}, "HEAD": {true, true}, "POST": {true, false}, "PROPFIND": {true, false}, "REPORT": {true, false},
		"QUERY": {true, false}, "PURGE": {true, false}, "M-SEARCH": {true, false}, "OPTIONS": {true, false},
		"DEBUG": {false, true}, "debug": {false, false},
		"TRACE": {}, "TRACK": {}, "CONNECT": {}, "trace": {}, "Track": {}, "connect": {},
	} {
		if got := [2]bool{all.AllowsMethod(method), listed.AllowsMethod(method)}; got != want {
			t.Errorf("%s: %v, want %v", method, got, want)
		}
	}
	for want, r := range map[string]*Route{"GET, DEBUG": &listed, "GET, HEAD": &static, "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS": &all} {
		if got := r.Allow(); got != want {
			t.Errorf("Allow: %s, want %s", got, want)
		}
	}
}

// No header makes another method of a request than the route would take.
func TestOverridesOfTheMethod(t *testing.T) {
	for value, kept := range map[string]bool{"PATCH": true, "PROPFIND": true, "TRACE": false, " track": false, "Connect,": false, "DEBUG": false} {
		for _, name := range []string{"X-Http-Method-Override", "X-Method", "X_http_method_override", "X-Http_method"} {
			fields := Outbound(nil, http.Header{name: {value}}, &Hygiene{}, &Forward{})
			if got := slices.Contains(fields, Field{Name: name, Value: value}); got != kept {
				t.Errorf("%s: %q: kept %v, want %v", name, value, got, kept)
			}
		}
	}
}
