package main

import (
	"cmp"
	"fmt"
	"html"
	"math"
	"slices"
	"strconv"
	"strings"
)

// Measures of the chart, in its own units.
const (
	chartLeft  = 225 // bars begin here
	chartBars  = 420 // length of the longest bar
	chartRight = 175 // for the figures
	chartTop   = 66
	chartStep  = 28
	chartGroup = 30 // a heading
)

// chart draws requests per second as an SVG: those who know sessions, then those who only forward,
// each fastest first. It brings its own background, light or dark as the reader's system is, and so
// can be read on any page. direct is left out: it is no contender, and would squeeze the others.
func chart(s setting, list []summary) []byte {
	var with, without []summary
	for _, c := range list {
		switch {
		case c.Name == "direct" || math.IsNaN(c.PerSecond.Median):
		case c.Session:
			with = append(with, c)
		default:
			without = append(without, c)
		}
	}
	most := 1.0
	for _, c := range slices.Concat(with, without) {
		most = max(most, c.PerSecond.High)
	}
	d := drawing{y: chartTop, scale: chartBars / most}
	d.group("With a session: the upstream gets a bearer token", with)
	d.group("Without: forwards, and that is all", without)
	return d.page(s)
}

// drawing grows downwards.
type drawing struct {
	strings.Builder
	y     int
	scale float64
}

func (d *drawing) group(title string, rows []summary) {
	if len(rows) == 0 {
		return
	}
	slices.SortStableFunc(rows, func(a, b summary) int { return cmp.Compare(b.PerSecond.Median, a.PerSecond.Median) })
	fmt.Fprintf(d, `<text class="faint" x="20" y="%d" font-size="12">%s</text>`+"\n", d.y+18, title)
	d.y += chartGroup
	for _, c := range rows {
		d.bar(c)
		d.y += chartStep
	}
}

func (d *drawing) bar(c summary) {
	class, weight := "other", "400"
	if strings.HasPrefix(c.label, "sessiongate") {
		class, weight = "ours", "600"
	}
	figures := thousands(c.PerSecond.Median)
	if number(c.ToRP.Median) != nil && c.Name != baseline {
		figures += fmt.Sprintf("  ·  %.2f × %s", c.ToRP.Median, baseline)
	}
	x := func(perSecond float64) float64 { return chartLeft + perSecond*d.scale }
	fmt.Fprintf(d, `<text class="text" x="%d" y="%d" text-anchor="end" font-weight="%s">%s</text>`+"\n",
		chartLeft-12, d.y+15, weight, html.EscapeString(c.label))
	fmt.Fprintf(d, `<rect class="%s" x="%d" y="%d" width="%.1f" height="20" rx="3"/>`+"\n", class, chartLeft, d.y, x(c.PerSecond.Median)-chartLeft)
	fmt.Fprintf(d, `<path class="spread" d="M%.1f %dH%.1f"/>`+"\n", x(c.PerSecond.Low), d.y+10, x(c.PerSecond.High))
	fmt.Fprintf(d, `<text class="text" x="%.1f" y="%d" xml:space="preserve">%s</text>`+"\n", x(c.PerSecond.High)+10, d.y+15, figures)
}

// page puts the frame and the words around what was drawn.
func (d *drawing) page(s setting) []byte {
	cores, size, how := "one core", strconv.Itoa(s.Size)+"-byte", ""
	if s.Cores > 1 {
		cores = fmt.Sprintf("%d cores", s.Cores)
	}
	if s.Size >= 1024 && s.Size%1024 == 0 {
		size = fmt.Sprintf("%d KiB", s.Size/1024)
	}
	if s.Rate > 0 {
		how = fmt.Sprintf(", %g requests/s asked for", s.Rate)
	}
	width, height := chartLeft+chartBars+chartRight, d.y+14
	return fmt.Appendf(nil, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" role="img" font-family="system-ui, -apple-system, 'Segoe UI', sans-serif" font-size="14">
<title>Requests per second on %s</title>
<style>
.card { fill: #ffffff; stroke: #d0d7de } .text { fill: #1f2328 } .faint { fill: #59636e }
.ours { fill: #1f6feb } .other { fill: #9aa4b0 } .spread { stroke: #1f2328; stroke-opacity: .6; stroke-width: 1.5 }
@media (prefers-color-scheme: dark) {
.card { fill: #151b23; stroke: #3d444d } .text { fill: #f0f6fc } .faint { fill: #9198a1 }
.ours { fill: #4493f8 } .other { fill: #656c76 } .spread { stroke: #f0f6fc }
}
</style>
<rect class="card" x=".5" y=".5" width="%d" height="%d" rx="8"/>
<text class="text" x="20" y="30" font-size="16" font-weight="600">Requests per second on %s</text>
<text class="faint" x="20" y="50" font-size="12">%d connections%s, %s answers; medians of %d rounds, thin line: quartiles</text>
%s</svg>
`, width, height, cores, width-1, height-1, cores, s.Conns, how, size, s.Rounds, d.String())
}

// thousands writes 12345.6 as 12,346.
func thousands(f float64) string {
	digits := strconv.Itoa(int(math.Round(f)))
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return digits
}
