package tokenapi

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// This file is the language in which an operator says what an answer means:
//
//	meaning: conditions
//
// Conditions are statuses (401, 4xx), of which one must be the answer's, and place=value, all of
// which must hold. Blanks stand between them. See [Options] for places; of several values at a
// place one must be the one.
//
//	code=401                   a text, or a number or a boolean as JSON spells it
//	error="not confirmed yet"  a value with blanks in it, or one that ends in a star
//	error=invalid*             what begins so; also "not confirmed"*
//	mfa=*                      there, and not null, false or empty

// condition is what must hold of an answer, all of it. The zero value always holds.
type condition struct {
	statuses []statuses // any of them; none: every status
	fields   []match
}

// statuses are from first to last.
type statuses struct{ first, last int }

// match is what must stand at a place.
type match struct {
	at    place
	value string
	how   howEqual
}

type howEqual uint8

const (
	equal    howEqual = iota
	begins            // with value
	anything          // that is not null, false or empty
)

// maxConditions bounds one line; real ones have one or two.
const maxConditions = 16

// parseCondition reads the conditions of one line.
func parseCondition(text string) (c condition, err error) {
	for n := 0; ; n++ {
		text = strings.TrimLeft(text, " \t")
		switch {
		case text == "" && n == 0:
			return c, errors.New("there is no condition: write a status (401, 4xx) or place=value")
		case text == "":
			return c, nil
		case n == maxConditions:
			return c, fmt.Errorf("more than %d conditions", maxConditions)
		}
		if text, err = c.next(text); err != nil {
			return c, err
		}
	}
}

// next reads one condition off the beginning of text and returns the rest.
func (c *condition) next(text string) (rest string, err error) {
	word, rest := cutWord(text)
	name, _, isMatch := strings.Cut(word, "=")
	if !isMatch {
		s, err := parseStatuses(word)
		c.statuses = append(c.statuses, s)
		return rest, err
	}
	var m match
	at, err := parseReplyPlaces([]string{name})
	switch {
	case err != nil:
		return "", err
	case at[0].name == "":
		return "", fmt.Errorf("%q: there is no place before the equals sign", word)
	}
	m.at = at[0]
	if rest, err = m.read(text[len(name)+1:]); err != nil {
		return "", fmt.Errorf("%s: %w", name, err)
	}
	c.fields = append(c.fields, m)
	return rest, nil
}

// read reads the value that text begins with and returns the rest.
func (m *match) read(text string) (rest string, err error) {
	if !strings.HasPrefix(text, `"`) {
		m.value, rest = cutWord(text)
		switch {
		case m.value == "":
			return "", errors.New(`there is no value: write * for anything that is there, "" for empty text`)
		case m.value == "*":
			m.how = anything
		case strings.HasSuffix(m.value, "*"):
			m.value, m.how = m.value[:len(m.value)-1], begins
		}
		return rest, nil
	}
	quoted, err := strconv.QuotedPrefix(text)
	if err == nil {
		m.value, err = strconv.Unquote(quoted)
	}
	if err != nil {
		return "", errors.New(`the quotes are not closed, or there is a backslash that escapes nothing: write \\ for one`)
	}
	rest = text[len(quoted):]
	if after, starred := strings.CutPrefix(rest, "*"); starred {
		rest, m.how = after, begins
	}
	if rest != "" && rest[0] != ' ' && rest[0] != '\t' {
		return "", errors.New("a quoted value is followed by a blank, or by a star where it is a beginning")
	}
	return rest, nil
}

// cutWord splits text at its first blank.
func cutWord(text string) (word, rest string) {
	if i := strings.IndexAny(text, " \t"); i >= 0 {
		return text[:i], text[i:]
	}
	return text, ""
}

// parseStatuses reads 401 or 4xx.
func parseStatuses(word string) (s statuses, err error) {
	if len(word) == 3 && '2' <= word[0] && word[0] <= '5' {
		first := int(word[0]-'0') * 100
		if strings.EqualFold(word[1:], "xx") {
			return statuses{first, first + 99}, nil
		}
		if n, err := strconv.ParseUint(word[1:], 10, 8); err == nil {
			return statuses{first + int(n), first + int(n)}, nil
		}
	}
	return s, fmt.Errorf("%q is neither a status (200 to 599, 4xx) nor place=value", word)
}

// holds reports whether all of it is so.
func (c condition) holds(r *reply) bool {
	return c.mayHave(r.status) && !slices.ContainsFunc(c.fields, func(m match) bool { return !m.holds(r) })
}

// mayHave reports whether an answer of the status can be one.
func (c condition) mayHave(status int) bool {
	has := func(s statuses) bool { return s.first <= status && status <= s.last }
	return len(c.statuses) == 0 || slices.ContainsFunc(c.statuses, has)
}

// looksInside reports whether the body has to be read to know whether it holds.
func (c condition) looksInside() bool {
	return slices.ContainsFunc(c.fields, func(m match) bool { return m.at.kind == inBody })
}

// holds reports whether one of the values at the place is the one.
func (m match) holds(r *reply) (is bool) {
	if m.at.kind != inBody {
		text := r.text(m.at)
		return text != "" && m.text(text)
	}
	doc, err := r.json()
	if err != nil {
		return false
	}
	each(doc, m.at.name, func(_ string, value any) bool {
		is = m.said(value)
		return !is
	})
	return is
}

// said compares a value of JSON.
func (m match) said(value any) bool {
	switch v := value.(type) {
	case string:
		return m.text(v)
	case json.Number:
		return m.text(v.String())
	case bool:
		return m.how == anything && v || m.how != anything && m.text(strconv.FormatBool(v))
	case nil:
		return m.how != anything && m.text("null")
	case []any:
		return m.how == anything && len(v) > 0
	case map[string]any:
		return m.how == anything && len(v) > 0
	}
	return false
}

func (m match) text(said string) bool {
	switch m.how {
	case begins:
		return strings.HasPrefix(said, m.value)
	case anything:
		return said != ""
	case equal:
	}
	return said == m.value
}
