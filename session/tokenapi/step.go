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
		return &session.StepRequiredError{Step: p.step(r), Err: no}
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

// relayed is a field of an answer that a page gets, and its name there.
type relayed struct{ field, name string }

// newRelay reads the fields of [Endpoint.Relay]. One that stands where a token stands, or what is
// kept beside it, is a mistake.
func newRelay(fields []string, s sources, kept keepLines) ([]relayed, error) {
	secret := slices.Concat(s.access, s.refresh)
	for _, k := range kept {
		secret = append(secret, k.at)
	}
	list := make([]relayed, 0, len(fields))
	for _, field := range fields {
		at, err := parsePlace(field)
		name := field[strings.LastIndexByte(field, '.')+1:]
		switch {
		case err != nil:
			return nil, fmt.Errorf("login: relay: %w", err)
		case at.kind != inBody || name == "" || starred(field):
			return nil, fmt.Errorf("login: relay: %q: name a field of the answer: mfa_token, data.methods", field)
		case slices.Contains(secret, at):
			return nil, fmt.Errorf("login: relay: %q is where reply or keep finds a token, which no page gets", field)
		case slices.ContainsFunc(list, func(other relayed) bool { return other.name == name }):
			return nil, fmt.Errorf("login: relay: two fields have the name %q", name)
		}
		list = append(list, relayed{field, name})
	}
	return list, nil
}

// step is what a page gets of an answer that asks for another step: texts, numbers, booleans and
// lists of them, and nothing that is or may be a token. What would make it too long is left out.
func (p *Provider) step(r *reply) map[string]any {
	doc, err := r.json()
	if err != nil {
		return nil
	}
	step := make(map[string]any)
	left := maxStep - len("{}")
	for _, f := range p.relay {
		value, there := lookup(doc, f.field)
		if !there || !p.relayable(r, value, true) {
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

// relayable reports whether a page may get a value.
func (p *Provider) relayable(r *reply, value any, lists bool) bool {
	switch v := value.(type) {
	case bool, json.Number:
		return true
	case string:
		return !p.secret(r, v)
	case []any:
		return lists && !slices.ContainsFunc(v, func(item any) bool { return !p.relayable(r, item, false) })
	}
	return false
}

// secret reports whether a text of an answer holds what may be a token: a JWT, or what stands at a
// place for tokens or for what is kept as well.
func (p *Provider) secret(r *reply, text string) bool {
	isJWT := func(word string) bool {
		_, is := readClaims(word)
		return is
	}
	if slices.ContainsFunc(strings.Fields(text), isJWT) {
		return true
	}
	if slices.ContainsFunc(p.kept, func(k keepLine) bool { return text != "" && r.text(k.at) == text }) {
		return true
	}
	return slices.ContainsFunc(slices.Concat(p.sources.access, p.sources.refresh), func(at place) bool {
		token := r.text(at)
		return token != "" && strings.Contains(text, token)
	})
}
