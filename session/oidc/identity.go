package oidc

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"time"

	"sessiongate/session"
)

// claimSet is what the provider says about the user. Names are exact (RFC 7519
// §4), and numbers are [json.Number].
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
	id.AuthTime, _ = c.time("auth_time")
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

// time reads a NumericDate (RFC 7519 §2); false if there is none that means anything.
func (c claimSet) time(name string) (time.Time, bool) {
	n, ok := c[name].(json.Number)
	if !ok {
		return time.Time{}, false
	}
	seconds, err := n.Float64()
	if err != nil || seconds <= 0 {
		return time.Time{}, false
	}
	return time.Unix(int64(min(seconds, 1e11)), 0).UTC(), true
}

// lists reports whether a claim is this text, or a list with it.
func (c claimSet) lists(name, want string) bool {
	list, _ := c[name].([]any)
	return c[name] == want || slices.Contains(list, any(want))
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
