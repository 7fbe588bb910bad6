package setup

import (
	"context"
	"strconv"
)

// questions gets answers: from the command line, from a terminal, or the defaults.
type questions struct {
	ctx      context.Context //nolint:containedctx // one run of one command
	given    map[string]string
	terminal Terminal // nil: nobody is asked
}

// question is one thing to know.
type question struct {
	flag     string
	about    string // what the terminal shows
	fallback string // what holds without an answer; empty: there has to be one
	example  string // what to write, where there is no fallback
	// check returns the answer as it is meant, or what is wrong with it and what to write instead.
	check func(text string) (value string, wrong *fault)
}

// fault is what is wrong with an answer.
type fault struct{ what, write string }

// answer asks one question.
func (q *questions) answer(a question) (string, error) {
	text, given := q.given[a.flag]
	if !given && q.terminal == nil {
		if a.fallback == "" {
			return "", &UsageError{"--" + a.flag + " is missing; write --" + a.flag + " " + a.example}
		}
		text, given = a.fallback, true // it may not go with the other answers
	}
	if given {
		value, wrong := a.judge(text)
		if wrong != nil {
			return "", &UsageError{"--" + a.flag + " " + a.shown(text) + " " + wrong.what + "; write --" + a.flag + " " + wrong.write}
		}
		return value, nil
	}
	for {
		text, err := q.terminal.Line(q.ctx, a.about, a.fallback)
		if err != nil {
			return "", err
		}
		value, wrong := a.judge(text)
		if wrong == nil {
			return value, nil
		}
		q.terminal.Say("  " + a.shown(text) + " " + wrong.what + "; write " + wrong.write)
	}
}

// judge holds an answer against what holds for all of them, and then against the question's own rule.
func (a question) judge(text string) (string, *fault) {
	example := a.example
	if example == "" {
		example = a.fallback
	}
	if what := odd(text); what != "" {
		return "", &fault{what, example}
	}
	value, wrong := a.check(text)
	if wrong != nil && wrong.write == "" {
		wrong.write = example
	}
	return value, wrong
}

// shown is an answer as a message repeats it. That of a Redis has a password in more forms than
// anybody can list.
func (a question) shown(text string) string {
	if mayHoldPassword(text) || a.flag == "redis" && text != "" {
		return "(the value)"
	}
	return quoteText(text)
}

func quoteText(text string) string {
	if runes := []rune(text); len(runes) > 60 {
		text = string(runes[:60]) + "…"
	}
	return strconv.Quote(text)
}
