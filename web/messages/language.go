package messages

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/text/feature/plural"
	"golang.org/x/text/language"
)

// Args are the values of a text's placeholders. An int n also chooses the plural form.
type Args map[string]any

// Language says the texts of one language. It is safe for concurrent use.
type Language struct {
	tag      language.Tag
	texts    map[string]string
	fallback *Language // English; nil: this is it
}

// Tag is the language (BCP 47), as the attribute lang has it.
func (l *Language) Tag() string { return l.tag.String() }

// Direction is ltr or rtl, as the attribute dir has it.
func (l *Language) Direction() string {
	script, _ := l.tag.Script()
	if slices.Contains([]string{"Arab", "Hebr", "Thaa", "Syrc", "Nkoo", "Adlm", "Rohg"}, script.String()) {
		return "rtl"
	}
	return "ltr"
}

// Has reports whether there is a text of this key, in this language or in English.
func (l *Language) Has(key string) bool {
	_, here := l.find(key, nil)
	return here || l.fallback != nil && l.fallback.Has(key)
}

// Text says a text with the values put in. One of a key that there is not is the key itself.
func (l *Language) Text(key string, args Args) string {
	text := l.Template(key, args)
	if !strings.Contains(text, "{") {
		return text
	}
	return placeholder.ReplaceAllStringFunc(text, func(place string) string {
		if value, ok := args[place[1:len(place)-1]]; ok {
			return fmt.Sprint(value)
		}
		return place
	})
}

// Template is [Language.Text] with the placeholders as they are.
func (l *Language) Template(key string, args Args) string {
	text, ok := l.find(key, args)
	switch {
	case ok:
		return text
	case l.fallback != nil:
		return l.fallback.Template(key, args)
	}
	return key
}

// Split cuts a template at its placeholders: texts and names take turns, a text first.
func Split(template string) (parts []string) {
	at := 0
	for _, m := range placeholder.FindAllStringSubmatchIndex(template, -1) {
		parts = append(parts, template[at:m[0]], template[m[2]:m[3]])
		at = m[1]
	}
	return append(parts, template[at:])
}

func (l *Language) find(key string, args Args) (string, bool) {
	if text, ok := l.texts[key]; ok {
		return text, true
	}
	n, _ := args["n"].(int)
	if text, ok := l.texts[key+"."+formOf(l.tag, n)]; ok {
		return text, true
	}
	text, ok := l.texts[key+"."+other]
	return text, ok
}

// other is the plural form for all numbers that have no form of their own.
const other = "other"

func forms() []string { return []string{"zero", "one", "two", "few", "many", other} }

// formOf is the plural form of a whole number (CLDR).
func formOf(tag language.Tag, n int) string {
	n = max(n, 0)
	switch plural.Cardinal.MatchPlural(tag, n, 0, 0, 0, 0) {
	case plural.Zero:
		return "zero"
	case plural.One:
		return "one"
	case plural.Two:
		return "two"
	case plural.Few:
		return "few"
	case plural.Many:
		return "many"
	default:
		return other
	}
}

// cutForm cuts a plural form off a key: "x.one" is x and one. Without one both are empty.
func cutForm(key string) (stem, form string) {
	at := strings.LastIndexByte(key, '.')
	if at < 0 || !slices.Contains(forms(), key[at+1:]) {
		return "", ""
	}
	return key[:at], key[at+1:]
}

// Set is the languages of a site. It is safe for concurrent use.
type Set struct {
	list    []*Language
	matcher language.Matcher
}

// NewSet returns the named languages in their order, the first of which is spoken where none fits.
// Each is in the binary, or in own, whose texts go before those in the binary.
func NewSet(names []string, own []*Catalogue) (*Set, error) {
	english := &Language{tag: language.English, texts: Of(source).texts}
	s := &Set{}
	var tags []language.Tag
	for _, name := range names {
		c := find(name, own)
		if c == nil {
			return nil, fmt.Errorf("messages: there are no texts in the language %s", strconv.Quote(name))
		}
		s.list = append(s.list, &Language{tag: c.tag, texts: c.texts, fallback: english})
		tags = append(tags, c.tag)
	}
	if len(s.list) == 0 {
		s.list, tags = []*Language{english}, []language.Tag{language.English}
	}
	s.matcher = language.NewMatcher(tags)
	return s, nil
}

func find(name string, own []*Catalogue) *Catalogue {
	c := Of(name)
	for _, o := range own {
		switch {
		case !strings.EqualFold(o.Language(), name):
		case c == nil:
			c = o
		default:
			c = c.with(o)
		}
	}
	return c
}

// All are the languages in their order. The list must not be changed.
func (s *Set) All() []*Language { return s.list }

// What a request may ask for at most, in bytes.
const (
	maxUILocales      = 256
	maxAcceptLanguage = 512
)

// Choose returns the index of the language to speak: of those in uiLocales, which a client asked
// for (OpenID Connect Core §3.1.2.1), or in the header Accept-Language (RFC 9110 §12.5.4), the best
// that there is; else the first. Both may be empty, and anything at all.
func (s *Set) Choose(uiLocales, acceptLanguage string) int {
	if len(s.list) == 1 {
		return 0
	}
	if i, ok := s.match(Locales(uiLocales)); ok {
		return i
	}
	if acceptLanguage == "" || len(acceptLanguage) > maxAcceptLanguage {
		return 0
	}
	wanted, _, err := language.ParseAcceptLanguage(acceptLanguage)
	if err != nil {
		return 0
	}
	i, _ := s.match(wanted)
	return i
}

func (s *Set) match(wanted []language.Tag) (int, bool) {
	if len(wanted) == 0 {
		return 0, false
	}
	_, i, confidence := s.matcher.Match(wanted...)
	if confidence == language.No {
		return 0, false
	}
	return i, true
}

// Locales reads what a client asked for in ui_locales: tags with blanks between them. What is no
// tag is left out; too long a text asks for nothing.
func Locales(text string) (tags []language.Tag) {
	if len(text) > maxUILocales {
		return nil
	}
	for _, name := range strings.Fields(text) {
		if tag, err := language.Parse(name); err == nil && tag != language.Und {
			tags = append(tags, tag)
		}
	}
	return tags
}

// CleanLocales is ui_locales with nothing in it but language tags, to be passed on.
func CleanLocales(text string) string {
	var names []string
	for _, tag := range Locales(text) {
		names = append(names, tag.String())
	}
	return strings.Join(names, " ")
}
