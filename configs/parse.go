package configs

import (
	"bytes"
	"errors"
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

const (
	// maxFile bounds the file. A thousand routes take a tenth of it.
	maxFile = 1 << 20
	// maxDepth bounds nesting: the parser recurses, and Go cannot recover from an exhausted stack.
	maxDepth = 64
	// maxLines and maxTokens bound the parser's time, which grows with their square. A thousand
	// routes stay well below.
	maxLines  = 20_000
	maxTokens = 100_000
)

// parse makes the tree of the one document. It is nil if there is nothing to walk; the report says
// why.
func (r *report) parse(data []byte) (root ast.Node) {
	text, ok := r.decode(data)
	if !ok {
		return nil
	}
	// The parser is foreign code at work on foreign bytes: should it panic, the file is refused and
	// the program lives.
	defer func() {
		if recover() != nil {
			root = nil
			r.problem("", "cannot be read as YAML", "write plain YAML: keys, lists and values")
		}
	}()
	tokens := lexer.Tokenize(text)
	if !r.plain(tokens) {
		return nil
	}
	file, err := parser.Parse(joinColons(tokens), 0, parser.AllowDuplicateMapKey())
	if err != nil {
		r.syntax(err, text)
		return nil
	}
	return r.document(file)
}

// decode checks size and encoding and drops a byte order mark.
func (r *report) decode(data []byte) (string, bool) {
	switch {
	case len(data) > maxFile:
		r.problemAt(position{}, "", "is larger than 1 MiB", "write a smaller file")
		return "", false
	case !utf8.Valid(data):
		line := 1 + bytes.Count(data[:validPrefix(data)], []byte("\n"))
		r.problemAt(position{line: line, col: 1}, "", "is not UTF-8", "save the file as UTF-8")
		return "", false
	}
	text := strings.TrimPrefix(string(data), "\ufeff")
	if strings.Count(text, "\n") > maxLines {
		r.problemAt(position{}, "", "has more than 20000 lines", "write a smaller file")
		return "", false
	}
	if at := strings.IndexFunc(text, control); at >= 0 {
		line := 1 + strings.Count(text[:at], "\n")
		r.problemAt(position{line: line, col: 1}, "", "has a control character", "remove it, or write it as an escape in double quotes")
		return "", false
	}
	return text, true
}

// control finds what YAML 1.2 section 5.1 does not allow in a file.
func control(c rune) bool {
	return c < ' ' && c != '\t' && c != '\n' && c != '\r' || c == 0x7f || c == '\ufeff'
}

// validPrefix is the number of bytes before the first that is not UTF-8.
func validPrefix(data []byte) int {
	n := 0
	for n < len(data) {
		r, size := utf8.DecodeRune(data[n:])
		if r == utf8.RuneError && size == 1 {
			break
		}
		n += size
	}
	return n
}

// plain refuses, before the tree is built, what a configuration does not need and what could
// exhaust memory or stack.
func (r *report) plain(tokens token.Tokens) bool {
	before := len(r.problems)
	if len(tokens) > maxTokens {
		r.problemAt(position{}, "", "has too many keys and values", "write a smaller file")
		return false
	}
	flow, line, entries := 0, 0, 0
	for _, t := range tokens {
		if t.Position.Line != line {
			line, entries = t.Position.Line, 0
		}
		switch t.Type {
		case token.AnchorType, token.AliasType, token.MergeKeyType:
			r.refuse(t, "anchors, aliases and merge keys are not supported", "write the value out")
		case token.TagType:
			r.refuse(t, "tags are not supported", "remove "+quoteText(t.Value))
		case token.DirectiveType:
			r.refuse(t, "directives are not supported", "remove the line")
		case token.MappingKeyType:
			r.refuse(t, "`? key` is not supported", "write key: value")
		case token.SequenceStartType, token.MappingStartType:
			flow++
		case token.SequenceEndType, token.MappingEndType:
			flow--
		case token.SequenceEntryType:
			entries++
		}
		if flow+entries > maxDepth {
			r.refuse(t, "is nested too deeply", "write a flatter file")
			return false
		}
	}
	return len(r.problems) == before
}

func (r *report) refuse(t *token.Token, what, fix string) {
	r.problemAt(tokenPosition(t), "", what, fix)
}

// syntax reports what the parser says, with a hint for the two faults people make most.
func (r *report) syntax(err error, text string) {
	var fault *yaml.SyntaxError
	if !errors.As(err, &fault) || fault.Token == nil {
		r.problem("", "cannot be read as YAML", "write plain YAML: keys, lists and values")
		return
	}
	at := tokenPosition(fault.Token)
	line := lineOf(text, at.line)
	fix := "mend the line, or put the value in quotes"
	switch {
	case strings.HasPrefix(line, "\t"):
		fix = "write spaces instead of tabs"
	case strings.Contains(line, "${"):
		fix = `put quotes around it: "${NAME}"`
	}
	what := strings.Join(strings.Fields(strings.ReplaceAll(fault.Message, "\t", `\t`)), " ")
	r.problemAt(at, "", "is not YAML: "+what, fix)
}

// tokenPosition is where a token stands. The scanner counts some columns from 0.
func tokenPosition(t *token.Token) position {
	return position{line: t.Position.Line, col: max(t.Position.Column, 1)}
}

// start is where a node begins: a block section with its first key, not with the colon that is its
// token.
func start(n ast.Node) position {
	t := n.GetToken()
	if lines, ok := mapping(n); ok && len(lines) > 0 && t.Value == ":" {
		t = lines[0].Key.GetToken()
	}
	return tokenPosition(t)
}

func lineOf(text string, n int) string {
	for line := range strings.Lines(text) {
		if n--; n == 0 {
			return line
		}
	}
	return ""
}

// document picks the one document of the file.
func (r *report) document(file *ast.File) ast.Node {
	var root ast.Node
	for _, doc := range file.Docs {
		switch {
		case doc.Body == nil:
		case root != nil:
			r.problemAt(start(doc.Body), "", "a second document begins", "remove it, and the --- before it")
			return root
		default:
			root = doc.Body
		}
	}
	if root == nil {
		r.problem("", "is empty", "write at least server, store, providers and routes")
	}
	return root
}
