package gateway

import (
	"slices"
	"strings"
	"time"

	"sessiongate/gateway/proxy"
	"sessiongate/session"
)

// permits checks what a route requires of a session. The answer names what is
// missing: the person is signed in and may know.
func permits(require proxy.Require, found *session.Session, now time.Time) *problem {
	id := found.Identity()
	if age := require.AuthAge; age > 0 && now.Sub(id.AuthTime) > age {
		return &problem{
			Status: 401, Code: "reauthentication_required", Title: "Sign in again", Login: true,
			Detail: "This needs a sign-in no longer ago than " + age.String() + ".",
		}
	}
	missing := lacking(require.Roles, require.All, func(r string) bool { return slices.Contains(id.Roles, r) })
	if missing != "" {
		return forbidden("role", missing)
	}
	missing = lacking(require.Scopes, require.All, func(s string) bool { return hasScope(id.Scopes, s) })
	if missing != "" {
		return forbidden("scope", missing)
	}
	return nil
}

func forbidden(what, missing string) *problem {
	return &problem{
		Status: 403, Code: "forbidden", Title: "Not allowed", Detail: "This needs the " + what + " " + missing + ".",
	}
}

// lacking returns what is wanted and not there, in words; "" if satisfied.
func lacking(want []string, all bool, has func(string) bool) string {
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
