package tokenapi

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
)

// values are what one call may send, by the names a template knows them under.
type values struct{ username, password, refresh, access string }

// The names of the values.
const (
	username     = "username"
	password     = "password"
	refreshToken = "refresh_token"
	accessToken  = "access_token"
)

func (v values) get(name string) string {
	switch name {
	case username:
		return v.username
	case password:
		return v.password
	case refreshToken:
		return v.refresh
	case accessToken:
		return v.access
	}
	return ""
}

// body is a request body with places for values: a JSON tree, or a form. It is immutable; each call
// renders its own.
type body struct {
	tree any                   // JSON; nil for a form
	form map[string][]template // nil for JSON
}

// template is a text with values between its parts: parts[0] names[0] parts[1] …
type template struct {
	parts []string
	names []string
}

// fill puts the values in.
func (t template) fill(v values) string {
	if len(t.names) == 0 {
		return t.parts[0]
	}
	var b strings.Builder
	for i, name := range t.names {
		b.WriteString(t.parts[i])
		b.WriteString(v.get(name))
	}
	b.WriteString(t.parts[len(t.names)])
	return b.String()
}

// parseTemplate reads text with {{name}} in it. Only the names listed may stand there, so that a
// slip is found at start and not in the API's log.
func parseTemplate(text string, allowed []string) (template, error) {
	var t template
	for {
		before, rest, found := strings.Cut(text, "{{")
		if !found {
			t.parts = append(t.parts, text)
			return t, nil
		}
		name, after, closed := strings.Cut(rest, "}}")
		name = strings.TrimSpace(name)
		if !closed || !slices.Contains(allowed, name) {
			return t, errors.New("{{ must be followed by " + strings.Join(allowed, " or ") + " and }}")
		}
		t.parts, t.names = append(t.parts, before), append(t.names, name)
		text = after
	}
}

// parseBody reads a body template of the given encoding.
func parseBody(text string, e Encoding, allowed []string) (*body, error) {
	if e == Form {
		return parseForm(text, allowed)
	}
	tree, err := decodeJSON([]byte(text))
	if err != nil {
		return nil, errors.New("body is not a JSON document; a {{value}} stands inside a string: \"{{username}}\"")
	}
	if tree, err = compileTree(tree, allowed); err != nil {
		return nil, err
	}
	return &body{tree: tree}, nil
}

func parseForm(text string, allowed []string) (*body, error) {
	fields, err := url.ParseQuery(text)
	if err != nil {
		return nil, errors.New("body is not a form: name={{username}}&other=text")
	}
	b := &body{form: make(map[string][]template, len(fields))}
	for name, list := range fields {
		if strings.Contains(name, "{{") {
			return nil, errors.New("body: a value cannot be the name of a field")
		}
		for _, value := range list {
			t, err := parseTemplate(value, allowed)
			if err != nil {
				return nil, fmt.Errorf("body: %w", err)
			}
			b.form[name] = append(b.form[name], t)
		}
	}
	return b, nil
}

// compileTree turns every string of a JSON document into a template.
func compileTree(v any, allowed []string) (any, error) {
	switch v := v.(type) {
	case string:
		t, err := parseTemplate(v, allowed)
		if err != nil {
			return nil, fmt.Errorf("body: %w", err)
		}
		return t, nil
	case map[string]any:
		for name := range v {
			if strings.Contains(name, "{{") {
				return nil, errors.New("body: a value cannot be the name of a field")
			}
			below, err := compileTree(v[name], allowed)
			if err != nil {
				return nil, err
			}
			v[name] = below
		}
	case []any:
		for i := range v {
			below, err := compileTree(v[i], allowed)
			if err != nil {
				return nil, err
			}
			v[i] = below
		}
	}
	return v, nil
}

// sent is a value and the place it goes to.
type sent struct {
	to    place
	value string // its name
}

// makeBody builds a body from fields alone.
func makeBody(fields []sent, e Encoding) (*body, error) {
	tree := make(map[string]any)
	form := make(map[string][]template)
	for _, f := range fields {
		whole := template{parts: []string{"", ""}, names: []string{f.value}}
		if e == Form && form[f.to.name] == nil {
			form[f.to.name] = []template{whole}
			continue
		}
		if err := assign(tree, f.to.name, whole); err != nil || e == Form {
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
				form.Add(name, t.fill(v))
			}
		}
		return []byte(form.Encode()), "application/x-www-form-urlencoded", nil
	}
	data, err = json.Marshal(fillTree(b.tree, v))
	return data, "application/json", err
}

// fillTree copies a compiled document with the values in place.
func fillTree(node any, v values) any {
	switch n := node.(type) {
	case template:
		return n.fill(v)
	case map[string]any:
		out := make(map[string]any, len(n))
		for name, below := range n {
			out[name] = fillTree(below, v)
		}
		return out
	case []any:
		out := make([]any, len(n))
		for i, below := range n {
			out[i] = fillTree(below, v)
		}
		return out
	}
	return node
}

// uses reports whether the body has a place for the value.
func (b *body) uses(name string) bool {
	for _, list := range b.form {
		for _, t := range list {
			if slices.Contains(t.names, name) {
				return true
			}
		}
	}
	return treeUses(b.tree, name)
}

func treeUses(node any, name string) bool {
	switch n := node.(type) {
	case template:
		return slices.Contains(n.names, name)
	case map[string]any:
		for _, below := range n {
			if treeUses(below, name) {
				return true
			}
		}
	case []any:
		for _, below := range n {
			if treeUses(below, name) {
				return true
			}
		}
	}
	return false
}
