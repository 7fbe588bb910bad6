package rig

import (
	"testing"
	"time"
)

func TestParseStat(t *testing.T) {
	got, err := parseStat("12 (a) b) S 1 1 1 0 -1 4194560 100 0 0 0 150 50 0 0 20 0 1 0 100 1000 10")
	if err != nil || got != (usage{12, 1, 2 * time.Second}) {
		t.Error(got, err)
	}
	for _, bad := range []string{"", "1 (x) S", "1 (x) S 1 1 1 0 -1 0 0 0 0 0 a b 0", "x (x) S 1 1 1 0 -1 0 0 0 0 0 1 1 0"} {
		if _, err := parseStat(bad); err == nil {
			t.Errorf("%q: no error", bad)
		}
	}
}

// Apache works in a child of the process that was started, and the child in threads.
func TestTimeOfAFamily(t *testing.T) {
	list := []usage{{1, 0, time.Hour}, {10, 1, 1}, {11, 10, 2}, {12, 11, 4}, {20, 1, 8}}
	if got := family(list, 10); got != 7 {
		t.Error(got)
	}
	if got := family(list, 99); got != 0 {
		t.Error(got)
	}
}
