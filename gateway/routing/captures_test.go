package routing_test

import (
	"testing"

	"sessiongate/gateway/routing"
)

func TestCaptures(t *testing.T) {
	c := routing.NewCaptures([]routing.Capture{
		{Path: "/auth/register", Methods: []string{"POST"}, Statuses: []int{200, 201}},
		{Path: "/auth/google/callback", Methods: []string{"GET"}, Begins: "/auth/google"},
		{Path: "/token", Methods: []string{"POST"}, Call: routing.CallLogin},
		{Path: "/token", Methods: []string{"POST"}, Call: routing.CallRefresh},
		{Path: "/auth/logout", Methods: []string{"DELETE"}, Call: routing.CallLogout},
	})
	for _, row := range []struct {
		method, path  string
		found, hidden bool
		begins        int
	}{
		{"POST", "/auth/register", true, false, 0},
		{"POST", "/Auth/Register/", true, false, 0},
		{"POST", "/auth/register.json", true, false, 0},
		{"POST", "/auth//register", true, false, 0},
		{"POST", "/auth/%72egister", true, false, 0},
		{"POST", "/auth/x/../register", true, false, 0},
		{"GET", "/auth/register", false, false, 0},
		{"POST", "/auth/registered", false, false, 0},
		{"POST", "/auth/register/more", false, false, 0},
		{"GET", "/auth/google", false, false, 1},
		{"POST", "/auth/google", false, false, 0},
		{"GET", "/auth/google/callback", true, false, 0},
		{"POST", "/token", true, false, 0},
		{"GET", "/token", false, true, 0},
		{"POST", "/auth/logout", false, true, 0},
		{"DELETE", "/auth/logout", true, false, 0},
		{"GET", "/", false, false, 0},
	} {
		f := c.Find(row.method, row.path)
		if (f.Capture != nil) != row.found || f.Hidden != row.hidden || len(f.Begins) != row.begins {
			t.Errorf("%s %s: %+v", row.method, row.path, f)
		}
	}
	if other := c.Other("POST", "/token"); other == nil || other.Call != routing.CallRefresh || c.Other("DELETE", "/auth/logout") != nil {
		t.Error("login and refresh at one path")
	}
	if f := (*routing.Captures)(nil).Find("POST", "/"); f.Capture != nil || routing.NewCaptures(nil) != nil {
		t.Error("no captures")
	}
	for status, want := range map[int][2]bool{200: {true, false}, 201: {true, false}, 204: {}, 302: {false, true}, 401: {}} {
		post := routing.Capture{Statuses: []int{200, 201}}
		get := routing.Capture{Begins: "/x"}
		if post.SignsIn(status) != want[0] || get.SignsIn(status) != want[1] {
			t.Errorf("%d", status)
		}
	}
	if n := testing.AllocsPerRun(100, func() { c.Find("POST", "/orders/7") }); n != 0 {
		t.Errorf("%v allocations for a path that is none", n)
	}
}
