package tokenapi

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
)

// answered is an answer as the API gave it.
func answered(status int, body string, header ...string) *reply {
	h := make(http.Header)
	for _, line := range header {
		name, value, _ := strings.Cut(line, ": ")
		h.Add(name, value)
	}
	return &reply{what: "login", status: status, header: h, data: []byte(body), whole: true}
}

// TestConditions: every form of a condition, of an answer of which it holds and of one of which it
// does not.
func TestConditions(t *testing.T) {
	for _, c := range []struct {
		text string
		r    *reply
		want bool
	}{
		{"401", answered(401, ""), true},
		{"401", answered(403, ""), false},
		{"4xx", answered(499, "<html>"), true},
		{"4XX", answered(400, ""), true},
		{"4xx", answered(500, ""), false},
		{"400 401", answered(401, ""), true},
		{"400 401", answered(402, ""), false},
		{"200 code=401", answered(200, `{"code":401}`), true},
		{"200 code=401", answered(201, `{"code":401}`), false},
		{"200 code=401", answered(200, `{"code":4010}`), false},
		{"code=401", answered(500, `{"code":"401"}`), true},
		{"code=1002*", answered(200, `{"code":1002011000}`), true},
		{"code=1002*", answered(200, `{"code":1003}`), false},
		{"success=false", answered(200, `{"success":false}`), true},
		{"success=false", answered(200, `{"success":true}`), false},
		{"success=false", answered(200, `{}`), false},
		{"success=true", answered(200, `{"success":true}`), true},
		{"data=null", answered(200, `{"data":null}`), true},
		{"amount=1e3", answered(200, `{"amount":1e3}`), true}, // as it is spelled
		{"amount=1000", answered(200, `{"amount":1e3}`), false},
		{"code=0", answered(200, `{"code":0}`), true},
		{"code=0", answered(200, `not JSON`), false},
		{"code=0", answered(200, `[0]`), false},
		{"0.code=7", answered(200, `[{"code":7}]`), true},
		{"errors.0.extensions.code=UNAUTHENTICATED", answered(200, `{"errors":[{"extensions":{"code":"UNAUTHENTICATED"}}]}`), true},
		{"errors=*", answered(200, `{"errors":[{}]}`), true},
		{"errors=*", answered(200, `{"errors":[]}`), false},
		{"errors=*", answered(200, `{"errors":{}}`), false},
		{"errors=*", answered(200, `{"errors":{"a":0}}`), true},
		{"mfa=*", answered(200, `{"mfa":true}`), true},
		{"mfa=*", answered(200, `{"mfa":false}`), false},
		{"mfa=*", answered(200, `{"mfa":null}`), false},
		{"mfa=*", answered(200, `{"mfa":""}`), false},
		{"mfa=*", answered(200, `{"mfa":0}`), true},
		{"mfa=*", answered(200, `{}`), false},
		{"mfa=false", answered(200, `{"mfa":[]}`), false},
		{`msg="Email not confirmed"`, answered(400, `{"msg":"Email not confirmed"}`), true},
		{`msg="Email not"*`, answered(400, `{"msg":"Email not confirmed"}`), true},
		{`msg="Email not"`, answered(400, `{"msg":"Email not confirmed"}`), false},
		{`msg=""`, answered(400, `{"msg":""}`), true},
		{`msg=""`, answered(400, `{}`), false},
		{`msg="*"`, answered(400, `{"msg":"*"}`), true},
		{`msg="*"`, answered(400, `{"msg":"x"}`), false},
		{`msg="say \"no\" \\ twice" 400`, answered(400, `{"msg":"say \"no\" \\ twice"}`), true},
		{`msg="=400" 4xx`, answered(400, `{"msg":"=400"}`), true},
		{`msg=a=b`, answered(400, `{"msg":"a=b"}`), true},
		{"errors.*.code=7", answered(200, `{"errors":[{"code":1},{"code":7}]}`), true},
		{"errors.*.code=7", answered(200, `{"errors":[{"code":1},{}]}`), false},
		{"location:error=denied", answered(302, "", "Location: /cb#error=denied"), true},
		{".=expired", answered(401, `"expired"`), true},
		{"header:X-Error=expired", answered(401, "", "X-Error: expired"), true},
		{"header:x-error=*", answered(401, "", "X-Error: expired"), true},
		{"header:X-Error=*", answered(401, ""), false},
		{`header:X-Error=""`, answered(401, ""), false}, // an absent header is no empty one
		{"cookie:sid=*", answered(200, "", "Set-Cookie: sid=1"), true},
		{"cookie:sid=*", answered(200, "", "Set-Cookie: sid=; Max-Age=0"), false},
		{"  401\tcode=x  ", answered(401, `{"code":"x"}`), true},
		{"a=1 b=2", answered(200, `{"a":1,"b":3}`), false},
		{"a=1 b=2", answered(200, `{"a":1,"b":2}`), true},
	} {
		parsed, err := parseCondition(c.text)
		if err != nil {
			t.Errorf("%q: %v", c.text, err)
			continue
		}
		if got := parsed.holds(c.r); got != c.want {
			t.Errorf("%q of %d %s %v: %v", c.text, c.r.status, c.r.data, c.r.header, got)
		}
	}
}

// TestLooksInside: only a field of the body needs the body.
func TestLooksInside(t *testing.T) {
	for text, want := range map[string]bool{"401": false, "header:X-A=*": false, "cookie:a=b 4xx": false, "401 code=1": true} {
		c, err := parseCondition(text)
		if err != nil || c.looksInside() != want {
			t.Errorf("%q: %v, %v", text, c.looksInside(), err)
		}
	}
}

// TestConditionErrors: what is wrong is named, with what to write instead.
func TestConditionErrors(t *testing.T) {
	for text, want := range map[string]string{
		"":                         "there is no condition",
		" \t":                      "there is no condition",
		"40":                       `"40" is neither a status`,
		"600":                      "neither a status",
		"199":                      "neither a status",
		"4x":                       "neither a status",
		"4+1":                      "neither a status",
		"code":                     "neither a status (200 to 599, 4xx) nor place=value",
		"code =401":                `"code" is neither`,
		"=401":                     "no place before the equals sign",
		"code=":                    "there is no value",
		"code= 401":                "there is no value",
		`msg="a`:                   "the quotes are not closed",
		`msg="a\q"`:                "the quotes are not closed",
		`msg="a"b`:                 "followed by a blank",
		"a..b=1":                   "a dot without a name",
		"query:a=1":                "a reply has no query",
		"header:=1":                "header",
		"cookie:a b=1":             "neither a status",
		strings.Repeat("a=1 ", 17): "more than 16",
	} {
		if _, err := parseCondition(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", text, err)
		}
	}
}

// TestAnswers: the first line that holds counts.
func TestAnswers(t *testing.T) {
	list, err := parseAnswers("login", []string{
		"ok: 200 code=0", "mfa_required: mfa=*", "email_not_confirmed:400 error_code=email_not_confirmed", " refused : 4xx", "fault: code=5*",
	})
	if err != nil {
		t.Fatal(err)
	}
	for body, want := range map[string]Meaning{
		`{"code":0}`: MeansOK, `{"code":0,"mfa":true}`: MeansOK, `{"code":1,"mfa":true}`: MeansMFARequired,
		`{"code":500}`: MeansFault, `{"code":9}`: "", ``: "",
	} {
		if got := list.meaning(answered(200, body)); got != want {
			t.Errorf("200 %s: %q", body, got)
		}
	}
	if got := list.meaning(answered(400, `{"error_code":"email_not_confirmed"}`)); got != MeansEmailNotConfirmed {
		t.Errorf("not confirmed: %q", got)
	}
	if got := list.meaning(answered(400, `{"error_code":"invalid_credentials"}`)); got != MeansRefused {
		t.Errorf("wrong password: %q", got)
	}
	if !list.sayOK() || answers(nil).sayOK() || list[1:].sayOK() {
		t.Error("only the first line says what is ok")
	}
}

// TestAnswerErrors: a line that cannot hold, or that makes no sense at that endpoint.
func TestAnswerErrors(t *testing.T) {
	for line, want := range map[string]string{
		"login 401":                 "a line is a meaning, a colon, and conditions",
		"login refuse: 401":         `there is no meaning "refuse"; there are ok, refused, fault, mfa_required`,
		"login : 401":               `there is no meaning ""`,
		"login refused:":            "there is no condition",
		"refresh mfa_required: 401": "mfa_required can be the answer to a login alone; write refused or fault for a refresh",
		"refresh sure: 401":         "there are ok, refused, fault, account_disabled",
		"logout account_locked: 4":  "login alone",
	} {
		what, text, _ := strings.Cut(line, " ")
		if _, err := parseAnswers(what, []string{text}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", line, err)
		}
	}
	if _, err := parseAnswers("login", make([]string, maxAnswers+1)); err == nil {
		t.Error("no bound")
	}
}

// FuzzCondition: whatever is written and answered, a condition is parsed and judged without a
// panic, and what a quoted value says is what it equals.
func FuzzCondition(f *testing.F) {
	for _, seed := range []string{
		"401", "4xx code=1*", `a="b c" 2xx`, `header:X-A=*`, "cookie:s=1", ".=x", `a=""*`, "errors.0.extensions.code=X", `a="\"`, "=", "a=*b*",
	} {
		f.Add(seed, []byte(`{"a":"b c","code":12,"errors":[{"extensions":{"code":"X"}}]}`), 401)
		f.Add(seed, []byte(`"x"`), 200)
	}
	f.Fuzz(func(t *testing.T, text string, data []byte, status int) {
		r := &reply{status: status, header: http.Header{"Set-Cookie": {string(data)}, "X-A": {text}}, data: data, whole: true}
		if c, err := parseCondition(text); err == nil {
			c.holds(r)
			c.looksInside()
		}
		_, _ = parseAnswers("login", []string{text})
		quoted, err := parseCondition(fmt.Sprintf("a=%q 200", text))
		if err != nil {
			t.Fatalf("%q quoted: %v", text, err)
		}
		if !quoted.fields[0].said(text) || quoted.fields[0].said(text+"x") {
			t.Errorf("%q quoted is not itself: %+v", text, quoted)
		}
	})
}
