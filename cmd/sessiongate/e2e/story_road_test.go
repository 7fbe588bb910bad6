package e2e

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
)

// maxFrames is how many functions of ours may lie between a client's connection and the
// upstream's: a reader follows a cached request through all of them.
const maxFrames = 10

// TestRoadOfARequest takes the stack of a cached request while its upstream has it.
func TestRoadOfARequest(t *testing.T) {
	if engine() != "fast" {
		t.Skip("net/http has goroutines of its own for connections to upstreams")
	}
	var road atomic.Pointer[[]string]
	upstream := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		frames := ourFrames()
		road.Store(&frames)
		_, _ = fmt.Fprint(w, strings.Repeat("x", upstreamAnswer))
	}))
	t.Cleanup(upstream.Close)
	send := requestTo(t, upstream.URL, "embedded: true", "1m")
	send() // fills the cache
	send()
	frames := *road.Load()
	t.Logf("%d frames, innermost first:\n%s", len(frames), strings.Join(frames, "\n"))
	if len(frames) > maxFrames {
		t.Errorf("%d frames, want at most %d", len(frames), maxFrames)
	}
}

// ourFrames are the functions of ours that wait for this upstream, innermost first, from the one
// that has written the request: what it calls to read the answer does not count.
func ourFrames() (frames []string) {
	all := make([]byte, 1<<20)
	all = all[:runtime.Stack(all, true)]
	for goroutine := range strings.SplitSeq(string(all), "\n\n") {
		if !strings.Contains(goroutine, "gateway.(*Server).ServeHTTP") {
			continue
		}
		for line := range strings.Lines(goroutine) {
			if name, ours := strings.CutPrefix(line, "sessiongate/"); ours {
				frames = append(frames, strings.TrimSpace(name[:strings.LastIndex(name, "(")]))
			}
		}
	}
	const writes = "gateway/http1/client.(*roundTrip).run"
	return frames[max(0, slices.Index(frames, writes)):]
}
