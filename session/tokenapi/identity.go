package tokenapi

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"sessiongate/session"
)

// maxSubject bounds what names a user. Real ones have a few dozen bytes.
const maxSubject = 512

// identify reads who the tokens belong to.
func (p *Provider) identify(ctx context.Context, r *reply, g granted, clientIP string) (session.Identity, error) {
	doc, err := p.describe(ctx, r, g, clientIP)
	if err != nil {
		return session.Identity{}, err
	}
	return p.identity(doc)
}

// describe returns the document that describes the user.
func (p *Provider) describe(ctx context.Context, r *reply, g granted, clientIP string) (any, error) {
	switch p.options.Identity.From {
	case FromReply:
		doc, err := r.json()
		if err != nil {
			return nil, fault(r.what, err.Error())
		}
		return doc, nil
	case FromMe:
		return p.me(ctx, g, clientIP)
	case FromToken:
	}
	if g.claims == nil {
		return nil, fault(r.what, "the access token is not a JWT, so that identity.from has to be reply or me")
	}
	return g.claims, nil
}

// me asks the API whose token it is. A refusal of a token that is seconds old says nothing about
// the user.
func (p *Provider) me(ctx context.Context, g granted, clientIP string) (any, error) {
	r, err := p.client.call(ctx, p.whose, valuesOf(g.Tokens), clientIP)
	var no *refusal
	switch {
	case errors.As(err, &no):
		return nil, &session.FaultError{Misconfigured: true, Err: no}
	case err != nil:
		return nil, err
	}
	doc, err := r.json()
	if err != nil {
		return nil, fault(r.what, err.Error())
	}
	return doc, nil
}

// identity picks the configured fields.
func (p *Provider) identity(doc any) (session.Identity, error) {
	from := p.options.Identity
	id := session.Identity{
		Provider: p.options.Name,
		Subject:  fieldText(doc, from.Subject),
		Name:     fieldText(doc, from.Name),
		Roles:    p.roles.apply(wordsOf(doc, from.Roles, isComma)),
		Scopes:   wordsOf(doc, from.Scopes, isScopeGap),
	}
	if id.Subject == "" || len(id.Subject) > maxSubject {
		return id, fault("identity", fmt.Sprintf("no subject (at most %d bytes) under the name %q", maxSubject, from.Subject))
	}
	if id.Name == "" {
		id.Name = id.Subject
	}
	var err error
	id.Claims, err = pickClaims(doc, from.Claims)
	return id, err
}

// pickClaims copies the named fields for the session document, under their names.
func pickClaims(doc any, names []string) (json.RawMessage, error) {
	picked := make(map[string]any, len(names))
	for _, name := range names {
		if v, ok := lookup(doc, name); ok {
			picked[name] = v
		}
	}
	if len(picked) == 0 {
		return nil, nil
	}
	raw, err := json.Marshal(picked)
	if err != nil || len(raw) > maxToken {
		return nil, fault("identity", "the claims cannot be kept: more than 16 KiB")
	}
	return raw, nil
}
