package configs

import (
	"fmt"
	"io"
	"reflect"
	"regexp"
	"strconv"
	"strings"
)

// Print writes the configuration as YAML: defaults, derived values and what was written, in the order of the structs.
// Secrets are "[redacted]", files are paths; optional keys that are empty are left out.
func (c *Config) Print(w io.Writer) error {
	_, err := w.Write(c.Marshal())
	return err
}

// Marshal is what Print writes.
func (c *Config) Marshal() []byte {
	var p printer
	p.fields(reflect.ValueOf(c).Elem(), "")
	return []byte(p.text.String())
}

type printer struct{ text strings.Builder }

// fields writes the keys of a section. Those of a variant's kind stand beside the others.
func (p *printer) fields(v reflect.Value, indent string) {
	fields := structFields(v)
	for _, f := range fields {
		if pathOf(fields, f.name+"_file") == "" { // else the path says it
			p.field(f, indent)
		}
	}
	for _, k := range kindFields(v) {
		if !k.value.IsNil() {
			p.fields(k.value.Elem(), indent)
		}
	}
}

func (p *printer) field(f field, indent string) {
	v := f.value
	if v.Kind() == reflect.Pointer {
		if v.IsNil() {
			return
		}
		v = v.Elem()
	}
	if text, ok := scalarForm(v); ok {
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
		p.entries(v, indent+"  ")
	default:
		p.section(f.name, v, indent)
	}
}

func (p *printer) section(name string, v reflect.Value, indent string) {
	var below printer
	below.fields(v, indent+"  ")
	if below.text.Len() == 0 {
		p.line(indent, name+": {}")
		return
	}
	p.line(indent, name+":")
	p.text.WriteString(below.text.String())
}

// entries writes a list: scalars after the dash, sections with their first key after it.
func (p *printer) entries(v reflect.Value, indent string) {
	for i := range v.Len() {
		if text, ok := scalarForm(v.Index(i)); ok {
			p.line(indent, "- "+text)
			continue
		}
		var below printer
		below.fields(v.Index(i), indent+"  ")
		p.text.WriteString(indent + "- " + strings.TrimPrefix(below.text.String(), indent+"  "))
	}
}

func (p *printer) line(indent, text string) {
	p.text.WriteString(indent + text + "\n")
}

// scalarForm is the YAML of one value, empty for an optional one that is not set.
func scalarForm(v reflect.Value) (string, bool) {
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
