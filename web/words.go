package web

import (
	"time"

	"sessiongate/web/messages"
)

// Words are the texts of a language. They are safe for concurrent use.
type Words struct{ language *messages.Language }

// Args are the values of a text's placeholders.
type Args = messages.Args

// Language is the language's tag, for Content-Language and the attribute lang (BCP 47).
func (w Words) Language() string { return w.language.Tag() }

// Text says a text of the catalogue.
func (w Words) Text(key string, args Args) string { return w.language.Text(key, args) }

// Problem says what a code of the HTTP contract means to a person, more precisely where a reason
// is known. A code without a text of its own is our mistake.
func (w Words) Problem(code, reason string, args Args) (title, text string) {
	key := "problem." + code
	switch {
	case reason != "" && w.language.Has(key+"."+reason+".title"):
		key += "." + reason
	case !w.language.Has(key + ".title"):
		key = "problem.internal_error"
	}
	return w.Text(key+".title", args), w.Text(key+".text", args)
}

// Wait says when to try again.
func (w Words) Wait(d time.Duration) string {
	seconds := int((d + time.Second - 1) / time.Second)
	switch {
	case seconds <= 1:
		return w.Text("wait.moment", nil)
	case seconds <= 120:
		return w.Text("wait.seconds", Args{"n": seconds})
	}
	return w.Text("wait.minutes", Args{"n": (seconds + 59) / 60})
}
