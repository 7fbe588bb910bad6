package users

import (
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
)

const (
	maxNameBytes = 256
	maxFileBytes = 16 << 20
)

// document is a parsed users file: the users, and where in the text the editable values stand.
type document struct {
	users   directory
	entries map[string]entry // by normal name
	// list is the value of the users key; nil when the file has none or it is empty.
	list *ast.SequenceNode
	line int // of the users key; 0 when there is none
}

// entry is where one user stands. Lines and columns count from 1, columns in characters.
type entry struct {
	flow                         bool // written as {name: …}
	passwordLine, passwordColumn int  // of the key
	disabledLine, disabledColumn int  // of the key; 0 when there is none
	disabled                     bool
}

// parseUsers reads a users file strictly: unknown keys, wrong types, repeated names or subjects,
// and passwords that are not hashes are errors. It walks the syntax tree, because the library's
// decoder turns numbers into text and its messages quote the source, hashes included. Every problem
// is reported, each with its line and without its value.
func parseUsers(data []byte) (*document, error) {
	if len(data) > maxFileBytes {
		return nil, errors.New("file is too large")
	}
	if !utf8.Valid(data) {
		return nil, errors.New("file is not UTF-8")
	}
	file, err := parser.ParseBytes(data, 0)
	if err != nil {
		return nil, syntaxProblem(err)
	}
	doc := &document{entries: map[string]entry{}}
	list, err := doc.findList(file)
	if err != nil || list == nil {
		return doc, err
	}
	var all mistakes
	for i, node := range list.Values {
		err := doc.addEntry(i, node)
		var some mistakes
		if err != nil && !errors.As(err, &some) {
			return nil, err
		}
		all = append(all, some...)
	}
	if len(all) > 0 {
		return nil, all
	}
	doc.list = list
	return doc, nil
}

func syntaxProblem(err error) error {
	var located yaml.Error
	if errors.As(err, &located) && located.GetToken() != nil {
		at := located.GetToken().Position
		return mistakes{{Line: at.Line, Column: max(at.Column, 1), What: "not valid YAML"}}
	}
	return errors.New("not valid YAML")
}

// findList returns the value of the one top-level key, nil for a file without users.
func (d *document) findList(file *ast.File) (*ast.SequenceNode, error) {
	if len(file.Docs) > 1 {
		return nil, errors.New("more than one YAML document in the file")
	}
	if len(file.Docs) == 0 || file.Docs[0].Body == nil || file.Docs[0].Body.Type() == ast.CommentType {
		return nil, nil
	}
	pairs, err := mapping(file.Docs[0].Body, "the file")
	if err != nil {
		return nil, err
	}
	var list *ast.SequenceNode
	for _, pair := range pairs.Values {
		if key := keyName(pair); key != "users" {
			return nil, problem(pair.Key, "", "unknown key %q: the only key here is users", key)
		}
		d.line = pair.Key.GetToken().Position.Line
		switch value := pair.Value.(type) {
		case *ast.NullNode:
		case *ast.SequenceNode:
			list = value
		default:
			return nil, problem(pair.Value, "users", "must be a list")
		}
	}
	return list, nil
}

func (d *document) addEntry(i int, node ast.Node) error {
	path := fmt.Sprintf("users[%d]", i)
	pairs, err := mapping(node, path)
	if err != nil {
		return err
	}
	r, place := record{}, entry{flow: pairs.IsFlowStyle}
	for _, pair := range pairs.Values {
		if err := readKey(&r, &place, path, pair); err != nil {
			return err
		}
	}
	if r.user.Subject == "" {
		r.user.Subject = r.user.Name
	}
	if err := checkUser(r.user); err != nil {
		return problem(node, path, "%s", err)
	}
	if r.hash == "" {
		return problem(node, path, "password is missing")
	}
	name := NormalizeName(r.user.Name)
	if other, taken := d.users.byName[name]; taken && other.user.Name != r.user.Name {
		return problem(node, path, "the names %+q and %+q are the same (RFC 8265): rename one, and give it its old name as subject",
			other.user.Name, r.user.Name)
	}
	if !d.users.add(r) {
		return problem(node, path, "name or subject of %q is used by another user", r.user.Name)
	}
	place.disabled = r.user.Disabled
	d.entries[name] = place
	return nil
}

func readKey(r *record, place *entry, path string, pair *ast.MappingValueNode) error {
	key := keyName(pair)
	path += "." + key
	at := pair.Key.GetToken().Position
	var err error
	switch key {
	case "name":
		r.user.Name, err = text(pair.Value, path)
	case "subject":
		r.user.Subject, err = text(pair.Value, path)
	case "display_name":
		r.user.DisplayName, err = text(pair.Value, path)
	case "password":
		place.passwordLine, place.passwordColumn = at.Line, at.Column
		r.hash, err = readHash(pair.Value, path)
	case "roles":
		r.user.Roles, err = texts(pair.Value, path)
	case "scopes":
		r.user.Scopes, err = texts(pair.Value, path)
	case "disabled":
		place.disabledLine, place.disabledColumn = at.Line, at.Column
		r.user.Disabled, err = boolean(pair.Value, path)
	case "claims":
		r.user.Claims, err = claims(pair.Value, path)
	default:
		return problem(pair.Key, path, "unknown key; known are name, password, roles, scopes, display_name, subject, disabled, claims")
	}
	return err
}

func readHash(node ast.Node, path string) (passwordHash, error) {
	value, err := text(node, path)
	if err != nil {
		return "", problem(node, path, "%s", errNotHash) // a password of digits is a number to YAML
	}
	if _, err := parseHash(value); err != nil {
		return "", problem(node, path, "%s", err)
	}
	return passwordHash(value), nil
}

func mapping(node ast.Node, path string) (*ast.MappingNode, error) {
	pairs, ok := node.(*ast.MappingNode)
	if !ok {
		return nil, problem(node, path, "must hold keys and values")
	}
	for _, pair := range pairs.Values {
		if _, plain := pair.Key.(*ast.StringNode); !plain {
			return nil, problem(pair.Key, path, "keys must be plain text; anchors and merges are not supported here")
		}
	}
	return pairs, nil
}

func keyName(pair *ast.MappingValueNode) string {
	if key, ok := pair.Key.(*ast.StringNode); ok {
		return key.Value
	}
	return ""
}

func text(node ast.Node, path string) (string, error) {
	switch value := node.(type) {
	case *ast.StringNode:
		return value.Value, nil
	case *ast.LiteralNode:
		return strings.TrimRight(value.Value.Value, "\n"), nil
	}
	return "", problem(node, path, "must be text: put it in quotes")
}

func texts(node ast.Node, path string) ([]string, error) {
	list, ok := node.(*ast.SequenceNode)
	if !ok {
		return nil, problem(node, path, "must be a list, as in [a, b]")
	}
	values := make([]string, 0, len(list.Values))
	for i, item := range list.Values {
		value, err := text(item, fmt.Sprintf("%s[%d]", path, i))
		if err != nil {
			return nil, err
		}
		if value == "" {
			return nil, problem(item, fmt.Sprintf("%s[%d]", path, i), "is empty")
		}
		values = append(values, value)
	}
	return values, nil
}

func boolean(node ast.Node, path string) (bool, error) {
	value, ok := node.(*ast.BoolNode)
	if !ok {
		return false, problem(node, path, "must be true or false")
	}
	return value.Value, nil
}

func claims(node ast.Node, path string) (map[string]any, error) {
	if _, err := mapping(node, path); err != nil {
		return nil, err
	}
	var values map[string]any
	if err := yaml.NodeToValue(node, &values); err != nil {
		return nil, problem(node, path, "cannot be read")
	}
	return values, nil
}

// checkUser holds for users from every source. Control characters would let a name forge log lines.
func checkUser(u User) error {
	for _, f := range []struct{ field, value string }{{"name", u.Name}, {"subject", u.Subject}} {
		field, value := f.field, f.value
		if value == "" || len(value) > maxNameBytes || !utf8.ValidString(value) || strings.TrimSpace(value) != value ||
			strings.ContainsFunc(value, unicode.IsControl) {
			return fmt.Errorf("%s must have 1 to %d bytes, no control characters, and no space at its ends", field, maxNameBytes)
		}
	}
	return nil
}
