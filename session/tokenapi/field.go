package tokenapi

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"slices"
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

// everyEntry stands in a field for every entry of a list and every value of an object.
const everyEntry = "*"

// lookup finds a field; with * in its name the first of them.
func lookup(doc any, path string) (found any, ok bool) {
	each(doc, path, func(_ string, v any) bool {
		found, ok = v, true
		return false
	})
	return found, ok
}

// each visits the values that a field's name means, in the order of the document's lists and of the
// names in its objects, until visit returns false. name is the last name on the way, empty for an
// entry of a list.
//
// Names are compared exactly. At each object the longest beginning of the path that is a name there
// is tried first, so that names with dots in them need no quoting; without * the first way that
// leads to a value is the only one.
func each(doc any, path string, visit func(name string, v any) bool) {
	if path == "." {
		visit("", doc)
		return
	}
	w := walk{visit: visit, single: !starred(path)}
	w.below(doc, path)
}

// starred reports whether a field's name means every entry of something.
func starred(path string) bool { return slices.Contains(strings.Split(path, "."), everyEntry) }

// walk is one search for a field.
type walk struct {
	visit  func(name string, v any) bool
	single bool // the first value is all
	over   bool
}

// at takes a value that was found under a name, with the rest of the path still to go.
func (w *walk) at(name string, v any, rest string, more bool) {
	if more {
		w.below(v, rest)
		return
	}
	w.over = !w.visit(name, v) || w.single
}

func (w *walk) below(doc any, path string) {
	switch d := doc.(type) {
	case map[string]any:
		w.object(d, path)
	case []any:
		w.list(d, path)
	}
}

func (w *walk) object(d map[string]any, path string) {
	for end := len(path); end > 0 && !w.over; end = strings.LastIndexByte(path[:end], '.') {
		if v, there := d[path[:end]]; there && path[:end] != everyEntry {
			w.at(path[:end], v, path[min(end+1, len(path)):], end < len(path))
		}
	}
	head, rest, more := strings.Cut(path, ".")
	if head != everyEntry {
		return
	}
	for _, name := range slices.Sorted(maps.Keys(d)) {
		if w.over {
			return
		}
		w.at(name, d[name], rest, more)
	}
}

func (w *walk) list(d []any, path string) {
	head, rest, more := strings.Cut(path, ".")
	if head == everyEntry {
		for i := 0; i < len(d) && !w.over; i++ {
			w.at("", d[i], rest, more)
		}
		return
	}
	if i, err := strconv.Atoi(head); err == nil && i >= 0 && i < len(d) && strconv.Itoa(i) == head {
		w.at("", d[i], rest, more)
	}
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

// fieldText is the text of a field, with * in its name the first one that is not empty. It is empty
// if there is none.
func fieldText(doc any, path string) (text string) {
	each(doc, path, func(_ string, v any) bool {
		text = textOf(v)
		return text == ""
	})
	return text
}
