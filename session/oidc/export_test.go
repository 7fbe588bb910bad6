package oidc

import (
	"encoding/json"
	"time"

	"sessiongate/session"
)

// ParseReply is the parser of token responses.
func (p *Provider) ParseReply(body []byte) (access session.Secret, lifetime time.Duration, err error) {
	r, err := parseReply(body, p.o.Now())
	return r.AccessToken, r.Lifetime, err
}

// Roles reads roles out of JSON claims.
func Roles(claims []byte, path string) []string {
	var c claimSet
	if json.Unmarshal(claims, &c) != nil {
		return nil
	}
	return roles(c, path)
}

// RetryAfter, TokenType and UnverifiedSubject read foreign text.
var (
	RetryAfter        = retryAfter
	TokenType         = tokenType
	UnverifiedSubject = unverifiedSubject
)
