package program

import (
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
		reportAPI(r.say, p.Name(), reports[i])
	}
}

// reportAPI tells of one provider and of the servers behind it.
func reportAPI(say func(Probed), name string, report tokenapi.Report) {
	for _, server := range report.Servers {
		say(Probed{Name: "token API", Target: server, OK: true})
	}
	well := true
	for _, f := range report.Findings {
		well = well && !f.Fatal
		one := Probed{Name: "provider", Target: name, What: f.About + ": " + f.Text, Warning: !f.Fatal}
		if strings.Contains(f.About, "://") {
			one.Name, one.Target, one.What = "token API", f.About, f.Text
		}
		say(one)
	}
	if well {
		say(Probed{Name: "provider", Target: name, OK: true, What: answered(report)})
	}
}

// answered lists what answers as it should, and what nobody has asked.
func answered(report tokenapi.Report) string {
	text := strings.Join(report.Answered, ", ")
	if len(report.Uncalled) > 0 {
		text += "; not called: " + strings.Join(report.Uncalled, ", ") + ", which check --try calls"
	}
	return text
}
