package oidc

import (
	"context"
	"time"

	"sessiongate/session"
)

// ParseReply is the parser of token responses.
func (p *Provider) ParseReply(body []byte) (access session.Secret, lifetime time.Duration, err error) {
	r, err := parseReply(body, p.o.Now())
	return r.AccessToken, r.Lifetime, err
}

// Probe asks for the discovery document now and says what is wrong with it.
func (p *Provider) Probe(ctx context.Context) error {
	_, err := p.discovery.get(ctx)
	return err
}

// Roles reads roles out of JSON claims.
func Roles(claims []byte, path string) []string {
	c, err := parseClaims(claims)
	if err != nil {
		return nil
	}
	return roles(c, path)
}

// RetryAfter and UnverifiedSubject read foreign text.
var (
	RetryAfter        = retryAfter
	UnverifiedSubject = unverifiedSubject
)
