package tokenapi

import (
	"context"
	"encoding/json"
	"errors"
	"mime"
	"net/http"
	"net/url"
	"strings"
	"time"

	"sessiongate/session"
)

// This file reads answers that the API gave to the application and not to us: they carry tokens at
// the same places as the answer to a login.

// replyOf is an answer as the other files read it.
func replyOf(a session.APIAnswer) *reply {
	return &reply{what: a.Path, status: a.Status, header: http.Header(a.Header), data: a.Body, whole: true}
}

// Capture implements [session.Capturer]. An answer that by Login.Answers is no success carries no
// grant, whatever stands in it.
func (p *Provider) Capture(ctx context.Context, a session.APIAnswer, s session.CaptureStart) (session.Grant, error) {
	r := replyOf(a)
	redirect := a.Status >= 300 && a.Status < 400
	if r.first(p.tokens.sources.access) == "" || !redirect && p.endpoints.login.judge(r, s.Now) != nil {
		return session.Grant{}, session.ErrNoGrant
	}
	g, err := p.tokens.take(r, s.Now)
	if err != nil {
		p.discard(ctx, fitting(g.Tokens))
		return session.Grant{}, err
	}
	id, err := p.users.believe(ctx, r, g, s.ClientIP)
	if err != nil {
		p.discard(ctx, g.Tokens)
		return session.Grant{}, err
	}
	id.AuthTime = s.Now
	return p.grant(id, g), nil
}

// fitting leaves out what could not be sent anywhere.
func fitting(t session.Tokens) session.Tokens {
	if !fit(t.Access) {
		t.Access = ""
	}
	if !fit(t.Refresh) {
		t.Refresh = ""
	}
	return t
}

// AppCalls are the shapes of the calls that an application makes at the API's own paths.
type AppCalls struct {
	login      *endpoint
	configured Endpoint // what login is made of
	sources    sources
	unit       time.Duration // of a lifetime
	now        func() time.Time
}

// AppCalls returns those of the API.
func (p *Provider) AppCalls() AppCalls {
	return AppCalls{
		login: p.endpoints.login, configured: p.options.Login,
		sources: p.tokens.sources, unit: p.options.Reply.ExpiresUnit, now: p.options.Now,
	}
}

// Refuses reports whether an answer says no to whoever wanted to sign in: by Login.Answers, or by
// its status.
func (c AppCalls) Refuses(a session.APIAnswer) bool {
	var no *refusal
	return errors.As(c.login.judge(replyOf(a), c.now()), &no) && no.meaning != MeansMFARequired && no.meaning != MeansTooManyAttempts
}

// UserName finds who wants to sign in, in the body of a request to the login that the application
// made itself; empty if it does not stand where our own request would have it.
func (c AppCalls) UserName(contentType string, body []byte) string {
	kind, _, _ := mime.ParseMediaType(contentType)
	if kind == "application/x-www-form-urlencoded" {
		form, err := url.ParseQuery(string(body))
		if err != nil {
			return ""
		}
		return form.Get(c.nameField())
	}
	doc, err := decodeJSON(body)
	if err != nil {
		return ""
	}
	return fieldText(doc, c.nameField())
}

// nameField is the field of a login's body that has the user name.
func (c AppCalls) nameField() string {
	e := c.configured
	if e.Body == "" {
		return e.Username
	}
	if e.Encoding == Form {
		form, _ := url.ParseQuery(e.Body) // was compiled at start
		for name, list := range form {
			if isNameTemplate(list[0]) {
				return name
			}
		}
		return ""
	}
	doc, _ := decodeJSON([]byte(e.Body)) // the same
	return findName(doc)
}

// findName returns the path to the template of the user name, or "".
func findName(doc any) string {
	fields, _ := doc.(map[string]any)
	for name, v := range fields {
		if text, ok := v.(string); ok && isNameTemplate(text) {
			return name
		}
		if below := findName(v); below != "" {
			return name + "." + below
		}
	}
	return ""
}

func isNameTemplate(text string) bool {
	inner, ok := strings.CutPrefix(text, "{{")
	inner, closed := strings.CutSuffix(inner, "}}")
	return ok && closed && strings.TrimSpace(inner) == username
}

// AppAnswer is what an application gets that refreshes its tokens at the API's own path: an answer
// in the API's shape, in which placeholder stands for the tokens, and life is the access token's.
func (c AppCalls) AppAnswer(placeholder string, life time.Duration) (header map[string]string, body []byte, err error) {
	header, doc := make(map[string]string), make(map[string]any)
	whole := false // the body is the placeholder alone
	for _, list := range [][]place{c.sources.access, c.sources.refresh} {
		if len(list) == 0 {
			continue
		}
		switch at := list[len(list)-1]; at.kind {
		case inHeader:
			header[at.name] = placeholder
			if at.name == "Authorization" {
				header[at.name] = "Bearer " + placeholder
			}
		case inBody:
			whole = whole || at.name == "."
			setField(doc, at.name, placeholder)
		default: // cookies and addresses are for browsers, which need none
		}
	}
	if list := c.sources.expires; len(list) > 0 && list[len(list)-1].kind == inBody {
		setField(doc, list[len(list)-1].name, int64(life/c.unit))
	}
	if whole {
		body, err = json.Marshal(placeholder)
	} else {
		body, err = json.Marshal(doc)
	}
	return header, body, err
}

// setField sets a field that a place names; what stands there already stays, and what a place cannot
// name for certain is left out.
func setField(doc map[string]any, name string, value any) {
	if name == "" || name == "." || strings.Contains(name, "*") {
		return
	}
	_ = assign(doc, name, value)
}

var _ session.Capturer = (*Provider)(nil)
