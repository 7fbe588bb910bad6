package tokenapi

import (
	"fmt"
	"slices"
	"strings"
)

// missingFindings compares the fields that the API says it misses with those a login sends.
func (x *probe) missingFindings() []Finding {
	if x.what != "login" || x.body == nil {
		return nil
	}
	doc, err := x.reply.json()
	if err != nil {
		return nil
	}
	if found := x.encodingFindings(doc); found != nil {
		return found
	}
	sent := x.body.fields()
	wanted, sure := missingFields(doc)
	// Names under which an API complains need not be fields; if it knows one of ours beside
	// them, they are.
	if !sure && !slices.ContainsFunc(wanted, func(name string) bool { return slices.Contains(sent, name) }) {
		return nil
	}
	known := len(wanted)
	unknown := slices.DeleteFunc(wanted, func(name string) bool { return slices.Contains(sent, name) })
	switch known -= len(unknown); {
	case len(unknown) == 0 && known > 0 && sure && x.configured.Encoding == JSON && (x.filled || x.missesInForm(sent)):
		return []Finding{{x.filled, x.what, "misses the fields that the login sends as JSON: if it wants a form, as FastAPI's " +
			"OAuth2PasswordRequestForm does, write " + x.what + ": {encoding: form}"}}
	case len(unknown) == 0:
		return nil
	}
	text := fmt.Sprintf("misses the field %s, which the login does not send: ", strings.Join(unknown, ", "))
	if x.configured.Body == "" && len(unknown) == 1 && unknown[0] != x.configured.Username {
		return []Finding{{sure, x.what, text + "write login: {username: " + unknown[0] + "}, or send: [\"" + unknown[0] + ": …\"]"}}
	}
	return []Finding{{sure, x.what, text + "write login: {username: …, password: …} with the API's names, and send: [\"" + unknown[0] + ": …\"]"}}
}

// missesBlindly reports whether the answer misses fields and does not say in what, as FastAPI on
// Pydantic 1 does: a form is missed as JSON is.
func (r *reply) missesBlindly() bool {
	if !r.fieldMissing() {
		return false
	}
	doc, err := r.json()
	if err != nil {
		return false
	}
	detail, _ := lookup(doc, "detail")
	list, _ := detail.([]any)
	return !slices.ContainsFunc(list, func(entry any) bool {
		members, _ := entry.(map[string]any)
		_, told := members["input"]
		return told
	})
}

// missesInForm reports whether an empty form was answered as the empty JSON was: by the names of
// fields. An endpoint that reads JSON as one object misses the whole body then.
func (x *probe) missesInForm(sent []string) bool {
	if x.asForm == nil || !x.asForm.fieldMissing() {
		return false
	}
	doc, err := x.asForm.json()
	if err != nil {
		return false
	}
	wanted, _ := missingFields(doc)
	return slices.ContainsFunc(wanted, func(name string) bool { return slices.Contains(sent, name) })
}

// encodingFindings reads out of FastAPI's complaint what it took the body for: a form where it wanted
// JSON misses the body itself; JSON where it wanted a form misses every field and has no input.
func (x *probe) encodingFindings(doc any) []Finding {
	detail, _ := lookup(doc, "detail")
	list, _ := detail.([]any)
	for _, entry := range list {
		members, _ := entry.(map[string]any)
		loc, _ := members["loc"].([]any)
		input, told := members["input"]
		switch {
		case x.configured.Encoding == Form && isNoBody(entry):
			return []Finding{{true, x.what, "misses the body: it wants JSON. Write " + x.what + ": {encoding: json}"}}
		case !x.filled && x.configured.Encoding == JSON && isMissing(entry) && told && input == nil &&
			len(loc) == 2 && loc[0] == "body" && loc[1] == "username":
			return []Finding{{false, x.what, "misses its fields as an endpoint does that wants a form: if it is FastAPI's " +
				"OAuth2PasswordRequestForm, write " + x.what + ": {encoding: form}"}}
		}
	}
	return nil
}

// missingFields reads the names out of a complaint about an empty request, in the forms of
// FastAPI, which is sure to mean required fields, Django REST framework and Laravel.
func missingFields(doc any) (names []string, sure bool) {
	detail, _ := lookup(doc, "detail")
	if list, ok := detail.([]any); ok {
		for _, entry := range list {
			if isMissing(entry) {
				names = addName(names, bodyField(entry))
			}
		}
		return names, true
	}
	members, _ := doc.(map[string]any)
	if below, ok := members["errors"].(map[string]any); ok {
		members = below
	}
	for name, complaint := range members {
		if list, ok := complaint.([]any); ok && len(list) > 0 && kindOf(list[0]) == "text" {
			names = addName(names, name)
		}
	}
	slices.Sort(names)
	return names, false
}

// bodyField is the loc of FastAPI's complaint without its "body".
func bodyField(entry any) string {
	v, _ := lookup(entry, "loc")
	loc, _ := v.([]any)
	if len(loc) < 2 || loc[0] != "body" {
		return ""
	}
	var names []string
	for _, part := range loc[1:] {
		names = append(names, textOf(part))
	}
	return strings.Join(names, ".")
}

// addName adds a name of a field, if it looks like one and there are few.
func addName(names []string, name string) []string {
	if isName(name) && len(names) < 8 && !slices.Contains(names, name) {
		return append(names, name)
	}
	return names
}

// maxName is how long the name of a field can be for a report. Longer ones may be values.
const maxName = 64

// isName reports whether a text is a name as people give them to fields, so that a report may show
// it. Claims may have the form of URLs.
func isName(text string) bool {
	digits := 0
	for _, c := range []byte(text) {
		if '0' <= c && c <= '9' {
			digits++
		}
	}
	return len(text) <= maxName && digits <= maxNameDigits && isToken(strings.NewReplacer(":", "", "/", "", "@", "").Replace(text))
}

// fields are the names in a body, with dots between them.
func (b *body) fields() (names []string) {
	for name := range b.form {
		names = append(names, name)
	}
	return append(names, treeFields(b.tree, "")...)
}

func treeFields(node any, prefix string) (names []string) {
	members, ok := node.(map[string]any)
	if !ok && prefix != "" {
		return []string{strings.TrimSuffix(prefix, ".")}
	}
	for name, below := range members {
		names = append(names, treeFields(below, prefix+name+".")...)
	}
	return names
}
