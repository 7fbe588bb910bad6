package oidc

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"time"

	"sessiongate/session"
)

// claimSet is what the provider says about the user.
type claimSet map[string]any

// identity reads the user out of the claims.
func (p *Provider) identity(c claimSet, granted string) session.Identity {
	id := session.Identity{
		Subject:  c.text("sub"),
		Name:     c.text("name", "preferred_username", "email", "sub"),
		Provider: p.o.Name,
		Roles:    roles(c, p.o.RolesClaim),
		Scopes:   strings.Fields(granted),
		Claims:   c.further(),
		ACR:      c.text("acr"),
		SID:      c.text("sid"),
	}
	if at, ok := c["auth_time"].(float64); ok && at > 0 {
		id.AuthTime = time.Unix(int64(min(at, 1e11)), 0).UTC()
	}
	if granted == "" {
		id.Scopes = slices.Clone(p.o.Scopes) // RFC 6749 §5.1: the same as asked for
	}
	return id
}

// text returns the first of the claims that is a string with something in it.
func (c claimSet) text(names ...string) string {
	for _, name := range names {
		if s, ok := c[name].(string); ok && s != "" {
			return s
		}
	}
	return ""
}

// further are the claims for the session document: all but those of the protocol.
func (c claimSet) further() json.RawMessage {
	rest := maps.Clone(c)
	for _, name := range []string{
		"iss", "sub", "aud", "exp", "iat", "nbf", "jti", "nonce", "azp", "at_hash", "c_hash", "s_hash", "sid", "auth_time",
		"typ", "_claim_names", "_claim_sources",
	} {
		delete(rest, name)
	}
	if len(rest) == 0 {
		return nil
	}
	b, err := json.Marshal(rest)
	if err != nil {
		return nil // cannot happen: it was JSON before
	}
	return b
}

// roles reads the claim at path: a list of strings, a string with words, or an
// object whose keys are the roles (Zitadel).
func roles(c claimSet, path string) []string {
	if path == "" {
		return nil
	}
	var list []string
	switch v := dig(c, path).(type) {
	case string:
		list = strings.Fields(v)
	case map[string]any:
		list = slices.Sorted(maps.Keys(v))
	case []any:
		for _, entry := range v {
			if s, ok := entry.(string); ok && s != "" {
				list = append(list, s)
			}
		}
	}
	return list
}

// dig follows a path whose steps are joined by dots. Names may have dots
// themselves (https://example.com/roles): the longest name that is there wins.
func dig(at map[string]any, path string) any {
	if v, ok := at[path]; ok {
		return v
	}
	for i := len(path) - 1; i > 0; i-- {
		if path[i] != '.' {
			continue
		}
		if below, ok := at[path[:i]].(map[string]any); ok {
			if v := dig(below, path[i+1:]); v != nil {
				return v
			}
		}
	}
	return nil
}
