package main

import (
	"encoding/json"
	"fmt"
	"html"
	"io"
	"math"
	"strings"
	"text/tabwriter"
)

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
			out[r.Name] = append(out[r.Name], number(f))
		}
	}
	return out
}

func writeTable(out io.Writer, s setting, list []summary) {
	fmt.Fprintf(out, "%d rounds, %d connections, answers of %d bytes, contender on %d of %d cores (%s), store: %s\n",
		s.Rounds, s.Conns, s.Size, s.Cores, s.CPUs, s.Pins, s.Store)
	fmt.Fprint(out, "Medians; ratios are medians of same-round ratios, with quartiles. Differences under about 15 % are noise.\n\n")
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "contender\treq/s\t÷ rp (quartiles)\t÷ nginx\tp50 ms\tp99 ms\tp99 ÷ rp\tone conn. µs\tadded ÷ rp\tCPU µs\tallocs\tbytes\tRedis\tfailed\t")
	for _, c := range list {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%d\t\n", c.Name, show(c.PerSecond.Median, 0),
			show(c.ToRP.Median, 2)+" ("+show(c.ToRP.Low, 2)+"–"+show(c.ToRP.High, 2)+")", show(c.ToNginx.Median, 2),
			show(c.P50.Median/1000, 2), show(c.P99.Median/1000, 2), show(c.Tail.Median, 2), show(c.Alone.Median, 0),
			show(c.Added.Median, 2), show(c.CPU.Median, 1), show(c.Allocs.Median, 0), show(c.Bytes.Median, 0),
			show(c.Redis.Median, 3), c.Failed)
	}
	w.Flush()
	fmt.Fprintln(out)
	for _, c := range list {
		fmt.Fprintf(out, "%-10s %s\n", c.Name, c.What)
		if c.Why != "" {
			fmt.Fprintf(out, "%-10s first failure: %s\n", "", c.Why)
		}
	}
}

// show writes a figure, or a dash where there is none.
func show(f float64, decimals int) string {
	if number(f) == nil {
		return "–"
	}
	return fmt.Sprintf("%.*f", decimals, f)
}

// chart draws the speed of each contender relative to the bare reverse proxy: bars are medians, lines the quartiles.
// It is an SVG that reads on light and dark pages.
func chart(s setting, list []summary) []byte {
	const left, width, step = 120, 480, 34
	most := 1.0
	for _, c := range list {
		if c.Name != "direct" && c.ToRP.High > most {
			most = c.ToRP.High
		}
	}
	var b strings.Builder
	y := 48
	for _, c := range list {
		if c.Name == "direct" || math.IsNaN(c.ToRP.Median) {
			continue
		}
		x := func(f float64) float64 { return left + width*f/most }
		color := "#8a94a6"
		if strings.HasPrefix(c.What, "sessiongate") {
			color = "#2f6fde"
		}
		fmt.Fprintf(&b, `<text x="%d" y="%d" text-anchor="end">%s</text>`+"\n", left-8, y+15, html.EscapeString(c.Name))
		fmt.Fprintf(&b, `<rect x="%d" y="%d" width="%.1f" height="20" rx="3" fill="%s"/>`+"\n", left, y, x(c.ToRP.Median)-left, color)
		fmt.Fprintf(&b, `<path d="M%.1f %dH%.1f" stroke="#d08020" stroke-width="2"/>`+"\n", x(c.ToRP.Low), y+10, x(c.ToRP.High))
		fmt.Fprintf(&b, `<text x="%.1f" y="%d">%.2f · %s/s</text>`+"\n", x(max(c.ToRP.Median, c.ToRP.High))+8, y+15, c.ToRP.Median, show(c.PerSecond.Median, 0))
		y += step
	}
	head := fmt.Sprintf(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" font-family="system-ui, sans-serif" font-size="13" fill="#6b7380" role="img">
<title>Requests per second relative to a bare Go reverse proxy</title>
<text x="8" y="20" font-size="15">Requests per second ÷ tuned bare httputil.ReverseProxy</text>
<text x="8" y="38" font-size="11">%d core, %d connections, %d-byte answers, %d rounds; bars: medians, lines: quartiles</text>
`, left+width+150, y+8, s.Cores, s.Conns, s.Size, s.Rounds)
	return []byte(head + b.String() + "</svg>\n")
}
