package routing

import (
	"errors"
	"net/url"
	"testing"
)

// An interpretation that only a lax server has is refused where it leads to a route that demands more, and
// nowhere else.
func TestLaxInterpretationsAreJudgedByWhatTheOtherRouteDemands(t *testing.T) {
	admin, editors := Require{Roles: []string{"admin"}}, Require{Roles: []string{"admin", "editor"}}
	for name, c := range map[string]struct {
		this, other Route
		refused     bool
	}{
		"the same":                     {Route{Require: admin}, Route{Require: admin}, false},
		"a session":                    {Route{Session: SessionOptional}, Route{}, true},
		"no session":                   {Route{}, Route{Session: SessionNone}, false},
		"a role":                       {Route{}, Route{Require: admin}, true},
		"no role":                      {Route{Require: admin}, Route{}, false},
		"one of more roles":            {Route{Require: admin}, Route{Require: editors}, false},
		"one of fewer roles":           {Route{Require: editors}, Route{Require: admin}, true},
		"another role":                 {Route{Require: admin}, Route{Require: Require{Roles: []string{"owner"}}}, true},
		"all roles":                    {Route{Require: editors}, Route{Require: Require{Roles: editors.Roles, All: true}}, true},
		"one of all":                   {Route{Require: Require{Roles: editors.Roles, All: true}}, Route{Require: admin}, false},
		"a scope":                      {Route{Require: admin}, Route{Require: Require{Roles: admin.Roles, Scopes: []string{"x"}}}, true},
		"a class of sign-in":           {Route{}, Route{Require: Require{ACR: []string{"gold"}}}, true},
		"a fresher sign-in":            {Route{Require: Require{AuthAge: 2}}, Route{Require: Require{AuthAge: 1}}, true},
		"an older sign-in":             {Route{Require: Require{AuthAge: 1}}, Route{Require: Require{AuthAge: 2}}, false},
		"fewer methods":                {Route{}, Route{Methods: []string{"GET"}}, true},
		"the same methods":             {Route{Methods: []string{"HEAD"}}, Route{Methods: []string{"GET"}}, false},
		"more methods":                 {Route{Methods: []string{"GET"}}, Route{}, false},
		"a smaller body":               {Route{BodyLimit: 2}, Route{BodyLimit: 1}, true},
		"some limit":                   {Route{}, Route{BodyLimit: 1}, true},
		"no body":                      {Route{BodyLimit: 1}, Route{BodyLimit: NoBody}, true},
		"a larger body":                {Route{BodyLimit: 1}, Route{BodyLimit: 2}, false},
		"but this one minds the case":  {Route{CaseSensitive: true}, Route{Require: admin}, false},
		"but that one minds the case":  {Route{}, Route{Require: admin, CaseSensitive: true}, false},
		"and the case is all it minds": {Route{CaseSensitive: true, Session: SessionNone}, Route{}, false},
	} {
		up := []*url.URL{{Scheme: "http", Host: "app"}}
		c.this.Path, c.other.Path = "/", "/Büro/admin/"
		c.this.Upstreams, c.other.Upstreams = up, up
		table, err := NewTable([]*Route{&c.this, &c.other}, nil)
		if err != nil {
			t.Fatal(err)
		}
		for _, target := range []string{"/büro/admin/x", "/B%C3%9CRO/ADMIN", "/%42%C3%BCro/adm\u0131n"} {
			if _, err := table.Match(target); errors.Is(err, ErrBadPath) != c.refused {
				t.Errorf("%s: %s: %v", name, target, err)
			}
		}
		for _, target := range []string{"/Büro/admin.json", "/Büro/admin.", "/Büro%20/admin/x"} {
			refused := c.other.demandsMore(&c.this) // case or not
			if _, err := table.Match(target); errors.Is(err, ErrBadPath) != refused {
				t.Errorf("%s: %s: %v", name, target, err)
			}
		}
		if m, err := table.Match("/Büro/admin/x"); err != nil || m.Route != &c.other {
			t.Errorf("%s: its own path: %v", name, err)
		}
	}
}

// Two routes that differ in case alone are the operator's own words.
func TestRoutesThatDifferInCaseAlone(t *testing.T) {
	up := []*url.URL{{Scheme: "http", Host: "app"}}
	table, err := NewTable([]*Route{
		{Path: "/Api/", Upstreams: up, Require: Require{Roles: []string{"admin"}}},
		{Path: "/api/", Upstreams: up},
		{Path: "/", Upstreams: up},
		{Path: "/Only", Exact: true, Upstreams: up, Methods: []string{"GET"}},
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	for target, want := range map[string]string{
		"/api/x": "/api/", "/Api/x": "/Api/", "/aPi/x": "", "/only": "", "/ONLY/": "", "/only/x": "/", "/Only": "/Only", "/Only.json": "",
	} {
		m, err := table.Match(target)
		if want == "" && !errors.Is(err, ErrBadPath) || want != "" && (err != nil || m.Route.Path != want) {
			t.Errorf("%s: %+v, %v; want %q", target, m, err, want)
		}
	}
}

func TestLaxInterpretationsCostNothing(t *testing.T) {
	table := blockingTable(t)
	for _, target := range []string{"/assets/App.js", "/api/Orders/17.json", "/api/orders./"} {
		if n := testing.AllocsPerRun(100, func() { _, _ = table.Match(target) }); n > 0 {
			t.Errorf("%s: %v allocations", target, n)
		}
	}
}
