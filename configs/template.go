package configs

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// Template is text with places for values: {{value}}, and ${NAME} for a variable of the
// environment. It is kept as it is written: whoever fills it encodes each value for where it stands.
type Template string

// tokenInTemplate finds a token among the values of a template.
var tokenInTemplate = regexp.MustCompile(`\{\{\s*(refresh|access)_token\s*\}\}`)

// sendsToken reports whether one of the lines sends a token.
func sendsToken(lines []Template) bool {
	return slices.ContainsFunc(lines, func(line Template) bool { return tokenInTemplate.MatchString(string(line)) })
}

// deriveEnvironment gives a token API the variables that its templates may name.
func deriveEnvironment(c *checker, t *TokenAPIProvider) {
	t.Environment = make(map[string]Secret, len(c.environment))
	for name, value := range c.environment {
		t.Environment[name] = NewSecret(value)
	}
}

// templateScope says which values a template may name.
type templateScope struct {
	names  []string
	claims bool
	extra  []string // nil: none here
	keep   []string // nil: none here
	values []string
}

// checkTemplates looks at the lines of a token API that have templates or places in them, and at its
// bodies.
func checkTemplates(c *checker, path string, t *TokenAPIProvider) {
	for _, key := range []string{".values", ".keep", ".login.extra"} {
		if c.brokenBelow(path + key) {
			return // whether a value is there cannot be said
		}
	}
	values := make([]string, 0, len(t.Values))
	for i := range t.Values {
		if slices.Contains(values, t.Values[i].Name) {
			c.problem(index(path+".values", i)+".name", "is there twice", "write one entry for each name")
		}
		values = append(values, t.Values[i].Name)
	}
	keep := make([]string, 0, len(t.Keep))
	for i, line := range t.Keep {
		if name, _, ok := checkLine(c, index(path+".keep", i), line, "csrf: cookie:csrf_refresh_token"); ok {
			keep = append(keep, name)
		}
	}
	atLogin := templateScope{names: []string{"username", "password"}, extra: append([]string{}, t.Login.Extra...), values: values}
	later := templateScope{names: []string{"refresh_token", "access_token", "subject"}, claims: true, keep: keep, values: values}
	onRoutes := templateScope{names: []string{"access_token", "subject"}, claims: true, keep: keep, values: values}
	for at, body := range map[string]Template{".login.body": t.Login.Body, ".refresh.body": t.Refresh.Body, ".logout.body": t.Logout.Body} {
		if at == ".login.body" {
			atLogin.check(c, path+at, string(body))
		} else {
			later.check(c, path+at, string(body))
		}
	}
	checkSend(c, path+".login.send", t.Login.Send, atLogin)
	checkSend(c, path+".refresh.send", t.Refresh.Send, later)
	checkSend(c, path+".logout.send", t.Logout.Send, later)
	checkSend(c, path+".me.send", t.Me.Send, later)
	checkForward(c, path+".forward", t.Forward, onRoutes)
	for i, line := range t.Identity.RoleMap {
		checkLine(c, index(path+".identity.role_map", i), line, "ROLE_ADMIN: admin")
	}
}

// checkLine cuts a line at the first colon with a blank behind it.
func checkLine(c *checker, path, line, example string) (left, right string, ok bool) {
	left, right, ok = strings.Cut(line, ": ")
	left, right = strings.TrimSpace(left), strings.TrimSpace(right)
	if !ok || left == "" || right == "" {
		c.problem(path, c.quote(path, line)+" is not two parts with a colon and a blank between them", "write "+strconv.Quote(example))
		return "", "", false
	}
	return left, right, true
}

func checkSend(c *checker, path string, lines []Template, in templateScope) {
	for i, line := range lines {
		at := index(path, i)
		if place, text, ok := checkLine(c, at, string(line), "tenant: {{values.tenant}}"); ok {
			if name, location := strings.CutPrefix(place, "location:"); location {
				c.problem(at, "has a place that only answers have", "write query:"+name)
			}
			in.check(c, at, text)
		}
	}
}

func checkForward(c *checker, path string, lines []Template, in templateScope) {
	for i, line := range lines {
		at := index(path, i)
		place, text, ok := checkLine(c, at, string(line), "header:Authorization: Bearer {{access_token}}")
		switch {
		case !ok:
			continue
		case strings.HasPrefix(place, "query:"):
			c.problem(at, "would put a token into URLs, which stand in logs and histories", "write header:NAME or cookie:NAME")
		case !strings.HasPrefix(place, "header:") && !strings.HasPrefix(place, "cookie:"):
			c.problem(at, "is no header and no cookie of a request", "write header:NAME or cookie:NAME")
		}
		in.check(c, at, text)
	}
}

// check reports the first value of a template that is not there.
func (s templateScope) check(c *checker, path, text string) {
	for {
		_, rest, found := strings.Cut(text, "{{")
		if !found {
			return
		}
		name, after, closed := strings.Cut(rest, "}}")
		if what, fix := s.unknown(strings.TrimSpace(name), closed); what != "" {
			c.problem(path, what, fix)
			return
		}
		text = after
	}
}

// unknown says what is wrong with a value's name, empty if nothing is.
func (s templateScope) unknown(name string, closed bool) (what, fix string) {
	family, own, _ := strings.Cut(name, ".")
	missing := func(list []string, fix string) (string, string) {
		if slices.Contains(list, own) {
			return "", ""
		}
		return "names {{" + name + "}}, which is not there", fix
	}
	switch {
	case !closed:
	case slices.Contains(s.names, name), family == "claim" && s.claims && own != "":
		return "", ""
	case family == "extra" && s.extra != nil && own != "":
		return missing(s.extra, "add "+own+" to login.extra")
	case family == "keep" && s.keep != nil && own != "":
		return missing(s.keep, "add "+strconv.Quote(own+": PLACE")+" to keep")
	case family == "values" && own != "":
		return missing(s.values, "add {name: "+own+", secret_file: PATH} to values")
	}
	known := slices.Clone(s.names)
	for family, there := range map[string]bool{"claim.NAME": s.claims, "extra.NAME": s.extra != nil, "keep.NAME": s.keep != nil, "values.NAME": true} {
		if there {
			known = append(known, family)
		}
	}
	slices.Sort(known[len(s.names):])
	return "has {{ without a value's name and }}", "write {{ and }} around " + strings.Join(known, ", ")
}
