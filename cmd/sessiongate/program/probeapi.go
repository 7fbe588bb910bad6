package program

import (
	"fmt"
	"io"
	"strings"
	"sync"

	"sessiongate/session/tokenapi"
)

// tokenAPIs holds every token API against the configuration, all at once: one that hangs must not
// take the others' time.
func (r *probeReport) tokenAPIs(list []*tokenapi.Provider) {
	reports := make([]tokenapi.Report, len(list))
	var wg sync.WaitGroup
	for i, p := range list {
		wg.Go(func() { reports[i] = p.Check(r.ctx) })
	}
	wg.Wait()
	for i, p := range list {
		r.failed += writeAPIReport(r.out, p.Name(), reports[i])
	}
}

// writeAPIReport writes the lines about one provider and counts what keeps people from signing in.
func writeAPIReport(out io.Writer, name string, report tokenapi.Report) (failed int) {
	for _, server := range report.Servers {
		fmt.Fprintln(out, "ok        token API", server)
	}
	for _, f := range report.Findings {
		about := "provider " + name + ": " + f.About
		if strings.Contains(f.About, "://") {
			about = "token API " + f.About
		}
		if f.Fatal {
			failed++
			fmt.Fprintf(out, "FAILED    %s: %s\n", about, f.Text)
		} else {
			fmt.Fprintf(out, "warning: %s: %s\n", about, f.Text)
		}
	}
	if failed == 0 {
		fmt.Fprintf(out, "ok        provider %s: %s\n", name, strings.Join(report.Answered, ", "))
	}
	return failed
}
