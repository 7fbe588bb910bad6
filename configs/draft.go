package configs

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/parser"
)

// Draft is a configuration file that is changed as text, so that comments, order and spelling
// survive. It takes files in block style with one key a line, as the shipped ones are; lists of
// texts may stand in brackets. Keys are named as in problems: routes[1].path.
//
// The first fault stays, and every call after it does nothing: ask Text at the end.
type Draft struct {
	text  string
	fault error
}

// NewDraft begins with the text of a file.
func NewDraft(text string) *Draft { return &Draft{text: text} }

// Text is the file as changed, or what could not be done.
func (d *Draft) Text() (string, error) { return d.text, d.fault }

// Has tells whether the file has the key.
func (d *Draft) Has(path string) bool {
	_, found := d.find(path)
	return found
}

// Value is the text of a scalar, or "" where there is none.
func (d *Draft) Value(path string) string {
	place, _ := d.find(path)
	text, _ := scalarText(place.value)
	return text
}

// Set puts another text into a scalar that is there.
func (d *Draft) Set(path, value string) {
	place, found := d.find(path)
	if !found {
		d.fail(path, "is not there")
		return
	}
	lines := d.lines()
	at := start(place.value)
	line := lines[at.line-1]
	from := byteOf(line, at.col)
	length := scalarLength(line[from:], place.flow)
	if _, scalar := scalarText(place.value); !scalar || length == 0 {
		d.fail(path, "is not one value on one line")
		return
	}
	quoted := Quote(value)
	if place.flow {
		quoted = doubleQuote(value) // a plain text could end at a comma
	}
	lines[at.line-1] = line[:from] + realign(line[from+length:], len(quoted)-length, quoted)
	d.text = strings.Join(lines, "")
}

// realign keeps a comment behind a value in its column, as far as there is room.
func realign(rest string, longer int, value string) string {
	spaces := len(rest) - len(strings.TrimLeft(rest, " "))
	if spaces == 0 || !strings.HasPrefix(rest[spaces:], "#") {
		return value + rest
	}
	return value + strings.Repeat(" ", max(1, spaces-longer)) + rest[spaces:]
}

// Replace puts lines in the place of a key and all below it, each indented as the key is. Without
// lines the key goes, and so do the comments right above it.
func (d *Draft) Replace(path string, lines ...string) {
	all, from, indent, found := d.block(path)
	if !found {
		return
	}
	if strings.TrimLeft(all[from][:indent], " ") != "" {
		d.fail(path, "is the first key of an entry")
		return
	}
	to := blockEnd(all, from, indent)
	if len(lines) == 0 {
		for from > 0 && strings.HasPrefix(all[from-1], strings.Repeat(" ", indent)+"#") {
			from--
		}
	}
	d.text = strings.Join(all[:from], "") + indented(indent, lines) + strings.Join(all[to:], "")
}

// Insert puts lines behind a key and all below it, each indented as the key is.
func (d *Draft) Insert(path string, lines ...string) {
	all, from, indent, found := d.block(path)
	if !found {
		return
	}
	to := blockEnd(all, from, indent)
	d.text = strings.Join(all[:to], "") + indented(indent, lines) + strings.Join(all[to:], "")
}

// block is where a key begins: the draft's lines, the key's one and its indentation.
func (d *Draft) block(path string) (all []string, line, indent int, found bool) {
	place, found := d.find(path)
	if !found || place.key == (position{}) {
		d.fail(path, "is not there")
		return nil, 0, 0, false
	}
	return d.lines(), place.key.line - 1, place.key.col - 1, true
}

// indented are lines with their line breaks, behind blanks.
func indented(indent int, lines []string) string {
	var b strings.Builder
	for _, line := range lines {
		b.WriteString(strings.Repeat(" ", indent) + line + "\n")
	}
	return b.String()
}

// DropComment removes, of the comments that begin the file, the paragraphs that begin so.
func (d *Draft) DropComment(beginning string) {
	var kept []string
	dropping, head := false, true
	for _, line := range d.lines() {
		head = head && strings.HasPrefix(line, "#")
		if head && strings.HasPrefix(strings.TrimPrefix(line, "# "), beginning) {
			dropping = true
		}
		blank := strings.TrimSpace(line) == "#"
		if n := len(kept); !head && dropping && n > 0 && strings.TrimSpace(kept[n-1]) == "#" {
			kept = kept[:n-1] // it kept the last paragraph apart
		}
		if !head || !dropping {
			kept = append(kept, line)
		}
		if blank || !head {
			dropping = false
		}
	}
	d.text = strings.Join(kept, "")
}

func (d *Draft) fail(path, what string) {
	if d.fault == nil {
		d.fault = fmt.Errorf("configs: %s %s", path, what)
	}
}

// lines are the lines with their line breaks.
func (d *Draft) lines() []string { return strings.SplitAfter(d.text, "\n") }

// place is where something of a draft stands.
type place struct {
	key   position // zero for an entry of a list
	value ast.Node
	flow  bool // within brackets
}

var errNoPath = errors.New("no path")

// find walks down to a key. The draft is read anew each time: after a change everything stands
// elsewhere.
func (d *Draft) find(path string) (found place, ok bool) {
	steps, err := pathSteps(path)
	if err != nil || d.fault != nil {
		return place{}, false
	}
	tokens := lexer.Tokenize(d.text)
	file, err := parser.Parse(joinColons(tokens), 0)
	if err != nil || len(file.Docs) == 0 {
		if d.fault == nil {
			d.fault = fmt.Errorf("configs: the draft is not YAML: %w", err)
		}
		return place{}, false
	}
	at := place{value: file.Docs[0].Body}
	for _, step := range steps {
		if at, ok = at.down(step); !ok {
			return place{}, false
		}
	}
	return at, at.value != nil
}

// down is one step: the name of a key, or the number of an entry.
func (p place) down(step any) (place, bool) {
	switch step := step.(type) {
	case string:
		lines, _ := mapping(p.value)
		for _, line := range lines {
			if name, at := keyText(line); name == step {
				return place{key: at, value: line.Value, flow: p.flow || isFlow(line.Value)}, true
			}
		}
	case int:
		if list, isList := p.value.(*ast.SequenceNode); isList && step < len(list.Values) {
			return place{value: list.Values[step], flow: p.flow || list.IsFlowStyle}, true
		}
	}
	return place{}, false
}

func isFlow(n ast.Node) bool {
	switch n := n.(type) {
	case *ast.SequenceNode:
		return n.IsFlowStyle
	case *ast.MappingNode:
		return n.IsFlowStyle
	}
	return false
}

var pathStep = regexp.MustCompile(`^(?:\.?([a-z0-9_]+)|\[([0-9]{1,4})\])`)

// pathSteps takes routes[1].path apart: routes, 1, path.
func pathSteps(path string) (steps []any, err error) {
	for path != "" {
		m := pathStep.FindStringSubmatch(path)
		switch {
		case m == nil:
			return nil, errNoPath
		case m[1] != "":
			steps = append(steps, m[1])
		default:
			n, _ := strconv.Atoi(m[2]) // up to four digits
			steps = append(steps, n)
		}
		path = path[len(m[0]):]
	}
	return steps, nil
}

// blockEnd is the line behind a key's block. Comments and blank lines at its end belong to what
// follows, unless they are indented as the block is.
func blockEnd(lines []string, from, indent int) int {
	end := from + 1
	for i := end; i < len(lines); i++ {
		text := strings.TrimLeft(lines[i], " ")
		if strings.TrimSpace(text) == "" {
			continue
		}
		if len(lines[i])-len(text) <= indent {
			break
		}
		end = i + 1
	}
	return end
}

// byteOf is where a column, counted from 1 in characters, begins in a line.
func byteOf(line string, col int) int {
	for i := range line {
		if col--; col == 0 {
			return i
		}
	}
	return len(line)
}

// scalarLength is how long the value is that text begins with; 0 if it goes on in the next line.
func scalarLength(text string, flow bool) int {
	if text == "" {
		return 0
	}
	switch quote := text[0]; quote {
	case '"', '\'':
		return quotedLength(text, quote)
	case '|', '>', '[', '{':
		return 0
	}
	end := strings.TrimRight(text, "\r\n")
	if i := strings.Index(end, " #"); i >= 0 {
		end = end[:i]
	}
	if i := strings.IndexAny(end, ",]}"); flow && i >= 0 {
		end = end[:i]
	}
	return len(strings.TrimRight(end, " "))
}

func quotedLength(text string, quote byte) int {
	for i := 1; i < len(text); i++ {
		switch {
		case quote == '"' && text[i] == '\\':
			i++
		case text[i] == quote && quote == '\'' && i+1 < len(text) && text[i+1] == quote:
			i++
		case text[i] == quote:
			return i + 1
		}
	}
	return 0
}

var (
	// openText needs no quotes: it begins with a letter, a slash or dots and a slash, and has nothing
	// that YAML gives a meaning.
	openText = regexp.MustCompile(`^([A-Za-z/]|\.\.?/)[A-Za-z0-9_./@%+~=?&;-]*(:[A-Za-z0-9_./@%+~=?&;-]+)*$`)
	// yamlWord would be something else than text without quotes.
	yamlWord = regexp.MustCompile(`(?i)^(true|false|yes|no|on|off|y|n|null)$`)
)

// Quote writes a text as a value of the configuration: what is read back is that text, whatever
// stands in it, and never a key, a comment or a variable of the environment.
func Quote(text string) string {
	if openText.MatchString(text) && !yamlWord.MatchString(text) {
		return text
	}
	return doubleQuote(text)
}

// doubleQuote uses escapes that Go and YAML 1.2 section 5.7 have in common.
func doubleQuote(text string) string {
	return strconv.Quote(strings.ReplaceAll(text, "${", "$${"))
}
