package configs

import (
	"fmt"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml/ast"
)

// scalars reads values: text, numbers, true and false, and whatever a type reads from text itself.
type scalars struct {
	*report
	dir string // the folder of the file: relative paths are meant from here
	env func(string) (string, bool)
}

// read reads one value. Nothing is turned into something else, but for a value that is taken from
// the environment, where everything is text: it is read as what is wanted.
func (r *scalars) read(n ast.Node, v reflect.Value, path string) {
	text, ok := scalarText(n)
	if !ok {
		fix := "write one value"
		if _, section := mapping(n); section && strings.HasSuffix(path, "]") && v.Kind() == reflect.String {
			fix = "put the line in quotes" // as in - header:X-A: {{value}}
		}
		r.breaks(path, "is "+kindOf(n)+", and "+wanted(v)+" is wanted", fix)
		return
	}
	raw, written := text, n.Type() == ast.StringType || n.Type() == ast.LiteralType
	if written {
		if text, ok = r.expand(text, path); !ok {
			return
		}
	}
	fromEnv := r.positions[path].fromEnv
	if t, ok := v.Addr().Interface().(textValue); ok {
		r.text(t, text, path)
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		r.secret(v, text, written, path)
	case reflect.Bool:
		r.boolean(n, v, text, fromEnv, path)
	case reflect.Int:
		r.number(n, v, text, fromEnv, path)
	case reflect.String:
		if !written {
			r.breaks(path, "is "+kindOf(n)+", and text is wanted", "write "+strconv.Quote(text))
			return
		}
		if _, path := v.Interface().(Path); path || (v.Type() == reflect.TypeFor[App]() && text != string(Demo)) {
			text = resolve(r.dir, text)
		}
		if _, template := v.Interface().(Template); template {
			text = raw // the environment comes in when a value's place is known
		}
		v.SetString(text)
	}
}

// resolve makes a path of the file one that can be opened from here.
func resolve(dir, path string) string {
	if path == "" || filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(dir, path)
}

// text hands a value to the type that reads it.
func (r *scalars) text(t textValue, text, path string) {
	err := t.parse(text)
	if err == nil {
		return
	}
	fix := t.hint(text)
	if r.positions[path].fromEnv {
		fix = t.hint("")
	}
	r.breaks(path, r.quote(path, text)+" "+err.Error(), "write "+fix)
}

// secret takes text from the environment only: a password in the file would be in every copy and
// backup of it. The address of a database is no secret while it has no password in it.
func (r *scalars) secret(v reflect.Value, text string, written bool, path string) {
	name := path[strings.LastIndex(path, ".")+1:]
	if !written || !r.positions[path].fromEnv && !openDatabase(text) {
		r.breaks(path, "is a secret written into the file", "write "+name+": ${"+strings.ToUpper(name)+"}, or "+name+"_file: PATH")
		return
	}
	if text == "" {
		r.breaks(path, "is empty in the environment", "set "+quoteText(r.positions[path].raw))
		return
	}
	v.Set(reflect.ValueOf(NewSecret(text)))
}

func (r *scalars) boolean(n ast.Node, v reflect.Value, text string, fromEnv bool, path string) {
	read, err := strconv.ParseBool(strings.ToLower(text))
	if n.Type() == ast.BoolType || (fromEnv && err == nil) {
		v.SetBool(read)
		return
	}
	fix := "write true or false"
	switch strings.ToLower(text) {
	case "yes", "on", "y", "1", "true":
		fix = "write true"
	case "no", "off", "n", "0", "false":
		fix = "write false"
	}
	r.breaks(path, "is "+kindOf(n)+", and true or false is wanted", fix)
}

func (r *scalars) number(n ast.Node, v reflect.Value, text string, fromEnv bool, path string) {
	read, err := strconv.Atoi(text)
	plain := err == nil && strconv.Itoa(read) == text
	switch {
	case plain && (n.Type() == ast.IntegerType || fromEnv):
		v.SetInt(int64(read))
	case plain:
		r.breaks(path, "is text, and a number is wanted", "write "+text)
	default:
		r.breaks(path, "is "+kindOf(n)+", and a plain whole number is wanted", "write digits only")
	}
}

// limits holds a value that was read against the `range` and `oneof` tags of its field.
func (r *scalars) limits(f field, path string) {
	if r.broken[path] {
		return
	}
	if words := strings.Fields(f.tag.Get("oneof")); len(words) > 0 {
		r.oneOf(f.value.String(), words, path)
	}
	low, high, ok := strings.Cut(f.tag.Get("range"), "..")
	if ok && !inRange(f.value, low, high) {
		text := fmt.Sprint(f.value.Interface())
		if r.position(path).fromEnv {
			text = r.quote(path, "")
		}
		r.breaks(path, text+" is out of range", "write "+low+" to "+high)
	}
}

// notOneOf refuses true, false and numbers where one of some words is wanted, and reports whether it
// did: to write them as text, as elsewhere, would only lead to the next refusal.
func (r *scalars) notOneOf(n ast.Node, f field, path string) bool {
	words := strings.Fields(f.tag.Get("oneof"))
	if len(words) == 0 || n == nil || n.Type() == ast.StringType || n.Type() == ast.LiteralType {
		return false
	}
	text, scalar := scalarText(n)
	if !scalar || slices.Contains(words, text) {
		return false
	}
	r.oneOf(text, words, path)
	return true
}

func (r *scalars) oneOf(value string, words []string, path string) {
	for _, word := range words {
		if word == value {
			return
		}
	}
	fix := nearest(value, words)
	if fix == "" || r.position(path).fromEnv {
		fix = strings.Join(words, " or ")
	}
	if len(words) == 1 {
		fix = words[0] + ", or remove the key" // which is the other choice
	}
	r.breaks(path, r.quote(path, value)+" is not one of "+strings.Join(words, ", "), "write "+fix)
}

// inRange compares by the type's own text form, in which the tag is written too.
func inRange(v reflect.Value, low, high string) bool {
	minimum, maximum := reflect.New(v.Type()).Elem(), reflect.New(v.Type()).Elem()
	for text, bound := range map[string]reflect.Value{low: minimum, high: maximum} {
		if t, ok := bound.Addr().Interface().(textValue); ok {
			if t.parse(text) != nil {
				return false
			}
			continue
		}
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return false
		}
		bound.SetInt(n)
	}
	return v.Int() >= minimum.Int() && v.Int() <= maximum.Int()
}

// scalarText is the text of a scalar as the file has it, quotes and escapes undone.
func scalarText(n ast.Node) (string, bool) {
	switch s := n.(type) {
	case *ast.StringNode:
		return s.Value, true
	case *ast.LiteralNode:
		return s.Value.Value, true
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode, *ast.InfinityNode, *ast.NanNode:
		return s.GetToken().Value, true
	}
	return "", false
}

// valuePosition is where a value stands; a value that is not there stands at its key.
func valuePosition(n ast.Node, key position) position {
	if n == nil || n.Type() == ast.NullType {
		return key
	}
	at := start(n)
	at.raw, _ = scalarText(n)
	return at
}

// kindOf names what stands there.
func kindOf(n ast.Node) string {
	switch n.Type() {
	case ast.StringType, ast.LiteralType:
		return "text"
	case ast.IntegerType, ast.FloatType, ast.InfinityType, ast.NanType:
		return "a number"
	case ast.BoolType:
		return "true or false"
	case ast.SequenceType:
		return "a list"
	}
	return "a section (keys with values)"
}

// wanted names what a field takes.
func wanted(v reflect.Value) string {
	switch v.Kind() {
	case reflect.Bool:
		return "true or false"
	case reflect.Int:
		return "a number"
	}
	return "text"
}
