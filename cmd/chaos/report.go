package main

import (
	"fmt"
	"io"
	"maps"
	"slices"
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

// writeTable writes a line for each scenario, and what there is to say about those that failed.
func writeTable(out io.Writer, list []*result, everything bool) {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "scenario\tsessions\tlost\twrong 401\thealed\tkilled\tfailed\trecover\trefreshes\tafter sign-out\tcleared\tforeign\texpired\tstreams cut\tMiB\tgoroutines\trequests\toutcome")
	for _, r := range list {
		if r.Skipped != "" || r.Broken != "" {
			first, _, _ := strings.Cut(r.outcome(), "\n")
			fmt.Fprintf(w, "%s%s%s\n", r.Scenario, strings.Repeat("\t–", 16), "\t"+first)
			continue
		}
		word := "ok"
		switch {
		case len(r.faults()) > 0:
			word = "FAILED"
		case r.Excused > 0:
			word = fmt.Sprintf("ok, %d excused", r.Excused)
		}
		fmt.Fprintf(w, "%s\t%d\t%d\t%d\t%d\t%d\t%d\t%s\t%d/%.0f\t%d\t%d\t%d\t%d\t%d/%d\t%.0f\t%.0f\t%d\t%s\n",
			r.Scenario, r.Sessions, r.Lost, r.wrong401(), r.Healed, r.Killed, sum(r.Failed), r.recover(), r.Refresh, r.Expected,
			r.Leaks, r.Cleared, r.Foreign, r.Expired, r.Cut, r.Streams, r.Memory/(1<<20), r.Routines, r.Requests, word)
	}
	_ = w.Flush() // as the prints before: out is a terminal or a buffer
	fmt.Fprint(out, tableNotes)
	for _, r := range list {
		if len(r.faults()) > 0 || r.Broken != "" || r.Excused > 0 || everything {
			r.explain(out)
		}
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
