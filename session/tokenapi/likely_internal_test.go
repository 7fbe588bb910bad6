package tokenapi

import (
	"net/http"
	"strings"
	"testing"
	"unicode"
)

// FuzzReport: whatever an API answers, a report about it is a few lines of text that a terminal can
// show.
func FuzzReport(f *testing.F) {
	for _, seed := range []string{
		`{"access_token":"a","refresh_token":"b"}`, `{"data":{"tokens":[{"token":"eyJhbGciOiJub25lIn0.e30.c2ln"}]}}`,
		`{"detail":[{"type":"missing","loc":["body","email"],"input":null}]}`, `{"errors":{"email":["x"]},"a":{"b":{"c":{"d":{"e":{"f":{"g":1}}}}}}}`,
		`[]`, `null`, `"text"`, `<html>`, `{"\u001b[31m":1,"roles":[{"name":"x"}],"code":0}`, ``,
	} {
		f.Add(200, seed, "/x")
		f.Add(422, seed, "https://\x1b/;x?y")
	}
	p, err := New(Options{
		Name: "api", Login: Endpoint{URL: "http://api/login"}, Refresh: Endpoint{URL: "http://api/refresh"},
		Me: Endpoint{URL: "http://api/me"}, Identity: IdentitySource{From: FromMe},
	})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, status int, body, location string) {
		if status < 200 || status > 999 {
			return
		}
		var lines []string
		s := newSurvey(p)
		for _, x := range s.probes {
			x.reply = &reply{what: x.what, status: status, data: []byte(body), whole: true, header: http.Header{
				"Location": {location}, "X-Token": {body}, "Set-Cookie": {location + "=" + body},
			}}
			for _, found := range s.findings(x) {
				lines = append(lines, found.Text)
			}
			doc, _ := x.reply.json()
			lines = append(lines, tokenAdvice(x.reply, accessToken)...)
			lines = append(lines, tokenAdvice(x.reply, refreshToken)...)
			lines = append(lines, identityAdvice(doc, FromMe)...)
			lines = append(lines, likelyNames(doc, "roles"), hitText(x.reply, s.access))
		}
		for _, line := range lines {
			if len(line) > 4<<10 || strings.ContainsFunc(line, func(c rune) bool { return !unicode.IsPrint(c) }) {
				t.Errorf("%q", line)
			}
		}
	})
}
