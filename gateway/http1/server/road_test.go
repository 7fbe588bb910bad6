package server_test

import (
	"net/http"
	"slices"
	"testing"

	"sessiongate/gateway/http1/http1test"
)

// Between the goroutine of a connection and the handler there are two functions: one reads heads,
// the other serves a request.
func TestRoadToTheHandler(t *testing.T) {
	t.Parallel()
	road := make(chan []string, 1)
	s := start(t, "fast", &http.Server{Handler: http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/road" {
			road <- http1test.Callers("sessiongate/gateway/http1/server.")
		}
	})})
	s.dial(t).say(get("/road"))
	if got, want := <-road, []string{"(*conn).serveRequest", "(*conn).serve"}; !slices.Equal(got, want) {
		t.Errorf("the handler is called by %q, want %q", got, want)
	}
}
