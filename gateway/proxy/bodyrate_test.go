package proxy_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"sessiongate/gateway/http1/http1test"
	"sessiongate/gateway/proxy"
	"sessiongate/gateway/routing"
)

// A body must keep its rate once the grace is over, however often a byte comes; on a route
// without a rate it may drip, and an upstream that takes its time is not the client's fault.
func TestBodyRate(t *testing.T) {
	t.Parallel()
	const grace = 300 * time.Millisecond // in the shortest run
	for name, row := range map[string]struct {
		rate   int64
		pause  time.Duration // of the client, between two bytes
		slow   time.Duration // of the upstream, before it reads
		passes bool
	}{
		"dripping":             {500, 20 * time.Millisecond, 0, false},
		"dripping, no rate":    {0, 20 * time.Millisecond, 0, true},
		"quick enough":         {10, 5 * time.Millisecond, 0, true},
		"slow upstream":        {500, 0, 4 * grace, true},
		"whole within grace":   {1 << 30, time.Millisecond, 0, true},
		"dripping, no timeout": {500, 20 * time.Millisecond, 0, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			timeout := time.Minute
			if strings.Contains(name, "no timeout") {
				timeout = 0
			}
			http1test.InTime(t, func(t testing.TB, factor time.Duration) {
				up := newUpstream(t, func(w http.ResponseWriter, r *http.Request) {
					<-time.After(factor * row.slow)
					_, _ = io.Copy(w, r.Body)
				})
				f := newFront(t, &routing.Route{Upstream: routing.Upstream{Addresses: up}, Body: routing.Body{Rate: row.rate}},
					proxy.Options{BodyTimeout: timeout, BodyGrace: factor * grace})
				size := 50
				if !row.passes {
					size *= int(factor) // longer than the grace
				}
				conn, r := f.send(t, fmt.Sprintf("POST /api HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n", size))
				go func() {
					for range size {
						if _, err := io.WriteString(conn, "x"); err != nil {
							return
						}
						<-time.After(row.pause)
					}
				}()
				res, err := http.ReadResponse(r, nil)
				if err == nil {
					_, err = io.ReadAll(res.Body)
				}
				if passed := err == nil && res.StatusCode == 200; passed != row.passes {
					t.Errorf("passed: %v, %v", passed, err)
				}
			})
		})
	}
}
