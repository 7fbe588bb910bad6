package configs

import (
	"reflect"
	"regexp"
	"strings"

	"github.com/goccy/go-yaml/ast"
)

// reader walks the tree beside the structs. For every value it knows the key path, and what the
// field's Go type wants there:
//
//	a textValue (Duration, Size, …)   text that the type reads itself
//	string, Path, int, bool, Secret   a scalar of that very kind (scalar.go)
//	slice                             a list (list.go)
//	struct, pointer to struct         a section, or the scalar its setShort takes
//
// Other tags: range (low..high) and oneof (words) bound a value; eg is what to write for a required
// key.
//
// A fault is reported and the walk goes on behind it.
type reader struct {
	*report
	scalars scalars
	files   files
	filled  map[string]string // keys that a preset has a value for, and its name
}

// newReader makes a reader for a file in a folder. env looks up a variable of the environment.
func newReader(report *report, dir string, env func(string) (string, bool)) *reader {
	return &reader{report: report, scalars: scalars{report, dir, env}, files: files{report}, filled: make(map[string]string)}
}

// shorthand is a section that a scalar may stand for. setShort takes it, or says what to write
// instead. It is implemented on the pointer.
type shorthand interface {
	setShort(text string) (fix string)
}

// variant is a section whose keys depend on its key `kind`: the fields tagged kind=NAME are
// pointers to the structs with the keys of that kind, and exactly the one that is named is set.
type variant interface {
	unknownKind(kind string) (what string)
}

// field is one key that a section takes.
type field struct {
	name     string
	required bool
	tag      reflect.StructTag
	value    reflect.Value
}

// value reads n into v.
func (r *reader) value(n ast.Node, v reflect.Value, path string) {
	if n == nil || n.Type() == ast.NullType {
		r.null(v, path)
		return
	}
	if _, ok := v.Addr().Interface().(textValue); ok {
		r.scalars.read(n, v, path)
		return
	}
	switch v.Kind() {
	case reflect.Pointer:
		fresh := newElement(v.Type().Elem())
		v.Set(fresh.Addr())
		r.value(n, v.Elem(), path)
	case reflect.Slice:
		r.list(n, v, path)
	case reflect.Struct:
		if v.Type() == reflect.TypeFor[Secret]() {
			r.scalars.read(n, v, path)
			return
		}
		r.section(n, v, path)
	default:
		r.scalars.read(n, v, path)
	}
}

// null is a key with nothing behind it. For a section or a list that is how a file looks whose
// lines below are all commented out: as if it were not written. What a preset fills would then go on
// to hold, which is the opposite of what most mean who write nothing there.
func (r *reader) null(v reflect.Value, path string) {
	if preset := r.filled[path]; preset != "" {
		r.breaks(path, "has no value, and would be what the preset "+preset+" says", emptied(v, path))
		return
	}
	switch v.Kind() {
	case reflect.Pointer, reflect.Slice:
		return
	case reflect.Struct:
		if _, text := v.Addr().Interface().(textValue); !text && v.Type() != reflect.TypeFor[Secret]() {
			r.missing(v, path, nil)
			return
		}
	}
	r.breaks(path, "has no value", "write one, or remove the key")
}

// section reads `key: value` lines into a struct.
func (r *reader) section(n ast.Node, v reflect.Value, path string) {
	lines, ok := mapping(n)
	if !ok {
		r.short(n, v, path)
		return
	}
	fields, ok := r.fields(lines, v, path)
	if !ok {
		return
	}
	seen := make(map[string]position)
	for _, line := range lines {
		r.entry(line, fields, seen, path)
	}
	r.misspelt(fields, seen, path)
	r.missing(v, path, seen)
	r.files.secrets(fields, path)
}

// short offers a scalar to a section that takes one.
func (r *reader) short(n ast.Node, v reflect.Value, path string) {
	s, takes := v.Addr().Interface().(shorthand)
	text, scalar := scalarText(n)
	if !takes || !scalar || n.Type() != ast.StringType {
		r.breaks(path, "is "+kindOf(n)+", and a section (keys with values) is wanted", "write its keys below it")
		return
	}
	value, ok := r.scalars.expand(text, path)
	if !ok {
		return
	}
	if fix := s.setShort(value); fix != "" {
		r.breaks(path, "is text, and a section (keys with values) is wanted", fix)
	}
}

// entry reads one `key: value` line.
func (r *reader) entry(line *ast.MappingValueNode, fields []field, seen map[string]position, path string) {
	name, at := keyText(line)
	full := join(path, name)
	if earlier, twice := seen[name]; twice {
		r.problemAt(at, full, "is written twice, first "+lineRef(earlier), "remove one of them")
		return
	}
	seen[name] = at
	for _, f := range fields {
		if f.name == name {
			r.positions[full] = valuePosition(line.Value, at)
			r.known(line.Value, f, full)
			return
		}
	}
	r.broken[full] = true
	r.problemAt(at, full, "unknown key", suggest(name, fieldNames(fields)))
}

// misspelt takes the keys that unknown ones were probably meant for as unreadable: the slip is
// reported once, and not again as what follows from their absence.
func (r *reader) misspelt(fields []field, seen map[string]position, path string) {
	names := fieldNames(fields)
	for name := range seen {
		meant := nearest(name, names)
		if _, written := seen[meant]; meant != "" && !written {
			r.broken[join(path, meant)] = true
		}
	}
}

func fieldNames(fields []field) []string {
	names := make([]string, len(fields))
	for i, f := range fields {
		names[i] = f.name
	}
	return names
}

// known reads the value of a key there is. The default stays in the place of a value that is no
// good, so that nothing odd follows from it.
func (r *reader) known(n ast.Node, f field, path string) {
	before := reflect.New(f.value.Type()).Elem()
	before.Set(f.value)
	if !r.scalars.notOneOf(n, f, path) {
		r.value(n, f.value, path)
	}
	r.scalars.limits(f, path)
	if r.broken[path] {
		f.value.Set(before)
	}
}

// missing reports required keys that are not there.
func (r *reader) missing(v reflect.Value, path string, seen map[string]position) {
	for _, f := range structFields(v) {
		full := join(path, f.name)
		switch _, written := seen[f.name]; {
		case !f.required || r.broken[full]:
		case !written:
			r.breaks(full, "is missing", "write "+f.name+": "+f.tag.Get("eg"))
		case f.value.Kind() == reflect.String && f.value.Len() == 0:
			r.breaks(full, "is empty", "write "+f.name+": "+f.tag.Get("eg"))
		}
	}
	for _, f := range kindFields(v) {
		if !f.value.IsNil() {
			r.missing(f.value.Elem(), path, seen)
		}
	}
}

// fields lists the keys a section takes, for a variant those of its kind too. False: the kind is
// missing or unknown, so that nothing can be said about the other keys.
func (r *reader) fields(lines []*ast.MappingValueNode, v reflect.Value, path string) ([]field, bool) {
	fields := structFields(v)
	kinds := kindFields(v)
	if len(kinds) == 0 {
		return fields, true
	}
	r.broken[path] = true
	names := make([]string, len(kinds))
	for i, k := range kinds {
		names[i] = k.name
	}
	fix := "write kind: " + strings.Join(names, " or ")
	kind, at, ok := r.kind(lines, path, fix)
	if !ok {
		return nil, false
	}
	for _, k := range kinds {
		if k.name == kind {
			delete(r.broken, path)
			k.value.Set(newElement(k.value.Type().Elem()).Addr())
			r.preset(lines, k.value.Elem(), path)
			return append(fields, structFields(k.value.Elem())...), true
		}
	}
	if u, ok := v.Addr().Interface().(variant); ok {
		r.problemAt(at, join(path, "kind"), u.unknownKind(kind), fix)
	}
	return nil, false
}

// kind reads the key that decides over the others, before they are read.
func (r *reader) kind(lines []*ast.MappingValueNode, path, fix string) (string, position, bool) {
	for _, line := range lines {
		name, at := keyText(line)
		if name != "kind" {
			continue
		}
		var kind string
		full := join(path, name)
		r.positions[full] = valuePosition(line.Value, at)
		before := len(r.problems)
		r.value(line.Value, reflect.ValueOf(&kind).Elem(), full)
		return kind, r.positions[full], len(r.problems) == before
	}
	r.problem(join(path, "kind"), "is missing", fix)
	return "", position{}, false
}

// structFields lists the keys of a struct by its yaml tags. Those of an inline one stand among
// them.
func structFields(v reflect.Value) []field {
	var fields []field
	for i := range v.NumField() {
		tag := v.Type().Field(i).Tag
		name, option, _ := strings.Cut(tag.Get("yaml"), ",")
		if option == "inline" {
			fields = append(fields, structFields(v.Field(i))...)
		}
		if name != "" && name != "-" {
			fields = append(fields, field{name: name, required: option == "required", tag: tag, value: v.Field(i)})
		}
	}
	return fields
}

// kindFields lists the fields tagged kind=NAME, under that NAME.
func kindFields(v reflect.Value) []field {
	var fields []field
	for i := range v.NumField() {
		if _, kind, ok := strings.Cut(v.Type().Field(i).Tag.Get("yaml"), ",kind="); ok {
			fields = append(fields, field{name: kind, value: v.Field(i)})
		}
	}
	return fields
}

// mapping gives the lines of a section.
func mapping(n ast.Node) ([]*ast.MappingValueNode, bool) {
	switch m := n.(type) {
	case *ast.MappingNode:
		return m.Values, true
	case *ast.MappingValueNode:
		return []*ast.MappingValueNode{m}, true
	}
	return nil, false
}

var plainKey = regexp.MustCompile(`^[A-Za-z0-9_-]{1,60}$`)

// keyText is a key as text. One that could upset the line it is reported on is quoted.
func keyText(line *ast.MappingValueNode) (string, position) {
	t := line.Key.GetToken()
	at := tokenPosition(t)
	if plainKey.MatchString(t.Value) {
		return t.Value, at
	}
	return quoteText(t.Value), at
}

func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}
