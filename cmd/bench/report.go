package main

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
	"os"
	"text/tabwriter"
)

// report writes the table, and the files that were asked for.
func report(out io.Writer, b *bench, list []summary, rows []*row, leftOut []string) error {
	s := settingOf(b, leftOut)
	writeTable(out, s, list)
	if b.json != "" {
		text, err := json.MarshalIndent(map[string]any{"setting": s, "contenders": list, "rounds": rounds(rows)}, "", "  ")
		if err != nil {
			return fmt.Errorf("write results: %w", err)
		}
		if err := os.WriteFile(b.json, append(text, '\n'), 0o644); err != nil { //nolint:gosec // results are for everyone
			return err
		}
	}
	if b.svg != "" {
		return os.WriteFile(b.svg, chart(s, list), 0o644) //nolint:gosec // results are for everyone
	}
	return nil
}

// MarshalJSON writes a figure that could not be taken as null: JSON has no NaN.
func (s spread) MarshalJSON() ([]byte, error) {
	return json.Marshal(map[string]*float64{"median": number(s.Median), "q1": number(s.Low), "q3": number(s.High)})
}

func number(f float64) *float64 {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return nil
	}
	return &f
}

// rounds gives the raw speeds, for whoever wants to compute something else.
func rounds(rows []*row) map[string][]*float64 {
	out := map[string][]*float64{}
	for _, r := range rows {
		for _, f := range r.perSecond {
			out[r.name] = append(out[r.name], number(f))
		}
	}
	return out
}

// column is one of a table. It is left out if no row has a figure for it.
type column struct {
	title string
	cell  func(c *summary) string
}

func speeds() []column {
	return []column{
		{"req/s", func(c *summary) string { return show(c.PerSecond.Median, 0) }},
		{"÷ rp", func(c *summary) string { return quartiles(c.ToRP) }},
		{"÷ nginx", func(c *summary) string { return quartiles(c.ToNginx) }},
		{"÷ " + openidcModule, func(c *summary) string { return quartiles(c.ToApache) }},
		{"p50 ms", func(c *summary) string { return show(c.P50.Median/1000, 2) }},
		{"p99 ms", func(c *summary) string { return show(c.P99.Median/1000, 2) }},
		{"p99 ÷ rp", func(c *summary) string { return show(c.Tail.Median, 2) }},
		{"CPU µs", func(c *summary) string { return show(c.CPU.Median, 1) }},
		{"core %", func(c *summary) string { return show(100*c.Busy.Median, 0) }},
		{"allocs", func(c *summary) string { return show(c.Allocs.Median, 0) }},
		{"bytes", func(c *summary) string { return show(c.Bytes.Median, 0) }},
		{"Redis", func(c *summary) string { return show(c.Redis.Median, 3) }},
		{"failed", func(c *summary) string { return fmt.Sprint(c.Failed) }},
	}
}

func latencies() []column {
	return []column{
		{"p50 µs", func(c *summary) string { return show(c.Alone50.Median, 0) }},
		{"p99 µs", func(c *summary) string { return show(c.Alone99.Median, 0) }},
		{"added p50 µs", func(c *summary) string { return show(c.Added50.Median, 0) }},
		{"added p99 µs", func(c *summary) string { return show(c.Added99.Median, 0) }},
		{"added p50 ÷ rp", func(c *summary) string { return quartiles(c.Added50ToRP) }},
		{"added p99 ÷ rp", func(c *summary) string { return quartiles(c.Added99ToRP) }},
	}
}

const none = "–"

func writeColumns(out io.Writer, columns []column, list []summary) {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	rows := make([]string, len(list)+1)
	rows[0] = "contender\t"
	for i := range list {
		rows[i+1] = list[i].Name + "\t"
	}
	for _, c := range columns {
		cells, empty := make([]string, len(list)), true
		for i := range list {
			cells[i] = c.cell(&list[i])
			empty = empty && cells[i] == none
		}
		if empty {
			continue
		}
		rows[0] += c.title + "\t"
		for i := range cells {
			rows[i+1] += cells[i] + "\t"
		}
	}
	for _, r := range rows {
		fmt.Fprintln(w, r)
	}
	_ = w.Flush() // as the prints before: out is a terminal or a buffer
}

func writeTable(out io.Writer, s setting, list []summary) {
	loop := "closed loop"
	if s.Rate > 0 {
		loop = fmt.Sprintf("%g requests/s by the clock", s.Rate)
	}
	fmt.Fprintf(out, "%d rounds, %d connections, %s, answers of %d bytes, requests with %s, contender on %d of %d cores (%s), store: %s\n",
		s.Rounds, s.Conns, loop, s.Size, s.Sent, s.Cores, s.CPUs, s.Pins, s.Store)
	fmt.Fprint(out, "Medians; ratios are medians of same-round ratios, with quartiles. CPU, allocations, bytes and Redis commands are per request.\n"+
		"Differences of speed under about 15 % are noise; core % well below 100 in the closed loop means that something else ran\n"+
		"on the contender's core, or that it waited.\n\n")
	writeColumns(out, speeds(), list)
	fmt.Fprint(out, "\nOne connection; added: over direct, and ÷ what rp adds.\n\n")
	writeColumns(out, latencies(), list)
	fmt.Fprintln(out)
	for _, c := range list {
		fmt.Fprintf(out, "%-*s  %s\n", len(openidcModule), c.Name, c.What)
		if c.Why != "" {
			fmt.Fprintf(out, "%-*s  first failure: %s\n", len(openidcModule), "", c.Why)
		}
	}
	for _, x := range s.Absent {
		fmt.Fprintf(out, "left out: %s\n", x)
	}
}

// quartiles writes a ratio as 1.50 (1.40–1.60).
func quartiles(s spread) string {
	if number(s.Median) == nil {
		return none
	}
	return fmt.Sprintf("%.2f (%s–%s)", s.Median, show(s.Low, 2), show(s.High, 2))
}

// show writes a figure, or a dash where there is none.
func show(f float64, decimals int) string {
	if number(f) == nil {
		return none
	}
	return fmt.Sprintf("%.*f", decimals, f)
}
