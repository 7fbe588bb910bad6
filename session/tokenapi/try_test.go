package tokenapi_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"sessiongate/session"
	"sessiongate/session/tokenapi"
)

// stepsText is a trial in a form to compare.
func stepsText(steps []tokenapi.Step) string {
	var b strings.Builder
	for _, s := range steps {
		verdict := "ok"
		if s.Failed {
			verdict = "FAILED"
		}
		fmt.Fprintf(&b, "%s %s: %s\n", verdict, s.Name, s.Text)
		for _, line := range s.Lines {
			fmt.Fprintf(&b, "  %s\n", line)
		}
	}
	return b.String()
}

// shop is an API whose tokens are all secrets of one test: a refresh token can be used once.
type shop struct {
	shape   string // with %[1]s for the access and %[2]s for the refresh token
	me      string
	logout  int
	claims  map[string]any
	n       int
	refresh string // the one that is good
}

func (s *shop) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var sent map[string]any
	_ = json.NewDecoder(r.Body).Decode(&sent)
	switch r.URL.Path {
	case "/login":
		if sent["password"] != "lovelace-"+canary {
			say(401, `{"detail":"`+canary+`"}`)(w, r)
			return
		}
	case "/refresh":
		if sent["refresh_token"] != s.refresh {
			say(401, `{"detail":"`+canary+`"}`)(w, r)
			return
		}
	case "/me":
		say(200, s.me)(w, r)
		return
	default:
		s.refresh = ""
		w.WriteHeader(s.logout)
		return
	}
	s.n++
	s.refresh = fmt.Sprintf("refresh-%s-%d", canary, s.n)
	claims := ada()
	claims["jti"] = s.refresh
	if s.claims != nil {
		claims = s.claims
	}
	w.Header().Set("X-Auth-Token", jwt(claims))
	_, _ = fmt.Fprintf(w, s.shape, jwt(claims), s.refresh)
}

// TestTry: what a whole round says, for APIs that fit and for such that do not. Nothing secret is
// in it, whatever the places are.
func TestTry(t *testing.T) {
	const flat = `{"access_token":"%[1]s","refresh_token":"%[2]s","expires_in":600}`
	for name, row := range map[string]struct {
		api    shop
		change func(*tokenapi.Options)
		want   string
	}{
		"fits": {shop{shape: flat, logout: 204}, nil, `ok login: answers 200
  access_token: access_token, text of 228 characters that looks like a JWT
  refresh_token: refresh_token, text of 23 characters
  expires_in: expires_in, number
  the access token is taken to live for 10m, the smaller of expires_in and the token's exp
ok identity: from the access token
  subject: sub, text of 2 characters
  name: name, text of 3 characters
  roles: 1; role, text of 4 characters
  scopes: 2; scope, text of 10 characters
  claims: email, text of 15 characters
ok refresh: answers 200
  access_token: access_token, text of 228 characters that looks like a JWT
  refresh_token: refresh_token, text of 23 characters
  expires_in: expires_in, number
  the access token is taken to live for 10m, the smaller of expires_in and the token's exp
  a new access token, and a new refresh token
ok refresh: answers 200
  access_token: access_token, text of 228 characters that looks like a JWT
  refresh_token: refresh_token, text of 23 characters
  expires_in: expires_in, number
  the access token is taken to live for 10m, the smaller of expires_in and the token's exp
  a new access token, and a new refresh token
ok logout: answers 204
ok refresh: answers 401 to the refresh token that the logout gave back: refused, and its session ends
`},
		"nested": {shop{shape: `{"user":{"id":"u1"},"tokens":{"access":{"token":"%[1]s"},"refresh":{"token":"%[2]s"}},"` + canary + `00000":1}`, logout: 204}, nil, `FAILED login: answers 200, and there is no access token at access_token
  write reply: {access_token: tokens.access.token}
  a likely place is tokens.access.token: text of 228 characters that looks like a JWT
  a likely place is header:X-Auth-Token: text of 228 characters that looks like a JWT
`},
		"no refresh token": {shop{shape: `{"access_token":"%[1]s","refresh":"%[2]s"}`, logout: 204}, nil, `ok login: answers 200
  access_token: access_token, text of 228 characters that looks like a JWT
  refresh_token: nothing at refresh_token
  write reply: {refresh_token: refresh}
  a likely place is refresh: text of 23 characters
  expires_in: nothing at expires_in
  the access token is taken to live for 15m, by the token's exp
ok identity: from the access token
  subject: sub, text of 2 characters
  name: name, text of 3 characters
  roles: 1; role, text of 4 characters
  scopes: 2; scope, text of 10 characters
  claims: email, text of 15 characters
FAILED refresh: is not called: the login gave no token for it. A session ends with its access token, after 15m; write refresh: {path: ""} if that is right, else reply: {refresh_token: …} with its place
`},
		"another subject": {shop{shape: flat, claims: map[string]any{"user_id": 7, "groups": []string{"a", "b"}, canary + "000000": 1}, logout: 204}, nil, `ok login: answers 200
  access_token: access_token, text of 100 characters that looks like a JWT
  refresh_token: refresh_token, text of 23 characters
  expires_in: expires_in, number
  the access token is taken to live for 10m, by expires_in
FAILED identity: from the access token: identity: no subject (at most 512 bytes) under the name "sub"
  write identity: {from: token, subject: user_id}
  it has groups: list of 2 entries (text)
  it has user_id: number
`},
		"me": {shop{shape: flat, me: `{"data":{"id":"` + canary + `","roles":[{"id":1,"name":"` + canary + `"}]}}`, logout: 401}, func(o *tokenapi.Options) {
			o.Refresh.URL, o.Identity = "", tokenapi.IdentitySource{From: tokenapi.FromMe, Subject: "data.id", Roles: []string{"role"}}
		}, `ok login: answers 200
  access_token: access_token, text of 228 characters that looks like a JWT
  refresh_token: refresh_token, text of 23 characters
  expires_in: expires_in, number
  the access token is taken to live for 10m, the smaller of expires_in and the token's exp
ok identity: from me, which answers 200
  subject: data.id, text of 13 characters
  name: not configured
  roles: 0; nothing at role; likely: data.roles (list of 1 entry (objects with id, name))
  scopes: 0
ok refresh: is not configured: a session ends with its access token, after 10m
FAILED logout: answers 401 to tokens that are seconds old: nothing is revoked. See logout.refresh_token and logout.access_token
`},
	} {
		t.Run(name, func(t *testing.T) {
			a := newAPI(t, nil)
			a.Config.Handler = &row.api
			p := a.provider(t, func(o *tokenapi.Options) {
				o.Me.URL = a.URL + "/me"
				if row.change != nil {
					row.change(o)
				}
			})
			if got := tryAs(t, p, "lovelace-"+canary); got != row.want {
				t.Errorf("got\n%s\nwant\n%s", got, row.want)
			}
		})
	}
}

func tryAs(t *testing.T, p *tokenapi.Provider, password session.Secret) string {
	t.Helper()
	steps, err := p.Try(t.Context(), session.Credentials{Username: "ada", Password: password})
	if err != nil {
		t.Fatal(err)
	}
	got := stepsText(steps)
	for _, secret := range []string{canary, "eyJ", "ada@", "Ada"} {
		if strings.Contains(got, secret) {
			t.Errorf("the report shows %q:\n%s", secret, got)
		}
	}
	return got
}

// A trial that fails says what to look at.
func TestTryFails(t *testing.T) {
	for name, row := range map[string]struct {
		answer http.HandlerFunc
		change func(*tokenapi.Options)
		want   string
	}{
		"wrong password": {say(401, `{"detail":"`+canary+`"}`), nil, "FAILED login: answers 401: refused. Is that a user of this API, and the password right?"},
		"no logout": {
			pathAnswers(map[string]http.HandlerFunc{"/login": say(200, pair(jwt(ada()), canary+"-r")), "/refresh": say(200, pair(jwt(ada()), canary+"-r")), "/logout": say(404, `{}`)}), nil,
			"and a slash at the end; or, if there is none, logout: {path: \"\"}",
		},
		"no refresh": {
			pathAnswers(map[string]http.HandlerFunc{"/login": say(200, pair(jwt(ada()), canary+"-r")), "/refresh": say(404, `{}`), "/logout": say(204, ``)}), nil,
			"and a slash at the end; or, if there is none, refresh: {path: \"\"}",
		},
		"no such path": {say(404, `x`), nil, "FAILED login: answers 404: no such endpoint."},
		"redirect":     {redirect(307, "/login/"), nil, "FAILED login: answers 307, a redirect"},
		"page":         {page(200), nil, "FAILED login: answers 200 with an HTML page: is base_url your API, and not a server of files or pages?\n"},
		"broken":       {say(500, canary), nil, "FAILED login: answers 500"},
		"hangs up":     {func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, nil, "FAILED login: the connection is closed"},
		"cut short":    {cutShort, nil, "FAILED login: the connection is closed before the answer is complete"},
		"not a JWT":    {say(200, pair("opaque-"+canary, "")), nil, "FAILED identity: from the access token: login: the access token is not a JWT"},
		"second step": {say(401, `{"mfa":true,"methods":["`+canary+`"],"mfa_token":"`+canary+`"}`), func(o *tokenapi.Options) {
			o.Login.Answers, o.Login.Relay = []string{"mfa_required: mfa=true"}, []string{"methods", "mfa_token"}
		}, "FAILED login: answers 401: a further step is required. Repeat with --extra NAME=VALUE, where NAME is one of login.extra\n  it tells about that: methods"},
		"locked":    {say(403, `{"code":9}`), answering("account_locked: code=9"), "FAILED login: answers 403: refused, account_locked"},
		"too many":  {say(429, ``), nil, "FAILED login: answers 429: the API takes no more sign-ins at the moment"},
		"used once": {once(pair(jwt(ada()), canary+"-r")), nil, "FAILED refresh: answers 401 to the second refresh: the token can be used once only, and the first refresh gave no new one at refresh_token"},
	} {
		t.Run(name, func(t *testing.T) {
			a := newAPI(t, row.answer)
			if got := tryAs(t, a.provider(t, row.change), "lovelace-"+canary); !strings.Contains(got, row.want) {
				t.Errorf("got\n%s\nwant\n%s", got, row.want)
			}
		})
	}
}

// pathAnswers answers each path as its handler does; others are not found.
func pathAnswers(rows map[string]http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if answer := rows[r.URL.Path]; answer != nil {
			answer(w, r)
			return
		}
		say(404, `{}`)(w, r)
	}
}

// once answers the login with the body, the first refresh with an access token alone, and others
// with 401.
func once(body string) http.HandlerFunc {
	refreshes := 0
	return func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.URL.Path == "/login":
			say(200, body)(w, r)
		case r.URL.Path == "/refresh" && refreshes == 0:
			refreshes++
			say(200, `{"access_token":"`+jwt(ada())+`"}`)(w, r)
		default:
			say(401, `{}`)(w, r)
		}
	}
}

// Further fields have to be configured.
func TestTryExtra(t *testing.T) {
	a := newAPI(t, say(401, `{}`))
	_, err := a.provider(t, nil).Try(t.Context(), session.Credentials{Username: "ada", Extra: map[string]any{"otp": "1"}})
	if err == nil || !strings.Contains(err.Error(), "write login: {extra: [otp]}") || a.count() != 0 {
		t.Errorf("%v, %d requests", err, a.count())
	}
}
