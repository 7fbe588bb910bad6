package tokenapi

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// maxWords bounds a list of roles or scopes. What is beyond it is not granted.
const maxWords = 1000

// wordsOf are the roles or scopes at all the fields together, each once, in the order in which they
// are found. What a field says depends on its form:
//
//	"a, b"                  a and b; isGap tells what stands between two
//	["a", 5150]             its texts and numbers, whole
//	{"a": true, "b": false} the names with a true value
//	true                    its own last name: is_staff
//
// With * in a field's name its values are entries of a list.
func wordsOf(doc any, fields []string, isGap func(rune) bool) []string {
	w := words{seen: make(map[string]bool)}
	for _, field := range fields {
		entry := starred(field)
		each(doc, field, func(name string, v any) bool {
			w.take(name, v, entry, isGap)
			return len(w.list) < maxWords
		})
	}
	return w.list
}

// words is a list without repetitions.
type words struct {
	list []string
	seen map[string]bool
}

func (w *words) add(list ...string) {
	for _, word := range list {
		if word = strings.TrimSpace(word); word != "" && !w.seen[word] && len(w.list) < maxWords {
			w.seen[word] = true
			w.list = append(w.list, word)
		}
	}
}

// take takes the words of one value. entry says that it is one of a list, and its text one word.
func (w *words) take(name string, v any, entry bool, isGap func(rune) bool) {
	switch v := v.(type) {
	case bool:
		if v {
			w.add(name)
		}
	case []any:
		for _, item := range v {
			w.add(textOf(item))
		}
	case map[string]any:
		for _, key := range slices.Sorted(maps.Keys(v)) {
			if v[key] == true {
				w.add(key)
			}
		}
	case string:
		if entry {
			w.add(v)
		} else {
			w.add(strings.FieldsFunc(v, isGap)...)
		}
	default:
		w.add(textOf(v))
	}
}

func isComma(r rune) bool { return r == ',' }

// isScopeGap knows how RFC 6749 §3.3 writes scopes, and how others do.
func isScopeGap(r rune) bool { return r == ',' || r == ' ' || r == '\t' || r == '\n' || r == '\r' }

// roleMap translates the API's roles. What it does not know stays as it is.
type roleMap map[string][]string

// parseRoleMap reads lines "theirs: ours". A role of theirs that is there twice is two of ours.
func parseRoleMap(lines []string) (roleMap, error) {
	m := make(roleMap, len(lines))
	for _, line := range lines {
		theirs, ours, err := parseLine(line, "THEIRS: OURS")
		if err == nil && strings.ContainsFunc(ours, func(r rune) bool { return r == ',' || r <= ' ' }) {
			err = errors.New("one role on the right: write a line for each")
		}
		if err != nil {
			return nil, fmt.Errorf("identity.role_map: %w", err)
		}
		m[theirs] = append(m[theirs], ours)
	}
	return m, nil
}

func (m roleMap) apply(roles []string) []string {
	if len(m) == 0 {
		return roles
	}
	w := words{seen: make(map[string]bool)}
	for _, role := range roles {
		if ours, known := m[role]; known {
			w.add(ours...)
		} else {
			w.add(role)
		}
	}
	return w.list
}
