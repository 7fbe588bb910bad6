package e2e

import (
	"net/http"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
)

// mostFrames is how many functions of ours lie between the client's connection and the
// write to the upstream, on a request whose session is in the cache.
const mostFrames = 14

// TestRoadOfACachedRequest looks at the gateway's stacks, over and over, until one of its
// goroutines is just writing to an upstream.
func TestRoadOfACachedRequest(t *testing.T) {
	if engine() != "fast" {
		t.Skip("the other engine's frames are those of net/http")
	}
	s := newScene(t, setup{})
	b := s.browser()
	b.ada()
	b.ok("/api/x") // its session is in the cache from now on
	var seen atomic.Bool
	var stack []string
	together(9, func(i int) {
		if i == 0 {
			defer seen.Store(true)
			eventually(t, "the gateway writes to the upstream", func() bool { stack = writerStack(); return stack != nil })
			return
		}
		for !seen.Load() && !t.Failed() {
			if a, err := b.try("GET", "/api/x"); err != nil || a.status != http.StatusOK {
				t.Errorf("%v %v", a, err)
			}
		}
	})
	t.Logf("%d frames:\n%s", len(stack), strings.Join(stack, "\n"))
	if len(stack) > mostFrames {
		t.Errorf("more than %d frames", mostFrames)
	}
}

// writerStack is the part that is ours of a goroutine that writes to an upstream, the
// write first; nil if there is none.
func writerStack() (ours []string) {
	buf := make([]byte, 1<<20)
	for g := range strings.SplitSeq(string(buf[:runtime.Stack(buf, true)]), "\n\n") {
		if !strings.Contains(g, "internal/poll.(*FD).Write") || !strings.Contains(g, "sessiongate/gateway/http1/client.") {
			continue
		}
		for line := range strings.Lines(g) {
			if strings.HasPrefix(line, "sessiongate/") {
				ours = append(ours, line[:strings.LastIndexByte(line, '(')])
			}
		}
		return ours
	}
	return nil
}
