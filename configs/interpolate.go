package configs

import (
	"regexp"
	"strings"
)

var envName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// expand puts the environment in for every ${NAME} of a scalar; $${ stands for ${ itself. What
// comes in is text, never structure, and is not looked at for another ${. Every fault is reported,
// so false needs no further word.
func (r *scalars) expand(text, path string) (string, bool) {
	ok := true
	value, whole := interpolate(text, func(name string) string {
		at := r.positions[path]
		at.fromEnv = true
		r.positions[path] = at
		value, set := r.env(name)
		if !set {
			ok = false
			r.breaks(path, "the environment variable "+name+" is not set", "set "+name)
		}
		r.environment[name] = value
		return value
	})
	if !whole {
		at := r.positions[path]
		at.fromEnv = true
		r.positions[path] = at
		r.breaks(path, "has ${ without NAME}", "write ${NAME}, or $${ for the two characters themselves")
		return "", false
	}
	return value, ok
}

// interpolate replaces every ${NAME} of text. It reports false for a ${ that names nothing.
func interpolate(text string, value func(name string) string) (string, bool) {
	var b strings.Builder
	for {
		before, rest, found := strings.Cut(text, "${")
		if !found {
			b.WriteString(text)
			return b.String(), true
		}
		if escaped, yes := strings.CutSuffix(before, "$"); yes {
			b.WriteString(escaped + "${")
			text = rest
			continue
		}
		name, after, closed := strings.Cut(rest, "}")
		if !closed || !envName.MatchString(name) {
			return "", false
		}
		b.WriteString(before + value(name))
		text = after
	}
}
