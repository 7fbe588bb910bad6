package tokenapi_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"sessiongate/session"
	"sessiongate/session/tokenapi"
)

// How requests on routes carry the token, ready to send.
func TestForward(t *testing.T) {
	access := jwt(map[string]any{"sub": "u1", "org": "acme", "bad": "a\r\nb"})
	for name, row := range map[string]struct {
		forward []string
		want    string
	}{
		"as usual":  {nil, "nil"},
		"the same":  {[]string{"header:Authorization: Bearer {{access_token}}"}, "nil"},
		"scheme":    {[]string{"header:Authorization: Token {{access_token}}"}, "Authorization=Token TOKEN"},
		"header":    {[]string{"header:x-access-token: {{access_token}}"}, "X-Access-Token=TOKEN"},
		"API key":   {[]string{"header:Authorization: Bearer {{access_token}}", "header:apikey: {{values.key}}${E}"}, "Authorization=Bearer TOKEN Apikey=ke"},
		"cookies":   {[]string{"cookie:jwt: {{access_token}}", "cookie:csrf: {{keep.csrf}}", "cookie:none: {{keep.none}}"}, "jwt:TOKEN csrf:c none:"},
		"the user":  {[]string{"cookie:jwt: {{access_token}}", "header:X-Who: {{subject}}", "header:X-Org: org {{claim.org}}"}, "X-Who=u1 X-Org=org acme jwt:TOKEN"},
		"unfit":     {[]string{"cookie:jwt: {{access_token}}", "header:X-Bad: {{claim.bad}}", "header:X-None: a {{claim.none}}"}, "X-Bad= X-None= jwt:TOKEN"},
		"kept only": {[]string{"cookie:sid: {{keep.csrf}}"}, "sid:c"},
	} {
		a := newAPI(t, say(200, ""))
		p := a.provider(t, func(o *tokenapi.Options) {
			o.Forward, o.Keep = row.forward, []string{"csrf: cookie:csrf", "none: none"}
			o.Values, o.Environment = map[string]string{"key": "k"}, map[string]string{"E": "e"}
		})
		f := p.Forward(&session.Record{
			Identity: session.Identity{Subject: "u1"},
			Tokens:   session.Tokens{Access: session.Secret(access), Refresh: "r", Keep: session.Kept{"csrf": "c"}},
		})
		if got := strings.ReplaceAll(describe(f), access, "TOKEN"); got != row.want {
			t.Errorf("%s: %q, want %q", name, got, row.want)
		}
		if text := fmt.Sprintf("%v %+v %#v", f, f, f); strings.Contains(text, access) {
			t.Errorf("%s: it prints the token", name)
		}
	}
}

func describe(f *session.Forward) string {
	if f == nil {
		return "nil"
	}
	var list []string
	for name, value := range f.Fields {
		list = append(list, name+"="+value)
	}
	for name, value := range f.Cookies {
		list = append(list, name+":"+value)
	}
	return strings.Join(list, " ")
}

func TestBadForward(t *testing.T) {
	for line, want := range map[string]string{
		"query:token: {{access_token}}":                  "URLs stand in logs",
		"token: {{access_token}}":                        "write header:NAME or cookie:NAME",
		"header:X-T: {{refresh_token}}":                  "{{ must be followed by access_token or subject",
		"header:X-T: abc":                                "no line has {{access_token}}",
		"header:Cookie: a={{access_token}}":              "not a header that can carry a token",
		"header:X-T={{access_token}}":                    "PLACE: TEMPLATE",
		"cookie:a: {{access_token}};{{claim.x}}":         "the value cannot be sent",
		"header:authorization: Basic {{access_token}}\n": "another value stands at the same place",
	} {
		a := newAPI(t, say(200, ""))
		o := a.options()
		o.Forward = []string{line}
		if strings.HasPrefix(want, "another") {
			o.Forward = append(o.Forward, line)
		}
		if _, err := tokenapi.New(o); err == nil || !strings.Contains(err.Error(), "forward: ") || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", line, err, want)
		}
	}
}

// What the API wants on routes, its own endpoints want too.
func TestForwardAtTheAPI(t *testing.T) {
	a := newAPI(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/me" {
			_, _ = fmt.Fprint(w, `{"sub":7}`)
			return
		}
		_, _ = fmt.Fprint(w, `{"auth_token":"opaque"}`)
	})
	p := a.provider(t, func(o *tokenapi.Options) {
		o.Reply.AccessToken = []string{"auth_token"}
		o.Forward = []string{"header:Authorization: Token {{access_token}}"}
		o.Identity.From, o.Me.URL = tokenapi.FromMe, a.URL+"/me"
		o.Logout.AccessToken = "header:Authorization"
	})
	g, err := p.Login(t.Context(), credentials())
	if err != nil || a.last(t).header.Get("Authorization") != "Token opaque" {
		t.Fatalf("%v %v", err, a.last(t).header)
	}
	if err := p.Revoke(t.Context(), g.Tokens); err != nil || a.last(t).uri != "/logout" || a.last(t).header.Get("Authorization") != "Token opaque" {
		t.Errorf("%v %v", err, a.last(t))
	}
}
