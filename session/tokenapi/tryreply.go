package tokenapi

import (
	"slices"
	"strings"

	"sessiongate/session"
)

// This file takes from the answer to a login what else of the configuration may follow from it: who
// the user is, and what the API calls its refresh token.

// replyIdentity is the line that reads the user from the answer to the login, where its token says
// less; empty: it does not describe one.
func replyIdentity(r *reply, from IdentityFrom, id session.Identity) string {
	doc, err := r.json()
	if err != nil || from != FromToken || len(id.Roles) > 0 {
		return ""
	}
	all := leaves(doc)
	rank := func(l leaf) int {
		_, last := cutLast(l.place)
		return slices.Index(subjectNames[:], strings.ToLower(last))
	}
	likely := slices.DeleteFunc(slices.Clone(all), func(l leaf) bool { return rank(l) < 0 || textOf(l.value) == "" })
	slices.SortStableFunc(likely, func(a, b leaf) int { return rank(a) - rank(b) })
	for _, l := range likely {
		above, _ := cutLast(l.place)
		beside := func(names ...string) string { return placeBeside(all, above, names) }
		name, roles := beside("name", "username", "email"), beside("roles", "role", "groups", "authorities")
		if name == l.place {
			name = ""
		}
		if roles == "" && (name == "" || id.Name != id.Subject) {
			continue
		}
		line := "write identity: {from: reply, subject: " + l.place
		if name != "" {
			line += ", name: " + name
		}
		if roles != "" {
			line += ", roles: " + quotedPlace(roles)
		}
		return line + "}: the login's answer describes the user"
	}
	return ""
}

// placeBeside is the field of an object that has the first of the names.
func placeBeside(all []leaf, above string, names []string) string {
	for _, name := range names {
		for _, l := range all {
			if at, last := cutLast(l.place); at != above || !strings.EqualFold(last, name) {
				continue
			}
			list, _ := l.value.([]any)
			if len(list) == 0 {
				return l.place
			}
			if entry, isObject := list[0].(map[string]any); isObject {
				if _, named := entry["name"]; !named {
					continue
				}
				return l.place + ".*.name"
			}
			return l.place
		}
	}
	return ""
}

// cutLast splits a field's name before its last part; above has the dot.
func cutLast(field string) (above, last string) {
	i := strings.LastIndexByte(field, '.') + 1
	return field[:i], field[i:]
}

// sameName is the line by which a call sends the refresh token under the name that the login gives
// it, at the place from; none if it does so already, or not in a place of its own.
func sameName(from place, what string, e Endpoint) []string {
	to, err := parsePlace(e.RefreshToken)
	if e.RefreshToken == "" || err != nil || to.kind != inBody || from.name == "" {
		return nil
	}
	if from.kind == inBody {
		_, from.name = cutLast(from.name)
	}
	if from == to || from.kind != inBody && from.kind != inCookie || !isName(from.name) {
		return nil
	}
	return []string{"the login gives it under " + from.String() + ": write " + what + ": {refresh_token: " + quotedPlace(from.String()) + "}"}
}

// placeOf is the first of the places where an answer has something.
func placeOf(r *reply, places []place) place {
	for _, p := range places {
		if r.text(p) != "" {
			return p
		}
	}
	return place{}
}
