package tokenapi_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"sessiongate/session"
	"sessiongate/session/tokenapi"
)

// TestCapture: which answers of the API carry a grant, and that tokens of which no session can be
// made are given back.
func TestCapture(t *testing.T) {
	access := jwt(ada())
	places := func(access, refresh []string) func(*tokenapi.Options) {
		return func(o *tokenapi.Options) { o.Reply.AccessToken, o.Reply.RefreshToken = access, refresh }
	}
	for name, row := range map[string]struct {
		status   int
		header   map[string][]string
		body     string
		change   func(*tokenapi.Options)
		want     string // kind, or "none"
		given    int    // back
		lifetime time.Duration
	}{
		"as a login":             {201, nil, pair(access, "r2"), nil, "ok", 0, 15 * time.Minute},
		"mail to be confirmed":   {201, nil, `{"message":"look into your mail"}`, nil, "none", 0, 0},
		"no body":                {204, nil, ``, nil, "none", 0, 0},
		"refused with a token":   {401, nil, pair(access, "r2"), nil, "none", 0, 0},
		"fault with a token":     {500, nil, pair(access, "r2"), nil, "none", 0, 0},
		"second place of a list": {200, nil, `{"data":` + pair(access, "r2") + `}`, places([]string{"token", "data.access_token"}, []string{"data.refresh_token"}), "ok", 0, 15 * time.Minute},
		"cookies": {
			200,
			map[string][]string{"Set-Cookie": {"at=" + access + "; Path=/", "rt=r2"}},
			``,
			places([]string{"cookie:at"}, []string{"cookie:rt"}), "ok", 0, 15 * time.Minute,
		},
		"header":           {200, map[string][]string{"Authorization": {"Bearer " + access}}, ``, places([]string{"header:authorization"}, nil), "ok", 0, 15 * time.Minute},
		"nobody":           {200, nil, pair(jwt(map[string]any{"name": "x"}), "r2"), nil, "misconfigured", 1, 0},
		"opaque":           {200, nil, pair("opaque", "r2"), nil, "misconfigured", 1, 0},
		"refresh with CR":  {200, nil, `{"access_token":"` + access + `","refresh_token":"a\r\nb"}`, nil, "misconfigured", 0, 0},
		"access with CR":   {200, nil, pair("a\r\nb", "r2"), nil, "misconfigured", 1, 0},
		"access too long":  {200, nil, pair(strings.Repeat("a", 20<<10), "r2"), nil, "misconfigured", 1, 0},
		"redirect without": {302, map[string][]string{"Location": {"/?error=access_denied"}}, ``, nil, "none", 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			a := newAPI(t, say(204, ``))
			p := a.provider(t, row.change)
			g, err := p.Capture(t.Context(), session.APIAnswer{Path: "/register", Status: row.status, Header: row.header, Body: []byte(row.body)},
				session.CaptureStart{Now: now, ClientIP: "203.0.113.9"})
			got := kind(err)
			if errors.Is(err, session.ErrNoGrant) {
				got = "none"
			}
			if got != row.want || a.count() != row.given || g.Lifetime != row.lifetime {
				t.Errorf("%s (%v), %d given back, lives %s", got, err, a.count(), g.Lifetime)
			}
			if row.want == "ok" && (g.Tokens.Access.Reveal() != access || g.Identity.Subject != "u1" || !g.Identity.AuthTime.Equal(now)) {
				t.Errorf("%+v", g.Identity)
			}
			if err != nil && strings.Contains(err.Error(), "eyJ") {
				t.Errorf("the error says too much: %v", err)
			}
		})
	}
}

// TestCaptureByMe: who registered is asked of the API, with the new token.
func TestCaptureByMe(t *testing.T) {
	a := newAPI(t, say(200, `{"id":7,"name":"Ada"}`))
	p := a.provider(t, func(o *tokenapi.Options) {
		o.Me.URL, o.Identity = a.URL+"/me", tokenapi.IdentitySource{From: tokenapi.FromMe, Subject: "id", Name: "name"}
	})
	g, err := p.Capture(t.Context(), session.APIAnswer{Status: 200, Body: []byte(pair("opaque-token", "r"))}, session.CaptureStart{Now: now})
	if err != nil || g.Identity.Subject != "7" || a.last(t).header.Get("Authorization") != "Bearer opaque-token" {
		t.Errorf("%+v, %v", g.Identity, err)
	}
}

// TestRefuses: only a no that is about the user counts as a guess.
func TestRefuses(t *testing.T) {
	a := newAPI(t, say(200, ``))
	p := a.provider(t, nil)
	for status, want := range map[int]bool{200: false, 401: true, 403: true, 422: true, 404: false, 409: false, 429: false, 500: false} {
		if p.AppCalls().Refuses(session.APIAnswer{Status: status, Body: []byte(`{}`)}) != want {
			t.Errorf("%d: %v", status, !want)
		}
	}
}

// TestUserName: the name is where our own request would have it, and nothing breaks the search.
func TestUserName(t *testing.T) {
	a := newAPI(t, say(200, ``))
	for name, row := range map[string]struct {
		change     func(*tokenapi.Endpoint)
		kind, body string
		want       string
	}{
		"field":        {nil, "application/json; charset=utf-8", `{"username":"ada","password":"x"}`, "ada"},
		"a form":       {nil, "application/x-www-form-urlencoded", `username=ada&password=x`, "ada"},
		"nested field": {func(e *tokenapi.Endpoint) { e.Username = "user.email" }, "application/json", `{"user":{"email":"ada"}}`, "ada"},
		"body template": {func(e *tokenapi.Endpoint) {
			template(e, `{"variables":{"name":"{{ username }}","pw":"{{password}}"}}`, "")
		}, "application/json", `{"variables":{"name":"ada"}}`, "ada"},
		"form template": {func(e *tokenapi.Endpoint) { template(e, `login={{username}}&pw={{password}}`, tokenapi.Form) }, "application/x-www-form-urlencoded", `login=ada`, "ada"},
		"elsewhere":     {nil, "application/json", `{"email":"ada"}`, ""},
		"an object":     {nil, "application/json", `{"username":{"$ne":1}}`, ""},
		"nonsense":      {nil, "text/plain", `%%%`, ""},
		"bad form":      {nil, "application/x-www-form-urlencoded", `%zz`, ""},
	} {
		p := a.provider(t, func(o *tokenapi.Options) {
			if row.change != nil {
				row.change(&o.Login)
			}
		})
		if got := p.AppCalls().UserName(row.kind, []byte(row.body)); got != row.want {
			t.Errorf("%s: %q", name, got)
		}
	}
}

func template(e *tokenapi.Endpoint, body string, encoding tokenapi.Encoding) {
	e.Username, e.Password, e.Body, e.Encoding = "", "", body, encoding
}

// TestAppAnswer has the shape of the API's own answers, at the last of the places: that is a
// refresh's where the two differ.
func TestAppAnswer(t *testing.T) {
	a := newAPI(t, say(200, ``))
	for name, row := range map[string]struct {
		reply  tokenapi.Reply
		body   string
		header string
	}{
		"usual":     {tokenapi.Reply{AccessToken: []string{"access_token"}, RefreshToken: []string{"refresh_token"}, ExpiresIn: []string{"expires_in"}}, `{"access_token":"session","expires_in":90,"refresh_token":"session"}`, ""},
		"lists":     {tokenapi.Reply{AccessToken: []string{"tokens.access", "data.token"}}, `{"data":{"token":"session"}}`, ""},
		"ms":        {tokenapi.Reply{AccessToken: []string{"t"}, ExpiresIn: []string{"ttl"}, ExpiresUnit: time.Millisecond}, `{"t":"session","ttl":90000}`, ""},
		"a string":  {tokenapi.Reply{AccessToken: []string{"."}}, `"session"`, ""},
		"header":    {tokenapi.Reply{AccessToken: []string{"header:Authorization"}}, `{}`, "Bearer session"},
		"a cookie":  {tokenapi.Reply{AccessToken: []string{"cookie:at"}}, `{}`, ""},
		"one place": {tokenapi.Reply{AccessToken: []string{"t"}, RefreshToken: []string{"t"}}, `{"t":"session"}`, ""},
	} {
		p := a.provider(t, func(o *tokenapi.Options) { o.Reply = row.reply })
		header, body, err := p.AppCalls().AppAnswer("session", 90*time.Second)
		if err != nil || string(body) != row.body || header["Authorization"] != row.header {
			t.Errorf("%s: %s %v %v", name, body, header, err)
		}
	}
}
