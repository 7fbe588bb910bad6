package configs

import (
	"fmt"
	"io"
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// Print writes the configuration as YAML: defaults, derived values and what was written, in the
// order of the structs. Secrets are "[redacted]", files are paths, and whatever came from the
// environment is printed as the ${NAME} that brought it; optional keys that are empty are left out.
func (c *Config) Print(w io.Writer) error {
	_, err := w.Write(c.Marshal())
	return err
}

// Marshal is what Print writes.
func (c *Config) Marshal() []byte {
	p := printer{from: c.from}
	if p.from == nil {
		p.from = newReport("")
	}
	p.fields(reflect.ValueOf(c).Elem(), "", "")
	return []byte(p.text.String())
}

type printer struct {
	text strings.Builder
	from *report
}

// fields writes the keys of a section. Those of a variant's kind stand beside the others.
func (p *printer) fields(v reflect.Value, indent, path string) {
	fields := structFields(v)
	for _, f := range fields {
		if pathOf(fields, f.name+"_file") == "" { // else the path says it
			p.field(f, indent, join(path, f.name))
		}
	}
	for _, k := range kindFields(v) {
		if !k.value.IsNil() {
			p.fields(k.value.Elem(), indent, path)
		}
	}
}

func (p *printer) field(f field, indent, path string) {
	v := f.value
	if v.Kind() == reflect.Pointer {
		if v.IsNil() {
			return
		}
		v = v.Elem()
	}
	if text, ok := p.scalar(v, path); ok {
		if text == "" && f.tag.Get("empty") != "" {
			text = `""` // not the same as a key that is left out
		}
		if text != "" {
			p.line(indent, f.name+": "+text)
		}
		return
	}
	switch {
	case v.Kind() == reflect.Slice && v.Len() == 0:
		p.line(indent, f.name+": []")
	case v.Kind() == reflect.Slice:
		p.line(indent, f.name+":")
		p.entries(v, indent+"  ", path)
	default:
		p.section(f.name, v, indent, path)
	}
}

func (p *printer) section(name string, v reflect.Value, indent, path string) {
	below := printer{from: p.from}
	below.fields(v, indent+"  ", path)
	if below.text.Len() == 0 {
		p.line(indent, name+": {}")
		return
	}
	p.line(indent, name+":")
	p.text.WriteString(below.text.String())
}

// entries writes a list: scalars after the dash, sections with their first key after it.
func (p *printer) entries(v reflect.Value, indent, path string) {
	for i := range v.Len() {
		if text, ok := p.scalar(v.Index(i), index(path, i)); ok {
			p.line(indent, "- "+text)
			continue
		}
		below := printer{from: p.from}
		below.fields(v.Index(i), indent+"  ", index(path, i))
		p.text.WriteString(indent + "- " + strings.TrimPrefix(below.text.String(), indent+"  "))
	}
}

// scalar is the YAML of one value, or of a section that a text from the environment stands for: as
// it is written, where part of it came from there. A value that follows from another may hold such
// text, too.
func (p *printer) scalar(v reflect.Value, path string) (string, bool) {
	if at := p.from.positions[path]; at.fromEnv && v.Type() != reflect.TypeFor[Secret]() {
		return strconv.Quote(withoutPassword(at.raw)), true
	}
	if template, ok := v.Interface().(Template); ok && strings.Contains(string(template), "${") {
		return strconv.Quote(string(template)), true
	}
	if v.Kind() == reflect.String && !p.from.wrote(path) {
		if text, found := p.unexpanded(v.String()); found {
			return strconv.Quote(text), true
		}
	}
	return scalarForm(v)
}

var (
	// typedPassword finds the password of a URL.
	typedPassword = regexp.MustCompile(`//[^/@:]*:([^@]*)@`)
	oneVariable   = regexp.MustCompile(`^\$\{[A-Za-z_][A-Za-z0-9_]*\}$`)
)

// withoutPassword is text as it is written, unless a password was written into it.
func withoutPassword(raw string) string {
	if m := typedPassword.FindStringSubmatch(raw); m != nil && !oneVariable.MatchString(m[1]) {
		return redacted
	}
	return raw
}

// telling is the length from which text is taken to come from a variable with that value.
const telling = 8

// unexpanded is text with the names of variables in the place of their values.
func (p *printer) unexpanded(text string) (string, bool) {
	for _, name := range slices.Sorted(maps.Keys(p.from.environment)) {
		value := p.from.environment[name]
		if before, after, found := strings.Cut(text, value); found && len(value) >= telling {
			before, _ = p.unexpanded(before)
			after, _ = p.unexpanded(after)
			return before + "${" + name + "}" + after, true
		}
	}
	return strings.ReplaceAll(text, "${", "$${"), false
}

func (p *printer) line(indent, text string) {
	p.text.WriteString(indent + text + "\n")
}

// scalarForm is the YAML of one value, empty for an optional one that is not set.
func scalarForm(v reflect.Value) (string, bool) {
	if places, ok := v.Interface().(Places); ok && len(places) < 2 {
		return quoteYAML(strings.Join(places, "")), true
	}
	if s, ok := v.Interface().(Secret); ok {
		if s.Empty() {
			return "", true
		}
		return strconv.Quote(redacted), true
	}
	switch v.Kind() {
	case reflect.Bool:
		return strconv.FormatBool(v.Bool()), true
	case reflect.Int:
		return strconv.FormatInt(v.Int(), 10), true
	case reflect.String:
		return quoteYAML(v.String()), true
	}
	if _, ok := v.Addr().Interface().(textValue); ok {
		return quoteYAML(fmt.Sprint(v.Interface())), true
	}
	return "", false
}

// bare is text that means itself in YAML without quotes.
var bare = regexp.MustCompile(`^[A-Za-z/][A-Za-z0-9/._-]*$|^[0-9]+[A-Za-z/][A-Za-z0-9/]*$`)

// quoteYAML keeps the text from being read as anything else, ${ included. Empty text stays empty.
func quoteYAML(text string) string {
	switch strings.ToLower(text) {
	case "":
		return ""
	case "true", "false", "null", "yes", "no", "on", "off", "y", "n":
		return strconv.Quote(text)
	}
	if bare.MatchString(text) && !exponent.MatchString(text) {
		return text
	}
	return strconv.Quote(strings.ReplaceAll(text, "${", "$${"))
}

// exponent is text that YAML takes for a number, in base ten or another.
var exponent = regexp.MustCompile(`^[0-9]+[eE][0-9]+$|^0[xXoObB][0-9A-Fa-f]*$`)
