package web

import (
	"fmt"
	"html/template"
	"strings"

	"sessiongate/web/messages"
)

// speech is a language as templates and views speak it.
type speech struct{ *messages.Language }

// say is a text in a template: {{t "key" "name" value}}.
func (e speech) say(key string, pairs ...any) string { return e.Text(key, argsOf(pairs)) }

// rich is a text whose values stand out, as markup: everything else is escaped.
func (e speech) rich(key string, pairs ...any) template.HTML {
	args := argsOf(pairs)
	var b strings.Builder
	for i, part := range messages.Split(e.Template(key, args)) {
		if i%2 == 0 {
			b.WriteString(template.HTMLEscapeString(part))
			continue
		}
		b.WriteString("<strong>" + template.HTMLEscapeString(fmt.Sprint(args[part])) + "</strong>")
	}
	return template.HTML(b.String()) //nolint:gosec // G203: escaped above
}

func argsOf(pairs []any) Args {
	args := make(Args, len(pairs)/2)
	for i := 0; i+1 < len(pairs); i += 2 {
		if name, ok := pairs[i].(string); ok {
			args[name] = pairs[i+1]
		}
	}
	return args
}

// fieldLabel is what a form calls a field of which only the name is known: "tenant_id" is "Tenant
// id", and whatever has "otp" in it a one-time code.
func (e speech) fieldLabel(name string) string {
	if strings.Contains(strings.ToLower(name), "otp") {
		return e.say("login.code")
	}
	words := strings.NewReplacer("_", " ", "-", " ").Replace(name)
	return strings.ToUpper(words[:min(1, len(words))]) + words[min(1, len(words)):]
}
