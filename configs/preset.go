package configs

import (
	"embed"
	"reflect"
	"strings"

	"github.com/goccy/go-yaml/ast"
)

//go:embed presets/*.yaml
var presetFiles embed.FS

// Presets returns the names of the presets that ship with the program, sorted, and the text of
// each.
func Presets() (names []string, text map[string]string) {
	return embedded(presetFiles, "presets")
}

// preset fills a section from the fragment that its key `preset` names, before the section's own
// keys are read: so these replace it key by key, in sub-sections too. Lists are replaced whole. A key
// with nothing behind it replaces nothing, and is refused.
func (r *reader) preset(lines []*ast.MappingValueNode, section reflect.Value, path string) {
	if _, takes := section.Addr().Interface().(*TokenAPIProvider); !takes {
		return
	}
	for _, line := range lines {
		if name, _ := keyText(line); name == "preset" {
			r.applyPreset(line.Value, section, join(path, "preset"))
			return
		}
	}
}

func (r *reader) applyPreset(n ast.Node, section reflect.Value, path string) {
	name, ok := scalarText(n)
	if !ok || n.Type() != ast.StringType || name == "" {
		return // reported when the key itself is read
	}
	names, text := Presets()
	fragment, known := text[name]
	if !known {
		r.positions[path] = valuePosition(n, r.position(path))
		r.breaks(path, quoteText(name)+" is not a preset", suggest(name, names))
		return
	}
	sub := newReader(newReport("presets/"+name+".yaml"), "", func(string) (string, bool) { return "", false })
	if root := sub.parse([]byte(fragment)); root != nil {
		// What a preset leaves to the file is reported there; the fragments themselves are held
		// right by a test.
		sub.section(root, section, "")
	}
	for key := range sub.positions {
		r.filled[join(parent(path), key)] = name
	}
}

// emptied says how to write that there is none of what a preset fills.
func emptied(v reflect.Value, path string) string {
	name := path[strings.LastIndex(path, ".")+1:]
	switch v.Addr().Interface().(type) {
	case *TokenAPICall, *TokenAPIRefresh, *TokenAPIMe:
		return "write " + name + `: {path: ""} if the API has none, or remove the key`
	}
	if v.Kind() == reflect.Slice {
		return "write " + name + ": [] for none, or remove the key"
	}
	return "write what holds instead, or remove the key"
}
