package capture

import (
	"bytes"
	"encoding/json"
	"net/http"
	"slices"
	"strings"

	"sessiongate/session"
)

// shortest is the length from which a text is searched for inside others. A shorter token is found
// only where it is all of a text: it would be found in words.
const shortest = 8

// valuesOf are the texts of tokens that no page may see, the longest first: one may be in another.
func valuesOf(t session.Tokens) []string {
	var list []string
	for _, s := range []session.Secret{t.Access, t.Refresh, t.ID} {
		if text := s.Reveal(); text != "" && !slices.Contains(list, text) {
			list = append(list, text)
		}
	}
	slices.SortFunc(list, func(a, b string) int { return len(b) - len(a) })
	return list
}

// erase puts placeholder where tokens stand in a JSON document: in strings, in names and in place of
// numbers. What becomes shorter is filled up with spaces, which are free between the tokens of JSON
// (RFC 8259 §2); a string that the placeholder makes longer than it was makes the document longer.
// Every other byte stays as it is. The document must be valid.
func erase(doc []byte, tokens []string, placeholder string) []byte {
	out := make([]byte, 0, len(doc))
	for i := 0; i < len(doc); {
		end := scalarEnd(doc, i)
		if end == i {
			out = append(out, doc[i])
			i++
			continue
		}
		out = appendErased(out, doc[i:end], tokens, placeholder)
		i = end
	}
	return out
}

// scalarEnd is where the string or the number ends that begins at i; i if none does.
func scalarEnd(doc []byte, i int) int {
	switch c := doc[i]; {
	case c == '"':
		for i++; i < len(doc) && doc[i] != '"'; i++ {
			if doc[i] == '\\' {
				i++
			}
		}
		return min(i+1, len(doc))
	case c == '-' || '0' <= c && c <= '9':
		for i < len(doc) && strings.IndexByte("+-.eE0123456789", doc[i]) >= 0 {
			i++
		}
	}
	return i
}

func appendErased(out, scalar []byte, tokens []string, placeholder string) []byte {
	text := textOf(scalar)
	clean := text
	for _, t := range tokens {
		switch {
		case clean == t && (scalar[0] == '"' || len(t) >= shortest):
			clean = placeholder
		case scalar[0] == '"' && len(t) >= shortest:
			clean = strings.ReplaceAll(clean, t, placeholder)
		}
	}
	if clean == text {
		return append(out, scalar...)
	}
	from := len(out)
	out = appendString(out, clean)
	for len(out)-from < len(scalar) {
		out = append(out, ' ')
	}
	return out
}

// textOf is what a string says, and a number as it is written.
func textOf(scalar []byte) string {
	if scalar[0] != '"' || bytes.IndexByte(scalar, '\\') < 0 {
		return strings.Trim(string(scalar), `"`)
	}
	var text string
	if json.Unmarshal(scalar, &text) != nil {
		return string(scalar)
	}
	return text
}

func appendString(out []byte, text string) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	_ = e.Encode(text) // text can always be encoded
	return append(out, bytes.TrimRight(b.Bytes(), "\n")...)
}

// dropFields takes the lines out of a header in which a token stands.
func dropFields(h http.Header, tokens []string) {
	for name, lines := range h {
		kept := slices.DeleteFunc(slices.Clone(lines), func(line string) bool { // which others may share
			return slices.ContainsFunc(tokens, func(t string) bool {
				return len(t) >= shortest && name != "Location" && strings.Contains(line, t)
			})
		})
		if len(kept) == 0 {
			delete(h, name)
		} else {
			h[name] = kept
		}
	}
}
