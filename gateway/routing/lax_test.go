package routing

import (
	"errors"
	"net/url"
	"testing"
)

// An interpretation that only a lax server has is refused where it leads to a route that demands
// more, and nowhere else.
func TestLaxInterpretationsAreJudgedByWhatTheOtherRouteDemands(t *testing.T) {
	admin, editors := Require{Roles: []string{"admin"}}, Require{Roles: []string{"admin", "editor"}}
	for name, c := range map[string]struct {
		this, other Route
		refused     bool
	}{
		"the same":                     {Route{Access: Access{Require: admin}}, Route{Access: Access{Require: admin}}, false},
		"a session":                    {Route{Access: Access{Session: SessionOptional}}, Route{}, true},
		"no session":                   {Route{}, Route{Access: Access{Session: SessionNone}}, false},
		"a role":                       {Route{}, Route{Access: Access{Require: admin}}, true},
		"no role":                      {Route{Access: Access{Require: admin}}, Route{}, false},
		"one of more roles":            {Route{Access: Access{Require: admin}}, Route{Access: Access{Require: editors}}, false},
		"one of fewer roles":           {Route{Access: Access{Require: editors}}, Route{Access: Access{Require: admin}}, true},
		"another role":                 {Route{Access: Access{Require: admin}}, Route{Access: Access{Require: Require{Roles: []string{"owner"}}}}, true},
		"all roles":                    {Route{Access: Access{Require: editors}}, Route{Access: Access{Require: Require{Roles: editors.Roles, All: true}}}, true},
		"one of all":                   {Route{Access: Access{Require: Require{Roles: editors.Roles, All: true}}}, Route{Access: Access{Require: admin}}, false},
		"a scope":                      {Route{Access: Access{Require: admin}}, Route{Access: Access{Require: Require{Roles: admin.Roles, Scopes: []string{"x"}}}}, true},
		"a class of sign-in":           {Route{}, Route{Access: Access{Require: Require{ACR: []string{"gold"}}}}, true},
		"a fresher sign-in":            {Route{Access: Access{Require: Require{AuthAge: 2}}}, Route{Access: Access{Require: Require{AuthAge: 1}}}, true},
		"an older sign-in":             {Route{Access: Access{Require: Require{AuthAge: 1}}}, Route{Access: Access{Require: Require{AuthAge: 2}}}, false},
		"fewer methods":                {Route{}, Route{Access: Access{Methods: []string{"GET"}}}, true},
		"the same methods":             {Route{Access: Access{Methods: []string{"HEAD"}}}, Route{Access: Access{Methods: []string{"GET"}}}, false},
		"more methods":                 {Route{Access: Access{Methods: []string{"GET"}}}, Route{}, false},
		"a smaller body":               {Route{Body: Body{Limit: 2}}, Route{Body: Body{Limit: 1}}, true},
		"some limit":                   {Route{}, Route{Body: Body{Limit: 1}}, true},
		"no body":                      {Route{Body: Body{Limit: 1}}, Route{Body: Body{Limit: NoBody}}, true},
		"a larger body":                {Route{Body: Body{Limit: 1}}, Route{Body: Body{Limit: 2}}, false},
		"but this one minds the case":  {Route{CaseSensitive: true}, Route{Access: Access{Require: admin}}, false},
		"but that one minds the case":  {Route{}, Route{Access: Access{Require: admin}, CaseSensitive: true}, false},
		"and the case is all it minds": {Route{CaseSensitive: true, Access: Access{Session: SessionNone}}, Route{}, false},
	} {
		up := []*url.URL{{Scheme: "http", Host: "app"}}
		c.this.Path, c.other.Path = "/", "/Büro/admin/"
		c.this.Upstream.Addresses, c.other.Upstream.Addresses = up, up
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
		{Path: "/Api/", Upstream: Upstream{Addresses: up}, Access: Access{Require: Require{Roles: []string{"admin"}}}},
		{Path: "/api/", Upstream: Upstream{Addresses: up}},
		{Path: "/", Upstream: Upstream{Addresses: up}},
		{Path: "/Only", Exact: true, Upstream: Upstream{Addresses: up}, Access: Access{Methods: []string{"GET"}}},
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
