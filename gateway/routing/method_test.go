package routing

import (
	"testing"
	"testing/fstest"
)

func TestMethodsOfRoutes(t *testing.T) {
	all, listed, static := Route{}, Route{Access: Access{Methods: []string{"GET", "DEBUG"}}}, Route{Static: fstest.MapFS{}}
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
