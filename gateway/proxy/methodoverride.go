package proxy

import (
	"slices"
	"strings"
	"unicode"

	"sessiongate/gateway/routing"
)

// isMethodOverride lists the headers by which a request asks frameworks to take it for one of
// another method.
func isMethodOverride(name string) bool {
	return name == "X-Http-Method-Override" || name == "X-Http-Method" || name == "X-Method-Override" ||
		name == "X-Method"
}

// overridesBadly reports a header that gives a request a method with which it would not be
// forwarded.
func overridesBadly(name string, values []string) bool {
	if !strings.HasPrefix(name, "X") || !isMethodOverride(hyphenated(name)) {
		return false
	}
	var open routing.Route // takes what no list of methods has to name
	return slices.ContainsFunc(values, func(v string) bool {
		return !open.AllowsMethod(strings.TrimFunc(v, func(r rune) bool { return !unicode.IsLetter(r) }))
	})
}
