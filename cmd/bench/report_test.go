package main

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"io"
	"math"
	"slices"
	"strings"
	"testing"
)

// What cannot be measured must not break the files.
func TestReportWithoutFigures(t *testing.T) {
	list := summarize([]*row{{name: "rp", what: "a & b", perSecond: []float64{1}}, {name: "<x>", perSecond: []float64{2}}})
	if _, err := json.Marshal(list); err != nil {
		t.Error(err)
	}
	wellFormed(t, chart(setting{}, list))
	wellFormed(t, chart(setting{}, nil))
	var table strings.Builder
	writeTable(&table, setting{Absent: []string{"nginx: not on this machine"}}, list)
	if strings.Contains(table.String(), "NaN") || !strings.Contains(table.String(), "2.00") {
		t.Error(table.String())
	}
	if !strings.Contains(table.String(), "left out: nginx: not on this machine\n") {
		t.Error(table.String())
	}
	for _, of := range []string{"÷ nginx", "÷ mod_auth_openidc", "Redis  "} {
		if strings.Contains(table.String(), of) {
			t.Errorf("a column %q without a figure:\n%s", of, table.String())
		}
	}
}

func wellFormed(t *testing.T, doc []byte) {
	t.Helper()
	for d := xml.NewDecoder(bytes.NewReader(doc)); ; {
		if _, err := d.Token(); errors.Is(err, io.EOF) {
			return
		} else if err != nil {
			t.Fatalf("%v in\n%s", err, doc)
		}
	}
}

func TestTableComparesWithWhatRan(t *testing.T) {
	list := summarize([]*row{
		{name: "rp", perSecond: []float64{100, 100}},
		{name: "cached", perSecond: []float64{150, 170}, redis: []float64{0, 0}},
		{name: "nginx", perSecond: []float64{300, 340}},
		{name: openidcModule, perSecond: []float64{15, 17}},
	})
	var out strings.Builder
	writeTable(&out, setting{}, list)
	for _, want := range []string{"1.60 (1.55–1.65)", "0.50 (0.50–0.50)", "10.00 (10.00–10.00)", "0.000"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %s in\n%s", want, out.String())
		}
	}
	text, err := json.Marshal(list[1])
	if err != nil || !strings.Contains(string(text), `"speed_to_mod_auth_openidc":{"median":10,"q1":10,"q3":10}`) {
		t.Error(string(text), err)
	}
}

// Sessions come first, and in each group the fastest.
func TestChartOrder(t *testing.T) {
	speed := func(f float64) spread { return spread{f, f, f} }
	svg := string(chart(setting{Cores: 1, Size: 1024}, []summary{
		{Name: "direct", label: "direct", PerSecond: speed(9e6)},
		{Name: "rp", label: "Go", PerSecond: speed(20000)},
		{Name: "nginx", label: "nginx", PerSecond: speed(60000)},
		{Name: "a", label: "Apache", Session: true, PerSecond: speed(2500)},
		{Name: "cached", label: "sessiongate, cached", Session: true, PerSecond: speed(33000), ToRP: speed(1.65)},
		{Name: "broken", label: "broken", Session: true, PerSecond: speed(math.NaN())},
	}))
	at := -1
	for _, want := range []string{"one core", "1 KiB", "With a session", "sessiongate, cached", "33,000  ·  1.65 × rp", "Apache", "2,500", "Without", "nginx", "60,000", ">Go<"} {
		next := strings.Index(svg, want)
		if next <= at && want != "1 KiB" {
			t.Errorf("%q is missing or not where it belongs:\n%s", want, svg)
		}
		at = next
	}
	if strings.Contains(svg, "direct") || strings.Contains(svg, "broken") {
		t.Error(svg)
	}
}

func TestThousands(t *testing.T) {
	for f, want := range map[float64]string{0: "0", 999.4: "999", 1000: "1,000", 1234567: "1,234,567"} {
		if got := thousands(f); got != want {
			t.Errorf("%v: %s, want %s", f, got, want)
		}
	}
}

func TestScaleTakesTheLastCores(t *testing.T) {
	if got := lastCores(1, 4) + " " + lastCores(4, 4); got != "3-3 0-3" {
		t.Error(got)
	}
}

func TestCoreCounts(t *testing.T) {
	for cpus, want := range map[int][]int{1: {1}, 4: {1, 2, 3, 4}, 6: {1, 2, 3, 4, 6}, 32: {1, 2, 3, 4, 8, 16, 32}} {
		if got := coreCounts(cpus); !slices.Equal(got, want) {
			t.Errorf("%d: %v", cpus, got)
		}
	}
}

func TestSizes(t *testing.T) {
	for most, want := range map[int]int{1_000_000: 3, 10_000: 2, 500: 2, 10: 1, 3: 1} {
		if got := sizes(most); len(got) != want || got[len(got)-1] != most {
			t.Errorf("%d: %v", most, got)
		}
	}
}
