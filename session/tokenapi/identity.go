package tokenapi

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"sessiongate/session"
	"sessiongate/session/token"
)

// maxSubject bounds what names a user. Real ones have a few dozen bytes.
const maxSubject = 512

// identifier says who tokens belong to. It is safe for concurrent use.
type identifier struct {
	provider string
	from     IdentitySource
	roles    roleMap
	verifier *verifier // nil: nothing is verified

	client *client
	me     *endpoint // for FromMe
}

// newIdentifier reads [Options.Identity] and [Options.Verify]. c calls me, and its transport gets keys.
func newIdentifier(o *Options, c *client, me *endpoint) (*identifier, error) {
	roles, rolesErr := parseRoleMap(o.Identity.RoleMap)
	v, keyErr := newVerifier(o.Verify, c.http.Transport, o.Now)
	return &identifier{provider: o.Name, from: o.Identity, roles: roles, verifier: v, client: c, me: me}, errors.Join(rolesErr, keyErr)
}

// believe reads the identity of tokens whose signature, if it counts, is right, and which came with
// what can be kept beside them.
func (i *identifier) believe(ctx context.Context, r *reply, g granted, clientIP string) (session.Identity, error) {
	if g.unkept != nil {
		return session.Identity{}, g.unkept
	}
	if err := i.check(ctx, g); err != nil {
		var f *session.FaultError
		if !errors.As(err, &f) {
			err = &session.FaultError{Err: err}
		}
		return session.Identity{}, err
	}
	return i.identify(ctx, r, g, clientIP)
}

// stillWho reads the identity again: roles may have changed, and another subject ends the session
// (package refresh sees to that). The API has rotated by now, so what cannot be read leaves the session
// as who it was. Only a token whose signature is wrong is not taken.
func (i *identifier) stillWho(ctx context.Context, r *reply, g granted, asked session.Refresh) (session.Identity, error) {
	former := asked.Identity
	err := i.check(ctx, g)
	switch {
	case errors.Is(err, token.ErrKeysUnavailable):
		return former, nil
	case err != nil:
		return session.Identity{}, err
	}
	id, err := i.identify(ctx, r, g, asked.ClientIP)
	if err != nil {
		return former, nil //nolint:nilerr // see above: the tokens are worth more than what is said beside them
	}
	id.AuthTime = former.AuthTime
	if i.from.From == FromReply {
		i.inherit(r, &id, former)
	}
	return id, nil
}

// inherit keeps what the answer to a refresh does not mention: many APIs describe the user at login
// only.
func (i *identifier) inherit(r *reply, id *session.Identity, former session.Identity) {
	doc, _ := r.json() // was read a moment ago
	from := i.from
	absent := func(names ...string) bool {
		for _, name := range names {
			if _, there := lookup(doc, name); name == "" || there {
				return false
			}
		}
		return len(names) > 0
	}
	if absent(from.Name) {
		id.Name = former.Name
	}
	if absent(from.Roles...) {
		id.Roles = former.Roles
	}
	if absent(from.Scopes...) {
		id.Scopes = former.Scopes
	}
	if id.Claims == nil {
		id.Claims = former.Claims
	}
}

// check verifies the signature, if a key is configured. The error is a [*session.FaultError], or
// wraps [token.ErrKeysUnavailable]: while the keys are out of reach nothing can be said of the
// token.
func (i *identifier) check(ctx context.Context, g granted) error {
	if i.verifier == nil {
		return nil
	}
	return i.verifier.verify(ctx, g.Access.Reveal())
}

// identify reads who the tokens belong to.
func (i *identifier) identify(ctx context.Context, r *reply, g granted, clientIP string) (session.Identity, error) {
	doc, err := i.describe(ctx, r, g, clientIP)
	if err != nil {
		return session.Identity{}, err
	}
	return i.identity(doc)
}

// describe returns the document that describes the user.
func (i *identifier) describe(ctx context.Context, r *reply, g granted, clientIP string) (any, error) {
	switch i.from.From {
	case FromReply:
		doc, err := r.json()
		if err != nil {
			return nil, fault(r.what, err.Error())
		}
		return doc, nil
	case FromMe:
		return i.ask(ctx, g, clientIP)
	case FromToken:
	}
	if g.claims == nil {
		return nil, fault(r.what, "the access token is not a JWT, so that identity.from has to be reply or me")
	}
	return g.claims, nil
}

// ask asks the API whose token it is. A refusal of a token that is seconds old says nothing about
// the user.
func (i *identifier) ask(ctx context.Context, g granted, clientIP string) (any, error) {
	r, err := i.client.call(ctx, i.me, valuesOf(g.Tokens), clientIP)
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
func (i *identifier) identity(doc any) (session.Identity, error) {
	from := i.from
	id := session.Identity{
		Provider: i.provider,
		Subject:  fieldText(doc, from.Subject),
		Name:     fieldText(doc, from.Name),
		Roles:    i.roles.apply(wordsOf(doc, from.Roles, isComma)),
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
