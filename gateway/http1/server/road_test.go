package server_test

import (
	"net/http"
	"runtime"
	"slices"
	"strings"
	"testing"
)

// Between the goroutine of a connection and the handler there are two functions: one reads heads,
// the other serves a request.
func TestRoadToTheHandler(t *testing.T) {
	t.Parallel()
	road := make(chan []string, 1)
	s := start(t, "fast", &http.Server{Handler: http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/road" {
			road <- callers("sessiongate/gateway/http1/server.")
		}
	})})
	s.dial(t).say(get("/road"))
	if got, want := <-road, []string{"(*conn).serveRequest", "(*conn).serve"}; !slices.Equal(got, want) {
		t.Errorf("the handler is called by %q, want %q", got, want)
	}
}

// callers are the functions of a package on the way here, the last one first.
func callers(of string) (names []string) {
	pc := make([]uintptr, 64)
	frames := runtime.CallersFrames(pc[:runtime.Callers(1, pc)])
	for more := true; more; {
		var f runtime.Frame
		f, more = frames.Next()
		if name, ok := strings.CutPrefix(f.Function, of); ok {
			names = append(names, name)
		}
	}
	return names
}
