package markdown

import (
	"fmt"
	"regexp"
	"strings"
)

// Block is what stands between two fences.
type Block struct {
	Page string
	Line int    // of the opening fence
	Info string // what follows it
	Text string // without the indentation of the fence
	Open bool   // the page ends before the block does
}

// String names the block in messages.
func (b *Block) String() string { return fmt.Sprintf("%s:%d", b.Page, b.Line) }

// Language is the first word after the fence, which says how to colour the block; the others are
// ours, and no reader sees them.
func (b *Block) Language() string {
	language, _, _ := strings.Cut(b.Info, " ")
	return language
}

// Words are those after the language: "run" stands for itself, "file=x.yaml" for x.yaml.
func (b *Block) Words() map[string]string {
	words := make(map[string]string)
	for _, word := range strings.Fields(b.Info[len(b.Language()):]) {
		name, value, _ := strings.Cut(word, "=")
		words[name] = value
	}
	return words
}

// fence is an open one.
type fence struct {
	indent int
	mark   string
	info   string
}

var fenceLine = regexp.MustCompile("^( *)(`{3,}|~{3,})[ \t]*(.*?)[ \t]*$")

// opening is the fence that a line opens, or nil. A fence may be indented as far as the list is that
// it stands in. The words of one of backticks have none: else it is a span of code.
func opening(line string) *fence {
	m := fenceLine.FindStringSubmatch(line)
	if m == nil || m[2][0] == '`' && strings.Contains(m[3], "`") {
		return nil
	}
	return &fence{len(m[1]), m[2], m[3]}
}

// closedBy reports whether the line is as long a fence of the same kind, and has no words.
func (f *fence) closedBy(line string) bool {
	m := fenceLine.FindStringSubmatch(line)
	return m != nil && m[3] == "" && strings.HasPrefix(m[2], f.mark) && len(m[1]) <= f.indent+3
}

// inside is a line of the block without the fence's indentation, as far as it has one.
func (f *fence) inside(line string) string {
	n := 0
	for n < f.indent && n < len(line) && line[n] == ' ' {
		n++
	}
	return line[n:]
}
