package masking

import (
	"bytes"
	"errors"
	"fmt"
	"net/textproto"
	"slices"
	"strconv"
	"strings"
)

// Options say where an API answers with tokens.
type Options struct {
	// Fields are places in a JSON body: names and list positions with dots between them, * for
	// every entry; "." is the body itself, where that is one string. A name may have dots in it.
	Fields []string
	// Headers and Cookies are names of fields and of cookies.
	Headers, Cookies []string
	// Parameters are names in the query or the fragment of an address to which the API redirects.
	Parameters []string
	// Placeholder is what stands where a token stood: 1 to 64 bytes of visible ASCII without
	// quotes and backslashes.
	Placeholder string
}

// Rules are [Options], compiled. They are immutable and safe for concurrent use.
type Rules struct {
	placeholder string
	plain       string   // the same for text of any kind: without what could be markup
	headers     []string // canonical
	cookies     []string
	parameters  []string

	places  []string // of fields, but for "."
	root    bool     // "." is one
	names   []string // keys under which tokens stand: the ends of places
	always  bool     // some place has no name to look for
	lengths uint64   // of the names, a bit each
	longest int      // bytes of the longest key that matters, were it all escapes, with quotes
	quick   quick
}

// The limits of what is configured and of what is looked at.
const (
	maxPlaces      = 32
	maxPlace       = 1 << 10
	maxLevels      = 17 // a place has at most 16 names
	maxPlaceholder = 64
	minWord        = 20       // a shorter text under a name of refresh tokens is none: it could be guessed
	maxValue       = 16 << 10 // a longer text is no token: it would fit into no header
)

// New checks the options and compiles them.
func New(o Options) (*Rules, error) {
	r := &Rules{placeholder: o.Placeholder, plain: harmless(o.Placeholder), cookies: slices.Clone(o.Cookies), parameters: slices.Clone(o.Parameters)}
	if !plainText(o.Placeholder) {
		return nil, fmt.Errorf("masking: the placeholder %q is not 1 to %d visible ASCII characters without quote and backslash",
			o.Placeholder, maxPlaceholder)
	}
	for _, name := range o.Headers {
		r.headers = append(r.headers, textproto.CanonicalMIMEHeaderKey(name))
	}
	for _, place := range o.Fields {
		if err := r.addPlace(place); err != nil {
			return nil, fmt.Errorf("masking: %q: %w", place, err)
		}
	}
	for _, name := range refreshNames() {
		r.addName(name)
	}
	r.quick = newQuick(r.names)
	return r, nil
}

// harmless puts a dash in the place of what means something in HTML, scripts or addresses.
func harmless(placeholder string) string {
	text := []byte(placeholder)
	for i, c := range text {
		if !unreserved(c) {
			text[i] = '-'
		}
	}
	return string(text)
}

func plainText(s string) bool {
	for i := range len(s) {
		if c := s[i]; c <= ' ' || c > '~' || c == '"' || c == '\\' {
			return false
		}
	}
	return s != "" && len(s) <= maxPlaceholder
}

func (r *Rules) addPlace(place string) error {
	segments := strings.Split(place, ".")
	switch {
	case place == "":
		return nil
	case place == ".":
		r.root, r.always = true, true
		return nil
	case slices.Contains(segments, ""):
		return errors.New("a dot without a name beside it")
	case len(segments) >= maxLevels || len(place) > maxPlace:
		return errors.New("too deep or too long")
	case slices.Contains(r.places, place):
		return nil
	case len(r.places) == maxPlaces:
		return fmt.Errorf("more than %d places", maxPlaces)
	}
	r.places = append(r.places, place)
	r.longest = max(r.longest, 6*len(place)+2)
	for len(segments) > 0 && positional(segments[len(segments)-1]) {
		segments = segments[:len(segments)-1]
	}
	r.always = r.always || len(segments) == 0
	for i := range segments { // each end of the place may be one name with dots in it
		r.addName(strings.Join(segments[i:], "."))
	}
	return nil
}

func (r *Rules) addName(name string) {
	if slices.Contains(r.names, name) {
		return
	}
	r.names = append(r.names, name)
	r.lengths |= 1 << min(len(name), 63)
	r.longest = max(r.longest, 6*len(name)+2)
}

// refreshNames are the usual names of refresh tokens, whatever those of the API's places are: it may
// answer in another style elsewhere.
func refreshNames() []string { return []string{"refresh_token", "refreshToken"} }

// namesRefresh reports whether a name of tokens is one of refresh tokens, and of nothing else.
func namesRefresh(name []byte) bool {
	text := bytes.ToLower(name)
	return bytes.Contains(text, []byte("refresh")) && bytes.Contains(text, []byte("token"))
}

// isWord reports whether a text has the length and the characters of a token (RFC 6750 §2.1), and
// those that some APIs put into theirs.
func isWord(text []byte) bool {
	for _, c := range text {
		if !unreserved(c) && bytes.IndexByte([]byte("+/=|:"), c) < 0 {
			return false
		}
	}
	return len(text) >= minWord
}

// positional reports whether a segment of a place finds an entry of a list. Such a segment is no
// name to look for.
func positional(segment string) bool {
	_, err := strconv.Atoi(segment)
	return segment == "*" || err == nil
}

// mayBeName is a quick look at a key as it is written.
func (r *Rules) mayBeName(key []byte) bool {
	return r.lengths&(1<<min(len(key), 63)) != 0 || bytes.IndexByte(key, '\\') >= 0
}

// isName reports whether tokens stand under this key.
func (r *Rules) isName(key []byte) bool {
	for _, name := range r.names {
		if string(key) == name {
			return true
		}
	}
	return false
}

// gone is how much of a place an element on the way has used up, where it leads nowhere.
const gone = ^uint16(0)

// step goes one element further on the way to a place, of which at bytes are behind. At the end of
// the place that is its length.
func step(place string, at uint16, element []byte) uint16 {
	if int(at) >= len(place) {
		return gone
	}
	rest, n := place[at:], 0
	switch {
	case rest[0] == '*' && (len(rest) == 1 || rest[1] == '.'):
		n = 1
	case len(element) > 0 && len(element) <= len(rest) && rest[:len(element)] == string(element):
		n = len(element)
	default:
		return gone
	}
	switch {
	case n == len(rest):
		return at + uint16(n)
	case rest[n] == '.':
		return at + uint16(n) + 1
	}
	return gone
}
