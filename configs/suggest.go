package configs

import (
	"slices"
	"strconv"
	"strings"
)

// suggest says what to write for an unknown key: the nearest known one, or all of them.
func suggest(name string, known []string) string {
	if near := nearest(name, known); near != "" {
		return "write " + near
	}
	return "write one of " + strings.Join(slices.Sorted(slices.Values(known)), ", ")
}

// nearest is the known word that a slip of the pen would turn into word, or "".
func nearest(word string, known []string) string {
	best, least := "", 1+max(1, min(len(word)/3, 3))
	for _, k := range known {
		if d := distance(strings.ToLower(word), k); d < least {
			best, least = k, d
		}
	}
	return best
}

// distance is the number of letters to change, insert, drop or swap with the next (optimal string
// alignment).
func distance(a, b string) int {
	if len(a) > 64 {
		return len(a)
	}
	rows := [3][]int{make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)}
	for j := range rows[1] {
		rows[1][j] = j
	}
	for i := 1; i <= len(a); i++ {
		current, last, before := rows[2], rows[1], rows[0]
		current[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			current[j] = min(last[j]+1, current[j-1]+1, last[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				current[j] = min(current[j], before[j-2]+1)
			}
		}
		rows = [3][]int{last, current, before}
	}
	return rows[1][len(b)]
}

func lineRef(at position) string {
	return "in line " + strconv.Itoa(at.line)
}

// hasUserinfo tells whether text may be a URL with a password in it.
func hasUserinfo(text string) bool { return strings.Contains(text, "@") }
