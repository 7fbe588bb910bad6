package configs

import (
	"reflect"
	"strconv"

	"github.com/goccy/go-yaml/ast"
)

// list reads a list into a slice, which replaces the default.
func (r *reader) list(n ast.Node, v reflect.Value, path string) {
	sequence, ok := n.(*ast.SequenceNode)
	if !ok && v.Type() == reflect.TypeFor[Places]() && n.Type() == ast.StringType {
		r.onePlace(n, v, path)
		return
	}
	if !ok {
		r.breaks(path, "is "+kindOf(n)+", and a list is wanted", r.listFix(n, v))
		return
	}
	fresh := reflect.MakeSlice(v.Type(), 0, len(sequence.Values))
	for i, entry := range sequence.Values {
		at := index(path, i)
		r.positions[at] = valuePosition(entry, r.position(path))
		element := newElement(v.Type().Elem())
		if entry == nil || entry.Type() == ast.NullType {
			r.breaks(at, "has no value", "write one, or remove the dash")
		} else {
			r.value(entry, element, at)
		}
		fresh = reflect.Append(fresh, element)
	}
	v.Set(fresh)
}

// onePlace reads a text as the list of one.
func (r *reader) onePlace(n ast.Node, v reflect.Value, path string) {
	text := reflect.New(reflect.TypeFor[string]()).Elem()
	r.scalars.read(n, text, path)
	if r.broken[path] {
		return
	}
	places := Places{}
	if text.Len() > 0 {
		places = append(places, text.String())
	}
	v.Set(reflect.ValueOf(places))
}

// listFix shows the one value as a list of one.
func (r *reader) listFix(n ast.Node, v reflect.Value) string {
	text, ok := scalarText(n)
	if ok && v.Type().Elem().Kind() == reflect.String && printable(text) && len(text) <= 60 && !hasUserinfo(text) {
		return "write [" + strconv.Quote(text) + "]"
	}
	return "write a dash before each entry"
}
