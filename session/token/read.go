package token

import (
	"encoding/json"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// readClaims turns verified claims into Claims. It reads from the map by exact name and not into a
// struct, because encoding/json matches struct fields without regard to case.
func readClaims(m jwt.MapClaims) (Claims, error) {
	r := reader{m: m}
	c := Claims{
		Issuer: r.text("iss", true), Subject: r.text("sub", true), ClientID: r.text("client_id", true),
		ID: r.text("jti", true), SessionID: r.text("sid", false), Roles: r.list("roles"),
		Scopes: strings.Fields(r.text("scope", false)), Name: r.text("name", false),
		PreferredUsername: r.text("preferred_username", false),
		Times: Times{
			IssuedAt: r.time("iat", true), ExpiresAt: r.time("exp", true), AuthTime: r.time("auth_time", false),
		},
	}
	audience, err := m.GetAudience()
	if err != nil || r.bad {
		return Claims{}, errMissingClaim
	}
	c.Audience = audience
	for name, value := range m {
		if ReservedClaim(name) {
			continue
		}
		if c.Extra == nil {
			c.Extra = map[string]any{}
		}
		c.Extra[name] = value
	}
	return c, nil
}

// reader remembers whether any claim was missing or had the wrong type.
type reader struct {
	m   jwt.MapClaims
	bad bool
}

func (r *reader) text(name string, required bool) string {
	value, present := r.m[name]
	text, ok := value.(string)
	if present && !ok || required && text == "" {
		r.bad = true
	}
	return text
}

func (r *reader) list(name string) []string {
	value, present := r.m[name]
	items, ok := value.([]any)
	if present && !ok {
		r.bad = true
	}
	var list []string
	for _, item := range items {
		text, ok := item.(string)
		if !ok {
			r.bad = true
		}
		list = append(list, text)
	}
	return list
}

func (r *reader) time(name string, required bool) time.Time {
	value, present := r.m[name]
	if !present {
		r.bad = r.bad || required
		return time.Time{}
	}
	number, ok := value.(json.Number)
	if !ok {
		r.bad = true
		return time.Time{}
	}
	seconds, err := number.Float64() // NumericDate may have a fraction (RFC 7519 section 2)
	if err != nil || seconds < 0 || seconds > 1<<40 {
		r.bad = true
		return time.Time{}
	}
	return time.Unix(int64(seconds), 0).UTC()
}
