package tokenapi

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strconv"
	"strings"
)

var errNotJSON = errors.New("the answer is not one JSON value")

// decodeJSON reads one JSON value. Numbers stay text, so that a large id keeps its digits.
func decodeJSON(data []byte) (any, error) {
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		return nil, errNotJSON // the decoder's error may quote the answer
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errNotJSON
	}
	return v, nil
}

// lookup finds a field. Names are compared exactly. At each object the longest beginning of the
// path that is a name there is tried first, so that names with dots in them need no quoting.
func lookup(doc any, path string) (any, bool) {
	if path == "." {
		return doc, true
	}
	switch d := doc.(type) {
	case map[string]any:
		for name, rest := path, ""; ; {
			if v, ok := d[name]; ok {
				if rest == "" {
					return v, true
				}
				if found, ok := lookup(v, rest); ok {
					return found, true
				}
			}
			i := strings.LastIndexByte(name, '.')
			if i < 0 {
				return nil, false
			}
			name, rest = path[:i], path[i+1:]
		}
	case []any:
		head, rest, more := strings.Cut(path, ".")
		i, err := strconv.Atoi(head)
		if err != nil || i < 0 || i >= len(d) || strconv.Itoa(i) != head {
			return nil, false
		}
		if !more {
			return d[i], true
		}
		return lookup(d[i], rest)
	}
	return nil, false
}

// assign sets a field of a body under construction and makes the objects on the way.
func assign(doc map[string]any, path string, value any) error {
	head, rest, more := strings.Cut(path, ".")
	if !more {
		if _, taken := doc[head]; taken {
			return errors.New("two values for the field " + strconv.Quote(head))
		}
		doc[head] = value
		return nil
	}
	next, ok := doc[head].(map[string]any)
	if !ok {
		if _, taken := doc[head]; taken {
			return errors.New("two values for the field " + strconv.Quote(head))
		}
		next = make(map[string]any)
		doc[head] = next
	}
	return assign(next, rest, value)
}

// textOf takes text and numbers; nothing else names a user.
func textOf(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case json.Number:
		return v.String()
	}
	return ""
}

// fieldText is the text of a field, empty if it is not there.
func fieldText(doc any, path string) string {
	if path == "" {
		return ""
	}
	v, _ := lookup(doc, path)
	return textOf(v)
}

// maxWords bounds a list of roles or scopes. What is beyond it is not granted.
const maxWords = 1000

// fieldList is a field as a list. A text is split by split, which keeps a role in one piece and
// takes scopes apart. Entries that are neither text nor number say nothing.
func fieldList(doc any, path string, split func(string) []string) []string {
	if path == "" {
		return nil
	}
	v, _ := lookup(doc, path)
	var list []string
	switch v := v.(type) {
	case []any:
		for _, item := range v[:min(len(v), maxWords)] {
			if text := textOf(item); text != "" {
				list = append(list, text)
			}
		}
	default:
		list = split(textOf(v))
	}
	return list[:min(len(list), maxWords)]
}

// fieldLists are all the fields together.
func fieldLists(doc any, paths []string, split func(string) []string) (list []string) {
	for _, path := range paths {
		list = append(list, fieldList(doc, path, split)...)
	}
	return list[:min(len(list), maxWords)]
}

func oneWord(text string) []string {
	if text == "" {
		return nil
	}
	return []string{text}
}
