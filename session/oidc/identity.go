package oidc

import (
	"encoding/json"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"sessiongate/session"
)

// claimSet is what the provider says about the user. Names are exact (RFC 7519
// §4), and numbers are [json.Number].
type claimSet map[string]any

// users tells who signed in, by what the provider signs and says. It is safe for
// concurrent use.
type users struct {
	o      Options
	client *client

	warnedLeftOut sync.Once // that roles are not sent
}

// identity reads the user out of the claims.
func (u *users) identity(c claimSet, granted string) session.Identity {
	id := session.Identity{
		Subject:  c.text("sub"),
		Name:     c.text("name", "preferred_username", "email", "sub"),
		Provider: u.o.Name,
		Roles:    roles(c, u.o.RolesClaim),
		Scopes:   strings.Fields(granted),
		Claims:   c.further(),
		ACR:      c.text("acr"),
		SID:      c.text("sid"),
	}
	id.AuthTime, _ = c.time("auth_time")
	if granted == "" {
		id.Scopes = slices.Clone(u.o.Scopes) // RFC 6749 §5.1: the same as asked for
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
		"typ", "_claim_sources",
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

// roles reads the claim at path, see [session.ClaimValues] and [session.ClaimWords].
func roles(c claimSet, path string) (list []string) {
	if path == "" {
		return nil
	}
	for _, v := range session.ClaimValues(c, path) {
		list = append(list, session.ClaimWords(v)...)
	}
	return list[:min(len(list), maxRoles)]
}

// maxRoles bounds the roles of one user. What is beyond is not granted.
const maxRoles = 1000

// leftOut is the claim with the roles, if the provider says that there is more of it
// than fits (Core §5.6.2): Microsoft Entra leaves out the groups of whoever has more
// than 200. Empty: it is there, or the user has none.
func (c claimSet) leftOut(path string) string {
	elsewhere, _ := c["_claim_names"].(map[string]any)
	for end := len(path); end > 0; end = strings.LastIndexByte(path[:end], '.') {
		name := path[:end]
		_, there := c[name]
		if _, named := elsewhere[name]; named && !there {
			return name
		}
	}
	return ""
}

// leftOut says, once, that this provider does not send all roles.
func (u *users) leftOut(c claimSet) string {
	name := c.leftOut(u.o.RolesClaim)
	if name != "" {
		u.warnedLeftOut.Do(func() {
			u.o.Log.Warn("the provider leaves out the claim with the roles of users who have too many: they have no roles here; "+
				"in Microsoft Entra, assign app roles, or groups to the application only",
				slog.String("provider", u.o.Name), slog.String("claim", name))
		})
	}
	return name
}

// renewed is the identity after a refresh. When and how the user signed in, and the
// provider's session, do not change with it; many providers leave them out here.
func (u *users) renewed(old session.Identity, c claimSet, scope string) session.Identity {
	switch {
	case c == nil:
		return old
	case c.text("sub") != old.Subject:
		old.Subject = c.text("sub")
		return old
	}
	id := u.identity(c, scope)
	if scope == "" {
		id.Scopes = old.Scopes
	}
	id.AuthTime, id.SID = old.AuthTime, old.SID
	if id.ACR == "" {
		id.ACR = old.ACR
	}
	return id
}
