package setup

import (
	"regexp"
	"strings"
)

// Shipped files show what only their reader knows as an example: a host of example.com, or words in
// capitals.
var (
	exampleText = regexp.MustCompile(`\bexample\b|\b[A-Z]{3,}(-[A-Z]+)*\b`)
	reference   = regexp.MustCompile(`\$\{[^}]*\}`)
	comment     = regexp.MustCompile(`(^|\s)#.*$`)
	sqlWord     = regexp.MustCompile(`\b(SELECT|FROM|WHERE)\b`)
	askedFor    = regexp.MustCompile(`^(issuer|client_id|base_url|public_url|upstreams|addresses|redis|static|password_file):`)
)

// unlessExample is a value that a shipped file has for everybody; an example is none.
func unlessExample(value string) string {
	if exampleText.MatchString(value) {
		return ""
	}
	return value
}

// Edit is a line of the configuration that is still an example.
type Edit struct {
	Line int
	Text string // without indentation and comment
}

// leftover finds the lines that nobody was asked about and that only their reader can write.
func leftover(text string) (edits []Edit) {
	number := 0
	for line := range strings.Lines(text) {
		number++
		said := strings.TrimSpace(comment.ReplaceAllString(strings.TrimRight(line, "\n"), ""))
		if askedFor.MatchString(strings.TrimPrefix(said, "- ")) {
			continue
		}
		if sqlWord.MatchString(said) || exampleText.MatchString(reference.ReplaceAllString(said, "")) {
			edits = append(edits, Edit{number, said})
		}
	}
	return edits
}
