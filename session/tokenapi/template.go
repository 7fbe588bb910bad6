package tokenapi

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"sessiongate/session"
)

// values are what one call may send.
type values struct {
	username, password string
	refresh, access    string
	subject            string
	claims             map[string]any // of the access token; nil: not read yet
	keep               session.Kept
	extra              map[string]any // scalars
}

// valuesOf are those that calls with a session's tokens may send.
func valuesOf(t session.Tokens) values {
	return values{refresh: t.Refresh.Reveal(), access: t.Access.Reveal(), keep: t.Keep}
}

// The names of the values.
const (
	username     = "username"
	password     = "password"
	refreshToken = "refresh_token"
	accessToken  = "access_token"
	subject      = "subject"

	// Families of values: a name of the family's own follows.
	claimOf = "claim."
	keepOf  = "keep."
	extraOf = "extra."
	fixedOf = "values."
)

// get returns the value under a name as it is in JSON; nil where there is none. A user name or a
// password that is empty is one.
func (v values) get(name string) any {
	switch name {
	case username:
		return v.username
	case password:
		return v.password
	case refreshToken:
		return textOrNil(v.refresh)
	case accessToken:
		return textOrNil(v.access)
	case subject:
		return textOrNil(v.subject)
	}
	if name, found := strings.CutPrefix(name, keepOf); found {
		return textOrNil(v.keep[name])
	}
	if name, found := strings.CutPrefix(name, extraOf); found {
		return v.extra[name]
	}
	if name, found := strings.CutPrefix(name, claimOf); found {
		if v.claims == nil {
			v.claims, _ = readClaims(v.access)
		}
		claim, _ := lookup(v.claims, name)
		return claim
	}
	return nil
}

func textOrNil(text string) any {
	if text == "" {
		return nil
	}
	return text
}

// scope says which values a template may name, so that a slip is found at start and not in the
// API's log.
type scope struct {
	names       []string // the single ones
	claims      bool
	keep, extra []string          // the names of these families
	values      map[string]string // what is the same in every call
	environment map[string]string // for ${NAME}
}

// template is a text with values between its parts: parts[0] names[0] parts[1] … What is the same
// in every call is part of the parts already.
type template struct {
	parts []string
	names []string
}

// plain is the template of a value and nothing else.
func plain(name string) template { return template{parts: []string{"", ""}, names: []string{name}} }

// parseTemplate reads text with {{name}} and ${NAME} in it; $${ stands for ${ itself. What a name
// brings is text and is not looked at again.
func parseTemplate(text string, in *scope) (template, error) {
	var t template
	var part strings.Builder
	for {
		i := strings.IndexAny(text, "{$")
		if i < 0 {
			part.WriteString(text)
			t.parts = append(t.parts, part.String())
			return t, nil
		}
		part.WriteString(text[:i])
		text = text[i:]
		switch {
		case strings.HasPrefix(text, "$${"):
			part.WriteString("${")
			text = text[len("$${"):]
		case strings.HasPrefix(text, "${"):
			name, after, _ := strings.Cut(text[len("${"):], "}")
			value, set := in.environment[name]
			if !set {
				return t, errors.New("${ must be followed by the name of a variable of the environment that is set, and }")
			}
			part.WriteString(value)
			text = after
		case strings.HasPrefix(text, "{{"):
			name, after, closed := strings.Cut(text[len("{{"):], "}}")
			name = strings.TrimSpace(name)
			if err := in.check(name, closed); err != nil {
				return t, err
			}
			text = after
			if value, fixed := in.fixed(name); fixed {
				part.WriteString(value)
				continue
			}
			t.parts, t.names = append(t.parts, part.String()), append(t.names, name)
			part.Reset()
		default:
			part.WriteString(text[:1])
			text = text[1:]
		}
	}
}

// fixed returns a value that is the same in every call.
func (s *scope) fixed(name string) (string, bool) {
	name, found := strings.CutPrefix(name, fixedOf)
	if !found {
		return "", false
	}
	value, given := s.values[name]
	return value, given
}

// check says what is wrong with a name.
func (s *scope) check(name string, closed bool) error {
	family, own, _ := strings.Cut(name, ".")
	switch {
	case !closed:
	case slices.Contains(s.names, name):
		return nil
	case own == "":
	case family == "claim" && s.claims:
		return checkField(own)
	case family == "keep" && s.keep != nil:
		return listed(name, "a line under keep: "+strconv.Quote(own+": PLACE"), slices.Contains(s.keep, own))
	case family == "extra" && s.extra != nil:
		return listed(name, own+" under login.extra", slices.Contains(s.extra, own))
	case family == "values":
		_, given := s.values[own]
		return listed(name, "an entry under values: {name: "+own+", secret_file: PATH}", given)
	}
	return errors.New("{{ must be followed by " + strings.Join(s.known(), " or ") + " and }}")
}

func listed(name, fix string, is bool) error {
	if is {
		return nil
	}
	return fmt.Errorf("{{%s}} needs %s", name, fix)
}

// known lists what a template may name.
func (s *scope) known() []string {
	list := slices.Clone(s.names)
	for family, there := range map[string]bool{
		claimOf: s.claims, keepOf: s.keep != nil, extraOf: s.extra != nil, fixedOf: true,
	} {
		if there {
			list = append(list, family+"NAME")
		}
	}
	slices.Sort(list[len(s.names):])
	return list
}

// uses reports whether the template names a value, or one of a family.
func (t template) uses(name string) bool {
	return slices.ContainsFunc(t.names, func(n string) bool {
		return n == name || strings.HasSuffix(name, ".") && strings.HasPrefix(n, name)
	})
}

// absent reports whether the template names values, and none of them is there.
func (t template) absent(v values) bool {
	return len(t.names) > 0 && !slices.ContainsFunc(t.names, func(name string) bool { return v.get(name) != nil })
}

// fill puts the values in, as text.
func (t template) fill(v values) string {
	if len(t.names) == 0 {
		return t.parts[0]
	}
	var b strings.Builder
	for i, name := range t.names {
		b.WriteString(t.parts[i])
		b.WriteString(scalarText(v.get(name)))
	}
	b.WriteString(t.parts[len(t.names)])
	return b.String()
}

// value is what stands in a JSON document: a value that stands alone keeps its type.
func (t template) value(v values) any {
	if len(t.names) == 1 && t.parts[0] == "" && t.parts[1] == "" {
		return v.get(t.names[0])
	}
	return t.fill(v)
}

// scalarText is the text of a text, a number, true and false, and of a list with commas between its
// entries. Of anything else it is empty.
func scalarText(v any) string {
	switch v := v.(type) {
	case bool:
		return strconv.FormatBool(v)
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	case []any:
		words := make([]string, len(v))
		for i := range v {
			words[i] = scalarText(v[i])
		}
		return strings.Join(words, ",")
	}
	return textOf(v)
}
