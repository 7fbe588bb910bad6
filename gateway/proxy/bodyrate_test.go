package proxy_test

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"sessiongate/gateway/proxy"
	"sessiongate/gateway/routing"
)

// A body must keep its rate once the grace is over, however often a byte comes; on a route
// without a rate it may drip, and an upstream that takes its time is not the client's fault.
func TestBodyRate(t *testing.T) {
	t.Parallel()
	const grace = 300 * time.Millisecond
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
			up := newUpstream(t, func(w http.ResponseWriter, r *http.Request) {
				<-time.After(row.slow)
				_, _ = io.Copy(w, r.Body)
			})
			timeout := time.Minute
			if strings.Contains(name, "no timeout") {
				timeout = 0
			}
			f := newFront(t, &routing.Route{Upstream: routing.Upstream{Addresses: up}, Body: routing.Body{Rate: row.rate}}, proxy.Options{BodyTimeout: timeout, BodyGrace: grace})
			conn, r := f.send(t, "POST /api HTTP/1.1\r\nHost: x\r\nContent-Length: 50\r\n\r\n")
			go func() {
				for range 50 {
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
	}
}
