package program

import (
	"fmt"
	"strings"
	"testing"
)

// Clients, what they need of upstreams, and the reserve fit into the limit.
func TestDescriptorsAreSharedOut(t *testing.T) {
	for limit, want := range map[uint64]int{0: 0, 10: 1, 64: 1, 200: 58, 1024: 384, 1 << 20: 393_216, 1 << 62: 460_175_067} {
		d := descriptors{limit}
		if got := d.clients(); got != want {
			t.Errorf("%d: %d clients, want %d", limit, got, want)
		}
		if reserve := d.reserve(); reserve < 64 || reserve < limit/8 || limit > 200 && uint64(d.clients()+d.requests(0))+reserve > limit {
			t.Errorf("%d: %d clients and %d in reserve", limit, d.clients(), reserve)
		}
	}
	for _, row := range [][2]int{{10_000, 78}, {0, 78}, {50, 50}} {
		if got := (descriptors{200}).requests(row[0]); got != row[1] {
			t.Errorf("%d requests become %d, not %d", row[0], got, row[1])
		}
	}
	if d := (descriptors{200}); d.requests(0)*3/4 < d.clients() {
		t.Error("one address that has all connections is refused a request")
	}
	if got := (descriptors{}).requests(10_000); got != 10_000 {
		t.Errorf("without a limit: %d", got)
	}
	var out strings.Builder
	say := func(p Probed) { fmt.Fprintln(&out, p) }
	descriptors{200}.report(say)
	if s := out.String(); !strings.Contains(s, "descriptors: 200; 58 client connections and 78 to upstreams") || !strings.Contains(s, "warning: ") {
		t.Error(s)
	}
	out.Reset()
	if (descriptors{1 << 20}).report(say); strings.Contains(out.String(), "warning") {
		t.Error(out.String())
	}
}
