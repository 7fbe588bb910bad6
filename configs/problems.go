package configs

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Problem is one thing that is wrong, or one warning.
type Problem struct {
	File string
	Line int    // from 1; 0: the whole file
	Col  int    // from 1
	Path string // the key, such as routes[2].path; empty for the file itself
	What string // what is wrong
	Fix  string // what to write instead; empty for a warning
	Try  string // the command that mends it; empty: none does
}

// String is one line: file:line:col: key: what is wrong; what to do.
func (p Problem) String() string {
	var b strings.Builder
	b.WriteString(p.File)
	if p.Line > 0 {
		fmt.Fprintf(&b, ":%d:%d", p.Line, p.Col)
	}
	b.WriteString(": ")
	if p.Path != "" {
		b.WriteString(p.Path + ": ")
	}
	b.WriteString(p.What)
	if p.Fix != "" {
		b.WriteString("; " + p.Fix)
	}
	return b.String()
}

// Problems is the error of Load: everything that is wrong with a file, sorted by line.
type Problems struct{ List []Problem }

// shown bounds what Error prints: past it, a file is not one that a person wrote.
const shown = 100

// Error is one line per problem.
func (p *Problems) Error() string {
	lines := make([]string, 0, min(len(p.List), shown)+1)
	for _, problem := range p.List[:min(len(p.List), shown)] {
		lines = append(lines, problem.String())
	}
	if more := len(p.List) - shown; more > 0 {
		lines = append(lines, fmt.Sprintf("and %d more", more))
	}
	return strings.Join(lines, "\n")
}

func sortProblems(list []Problem) {
	slices.SortStableFunc(list, func(a, b Problem) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Col, b.Col))
	})
}

// position is where a value stands.
type position struct {
	line, col int
	raw       string // the text as it stands in the file, for scalars
	fromEnv   bool   // part of the value came from the environment
}

// report collects problems and warnings and knows where every written key stands.
type report struct {
	file        string
	positions   map[string]position
	broken      map[string]bool   // keys whose value could not be read, so that nothing follows from it
	environment map[string]string // what was taken from the environment, by name
	problems    []Problem
	warnings    []Problem
}

func newReport(file string) *report {
	return &report{file: file, positions: make(map[string]position), broken: make(map[string]bool), environment: make(map[string]string)}
}

// position is where a key stands, or what contains it where the key itself was not written.
func (r *report) position(path string) position {
	for {
		if at, ok := r.positions[path]; ok {
			return at
		}
		if path == "" {
			return position{line: 1, col: 1}
		}
		path = parent(path)
	}
}

// wrote tells whether the file has the key.
func (r *report) wrote(path string) bool {
	_, ok := r.positions[path]
	return ok
}

func (r *report) problem(path, what, fix string) {
	r.problemAt(r.position(path), path, what, fix)
}

// tryLast adds to the newest problem the command that mends it.
func (r *report) tryLast(command string) {
	r.problems[len(r.problems)-1].Try = command
}

func (r *report) problemAt(at position, path, what, fix string) {
	r.problems = append(r.problems, Problem{File: r.file, Line: at.line, Col: at.col, Path: path, What: what, Fix: fix})
}

func (r *report) warn(path, what string) {
	at := r.position(path)
	r.warnings = append(r.warnings, Problem{File: r.file, Line: at.line, Col: at.col, Path: path, What: what})
}

// breaks reports a value that could not be read: the checks pass over it.
func (r *report) breaks(path, what, fix string) {
	r.broken[path] = true
	r.problem(path, what, fix)
}

// anyBroken tells whether one of the keys, or something that contains it, could not be read.
func (r *report) anyBroken(paths ...string) bool {
	for _, path := range paths {
		for ; path != ""; path = parent(path) {
			if r.broken[path] {
				return true
			}
		}
	}
	return false
}

// brokenBelow tells whether the key or one below it could not be read.
func (r *report) brokenBelow(path string) bool {
	for p := range r.broken {
		if p == path || strings.HasPrefix(p, path+".") || strings.HasPrefix(p, path+"[") {
			return true
		}
	}
	return false
}

// quote shows a value in a problem: as it stands in the file if part of it came from the
// environment, which may have put a secret in the wrong place.
func (r *report) quote(path, value string) string {
	if at := r.position(path); at.fromEnv {
		value = at.raw
	}
	if hasUserinfo(value) {
		return "the value" // user:password@host, perhaps
	}
	return quoteText(value)
}

// quoteFix is a suggestion made from the value, or the example where the value came from the
// environment or is odd.
func (r *report) quoteFix(path, suggestion, example string) string {
	if r.position(path).fromEnv || !printable(suggestion) || suggestion == "" || len(suggestion) > 60 {
		return example
	}
	return suggestion
}

// quoteText keeps a problem on one line of bearable length.
func quoteText(text string) string {
	if runes := []rune(text); len(runes) > 60 {
		text = string(runes[:60]) + "…"
	}
	return strconv.Quote(text)
}

// index is the path of an entry of a list.
func index(path string, i int) string { return path + "[" + strconv.Itoa(i) + "]" }

// parent is the path of what contains a key: routes[2] for routes[2].path, routes for routes[2].
func parent(path string) string {
	return path[:max(strings.LastIndexAny(path, ".["), 0)]
}
