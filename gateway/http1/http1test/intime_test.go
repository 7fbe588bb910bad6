package http1test_test

import (
	"slices"
	"testing"
	"time"

	"sessiongate/gateway/http1/http1test"
)

// A run that fails is followed by one with more time, after it has cleaned up; one that passes is the last.
func TestInTime(t *testing.T) {
	var events []string
	http1test.InTime(t, func(t testing.TB, factor time.Duration) {
		t.Cleanup(func() { events = append(events, "outer") })
		t.Cleanup(func() {
			if t.Context().Err() == nil {
				t.Error("the context lives on")
			}
			events = append(events, "inner")
		})
		if t.Failed() {
			t.Error("a fault of another run")
		}
		if factor == 1 {
			t.Fatal("too late")
		}
		events = append(events, "passed")
	})
	if want := []string{"inner", "outer", "passed", "inner", "outer"}; !slices.Equal(events, want) {
		t.Errorf("%q, want %q", events, want)
	}
}
