package tokenapi

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

// Whatever the API answers: no panic, tokens that can travel, a lifetime that is one, and no text
// of it in an error.
func FuzzReply(f *testing.F) {
	for _, seed := range []string{
		`{"access_token":"a","refresh_token":"b","expires_in":900}`, `{"access_token":"e30.eyJzdWIiOiJ4IiwiZXhwIjoxfQ.c"}`,
		`{"data":{"access_token":[1,2]}}`, `"x"`, `[[[[`, `{"access_token":"a","expires_in":-1e400}`, "{}", `{"a.b":{"c":1}}`,
		`{"error":"invalid_grant"}`, `{"detail":[{"type":"missing"},3]}`,
	} {
		f.Add([]byte(seed), "data.access_token", 200)
		f.Add([]byte(seed), "access_token", 422)
		f.Add([]byte(seed), "a.b.c", 400)
		f.Add([]byte(seed), "*.x", 200)
		f.Add([]byte(seed), "location:token", 302)
	}
	f.Fuzz(func(t *testing.T, data []byte, path string, status int) {
		o := Options{
			Name: "x", Login: Endpoint{URL: "http://x/"}, Reply: Reply{AccessToken: []string{path}, RefreshToken: []string{"refresh_token"}, ExpiresIn: []string{"expires_in"}},
			Identity: IdentitySource{Subject: path, Roles: []string{"roles"}, Claims: []string{path}},
		}
		p, err := New(o)
		if err != nil {
			return
		}
		r := &reply{what: "login", status: status, header: http.Header{"Set-Cookie": {string(data)}, "Authorization": {string(data)}, "Location": {string(data)}}, data: data, whole: true}
		_ = p.endpoints.login.judge(r, time.Unix(0, 0))
		g, err := p.tokens.take(r, time.Unix(1_000_000, 0))
		if err == nil && (g.Access == "" || !headerSafe(g.Access.Reveal()) || g.lifetime <= 0 || g.lifetime > maxLifetime) {
			t.Errorf("granted %q for %v", g.Access.Reveal(), g.lifetime)
		}
		doc, err := r.json()
		if err != nil {
			return
		}
		if id, err := p.users.identity(doc); err == nil && (id.Subject == "" || len(id.Claims) > 0 && !json.Valid(id.Claims)) {
			t.Errorf("identity %+v", id)
		}
	})
}

// Whatever the API answers, what a page gets of it is short, flat and no token.
func FuzzStep(f *testing.F) {
	token := "e30.eyJzdWIiOiJ4In0.c2ln"
	for _, seed := range []string{
		`{"mfa":"abc","list":["otp",1,true]}`, `{"mfa":"` + token + `"}`, `{"access_token":"a","mfa":"see a"}`, `{"list":[["a"]]}`, `{"kept":"k","mfa":"k"}`, `[]`,
	} {
		f.Add([]byte(seed))
	}
	p, err := New(Options{
		Name: "x", Login: Endpoint{URL: "http://x/", Relay: []string{"mfa", "list"}}, Keep: []string{"kept: kept"},
		Reply: Reply{AccessToken: []string{"access_token"}},
	})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		r := &reply{what: "login", status: 401, data: data, whole: true}
		step := p.relay.step(r)
		text, err := json.Marshal(step)
		if err != nil || len(text) > maxStep {
			t.Fatalf("%d bytes, %v", len(text), err)
		}
		said := func(v any) {
			word, isText := v.(string)
			switch v.(type) {
			case string, bool, json.Number:
			default:
				t.Errorf("%T in a step", v)
			}
			_, isJWT := readClaims(word)
			if isText && (isJWT || word != "" && (word == r.text(place{name: "access_token"}) || word == r.text(place{name: "kept"}))) {
				t.Errorf("a token in a step: %q", word)
			}
		}
		for _, v := range step {
			list, isList := v.([]any)
			if !isList {
				list = []any{v}
			}
			for _, item := range list {
				said(item)
			}
		}
	})
}

// Whatever is typed, it arrives as it was typed and nowhere else.
func FuzzTemplate(f *testing.F) {
	f.Add(`{"a":"{{username}}","b":["x{{password}}y"]}`, "u", "p")
	f.Add(`a={{username}}&b=x{{password}}y`, `"},{"`, "&c=d{{username}}")
	f.Add(`"{{ username }}{{"`, "\x00", "\xff")
	f.Add(`{"${E}": ${E}, "a": "$${E}${E}{{username}}"}`, "{{password}}", "1.5")
	f.Add(`${E}=${E}&b=x{{username}}`, "", "a&b")
	f.Fuzz(func(t *testing.T, text, user, pass string) {
		allowed := &scope{names: []string{username, password}, environment: map[string]string{"E": pass}}
		v := values{username: user, password: pass}
		if b, err := parseBody(text, JSON, allowed); err == nil {
			data, _, err := b.render(v)
			if err != nil || !json.Valid(data) {
				t.Fatalf("%q: %q %v", text, data, err)
			}
			got, _ := decodeJSON(data)
			same(t, b.tree, got, v)
		}
		if b, err := parseBody(text, Form, allowed); err == nil {
			data, _, _ := b.render(v)
			got, err := url.ParseQuery(string(data))
			if err != nil || len(got) != len(b.form) {
				t.Fatalf("%q: %q %v", text, data, err)
			}
			for name, list := range b.form {
				for i, part := range list {
					if got[name][i] != part.fill(v) {
						t.Errorf("%q: %q", text, data)
					}
				}
			}
		}
	})
}

// same compares a rendered document with its template, place by place.
func same(t *testing.T, want, got any, v values) {
	t.Helper()
	switch w := want.(type) {
	case template:
		if got != strings.ToValidUTF8(w.fill(v), "\ufffd") && len(w.names) > 0 && validText(v) {
			t.Errorf("%q arrived as %q", w.fill(v), got)
		}
	case map[string]any:
		g, ok := got.(map[string]any)
		if !ok || len(g) != len(w) {
			t.Errorf("%v arrived as %v", w, got)
			return
		}
		for name := range w {
			same(t, w[name], g[name], v)
		}
	case []any:
		g, ok := got.([]any)
		if !ok || len(g) != len(w) {
			t.Errorf("%v arrived as %v", w, got)
			return
		}
		for i := range w {
			same(t, w[i], g[i], v)
		}
	}
}

func validText(v values) bool {
	return strings.ToValidUTF8(v.username+v.password, "") == v.username+v.password
}
