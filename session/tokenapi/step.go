package tokenapi

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"sessiongate/session"
)

const (
	// defaultLoginPause is how long a user waits of whom the API says that there were too many
	// attempts, and not for how long.
	defaultLoginPause = 30 * time.Second

	// maxStep bounds what is relayed of an answer, as JSON.
	maxStep = 2 << 10
)

// loginError is what a login comes to that gave no tokens. r is nil if there was no answer.
func (p *Provider) loginError(r *reply, err error) error {
	var no *refusal
	var unfit *unfitError
	switch {
	case errors.As(err, &unfit):
		return &session.CredentialsError{Err: unfit}
	case !errors.As(err, &no):
		return err
	}
	switch no.meaning {
	case MeansMFARequired:
		return &session.StepRequiredError{Step: p.relay.step(r), Err: no}
	case MeansTooManyAttempts:
		pause := retryAfter(r.header.Get("Retry-After"), p.options.Now())
		if pause == 0 {
			pause = defaultLoginPause
		}
		return &session.RateLimitedError{RetryAfter: pause, Err: no}
	case MeansRefused:
		return &session.CredentialsError{Err: no}
	}
	return &session.CredentialsError{Reason: session.Reason(no.meaning), Err: no}
}

// relay is what a page gets of an answer that asks for another step.
type relay struct {
	fields []relayed
	tokens []place // where reply finds tokens
	kept   []place // where keep finds what may be one
}

// relayed is a field of an answer, and its name at the page.
type relayed struct{ field, name string }

// newRelay reads the fields of [Endpoint.Relay]. One that stands where a token stands, or what is
// kept beside it, is a mistake.
func newRelay(fields []string, s sources, kept keepLines) (relay, error) {
	re := relay{tokens: slices.Concat(s.access, s.refresh)}
	for _, k := range kept {
		re.kept = append(re.kept, k.at)
	}
	for _, field := range fields {
		at, err := parsePlace(field)
		name := field[strings.LastIndexByte(field, '.')+1:]
		switch {
		case err != nil:
			return re, fmt.Errorf("login: relay: %w", err)
		case at.kind != inBody || name == "" || starred(field):
			return re, fmt.Errorf("login: relay: %q: name a field of the answer: mfa_token, data.methods", field)
		case slices.Contains(re.tokens, at) || slices.Contains(re.kept, at):
			return re, fmt.Errorf("login: relay: %q is where reply or keep finds a token, which no page gets", field)
		case slices.ContainsFunc(re.fields, func(other relayed) bool { return other.name == name }):
			return re, fmt.Errorf("login: relay: two fields have the name %q", name)
		}
		re.fields = append(re.fields, relayed{field, name})
	}
	return re, nil
}

// step is what a page gets of r: texts, numbers, booleans and lists of them, and nothing that is or
// may be a token. What would make it too long is left out.
func (re relay) step(r *reply) map[string]any {
	doc, err := r.json()
	if err != nil {
		return nil
	}
	step := make(map[string]any)
	left := maxStep - len("{}")
	for _, f := range re.fields {
		value, there := lookup(doc, f.field)
		if !there || !re.may(r, value, true) {
			continue
		}
		data, err := json.Marshal(map[string]any{f.name: value})
		if err == nil && len(data) <= left {
			step[f.name] = value
			left -= len(data)
		}
	}
	return step
}

// may reports whether a page may get a value.
func (re relay) may(r *reply, value any, lists bool) bool {
	switch v := value.(type) {
	case bool, json.Number:
		return true
	case string:
		return !re.secret(r, v)
	case []any:
		return lists && !slices.ContainsFunc(v, func(item any) bool { return !re.may(r, item, false) })
	}
	return false
}

// secret reports whether a text of an answer holds what may be a token: a JWT, or what stands at a
// place for tokens or for what is kept as well.
func (re relay) secret(r *reply, text string) bool {
	isJWT := func(word string) bool {
		_, is := readClaims(word)
		return is
	}
	return text != "" && (slices.ContainsFunc(strings.Fields(text), isJWT) ||
		slices.ContainsFunc(re.kept, func(at place) bool { return r.text(at) == text }) ||
		slices.ContainsFunc(re.tokens, func(at place) bool {
			token := r.text(at)
			return token != "" && strings.Contains(text, token)
		}))
}
