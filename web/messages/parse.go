package messages

import (
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
	"golang.org/x/text/language"
)

// Limits of a file with texts.
const (
	MaxFile = 256 << 10 // bytes
	maxText = 2 << 10   // bytes of one text
)

// fileName is how a file with texts is called: fr.yaml, pt-BR.yaml.
var fileName = regexp.MustCompile(`^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*$`)

// Parse reads an operator's file with texts. Its name says which language it is in (fr.yaml,
// pt-BR.yaml). Each key must be one of the English texts', and each text may have that one's
// placeholders only. All faults are found at once; with one there is no catalogue.
func Parse(name string, data []byte) (*Catalogue, []*Fault) {
	return parse(name, data, Of(source))
}

// parse is Parse against a catalogue whose keys and placeholders are known; nil: anything goes.
func parse(name string, data []byte, known *Catalogue) (*Catalogue, []*Fault) {
	p := &parsing{name: name, known: known, c: &Catalogue{texts: make(map[string]string)}}
	base := strings.TrimSuffix(filepath.Base(name), ".yaml")
	tag, err := language.Parse(base)
	switch {
	case !fileName.MatchString(base) || err != nil:
		p.fault(0, "", "is not called after a language", "call it fr.yaml or pt-BR.yaml")
	case len(data) > MaxFile:
		p.fault(0, "", "is larger than 256 KiB", "write the texts alone into it")
	default:
		p.c.tag = tag
		p.read(data)
	}
	if len(p.faults) > 0 {
		return nil, p.faults
	}
	return p.c, nil
}

// parsing is one file on its way to a catalogue.
type parsing struct {
	name   string
	known  *Catalogue
	c      *Catalogue
	faults []*Fault
}

func (p *parsing) fault(line int, key, what, fix string) {
	p.faults = append(p.faults, &Fault{File: p.name, Line: line, Key: key, What: what, Fix: fix})
}

const shape = "write lines such as login.submit: Sign in"

func (p *parsing) read(data []byte) {
	file, err := parser.ParseBytes(data, 0)
	if err != nil {
		line := 0
		if m := regexp.MustCompile(`\[(\d+):\d+\]`).FindStringSubmatch(err.Error()); m != nil {
			line, _ = strconv.Atoi(m[1])
		}
		p.fault(line, "", "is not YAML, or has a key twice", shape)
		return
	}
	for _, doc := range file.Docs {
		switch body := doc.Body.(type) {
		case nil:
		case *ast.MappingNode:
			for _, line := range body.Values {
				p.line(line)
			}
		case *ast.MappingValueNode:
			p.line(body)
		case *ast.CommentGroupNode:
		default:
			p.fault(0, "", "does not hold keys with texts", shape)
		}
	}
}

func (p *parsing) line(n *ast.MappingValueNode) {
	token := n.Key.GetToken()
	key, at := token.Value, token.Position.Line
	text, ok := textOf(n.Value)
	switch {
	case !ok:
		p.fault(at, key, "has no text", "write the text behind the colon, in quotes where it has a colon itself")
	case text == "":
		p.fault(at, key, "is empty", "write the text, or remove the line")
	case len(text) > maxText:
		p.fault(at, key, "is longer than 2 KiB", "write less")
	case p.known != nil:
		p.against(at, key, text)
	}
	p.c.texts[key] = text
}

func textOf(n ast.Node) (string, bool) {
	switch s := n.(type) {
	case *ast.StringNode:
		return s.Value, true
	case *ast.LiteralNode:
		return strings.TrimSpace(s.Value.Value), true
	}
	return "", false
}

// against holds a text against the one that it takes the place of.
func (p *parsing) against(at int, key, text string) {
	model, known := p.known.texts[key]
	if stem, _ := cutForm(key); !known && stem != "" {
		model, known = p.known.texts[stem+"."+other]
	}
	if !known {
		p.fault(at, key, "is no text of the pages", suggest(key, p.known.Keys()))
		return
	}
	allowed := placesOf(model)
	for _, name := range placesOf(text) {
		if !slices.Contains(allowed, name) {
			p.fault(at, key, "{"+name+"} is nothing that is filled in here", placesFix(allowed))
		}
	}
}

func placesFix(allowed []string) string {
	if len(allowed) == 0 {
		return "remove it"
	}
	return "write {" + strings.Join(allowed, "}, {") + "}"
}

// suggest names the key that has most of its parts in common.
func suggest(key string, known []string) string {
	best, most := "", 0
	for _, k := range known {
		if n := common(key, k); n > most && n*2 > len(key) {
			best, most = k, n
		}
	}
	if best == "" {
		return "remove it"
	}
	return "write " + best + ", or remove it"
}

// common counts the bytes that two keys share at their beginnings and ends.
func common(a, b string) int {
	n := 0
	for n < len(a) && n < len(b) && a[n] == b[n] {
		n++
	}
	m := 0
	for m < len(a)-n && m < len(b)-n && a[len(a)-1-m] == b[len(b)-1-m] {
		m++
	}
	return n + m
}
