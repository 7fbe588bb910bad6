package app

import (
	"strings"
	"testing"
	"time"

	"sessiongate/gateway/routing"
	"sessiongate/session"
)

// TestAuthorize: what a route requires against what somebody has.
func TestAuthorize(t *testing.T) {
	person := session.Identity{
		Provider: "local", Roles: []string{"user", "editor"}, Scopes: []string{"orders:*", "profile", "admin:users:read"},
	}
	for name, row := range map[string]struct {
		require routing.Require
		age     time.Duration
		want    string // part of the answer; empty: permitted
	}{
		"nothing":               {routing.Require{}, 0, ""},
		"a role":                {routing.Require{Roles: []string{"editor"}}, 0, ""},
		"no such role":          {routing.Require{Roles: []string{"admin"}}, 0, "role admin"},
		"roles have no levels":  {routing.Require{Roles: []string{"use"}}, 0, "role use"},
		"any role":              {routing.Require{Roles: []string{"admin", "user"}}, 0, ""},
		"none of the roles":     {routing.Require{Roles: []string{"admin", "root"}}, 0, "role admin or root"},
		"all roles":             {routing.Require{Roles: []string{"user", "editor"}, All: true}, 0, ""},
		"not all roles":         {routing.Require{Roles: []string{"user", "admin", "root"}, All: true}, 0, "role admin and root."},
		"a scope":               {routing.Require{Scopes: []string{"profile"}}, 0, ""},
		"below a wildcard":      {routing.Require{Scopes: []string{"orders:read"}}, 0, ""},
		"far below":             {routing.Require{Scopes: []string{"orders:read:all"}}, 0, ""},
		"the wildcard's parent": {routing.Require{Scopes: []string{"orders"}}, 0, ""},
		"beside the wildcard":   {routing.Require{Scopes: []string{"ordersheet"}}, 0, "scope ordersheet"},
		"above what is held":    {routing.Require{Scopes: []string{"admin:users"}}, 0, "scope admin:users"},
		"not the prefix":        {routing.Require{Scopes: []string{"profile:write"}}, 0, "scope profile:write"},
		"a wildcard is asked":   {routing.Require{Scopes: []string{"orders:*"}}, 0, ""},
		"one of two scopes":     {routing.Require{Scopes: []string{"x", "profile"}}, 0, ""},
		"not both scopes":       {routing.Require{Scopes: []string{"x", "profile"}, All: true}, 0, "scope x."},
		"role but no scope":     {routing.Require{Roles: []string{"user"}, Scopes: []string{"x"}}, 0, "scope x"},
		"scope but no role":     {routing.Require{Roles: []string{"x"}, Scopes: []string{"profile"}}, 0, "role x"},
		"signed in just now":    {routing.Require{AuthAge: 5 * time.Minute}, 5 * time.Minute, ""},
		"signed in long ago":    {routing.Require{AuthAge: 5 * time.Minute}, 5*time.Minute + 1, "5m."},
		"old, whatever roles":   {routing.Require{AuthAge: time.Hour, Roles: []string{"admin"}}, 2 * time.Hour, "1h."},
	} {
		p := authorize(row.require, &person, row.age)
		switch {
		case row.want == "" && p != nil:
			t.Errorf("%s: %v", name, p)
		case row.want == "":
		case p == nil || !strings.Contains(p.Detail, row.want):
			t.Errorf("%s: %+v, want %q", name, p, row.want)
		case p.Status == 401 != strings.Contains(p.Challenge, "insufficient_user_authentication"):
			t.Errorf("%s: %d with challenge %q", name, p.Status, p.Challenge)
		}
	}
}
