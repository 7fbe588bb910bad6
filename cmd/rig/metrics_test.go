package rig

import (
	"strings"
	"testing"
)

func TestParseMetrics(t *testing.T) {
	m, err := parseMetrics(strings.NewReader("# HELP x y\ngo_goroutines 7\nwith{label=\"1\"} 3\nbig 1.5e+06\nnonsense\n"))
	if err != nil || len(m) != 2 || m["go_goroutines"] != 7 || m["big"] != 1.5e6 {
		t.Error(m, err)
	}
}
