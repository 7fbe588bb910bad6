package tokenapi_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"sessiongate/session"
	"sessiongate/session/tokenapi"
)

// What send lines bring to each place, and how templates fill a body.
func TestSend(t *testing.T) {
	access := jwt(map[string]any{"sub": "u1", "tenant": map[string]any{"id": 7}, "roles": []string{"a", "b"}})
	for name, row := range map[string]struct {
		refresh tokenapi.Endpoint
		uri     string
		body    string
		header  http.Header
	}{
		"fields": {
			tokenapi.Endpoint{Send: []string{"user.id: {{subject}}", "tenant: {{claim.tenant.id}}", "roles: {{claim.roles}}", "text: t{{claim.tenant.id}}", "none: {{claim.none}}", "all: {{claim.none}}x{{claim.x}}"}},
			"/refresh", `{"refresh_token":"refresh-1","roles":["a","b"],"tenant":7,"text":"t7","user":{"id":"u1"}}`, nil,
		},
		"token by a line": {
			tokenapi.Endpoint{Send: []string{"rt: {{ refresh_token }}"}},
			"/refresh", `{"rt":"refresh-1"}`, nil,
		},
		"query": {
			tokenapi.Endpoint{Send: []string{"query:key: {{values.key}}", "query:a b: {{claim.roles}}&"}},
			"/refresh?key=k%26%2B%C3%A9%22&a+b=a%2Cb%26", `{"refresh_token":"refresh-1"}`, nil,
		},
		"headers": {
			tokenapi.Endpoint{AccessToken: "header:Authorization", Send: []string{
				"header:X-Client: web app {{claim.tenant.id}}", "header:X-Secret: ${S}$${S}", "header:X-None: a {{claim.none}}", "header:X-App: {{values.app}}",
			}},
			"/refresh", "",
			http.Header{"Authorization": {"Bearer " + access}, "X-Client": {"web app 7"}, "X-Secret": {"s3cret${S}"}, "X-None": nil, "X-App": {"shop"}},
		},
		"own scheme": {
			tokenapi.Endpoint{Send: []string{"header:Authorization: Token {{access_token}}"}},
			"/refresh", "",
			http.Header{"Authorization": {"Token " + access}},
		},
		"cookies": {
			tokenapi.Endpoint{RefreshToken: "cookie:rt", Send: []string{"cookie:device: {{subject}}", "cookie:at: {{access_token}}", "cookie:no: {{claim.none}}"}},
			"/refresh", "",
			http.Header{"Cookie": {"rt=refresh-1; device=u1; at=" + access}},
		},
		"body": {
			tokenapi.Endpoint{Body: `{"rt": "{{refresh_token}}", "n": ${N}, "${FIELD}": "<${S}>", "key": "{{values.key}}", "list": ["{{claim.none}}", "{{claim.tenant.id}}"], "no": "{{claim.none}}", "raw": "$${S}"}`},
			"/refresh", `{"${FIELD}":"\u003cs3cret\u003e","key":"k\u0026+é\"","list":[7],"n":5,"raw":"${S}","rt":"refresh-1"}`, nil,
		},
		"form": {
			tokenapi.Endpoint{Encoding: tokenapi.Form, Body: `rt={{refresh_token}}&secret=${S}&key={{values.key}}&no={{claim.none}}&x=`},
			"/refresh", "key=k%26%2B%C3%A9%22&rt=refresh-1&secret=s3cret&x=", nil,
		},
	} {
		a := newAPI(t, say(200, pair(jwt(ada()), "r2")))
		p := a.provider(t, func(o *tokenapi.Options) {
			row.refresh.URL = o.Refresh.URL
			o.Refresh = row.refresh
			o.Values = map[string]string{"key": `k&+é"`, "app": "shop"}
			o.Environment = map[string]string{"S": "s3cret", "N": "5", "FIELD": "${FIELD}"}
		})
		asked := held()
		asked.Tokens.Access = session.Secret(access)
		if _, err := p.Refresh(t.Context(), asked); err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		got := a.last(t)
		if got.uri != row.uri || got.body != row.body {
			t.Errorf("%s: %s %s, want %s %s", name, got.uri, got.body, row.uri, row.body)
		}
		for header, want := range row.header {
			if g := got.header.Values(header); strings.Join(g, "|") != strings.Join(want, "|") {
				t.Errorf("%s: %s %q, want %q", name, header, g, want)
			}
		}
	}
}

// Further fields of a login keep their JSON type; those that were not typed are left out.
func TestExtra(t *testing.T) {
	for name, row := range map[string]struct {
		login tokenapi.Endpoint
		extra map[string]any
		body  string
		query string
	}{
		"types":  {tokenapi.Endpoint{}, map[string]any{"otp": "012", "remember": true, "tenant": json.Number("7")}, `{"otp":"012","password":"lovelace","remember":true,"t":7,"username":"ada"}`, "012"},
		"absent": {tokenapi.Endpoint{}, nil, `{"password":"lovelace","username":"ada"}`, ""},
		"null":   {tokenapi.Endpoint{}, map[string]any{"otp": nil, "remember": false}, `{"password":"lovelace","remember":false,"username":"ada"}`, ""},
		"form":   {tokenapi.Endpoint{Encoding: tokenapi.Form}, map[string]any{"remember": false, "tenant": 1.5}, `password=lovelace&remember=false&t=1.5&username=ada`, ""},
		"nasty":  {tokenapi.Endpoint{}, map[string]any{"otp": "a&b=\"}\r\n{{password}}"}, `{"otp":"a\u0026b=\"}\r\n{{password}}","password":"lovelace","username":"ada"}`, "a&b=\"}\r\n{{password}}"},
	} {
		a := newAPI(t, say(200, pair(jwt(ada()), "r")))
		p := a.provider(t, func(o *tokenapi.Options) {
			row.login.URL, row.login.Extra = o.Login.URL, []string{"otp", "remember", "tenant"}
			row.login.Send = []string{"otp: {{extra.otp}}", "remember: {{extra.remember}}", "t: {{extra.tenant}}", "query:otp: {{extra.otp}}"}
			o.Login = row.login
		})
		c := credentials()
		c.Extra = row.extra
		if _, err := p.Login(t.Context(), c); err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		got := a.last(t)
		req, _ := http.NewRequestWithContext(t.Context(), "GET", got.uri, http.NoBody)
		if got.body != row.body || req.URL.Query().Get("otp") != row.query {
			t.Errorf("%s: %s %s, want %s %s", name, got.uri, got.body, row.body, row.query)
		}
	}
}

// What a user typed cannot break out of a header; it is as wrong as a wrong password, and no fault.
func TestExtraThatCannotBeCarried(t *testing.T) {
	a := newAPI(t, say(200, pair(jwt(ada()), "r")))
	for place, bad := range map[string]string{"header:X-Tenant": "a\r\nX-Evil: 1", "cookie:tenant": "a; admin=1", "header:X-T": "é"} {
		p := a.provider(t, func(o *tokenapi.Options) {
			o.Login.Extra, o.Login.Send = []string{"tenant"}, []string{place + ": {{extra.tenant}}"}
		})
		c := credentials()
		c.Extra = map[string]any{"tenant": bad}
		if _, err := p.Login(t.Context(), c); kind(err) != "invalid credentials" || a.count() != 0 || strings.Contains(err.Error(), bad) {
			t.Errorf("%s: %v, %d requests", place, err, a.count())
		}
	}
}

// Slips in send lines and templates are found at start, and say what to write.
func TestBadSend(t *testing.T) {
	for line, want := range map[string]string{
		"tenant={{subject}}":                  `send: "tenant={{subject}}": write "PLACE: TEMPLATE"`,
		"tenant: ":                            `write "PLACE: TEMPLATE"`,
		"location:x: {{subject}}":             "a request has no location; write query:x",
		"a.*.b: {{subject}}":                  "every entry of a reply",
		"header:Cookie: a={{subject}}":        "not a header that can carry a token",
		"a: {{subject":                        "{{ must be followed by refresh_token or access_token or subject or claim.NAME or keep.NAME or values.NAME and }}",
		"a: {{password}}":                     "{{ must be followed by",
		"a: {{extra.otp}}":                    "{{ must be followed by",
		"a: {{keep.csrf}}":                    `{{keep.csrf}} needs a line under keep: "csrf: PLACE"`,
		"a: {{values.key}}":                   "{{values.key}} needs an entry under values: {name: key, secret_file: PATH}",
		"a: {{claim.}}":                       "{{ must be followed by",
		"a: {{claim.a..b}}":                   "a dot without a name beside it",
		"a: ${MISSING}":                       "${ must be followed by",
		"header:X-A: {{values.evil}}":         "header:X-A: the value cannot be sent in a header or a cookie",
		"cookie:a: x y":                       "cookie:a: the value cannot be sent",
		"refresh_token: {{subject}}":          `two values for the field "refresh_token"`,
		"header:Authorization: {{subject}}\n": "another value stands at the same place",
	} {
		a := newAPI(t, say(200, ""))
		o := a.options()
		o.Refresh.RefreshToken, o.Refresh.AccessToken = "refresh_token", "header:Authorization"
		o.Refresh.Send = []string{line}
		o.Values = map[string]string{"evil": "a\r\nb"}
		_, err := tokenapi.New(o)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", line, err, want)
		}
	}
	a := newAPI(t, say(200, ""))
	o := a.options()
	o.Login.Extra = []string{"otp"}
	for line, want := range map[string]string{
		"header:X-Otp: {{extra.pin}}": "{{extra.pin}} needs pin under login.extra",
		"header:X-P: {{password}}":    "the user name and the password can only be fields of the body",
		"query:user: {{username}}":    "the user name and the password can only be fields of the body",
		"a: {{keep.x}}":               "{{ must be followed by username or password or extra.NAME or values.NAME and }}",
	} {
		o.Login.Send = []string{line}
		if _, err := tokenapi.New(o); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", line, err, want)
		}
	}
}
