package main

import (
	"math"
	"slices"
)

// spread is the median of some figures with the quartiles around it.
type spread struct {
	Median float64 `json:"median"`
	Low    float64 `json:"q1"`
	High   float64 `json:"q3"`
}

// spreadOf ignores figures that could not be taken (NaN). Without any it is all NaN.
func spreadOf(values []float64) spread {
	sorted := slices.DeleteFunc(slices.Clone(values), math.IsNaN)
	slices.Sort(sorted)
	return spread{quantile(sorted, .5), quantile(sorted, .25), quantile(sorted, .75)}
}

// quantile interpolates between the two neighbours of the wanted place.
func quantile(sorted []float64, q float64) float64 {
	if len(sorted) == 0 {
		return math.NaN()
	}
	at := q * float64(len(sorted)-1)
	i := int(at)
	if i+1 == len(sorted) {
		return sorted[i]
	}
	part := at - float64(i)
	return sorted[i]*(1-part) + sorted[i+1]*part
}

// ratios divides a by b round by round, so that both sides of a ratio were measured within seconds
// of each other. A round that lacks either side is NaN.
func ratios(a, b []float64) []float64 {
	out := make([]float64, min(len(a), len(b)))
	for i, x := range b[:len(out)] {
		out[i] = per(a[i], x)
	}
	return out
}

// per is a/b, or NaN.
func per(a, b float64) float64 {
	if b == 0 {
		return math.NaN()
	}
	return a / b
}
