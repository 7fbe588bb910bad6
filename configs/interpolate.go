package configs

import (
	"regexp"
	"strings"
)

var envName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// expand puts the environment in for every ${NAME} of a scalar; $${ stands for ${ itself. What comes in is text, never
// structure, and is not looked at for another ${. Every fault is reported, so false needs no further word.
func (r *reader) expand(text, path string) (string, bool) {
	if !strings.Contains(text, "${") {
		return text, true
	}
	var b strings.Builder
	at, ok := r.places[path], true
	for {
		before, rest, found := strings.Cut(text, "${")
		if !found {
			b.WriteString(text)
			break
		}
		if escaped, yes := strings.CutSuffix(before, "$"); yes {
			b.WriteString(escaped + "${")
			text = rest
			continue
		}
		at.fromEnv = true
		r.places[path] = at
		name, after, closed := strings.Cut(rest, "}")
		if !closed || !envName.MatchString(name) {
			r.breaks(path, "has ${ without NAME}", "write ${NAME}, or $${ for the two characters themselves")
			return "", false
		}
		value, set := r.env(name)
		if !set {
			ok = false
			r.breaks(path, "the environment variable "+name+" is not set", "set "+name)
		}
		b.WriteString(before + value)
		text = after
	}
	return b.String(), ok
}
