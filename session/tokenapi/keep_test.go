package tokenapi_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"sessiongate/session/tokenapi"
)

// Flask-JWT-Extended keeps the refresh token in a cookie and wants the value of another one beside
// it; other APIs want the user's id. What one answer says, the next call sends; what an answer does
// not mention stays.
func TestKeep(t *testing.T) {
	round := 0
	a := newAPI(t, func(w http.ResponseWriter, r *http.Request) {
		round++
		if r.URL.Path == "/me" {
			_, _ = io.WriteString(w, `{"sub":"u1"}`)
			return
		}
		http.SetCookie(w, &http.Cookie{Name: "rt", Value: fmt.Sprintf("rt-%d", round)})
		if r.URL.Path == "/login" {
			http.SetCookie(w, &http.Cookie{Name: "csrf", Value: "csrf-1"})
			_, _ = io.WriteString(w, `{"access_token":"a1","user":{"id":42}}`)
			return
		}
		if round == 5 {
			http.SetCookie(w, &http.Cookie{Name: "csrf", Value: "csrf-2"})
		}
		_, _ = io.WriteString(w, `{"access_token":"a2"}`)
	})
	p := a.provider(t, func(o *tokenapi.Options) {
		o.Keep = []string{"csrf: cookie:csrf", "uid: user.id"}
		o.Reply.RefreshToken = []string{"cookie:rt"}
		o.Refresh.RefreshToken = "cookie:rt"
		o.Refresh.Send = []string{"header:X-CSRF-TOKEN: {{keep.csrf}}", "userId: {{keep.uid}}"}
		o.Logout.RefreshToken, o.Logout.Send = "cookie:rt", []string{"cookie:csrf: {{keep.csrf}}"}
		o.Identity.From, o.Me.URL, o.Me.Send = tokenapi.FromMe, a.URL+"/me", []string{"header:X-User: {{keep.uid}}"}
	})
	g, err := p.Login(t.Context(), credentials())
	if err != nil || len(g.Tokens.Keep) != 2 || a.last(t).header.Get("X-User") != "42" {
		t.Fatalf("%v: %d kept, %+v", err, len(g.Tokens.Keep), a.last(t).header)
	}
	for i, want := range []string{"csrf-1", "csrf-1", "csrf-2"} {
		next := held()
		next.Tokens = g.Tokens
		if g, err = p.Refresh(t.Context(), next); err != nil {
			t.Fatal(err)
		}
		if r := a.asked[len(a.asked)-2]; r.uri != "/refresh" || r.header.Get("X-CSRF-TOKEN") != want || r.body != `{"userId":"42"}` {
			t.Errorf("refresh %d: %+v", i+1, r)
		}
	}
	if err := p.Revoke(t.Context(), g.Tokens); err != nil || a.last(t).header.Get("Cookie") != "rt=rt-7; csrf=csrf-2" {
		t.Errorf("logout: %v, %+v", err, a.last(t).header)
	}
}

// More than a record should hold is a fault of the configuration at a login, where nothing is lost.
// At a refresh the API has rotated: what was kept before stays.
func TestKeepTooMuch(t *testing.T) {
	a := newAPI(t, say(200, pair(jwt(ada()), "r2")[:1]+`"big":"`+strings.Repeat("x", 4<<10)+`",`+pair(jwt(ada()), "r2")[1:]))
	p := a.provider(t, func(o *tokenapi.Options) { o.Keep = []string{"small: token_type", "big: big"}; o.Logout.URL = "" })
	_, err := p.Login(t.Context(), credentials())
	if kind(err) != "misconfigured" || !strings.Contains(err.Error(), "keep.big") || strings.Contains(err.Error(), "xxx") {
		t.Errorf("%v", err)
	}
	r := held()
	r.Tokens.Keep = map[string]string{"big": "former"}
	g, err := p.Refresh(t.Context(), r)
	if err != nil || g.Tokens.Refresh != "r2" || g.Tokens.Keep["big"] != "former" {
		t.Errorf("%v, %q", err, g.Tokens.Keep["big"])
	}
}

func TestBadKeep(t *testing.T) {
	for line, want := range map[string]string{
		"csrf":          `"csrf": write "NAME: PLACE"`,
		"a.b: c":        "a name has letters",
		"a: query:x":    "write location:x",
		"a: header:x y": "not a header",
		"again: a":      `"again" is there twice`,
	} {
		a := newAPI(t, say(200, ""))
		o := a.options()
		o.Keep = []string{"again: x", line}
		if _, err := tokenapi.New(o); err == nil || !strings.Contains(err.Error(), "keep: ") || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", line, err, want)
		}
	}
}

// A cookie that the gateway keeps is not the page's as well.
func TestKeptCookiesAreHidden(t *testing.T) {
	a := newAPI(t, say(200, ""))
	p := a.provider(t, func(o *tokenapi.Options) {
		o.Keep = []string{"csrf: cookie:csrf_access_token", "uid: header:uid", "id: user.id"}
	})
	if places := p.TokenPlaces(); fmt.Sprint(places.Cookies, places.Headers, places.Fields) != "[csrf_access_token] [] [access_token refresh_token]" {
		t.Errorf("%+v", places)
	}
}
