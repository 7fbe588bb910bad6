package messages

import (
	"embed"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"golang.org/x/text/language"
)

//go:embed *.yaml
var files embed.FS

// source is the language that has every text.
const source = "en"

// Catalogue is the texts of one language, by their keys. It does not change.
type Catalogue struct {
	tag   language.Tag
	texts map[string]string
}

// Language is the catalogue's language (BCP 47).
func (c *Catalogue) Language() string { return c.tag.String() }

// Keys are the keys of its texts, sorted.
func (c *Catalogue) Keys() []string { return slices.Sorted(maps.Keys(c.texts)) }

// Lacks returns the keys of English texts that it does not have, sorted. Of a text that counts the
// form for all other numbers is enough.
func (c *Catalogue) Lacks() []string {
	var missing []string
	for key := range Of(source).texts {
		stem, form := cutForm(key)
		if _, there := c.texts[key]; !there && (stem == "" || form == other) {
			missing = append(missing, key)
		}
	}
	slices.Sort(missing)
	return missing
}

// English has every text there is.
func English() *Catalogue { return Of(source) }

// BuiltIn returns the languages in the binary.
func BuiltIn() []string { return []string{source, "de"} }

// Of returns the texts of a language in the binary; nil: there are none.
func Of(name string) *Catalogue {
	if !slices.Contains(BuiltIn(), name) {
		return nil
	}
	data, err := files.ReadFile(name + ".yaml")
	if err != nil {
		return nil
	}
	c, faults := parse(name+".yaml", data, nil)
	if len(faults) > 0 {
		return nil // TestCatalogues holds that there are no faults
	}
	return c
}

// with returns a catalogue in which the texts of other take the place of c's.
func (c *Catalogue) with(other *Catalogue) *Catalogue {
	merged := maps.Clone(c.texts)
	maps.Copy(merged, other.texts)
	return &Catalogue{tag: c.tag, texts: merged}
}

var placeholder = regexp.MustCompile(`\{([a-z_]+)\}`)

// placesOf are the placeholders of a text, sorted.
func placesOf(text string) []string {
	var names []string
	for _, m := range placeholder.FindAllStringSubmatch(text, -1) {
		names = append(names, m[1])
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// Fault is what is wrong in a file with texts.
type Fault struct {
	File string
	Line int    // 0: of the whole file
	Key  string // empty: of none
	What string
	Fix  string // what to write instead
}

// Error implements error.
func (f *Fault) Error() string { return f.Place() + ": " + f.What + "; " + f.Fix }

// Place says where it is: file, line and key.
func (f *Fault) Place() string {
	var b strings.Builder
	b.WriteString(f.File)
	if f.Line > 0 {
		fmt.Fprintf(&b, ":%d", f.Line)
	}
	if f.Key != "" {
		b.WriteString(": " + f.Key)
	}
	return b.String()
}
