package session

import (
	"maps"
	"slices"
	"strings"
)

// maxClaimValues bounds what a path with stars can find. What is beyond is not
// granted.
const maxClaimValues = 1000

// ClaimValues follows a path into claims, its steps joined by dots. Names may have
// dots themselves (https://example.com/roles): the longest name that is there wins.
// A step "*" stands for every entry of a list, or every value of an object in the
// order of their names. It returns what it found, 1000 values at most.
func ClaimValues(claims map[string]any, path string) []any {
	return slices.Clip(follow(nil, claims, path))
}

func follow(found []any, at any, path string) []any {
	if len(found) >= maxClaimValues {
		return found
	}
	if path == "" {
		return append(found, at)
	}
	object, isObject := at.(map[string]any)
	for end := len(path); isObject && end > 0; end = strings.LastIndexByte(path[:end], '.') {
		next, there := object[path[:end]]
		if !there {
			continue
		}
		before := len(found)
		if found = follow(found, next, strings.TrimPrefix(path[end:], ".")); len(found) > before {
			return found
		}
	}
	step, rest, _ := strings.Cut(path, ".")
	if step != "*" {
		return found
	}
	list, _ := at.([]any)
	for _, name := range slices.Sorted(maps.Keys(object)) {
		list = append(list, object[name])
	}
	for _, next := range list {
		found = follow(found, next, rest)
	}
	return found
}

// ClaimWords are the texts that a claim stands for: a text with commas, or else
// blanks, between its parts; a list of texts; an object, whose names they are
// (Zitadel's roles). Everything else says nothing.
func ClaimWords(value any) (words []string) {
	switch v := value.(type) {
	case string:
		if !strings.Contains(v, ",") {
			return strings.Fields(v)
		}
		for part := range strings.SplitSeq(v, ",") {
			words = append(words, strings.TrimSpace(part))
		}
	case map[string]any:
		words = slices.Sorted(maps.Keys(v))
	case []any:
		for _, entry := range v {
			if s, ok := entry.(string); ok {
				words = append(words, s)
			}
		}
	}
	return slices.DeleteFunc(words, func(w string) bool { return w == "" })
}
