package tokenapi

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strings"
)

// body is a request body with places for values: a JSON tree, or a form. It is immutable; each call
// renders its own.
type body struct {
	tree any                   // JSON; nil for a form
	form map[string][]template // nil for JSON
}

// parseBody reads a body template of the given encoding.
func parseBody(text string, e Encoding, in *scope) (*body, error) {
	if e == Form {
		return parseForm(text, in)
	}
	tree, err := decodeJSON([]byte(bareHoles(text, in)))
	if err != nil {
		return nil, errors.New("body is not a JSON document; a {{value}} stands inside a string: \"{{username}}\"")
	}
	if tree, err = compileTree(tree, in); err != nil {
		return nil, err
	}
	return &body{tree: tree}, nil
}

func parseForm(text string, in *scope) (*body, error) {
	fields, err := url.ParseQuery(text)
	if err != nil {
		return nil, errors.New("body is not a form: name={{username}}&other=text")
	}
	b := &body{form: make(map[string][]template, len(fields))}
	for name, list := range fields {
		name, err := fieldName(name, in)
		if err != nil {
			return nil, err
		}
		for _, value := range list {
			t, err := parseTemplate(value, in)
			if err != nil {
				return nil, fmt.Errorf("body: %w", err)
			}
			b.form[name] = append(b.form[name], t)
		}
	}
	return b, nil
}

// compileTree turns every string of a JSON document into a template.
func compileTree(v any, in *scope) (any, error) {
	switch v := v.(type) {
	case string:
		t, err := parseTemplate(v, in)
		if err != nil {
			return nil, fmt.Errorf("body: %w", err)
		}
		return t, nil
	case map[string]any:
		out := make(map[string]any, len(v))
		for name, below := range v {
			name, err := fieldName(name, in)
			if err != nil {
				return nil, err
			}
			if out[name], err = compileTree(below, in); err != nil {
				return nil, err
			}
		}
		return out, nil
	case []any:
		for i := range v {
			below, err := compileTree(v[i], in)
			if err != nil {
				return nil, err
			}
			v[i] = below
		}
	}
	return v, nil
}

// fieldName is the name of a field, which may come from the environment and from nowhere else.
func fieldName(text string, in *scope) (string, error) {
	t, err := parseTemplate(text, in)
	if err != nil || len(t.names) > 0 {
		return "", errors.New("body: a value cannot be the name of a field")
	}
	return t.parts[0], nil
}

// bareHoles puts the environment in where ${NAME} stands for a number, true, false or null, outside
// the strings of a JSON document. Whatever else stands there stays, and is no JSON.
func bareHoles(text string, in *scope) string {
	var b strings.Builder
	inString := false
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case inString && c == '\\' && i+1 < len(text):
			b.WriteByte(c)
			i++
		case c == '"':
			inString = !inString
		case !inString && strings.HasPrefix(text[i:], "${"):
			name, _, _ := strings.Cut(text[i+len("${"):], "}")
			if value := in.environment[name]; bareScalar(value) {
				b.WriteString(value)
				i += len("${"+name+"}") - 1
				continue
			}
		}
		b.WriteByte(text[i])
	}
	return b.String()
}

// bareScalar reports whether text is a number, true, false or null.
func bareScalar(text string) bool {
	v, err := decodeJSON([]byte(text))
	if err != nil {
		return false
	}
	switch v.(type) {
	case nil, bool, json.Number:
		return true
	}
	return false
}

// makeBody builds a body from fields alone.
func makeBody(fields []sent, e Encoding) (*body, error) {
	tree := make(map[string]any)
	form := make(map[string][]template)
	for _, f := range fields {
		if e == Form && form[f.to.name] == nil {
			form[f.to.name] = []template{f.value}
			continue
		}
		if err := assign(tree, f.to.name, f.value); err != nil || e == Form {
			return nil, fmt.Errorf("two values for the field %q", f.to.name)
		}
	}
	if e == Form {
		return &body{form: form}, nil
	}
	return &body{tree: tree}, nil
}

// render writes the body with the values in place, and its media type.
func (b *body) render(v values) (data []byte, mediaType string, err error) {
	if b.form != nil {
		form := make(url.Values, len(b.form))
		for name, list := range b.form {
			for _, t := range list {
				if !t.absent(v) {
					form.Add(name, t.fill(v))
				}
			}
		}
		return []byte(form.Encode()), "application/x-www-form-urlencoded", nil
	}
	data, err = json.Marshal(fillTree(b.tree, v))
	return data, "application/json", err
}

// fillTree copies a compiled document with the values in place. A member that says nothing but
// values which are not there is left out.
func fillTree(node any, v values) any {
	switch n := node.(type) {
	case template:
		return n.value(v)
	case map[string]any:
		out := make(map[string]any, len(n))
		for name, below := range n {
			if !leftOut(below, v) {
				out[name] = fillTree(below, v)
			}
		}
		return out
	case []any:
		out := make([]any, 0, len(n))
		for _, below := range n {
			if !leftOut(below, v) {
				out = append(out, fillTree(below, v))
			}
		}
		return out
	}
	return node
}

func leftOut(node any, v values) bool {
	t, is := node.(template)
	return is && t.absent(v)
}

// templates visits every template of the body.
func (b *body) templates(visit func(template)) {
	for _, list := range b.form {
		for _, t := range list {
			visit(t)
		}
	}
	treeTemplates(b.tree, visit)
}

func treeTemplates(node any, visit func(template)) {
	switch n := node.(type) {
	case template:
		visit(n)
	case map[string]any:
		for _, below := range n {
			treeTemplates(below, visit)
		}
	case []any:
		for _, below := range n {
			treeTemplates(below, visit)
		}
	}
}
