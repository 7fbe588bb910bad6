package app

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"sessiongate/gateway/problem"
	"sessiongate/gateway/routing"
	"sessiongate/session"
)

// authorize checks what a route requires of whoever is signed in. The answer names
// what is missing: the person is known and may know.
func authorize(require routing.Require, id *session.Identity, authAge time.Duration) *problem.Problem {
	if p := stepUp(require, id, authAge); p != nil {
		return p
	}
	lacks := missing(require.Roles, require.All, func(r string) bool { return slices.Contains(id.Roles, r) })
	if lacks != "" {
		p := problem.Forbidden("role", lacks)
		p.Cause = leftOut(id)
		return p
	}
	lacks = missing(require.Scopes, require.All, func(s string) bool { return hasScope(id.Scopes, s) })
	if lacks != "" {
		return problem.Forbidden("scope", lacks)
	}
	return nil
}

// leftOut says which claims the provider did not send because there are too many, as
// Microsoft Entra does with groups (OpenID Connect Core §5.6.2); nil: none. The log
// then has the reason why somebody lacks a role.
func leftOut(id *session.Identity) error {
	if !bytes.Contains(id.Claims, []byte("_claim_names")) {
		return nil
	}
	var claims struct {
		Names map[string]any `json:"_claim_names"`
	}
	_ = json.Unmarshal(id.Claims, &claims) // what is no object has no claims
	if len(claims.Names) == 0 {
		return nil
	}
	names := strings.Join(slices.Sorted(maps.Keys(claims.Names)), ", ")
	return fmt.Errorf("the provider left out the claims %s of this user, who has too many of them: "+
		"assign app roles, or groups to the application only", session.PlainText(names, 128))
}

// humanDuration spells a duration without the zero parts that [time.Duration] shows.
func humanDuration(d time.Duration) string {
	text := d.String()
	for _, zero := range []string{"m0s", "h0m"} {
		if strings.HasSuffix(text, zero) {
			text = strings.TrimSuffix(text, zero[1:])
		}
	}
	return text
}

// missing returns what is wanted and not there, in words; "" if satisfied.
func missing(want []string, all bool, has func(string) bool) string {
	if len(want) == 0 {
		return ""
	}
	if all {
		return strings.Join(slices.DeleteFunc(slices.Clone(want), has), " and ")
	}
	if slices.ContainsFunc(want, has) {
		return ""
	}
	return strings.Join(want, " or ")
}

// hasScope matches scopes by their hierarchy: "orders:*" grants "orders" and
// everything below it.
func hasScope(granted []string, want string) bool {
	return slices.ContainsFunc(granted, func(g string) bool {
		if g == want {
			return true
		}
		base, wild := strings.CutSuffix(g, ":*")
		return wild && (want == base || strings.HasPrefix(want, base+":"))
	})
}
