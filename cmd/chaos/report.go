package main

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
)

// outcome is a result in a few words.
func (r *result) outcome() string {
	switch {
	case r.Skipped != "":
		return "skipped: " + r.Skipped
	case r.Broken != "":
		return "BROKEN: " + r.Broken
	}
	if list := r.faults(); len(list) > 0 {
		return "FAILED: " + strings.Join(list, ", ")
	}
	if r.Excused > 0 {
		return fmt.Sprintf("ok; %d lost as they must be: %s", r.Excused, r.Excuse)
	}
	return "ok"
}

const tableNotes = `
lost: signed out without a cause from the rule. wrong 401: to a signed-in browser, and one repeat did not help; healed: session_stale that
one repeat healed. killed: families that the provider ended because a refresh token came twice. failed: 5xx and requests without an answer;
recover: seconds until the last of them after the fault was over. refreshes: provider calls, of so many at most expected. after sign-out:
sessions that some gateway answered later than it may. cleared: cookies. foreign, expired: tokens that the upstream got. MiB, goroutines: the
most that one gateway had at the end.
`

// column is a figure of the table.
type column struct {
	title string
	cell  func(*result) string
}

func columns() []column {
	number := func(title string, of func(*result) int) column {
		return column{title, func(r *result) string { return strconv.Itoa(of(r)) }}
	}
	return []column{
		number("sessions", func(r *result) int { return r.Sessions }),
		number("lost", func(r *result) int { return r.Lost }),
		number("wrong 401", (*result).wrong401),
		number("healed", func(r *result) int { return r.Healed }),
		number("killed", func(r *result) int { return r.Killed }),
		number("failed", func(r *result) int { return sum(r.Failed) }),
		{"recover", (*result).recover},
		{"refreshes", func(r *result) string { return fmt.Sprintf("%d/%.0f", r.Refresh, r.Expected) }},
		number("after sign-out", func(r *result) int { return r.Leaks }),
		number("cleared", func(r *result) int { return r.Cleared }),
		number("foreign", func(r *result) int { return int(r.Foreign) }),
		number("expired", func(r *result) int { return int(r.Expired) }),
		{"streams cut", func(r *result) string { return fmt.Sprintf("%d/%d", r.Cut, r.Streams) }},
		{"MiB", func(r *result) string { return fmt.Sprintf("%.0f", r.Memory/(1<<20)) }},
		{"goroutines", func(r *result) string { return fmt.Sprintf("%.0f", r.Routines) }},
		number("requests", func(r *result) int { return r.Requests }),
		{"outcome", (*result).word},
	}
}

// word is the outcome in one word, or little more.
func (r *result) word() string {
	switch {
	case r.Skipped != "" || r.Broken != "":
		first, _, _ := strings.Cut(r.outcome(), "\n")
		return first
	case len(r.faults()) > 0:
		return "FAILED"
	case r.Excused > 0:
		return fmt.Sprintf("ok, %d excused", r.Excused)
	}
	return "ok"
}

// row is the cells of one scenario; those of one that was not run are dashes.
func row(r *result) []string {
	cells := []string{r.Scenario}
	list := columns()
	for i, c := range list {
		if (r.Skipped != "" || r.Broken != "") && i < len(list)-1 {
			cells = append(cells, "–")
			continue
		}
		cells = append(cells, c.cell(r))
	}
	return cells
}

func titles() []string {
	list := []string{"scenario"}
	for _, c := range columns() {
		list = append(list, c.title)
	}
	return list
}

// writeTable writes a line for each scenario, and what there is to say about those that failed.
func writeTable(out io.Writer, list []*result, everything bool) {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, strings.Join(titles(), "\t"))
	for _, r := range list {
		fmt.Fprintln(w, strings.Join(row(r), "\t"))
	}
	_ = w.Flush() // as the prints before: out is a terminal or a buffer
	fmt.Fprint(out, tableNotes)
	for _, r := range list {
		if len(r.faults()) > 0 || r.Broken != "" || r.Excused > 0 || everything {
			r.explain(out)
		}
	}
}

// writeMarkdown writes the table as README.md beside this file has it.
func writeMarkdown(out io.Writer, list []*result) {
	fmt.Fprintf(out, "| %s |\n|%s\n", strings.Join(titles(), " | "), strings.Repeat("---|", len(titles())))
	for _, r := range list {
		fmt.Fprintf(out, "| %s |\n", strings.Join(row(r), " | "))
	}
}

func (r *result) recover() string {
	if r.Never {
		return "never"
	}
	return fmt.Sprintf("%.1f", r.Recover)
}

// explain writes what is known about one scenario.
func (r *result) explain(out io.Writer) {
	fmt.Fprintf(out, "\n%s: %s\n", r.Scenario, r.outcome())
	for _, m := range []struct {
		what string
		of   map[string]int
	}{{"wrong 401", r.Wrong}, {"failed", r.Failed}, {"audit", r.Events}} {
		if len(m.of) > 0 {
			fmt.Fprintf(out, "  %s: %s\n", m.what, listed(m.of))
		}
	}
	if r.Refused > 0 {
		fmt.Fprintf(out, "  connections refused: %d\n", r.Refused)
	}
	for _, n := range r.Notes {
		fmt.Fprintln(out, "  "+n)
	}
}

func listed(m map[string]int) string {
	var list []string
	for _, k := range slices.Sorted(maps.Keys(m)) {
		list = append(list, fmt.Sprintf("%d %s", m[k], k))
	}
	return strings.Join(list, ", ")
}

func sum(m map[string]int) (n int) {
	for _, x := range m {
		n += x
	}
	return n
}
