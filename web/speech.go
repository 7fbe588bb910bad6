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
