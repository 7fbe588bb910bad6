package capture

import (
	"encoding/base64"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

var errLeft = errors.New("a token of the API is left in its answer, where it could not be taken out")

// leftover looks for tokens in an answer that is about to go out: as they are, percent-encoded, in
// base64, and in any spelling that JSON has for them.
func leftover(h http.Header, doc []byte, tokens []string) error {
	looked := lookFor(tokens)
	for _, lines := range h {
		for _, line := range lines {
			if looked.in(line) {
				return errLeft
			}
		}
	}
	if looked.in(string(doc)) {
		return errLeft
	}
	for i := 0; i < len(doc); {
		end := scalarEnd(doc, i)
		if end == i {
			i++
			continue
		}
		if scalar := doc[i:end]; scalar[0] == '"' && looked.in(textOf(scalar)) {
			return errLeft
		}
		i = end
	}
	return nil
}

// needles are the forms in which a token could be left.
type needles []string

func lookFor(tokens []string) (list needles) {
	for _, t := range tokens {
		if len(t) < shortest {
			continue
		}
		list = append(list, t)
		for offset := range 3 {
			if core := base64Core(t, offset); len(core) >= shortest {
				list = append(list, core, strings.NewReplacer("+", "-", "/", "_").Replace(core))
			}
		}
	}
	return list
}

// base64Core is what base64 makes of a text behind so many other bytes, and before whatever follows.
func base64Core(text string, offset int) string {
	coded := base64.RawStdEncoding.EncodeToString(append(make([]byte, offset), text...))
	if rest := (offset + len(text)) % 3; rest != 0 {
		coded = coded[:len(coded)-1]
	}
	return coded[[...]int{0, 2, 3}[offset]:]
}

func (n needles) in(text string) bool {
	forms := []string{text}
	if strings.IndexByte(text, '%') >= 0 {
		if plain, err := url.PathUnescape(text); err == nil {
			forms = append(forms, plain)
		}
	}
	if strings.Contains(text, `\u`) { // JSON in JSON
		forms = append(forms, unescaped(text))
	}
	for _, form := range forms {
		for _, needle := range n {
			if strings.Contains(form, needle) {
				return true
			}
		}
	}
	return false
}

// unescaped is a text without its escapes by number. Tokens are ASCII, so pairs of surrogates are of no
// interest.
func unescaped(text string) string {
	var b strings.Builder
	for {
		before, after, found := strings.Cut(text, `\u`)
		b.WriteString(before)
		if !found {
			return b.String()
		}
		if len(after) >= 4 {
			if code, err := strconv.ParseUint(after[:4], 16, 16); err == nil {
				b.WriteRune(rune(code))
				text = after[4:]
				continue
			}
		}
		text = after
	}
}
