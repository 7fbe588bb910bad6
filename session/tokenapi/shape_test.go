package tokenapi_test

import (
	"fmt"
	"io"
	"net/http"
	"testing"
	"time"

	"sessiongate/session"
	"sessiongate/session/tokenapi"
)

// How a login is written.
func TestLoginShapes(t *testing.T) {
	nasty := session.Credentials{Username: `a"b{{password}}&c=1`, Password: "p'+ %\\\n{}é", Now: now}
	for name, row := range map[string]struct {
		login      tokenapi.Endpoint
		body, kind string
	}{
		"fields": {tokenapi.Endpoint{}, `{"password":"p'+ %\\\n{}é","username":"a\"b{{password}}\u0026c=1"}`, "application/json"},
		"nested": {
			tokenapi.Endpoint{Username: "user.email", Password: "user.password"},
			`{"user":{"email":"a\"b{{password}}\u0026c=1","password":"p'+ %\\\n{}é"}}`, "application/json",
		},
		"form": {
			tokenapi.Endpoint{Encoding: tokenapi.Form, Username: "email"},
			"email=a%22b%7B%7Bpassword%7D%7D%26c%3D1&password=p%27%2B+%25%5C%0A%7B%7D%C3%A9", "application/x-www-form-urlencoded",
		},
		"JSON template": {
			tokenapi.Endpoint{Body: `{"v": 12345678901234567890, "list": [true, null, "u:{{ username }}"], "p": "<{{password}}>"}`},
			`{"list":[true,null,"u:a\"b{{password}}\u0026c=1"],"p":"\u003cp'+ %\\\n{}é\u003e","v":12345678901234567890}`, "application/json",
		},
		"JSON text": {tokenapi.Endpoint{Body: `"{{username}}:{{password}}"`}, `"a\"b{{password}}\u0026c=1:p'+ %\\\n{}é"`, "application/json"},
		"form template": {
			tokenapi.Endpoint{Encoding: tokenapi.Form, Body: "grant_type=password&username={{username}}&scope=a+b&password={{password}}"},
			"grant_type=password&password=p%27%2B+%25%5C%0A%7B%7D%C3%A9&scope=a+b&username=a%22b%7B%7Bpassword%7D%7D%26c%3D1", "application/x-www-form-urlencoded",
		},
	} {
		a := newAPI(t, say(200, pair(jwt(ada()), "r")))
		p := a.provider(t, func(o *tokenapi.Options) {
			row.login.URL, row.login.Method = o.Login.URL, "PUT"
			o.Login = row.login
		})
		if _, err := p.Login(t.Context(), nasty); err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if r := a.last(t); r.body != row.body || r.header.Get("Content-Type") != row.kind || r.method != "PUT" {
			t.Errorf("%s: %s %q %s, want %q", name, r.method, r.body, r.header.Get("Content-Type"), row.body)
		}
	}
}

// How a refresh carries its tokens.
func TestRefreshShapes(t *testing.T) {
	for name, row := range map[string]struct {
		refresh tokenapi.Endpoint
		want    request
	}{
		"default": {tokenapi.Endpoint{}, request{body: `{"refresh_token":"refresh-1"}`}},
		"bearer":  {tokenapi.Endpoint{RefreshToken: "header:authorization"}, request{header: http.Header{"Authorization": {"Bearer refresh-1"}}}},
		"GET":     {tokenapi.Endpoint{Method: "GET", RefreshToken: "header:X-Refresh"}, request{method: "GET", header: http.Header{"X-Refresh": {"refresh-1"}}}},
		"cookie":  {tokenapi.Endpoint{RefreshToken: "cookie:rt"}, request{header: http.Header{"Cookie": {"rt=refresh-1"}}}},
		"cookies": {tokenapi.Endpoint{RefreshToken: "cookie:rt", AccessToken: "cookie:at"}, request{header: http.Header{"Cookie": {"rt=refresh-1; at=access-1"}}}},
		"form":    {tokenapi.Endpoint{Encoding: tokenapi.Form, RefreshToken: "token"}, request{body: "token=refresh-1"}},
		"both": {
			tokenapi.Endpoint{RefreshToken: "refresh", AccessToken: "header:Authorization"},
			request{body: `{"refresh":"refresh-1"}`, header: http.Header{"Authorization": {"Bearer access-1"}}},
		},
		"access only": {tokenapi.Endpoint{AccessToken: "header:Authorization"}, request{header: http.Header{"Authorization": {"Bearer access-1"}}}},
		"template": {
			tokenapi.Endpoint{Encoding: tokenapi.Form, Body: "grant_type=refresh_token&refresh_token={{refresh_token}}"},
			request{body: "grant_type=refresh_token&refresh_token=refresh-1"},
		},
	} {
		a := newAPI(t, say(200, pair(jwt(ada()), "r2")))
		p := a.provider(t, func(o *tokenapi.Options) { row.refresh.URL = o.Refresh.URL; o.Refresh = row.refresh })
		if _, err := p.Refresh(t.Context(), held()); err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		r := a.last(t)
		if r.body != row.want.body || row.want.method != "" && r.method != row.want.method {
			t.Errorf("%s: %s %q", name, r.method, r.body)
		}
		for _, h := range []string{"Authorization", "Cookie", "X-Refresh"} {
			if r.header.Get(h) != row.want.header.Get(h) {
				t.Errorf("%s: %s: %q, want %q", name, h, r.header.Get(h), row.want.header.Get(h))
			}
		}
	}
}

// A token that would break out of a header or a cookie is never sent.
func TestTokensThatCannotBeCarried(t *testing.T) {
	a := newAPI(t, say(200, pair(jwt(ada()), "r2")))
	for place, bad := range map[string]string{"cookie:rt": "a;admin=1", "header:X-T": "a\r\nX-Evil: 1", "header:Authorization": "a b"} {
		p := a.provider(t, func(o *tokenapi.Options) { o.Refresh.RefreshToken = place })
		r := held()
		r.Tokens.Refresh = session.Secret(bad)
		if _, err := p.Refresh(t.Context(), r); kind(err) != "misconfigured" || a.count() != 0 {
			t.Errorf("%s %q: %v, %d requests", place, bad, err, a.count())
		}
	}
}

// Where the tokens stand in an answer, and how long the access token lives.
func TestReplyShapes(t *testing.T) {
	token := jwt(ada())
	plain := map[string]any{"sub": "u1"}
	skewed := map[string]any{"sub": "u1", "iat": now.Add(time.Hour).Unix(), "exp": now.Add(time.Hour + 5*time.Minute).Unix()}
	behind := map[string]any{"sub": "u1", "iat": now.Add(-time.Hour).Unix(), "exp": now.Add(-50 * time.Minute).Unix()}
	old := map[string]any{"sub": "u1", "iat": now.Add(-4 * time.Minute).Unix(), "exp": now.Add(time.Minute).Unix()}
	over := map[string]any{"sub": "u1", "exp": now.Add(-time.Hour).Unix()}
	forever := map[string]any{"sub": "u1", "iat": now.Unix(), "exp": now.Add(20 * 365 * 24 * time.Hour).Unix()}
	text := func(format string, args ...any) http.HandlerFunc { return say(200, fmt.Sprintf(format, args...)) }
	for name, row := range map[string]struct {
		answer  http.HandlerFunc
		reply   tokenapi.Reply
		access  string
		refresh string
		life    time.Duration
	}{
		"nested":     {text(`{"data":{"tokens":[{"t":%q},{"t":"r"}]}}`, token), tokenapi.Reply{AccessToken: []string{"data.tokens.0.t"}, RefreshToken: []string{"data.tokens.1.t"}}, token, "r", 15 * time.Minute},
		"dotted key": {text(`{"a.b":{"c":%q}}`, token), tokenapi.Reply{AccessToken: []string{"a.b.c"}}, token, "", 15 * time.Minute},
		"whole body": {text(`%q`, token), tokenapi.Reply{AccessToken: []string{"."}}, token, "", 15 * time.Minute},
		"plain text": {text("%s\n", token), tokenapi.Reply{AccessToken: []string{"."}}, token, "", 15 * time.Minute},
		"headers": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Authorization", "bearer "+token)
			w.Header().Set("X-Refresh", "r")
			w.Header().Set("X-Expires", "90")
			_, _ = io.WriteString(w, "not json")
		}, tokenapi.Reply{AccessToken: []string{"header:Authorization"}, RefreshToken: []string{"header:x-refresh"}, ExpiresIn: []string{"header:X-Expires"}}, token, "r", 90 * time.Second},
		"cookies": {func(w http.ResponseWriter, _ *http.Request) {
			http.SetCookie(w, &http.Cookie{Name: "at", Value: "old"})
			http.SetCookie(w, &http.Cookie{Name: "at", Value: token})
			http.SetCookie(w, &http.Cookie{Name: "rt", Value: "gone", MaxAge: -1})
			w.WriteHeader(201)
		}, tokenapi.Reply{AccessToken: []string{"cookie:at"}, RefreshToken: []string{"cookie:rt"}}, token, "", 15 * time.Minute},
		"expires_in":        {text(`{"access_token":%q,"expires_in":120}`, token), tokenapi.Reply{ExpiresIn: []string{"expires_in"}}, token, "", 2 * time.Minute},
		"expires_in text":   {text(`{"access_token":%q,"expires_in":"1.5"}`, token), tokenapi.Reply{ExpiresIn: []string{"expires_in"}}, token, "", 1500 * time.Millisecond},
		"expires_in zero":   {text(`{"access_token":%q,"expires_in":0}`, token), tokenapi.Reply{ExpiresIn: []string{"expires_in"}}, token, "", 15 * time.Minute},
		"expires_in absurd": {text(`{"access_token":%q,"expires_in":1e300}`, token), tokenapi.Reply{ExpiresIn: []string{"expires_in"}}, token, "", 15 * time.Minute},
		"both absurd":       {text(`{"access_token":%q,"expires_in":1e300}`, jwt(forever)), tokenapi.Reply{ExpiresIn: []string{"expires_in"}}, jwt(forever), "", 365 * 24 * time.Hour},
		"exp is later":      {text(`{"access_token":%q,"expires_in":60}`, token), tokenapi.Reply{ExpiresIn: []string{"expires_in"}}, token, "", time.Minute},
		"exp is sooner":     {text(`{"access_token":%q,"expires_in":3600000}`, token), tokenapi.Reply{ExpiresIn: []string{"expires_in"}}, token, "", 15 * time.Minute},
		"milliseconds":      {text(`{"access_token":%q,"expires_in":900000}`, jwt(plain)), tokenapi.Reply{ExpiresIn: []string{"expires_in"}, ExpiresUnit: time.Millisecond}, jwt(plain), "", 15 * time.Minute},
		"exp is over":       {text(`{"access_token":%q,"expires_in":60}`, jwt(over)), tokenapi.Reply{ExpiresIn: []string{"expires_in"}}, jwt(over), "", time.Minute},
		"expires_in NaN":    {text(`{"access_token":%q,"expires_in":"NaN"}`, token), tokenapi.Reply{ExpiresIn: []string{"expires_in"}}, token, "", 15 * time.Minute},
		"no exp":            {text(`{"access_token":%q}`, jwt(plain)), tokenapi.Reply{}, jwt(plain), "", 7 * time.Minute},
		"API ahead of us":   {text(`{"access_token":%q}`, jwt(skewed)), tokenapi.Reply{}, jwt(skewed), "", 5 * time.Minute},
		"API behind us":     {text(`{"access_token":%q}`, jwt(behind)), tokenapi.Reply{}, jwt(behind), "", 10 * time.Minute},
		"handed out again":  {text(`{"access_token":%q}`, jwt(old)), tokenapi.Reply{}, jwt(old), "", time.Minute},
	} {
		a := newAPI(t, row.answer)
		p := a.provider(t, func(o *tokenapi.Options) { o.Reply, o.Lifetime = row.reply, 7*time.Minute })
		g, err := p.Login(t.Context(), credentials())
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if g.Tokens.Access.Reveal() != row.access || g.Tokens.Refresh.Reveal() != row.refresh || g.Lifetime != row.life {
			t.Errorf("%s: refresh %q, lifetime %v; want %q, %v", name, g.Tokens.Refresh.Reveal(), g.Lifetime, row.refresh, row.life)
		}
	}
}

// Who the user is, from each source.
func TestIdentitySources(t *testing.T) {
	describe := `{"user":{"id":12345678901234567890,"full":"Ada L.","groups":["a",7,null,{"x":1},""],"scp":"x  y"}}`
	source := tokenapi.IdentitySource{Subject: "user.id", Name: "user.full", Roles: []string{"user.groups"}, Scopes: []string{"user.scp"}}
	check := func(name string, g session.Grant, err error) {
		t.Helper()
		id := g.Identity
		if err != nil || id.Subject != "12345678901234567890" || id.Name != "Ada L." || fmt.Sprint(id.Roles) != "[a 7]" || fmt.Sprint(id.Scopes) != "[x y]" {
			t.Errorf("%s: %+v, %v", name, id, err)
		}
	}
	reply := newAPI(t, say(200, `{"access_token":"opaque","refresh_token":"r",`+describe[1:]))
	source.From = tokenapi.FromReply
	p := reply.provider(t, func(o *tokenapi.Options) { o.Identity = source })
	g, err := p.Login(t.Context(), credentials())
	check("reply", g, err)

	me := newAPI(t, func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.URL.Path == "/login":
			_, _ = io.WriteString(w, pair("opaque", "r"))
		case r.Method == "GET" && r.Header.Get("Authorization") == "Bearer opaque":
			_, _ = io.WriteString(w, describe)
		}
	})
	source.From = tokenapi.FromMe
	p = me.provider(t, func(o *tokenapi.Options) { o.Identity, o.Me.URL = source, me.URL+"/me" })
	g, err = p.Login(t.Context(), credentials())
	check("me", g, err)
	if p.Timeout() != 20*time.Second {
		t.Errorf("Timeout() = %v, want room for two calls", p.Timeout())
	}
}

// A user described at login only stays described.
func TestRefreshReplyWithoutUser(t *testing.T) {
	for reply, want := range map[string]string{
		`{"access_token":"a2"}`:                          "[user]",
		`{"access_token":"a2","sub":"u1"}`:               "[user]",
		`{"access_token":"a2","sub":"u1","role":"boss"}`: "[boss]",
		`{"access_token":"a2","sub":"u1","role":[]}`:     "[]",
	} {
		a := newAPI(t, say(200, reply))
		p := a.provider(t, func(o *tokenapi.Options) { o.Identity.From = tokenapi.FromReply })
		g, err := p.Refresh(t.Context(), held())
		if err != nil || g.Identity.Subject != "u1" || g.Identity.Name != "Ada" || fmt.Sprint(g.Identity.Roles) != want {
			t.Errorf("%s: %+v, %v", reply, g.Identity, err)
		}
	}
}

// The endpoint that describes the user fails: at login that is a fault, at a refresh the tokens are
// kept.
func TestMeFails(t *testing.T) {
	for status, want := range map[int]string{401: "misconfigured", 404: "misconfigured", 500: "fault", 200: "misconfigured"} {
		a := newAPI(t, func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/me" {
				w.WriteHeader(status)
				return
			}
			_, _ = io.WriteString(w, pair("opaque-2", "refresh-2"))
		})
		p := a.provider(t, func(o *tokenapi.Options) {
			o.Identity.From, o.Me.URL, o.Logout.URL = tokenapi.FromMe, a.URL+"/me", ""
		})
		if _, err := p.Login(t.Context(), credentials()); kind(err) != want {
			t.Errorf("%d at login: %v, want %s", status, err, want)
		}
		g, err := p.Refresh(t.Context(), held())
		if err != nil || g.Tokens.Refresh.Reveal() != "refresh-2" || g.Identity.Subject != "u1" {
			t.Errorf("%d at a refresh: %+v %v", status, g.Identity, err)
		}
	}
}

func TestTokenEndpoints(t *testing.T) {
	a := newAPI(t, say(200, ""))
	var got []string
	for _, u := range a.provider(t, func(o *tokenapi.Options) { o.Me.URL = a.URL + "/me" }).TokenEndpoints() {
		got = append(got, u.Path)
	}
	if fmt.Sprint(got) != "[/login /refresh /logout]" {
		t.Errorf("%v", got)
	}
}

// An API that limits by address must not take all users for one: every call made for a client says
// which.
func TestClientAddressIsPassedOn(t *testing.T) {
	a := newAPI(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/me" {
			_, _ = io.WriteString(w, `{"sub":"u1"}`)
			return
		}
		_, _ = io.WriteString(w, pair("opaque", "r"))
	})
	p := a.provider(t, func(o *tokenapi.Options) { o.Identity.From, o.Me.URL = tokenapi.FromMe, a.URL+"/me" })
	if _, err := p.Login(t.Context(), credentials()); err != nil {
		t.Fatal(err)
	}
	again := held()
	again.ClientIP = "203.0.113.9"
	if _, err := p.Refresh(t.Context(), again); err != nil {
		t.Fatal(err)
	}
	if n := a.count(); n != 4 {
		t.Errorf("%d calls", n)
	}
	for _, r := range a.asked {
		if r.header.Get("X-Forwarded-For") != "203.0.113.9" {
			t.Errorf("%s came from %q", r.uri, r.header.Get("X-Forwarded-For"))
		}
	}
}
