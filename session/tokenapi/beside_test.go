package tokenapi_test

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"sessiongate/session"
	"sessiongate/session/tokenapi"
)

// notFound answers the endpoints with one body and every other path with another, in which %s is the
// path that was asked.
func notFound(own, other string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		body := own
		if r.URL.Path != "/login" && r.URL.Path != "/refresh" {
			body = other
		}
		if strings.Contains(body, "%s") {
			body = fmt.Sprintf(body, r.RequestURI)
		}
		say(404, body)(w, r)
	}
}

// A 404 may be the word for an unknown user: then a path that is not there answers another.
func TestCheckTellsNoUserFromNoEndpoint(t *testing.T) {
	const express = "<!DOCTYPE html><pre>Cannot POST %s</pre>"
	const absent, there = "F login: answers 404: no such endpoint.", "W login: answers 404, and not as a path does that is not there: the path is right. " +
		"If that means an unknown user, write login: {answers: [\"refused: 404"
	for name, row := range map[string]struct{ own, other, want string }{
		"Express":                    {`{"message":"User Not found."}`, express, there + ` message=*"]}; if users that exist get it too, the API has another name for the field login.username`},
		"own words":                  {`{"message":"no such user"}`, `{"message":"no such path"}`, there + ` message=*"]}`},
		"below":                      {`{"status":"x","data":{"error":"no user"}}`, express, there + ` data.error=*"]}`},
		"no words":                   {`{"ok":false}`, express, there + `"]}`},
		"text":                       {`User not found`, `Not here`, there + `"]}`},
		"a name that may be a value": {`{"` + canary + `00000":"` + canary + `"}`, express, there + `"]}`},
		"page":                       {express, `{"message":"no such path"}`, absent},
		"alike, page":                {express, express, absent},
		"alike":                      {`{"detail":"Not Found"}`, `{"detail":"Not Found"}`, absent},
		"alike, with path":           {`{"message":"Cannot POST %s","statusCode":404}`, `{"message":"Cannot POST %s","statusCode":404}`, absent},
		"alike, other time":          {`{"timestamp":"2026-11-30T01:20:00Z","n":1700000000,"path":"%s"}`, `{"timestamp":"2026-11-30T01:21:07Z","n":1700000001,"path":"%s"}`, absent},
	} {
		t.Run(name, func(t *testing.T) {
			a := newAPI(t, notFound(row.own, row.other))
			p := a.provider(t, func(o *tokenapi.Options) { o.Refresh.URL = "" })
			got := reportText(p.Check(t.Context()))
			if !strings.HasPrefix(got, row.want) || strings.Contains(got, canary) {
				t.Errorf("got  %s\nwant %s", got, row.want)
			}
			for _, x := range a.asked {
				if x.body != "{}" {
					t.Errorf("asked with %q", x.body)
				}
			}
			tried := tryAs(t, p, "lovelace-"+canary)
			if want := "FAILED login:" + strings.TrimPrefix(strings.TrimPrefix(row.want, "F login:"), "W login:"); !strings.HasPrefix(tried, want) {
				t.Errorf("got  %s\nwant %s", tried, want)
			}
		})
	}
}

// The line that is advised makes a 404 a wrong password, and the check content.
func TestAdvisedLineForNoUser(t *testing.T) {
	a := newAPI(t, notFound(`{"message":"User Not found."}`, "<html>"))
	p := a.provider(t, func(o *tokenapi.Options) {
		o.Refresh.URL, o.Login.Answers = "", []string{"refused: 404 message=*"}
	})
	if got := reportText(p.Check(t.Context())); got != "login 404" || a.count() != 1 {
		t.Errorf("%s, %d requests", got, a.count())
	}
	if _, err := p.Login(t.Context(), credentials()); !errors.Is(err, session.ErrInvalidCredentials) {
		t.Error(err)
	}
}
