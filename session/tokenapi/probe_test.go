package tokenapi_test

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"sessiongate/session/tokenapi"
)

// canary stands in every answer of the API under test, and must stand in no report.
const canary = "canary-5f2a9b"

// page is an answer in HTML.
func page(status int) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.WriteHeader(status)
		_, _ = io.WriteString(w, "<!DOCTYPE html><p>"+canary)
	}
}

// answering sets lines of login.answers.
func answering(lines ...string) func(*tokenapi.Options) {
	return func(o *tokenapi.Options) { o.Login.Answers = lines }
}

// with answers with a header.
func with(status int, name, value, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set(name, value)
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

// reportText is a report in a form to compare: F and W are findings.
func reportText(r tokenapi.Report) string {
	var b strings.Builder
	for _, f := range r.Findings {
		kind := "W"
		if f.Fatal {
			kind = "F"
		}
		fmt.Fprintf(&b, "%s %s: %s\n", kind, f.About, f.Text)
	}
	return b.String() + strings.Join(r.Answered, ", ")
}

// pydantic answers as FastAPI on Pydantic 1 does, whatever the body, and another answer to forms.
func pydantic(toJSON, toForm string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		answer := toJSON
		if strings.Contains(r.Header.Get("Content-Type"), "form") {
			answer = toForm
		}
		say(422, answer)(w, r)
	}
}

// What FastAPI on Pydantic 1 says of a request without these fields, and of one without a body.
const (
	fieldsMissing = `{"detail":[{"loc":["body","username"],"msg":"field required","type":"value_error.missing"},` +
		`{"loc":["body","password"],"msg":"field required","type":"value_error.missing"}]}`
	bodyMissing = `{"detail":[{"loc":["body"],"msg":"field required","type":"value_error.missing"}]}`
)

// FastAPI on Pydantic 1 misses the same fields in JSON whether it wants JSON or a form: an empty form
// tells them apart, and a trial has sent them.
func TestCheckFormOrJSON(t *testing.T) {
	const hint = "login: misses the fields that the login sends as JSON: if it wants a form, as FastAPI's OAuth2PasswordRequestForm does, write login: {encoding: form}"
	for name, row := range map[string]struct {
		answer     http.HandlerFunc
		check, try string
		requests   int
	}{
		"wants a form":   {pydantic(fieldsMissing, fieldsMissing), "W " + hint + "\nlogin 422", "FAILED " + hint, 2},
		"wants JSON":     {pydantic(fieldsMissing, bodyMissing), "login 422", "", 2},
		"says it by 400": {with(400, "Content-Type", "application/json", fieldsMissing), "W " + hint + "\nlogin 400", "FAILED " + hint, 2},
	} {
		t.Run(name, func(t *testing.T) {
			a := newAPI(t, row.answer)
			p := a.provider(t, func(o *tokenapi.Options) { o.Refresh.URL, o.Logout.URL = "", "" })
			if got := reportText(p.Check(t.Context())); got != row.check || a.count() != row.requests {
				t.Errorf("%d requests\ngot  %s\nwant %s", a.count(), got, row.check)
			}
			if got := tryAs(t, p, "lovelace-"+canary); !strings.HasPrefix(got, row.try) {
				t.Errorf("got  %s\nwant %s", got, row.try)
			}
		})
	}
}

// An endpoint that need not be there is missed with the way to say so, and logout is not called.
func TestCheckAbsent(t *testing.T) {
	a := newAPI(t, say(404, `{}`))
	r := a.provider(t, func(o *tokenapi.Options) { o.Me.URL = a.URL + "/me" }).Check(t.Context())
	if len(r.Uncalled) != 1 || r.Uncalled[0] != "logout" {
		t.Errorf("not called: %q", r.Uncalled)
	}
	for _, f := range r.Findings {
		if optional := strings.HasSuffix(f.Text, "; or, if there is none, "+f.About+`: {path: ""}`); optional != (f.About != "login") {
			t.Errorf("%s: %s", f.About, f.Text)
		}
	}
	if len(r.Findings) != 3 {
		t.Errorf("findings %v", r.Findings)
	}
}

// What a login may answer to a request that has nothing in it.
func TestCheckLogin(t *testing.T) {
	form := func(o *tokenapi.Options) { o.Login.Encoding = tokenapi.Form }
	for name, row := range map[string]struct {
		answer http.HandlerFunc
		change func(*tokenapi.Options)
		want   string // what the report begins with; "login 422" alone: no finding
	}{
		"401":               {say(401, `{"x":"`+canary+`"}`), nil, "login 401"},
		"403":               {say(403, ``), nil, "login 403"},
		"404, listed":       {say(404, `{"message":"no such user"}`), func(o *tokenapi.Options) { o.Login.Refused = []int{404} }, "login 404"},
		"422 of FastAPI":    {say(422, `{"detail":[{"type":"missing","loc":["body","username"],"input":{}},{"type":"missing","loc":["body","password"],"input":{}}]}`), nil, "login 422"},
		"another name":      {say(422, `{"detail":[{"type":"missing","loc":["body","email"],"input":{}},{"type":"missing","loc":["body","password"],"input":{}}]}`), nil, "F login: misses the field email, which the login does not send: write login: {username: email}"},
		"another, Pydantic": {say(422, `{"detail":[{"type":"value_error.missing","loc":["body","user","email"]}]}`), nil, "F login: misses the field user.email,"},
		"JSON for a form":   {say(422, `{"detail":[{"type":"missing","loc":["body","username"],"input":null}]}`), nil, "W login: misses its fields as an endpoint does that wants a form: if it is FastAPI's OAuth2PasswordRequestForm, write login: {encoding: form}"},
		"a form for JSON":   {say(422, `{"detail":[{"type":"missing","loc":["body"],"input":null}]}`), form, "F login: misses the body: it wants JSON. Write login: {encoding: json}"},
		"Django, another":   {say(400, `{"email":["This field is required."],"password":["This field is required."]}`), nil, "W login: misses the field email,"},
		"Laravel, another":  {say(422, `{"message":"x","errors":{"email":["needed"],"password":["needed"]}}`), nil, "W login: misses the field email,"},
		"Nest":              {say(400, `{"message":["email must be an email"],"error":"Bad Request","statusCode":400}`), nil, "login 400"},
		"a list of errors":  {say(400, `{"non_field_errors":["`+canary+`"]}`), nil, "login 400"},
		"page 403":          {page(403), nil, "W login: answers 403 with an HTML page"},
		"page 200":          {page(200), nil, "F login: answers 200 with an HTML page: the path leads to a site and not to the API; is base_url your API, and not a server of files or pages?"},
		"slash":             {redirect(307, "/login/?next="+canary), nil, "F login: answers 307, a redirect, and redirects are not followed: write login: {path: …} with a slash at its end, /login/"},
		"no slash":          {redirect(301, "/login"), func(o *tokenapi.Options) { o.Login.URL += "/" }, "F login: answers 301, a redirect, and redirects are not followed: write login: {path: …} without the slash at its end, /login"},
		"to https":          {redirect(301, "https://api.example.com/login"), nil, "F login: answers 301, a redirect, and redirects are not followed: write base_url: https://api.example.com"},
		"to a page":         {redirect(302, "/accounts/login/;jsessionid="+canary+"?token="+canary), nil, "F login: answers 302, a redirect, and redirects are not followed: it leads to /accounts/login/, a page perhaps."},
		"nowhere":           {say(302, ``), nil, "F login: answers 302, a redirect"},
		"404":               {say(404, `{"detail":"`+canary+`"}`), nil, "F login: answers 404: no such endpoint. Write login: {path: /…}"},
		"405":               {with(405, "Allow", "PUT, OPTIONS, X-"+canary, ``), nil, "F login: answers 405 to POST: write login: {method: PUT}"},
		"405, a page":       {with(405, "Allow", "GET", ``), nil, "F login: answers 405 to POST: only GET is allowed there, so that it is a page."},
		"405, no API":       {page(405), nil, "F login: answers 405 to POST, as servers of files do: is base_url your API, and not a server of files or pages? Else write another login: {method: …}"},
		"501":               {page(501), nil, "F login: answers 501 to POST, as servers of files do: is base_url your API,"},
		"no object":         {say(422, `{"detail":[{"type":"model_attributes_type","loc":["body"],"input":"username=x"}]}`), form, "F login: misses the body: it wants JSON. Write login: {encoding: json}"},
		"no object, 1":      {say(422, `{"detail":[{"type":"type_error.dict","loc":["body"]}]}`), form, "F login: misses the body: it wants JSON. Write login: {encoding: json}"},
		"405 alone":         {say(405, ``), nil, "F login: answers 405 to POST: write another login: {method: …}, or another path"},
		"415":               {say(415, ``), nil, "F login: answers 415: write login: {encoding: form}"},
		"415 to a form":     {say(415, ``), form, "F login: answers 415: write login: {encoding: json}"},
		"429":               {say(429, ``), nil, "W login: answers 429: it is there, and takes no more requests at the moment"},
		"409":               {say(409, `{}`), nil, "W login: answers 409, which is neither yes nor no"},
		"500":               {say(500, canary), nil, "F login: answers 500 to an empty request: look at the API's log. If it is only"},
		"500 of Django":     {page(500), nil, "F login: answers 500 to an empty request: look at the API's log; a framework that misses a slash"},
		"502":               {page(502), nil, "F login: answers 502: what stands in front of the API does not reach it."},
		"a token":           {say(200, pair(canary, canary)), nil, "F login: answers 200 and gives a token to a request without credentials"},
		"always 200":        {say(200, `{"code":401,"msg":"`+canary+`"}`), nil, `F login: answers 200 to a request without credentials. If it says no by a field of its answer (code: number), write login: {answers: ["ok: FIELD=0", "refused: FIELD=CODE"]}`},
		"200, explained":    {say(200, `{"code":401}`), answering("ok: code=0", "refused: code=401"), "login 200"},
		"200, ok":           {say(200, `{"code":0}`), answering("ok: code=0", "refused: code=401"), "F login: answers 200, which a line of answers calls ok, to a request without credentials"},
		"200, another code": {say(200, `{"code":500}`), answering("ok: code=0", "refused: code=401"), "W login: answers 200 to a request without credentials, and no line of answers holds of it; it has code: number"},
		"409, explained":    {say(409, `{}`), answering("refused: 409"), "login 409"},
		"a fault":           {say(409, `{}`), answering("fault: 409"), "W login: answers 409, which a line of answers calls a fault"},
		"200, no JSON":      {say(200, canary), nil, "F login: answers 200 without JSON"},
		"nothing":           {say(204, ``), nil, "F login: answers 204 without JSON"},
		"TLS wanted":        {say(400, "Client sent an HTTP request to an HTTPS server.\n"), nil, "F login: answers 400, as the port wants TLS: write base_url: https://"},
		"hangs up":          {func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, nil, "F login: the connection is closed before the answer is complete"},
	} {
		t.Run(name, func(t *testing.T) {
			a := newAPI(t, row.answer)
			r := a.provider(t, func(o *tokenapi.Options) {
				o.Refresh.URL, o.Logout.URL = "", ""
				if row.change != nil {
					row.change(o)
				}
			}).Check(t.Context())
			got := reportText(r)
			if !strings.HasPrefix(got, row.want) || strings.HasPrefix(row.want, "login ") && got != row.want {
				t.Errorf("got  %s\nwant %s", got, row.want)
			}
			if strings.Contains(got, canary) {
				t.Errorf("the report quotes the answer: %s", got)
			}
			asks := 1
			if name == "404" || strings.Contains(name, "Pydantic") { // and the path beside it, or as a form
				asks = 2
			}
			if len(r.Servers) != 1 || r.Servers[0] != a.URL || a.count() != asks {
				t.Errorf("servers %q, %d requests", r.Servers, a.count())
			}
		})
	}
}

// The request has the configured method, encoding and headers, and nothing of a user; logout is not
// called.
func TestCheckAsks(t *testing.T) {
	a := newAPI(t, say(401, `{}`))
	r := a.provider(t, func(o *tokenapi.Options) {
		o.Headers = http.Header{"Apikey": {"k"}}
		o.Login.Encoding = tokenapi.Form
		o.Refresh.Method = "PUT"
		o.Me.URL = a.URL + "/me"
	}).Check(t.Context())
	if got := reportText(r); got != "login 401, refresh 401, me 401" {
		t.Error(got)
	}
	asked := make(map[string]request)
	for _, x := range a.asked {
		asked[x.method+" "+x.uri] = x
	}
	for line, want := range map[string][2]string{
		"POST /login":  {"", "application/x-www-form-urlencoded"},
		"PUT /refresh": {"{}", "application/json"},
		"GET /me":      {"", ""},
	} {
		x, ok := asked[line]
		if !ok || x.body != want[0] || x.header.Get("Content-Type") != want[1] || x.header.Get("Apikey") != "k" ||
			x.header.Get("Authorization") != "" {
			t.Errorf("%s: %+v", line, x)
		}
	}
	if len(asked) != 3 {
		t.Errorf("asked %v", asked)
	}
}

// me must not describe a user to a request without a token, and matters only where it is asked.
func TestCheckMe(t *testing.T) {
	for name, row := range map[string]struct {
		answer http.HandlerFunc
		from   tokenapi.IdentityFrom
		want   string
	}{
		"asks for a token":  {say(401, ``), tokenapi.FromMe, "login 401, me 401"},
		"tells anybody":     {say(200, `{"sub":"`+canary+`"}`), tokenapi.FromMe, "F me: answers 200 and describes a user (sub) to a request without a token"},
		"nobody":            {say(200, `{"user":null}`), tokenapi.FromMe, "W me: answers 200 to a request without a token, with nobody under the name sub"},
		"absent":            {say(404, ``), tokenapi.FromMe, "F me: answers 404"},
		"absent and unused": {say(404, ``), tokenapi.FromToken, "W me: answers 404"},
	} {
		t.Run(name, func(t *testing.T) {
			a := newAPI(t, func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path == "/me" {
					row.answer(w, r)
					return
				}
				say(401, `{}`)(w, r)
			})
			got := reportText(a.provider(t, func(o *tokenapi.Options) {
				o.Refresh.URL, o.Me.URL, o.Identity.From = "", a.URL+"/me", row.from
			}).Check(t.Context()))
			if !strings.HasPrefix(got, row.want) || strings.Contains(got, canary) {
				t.Errorf("got  %s\nwant %s", got, row.want)
			}
		})
	}
}

// A server that cannot be reached is one finding, which says what to write.
func TestCheckReach(t *testing.T) {
	secure := httptest.NewUnstartedServer(say(401, `{}`))
	secure.Config.ErrorLog = log.New(io.Discard, "", 0) // handshakes fail here on purpose
	secure.StartTLS()
	t.Cleanup(secure.Close)
	plain := httptest.NewServer(say(401, `{}`))
	t.Cleanup(plain.Close)
	gone := httptest.NewServer(nil)
	gone.Close()
	silent := newSilent(t)
	trusted := x509.NewCertPool()
	trusted.AddCert(secure.Certificate())
	for name, row := range map[string]struct {
		base string
		tls  *tls.Config
		want string
	}{
		"private CA, known": {secure.URL, &tls.Config{RootCAs: trusted, MinVersion: tls.VersionTLS12}, "login 401, refresh 401"},
		"private CA":        {secure.URL, nil, "write tls: {ca_file: FILE}, a file with that CA's certificate in PEM"},
		"another name": {
			secure.URL, &tls.Config{RootCAs: trusted, ServerName: "api.internal", MinVersion: tls.VersionTLS12},
			"and not for api.internal: write base_url with such a name, or tls: {server_name: example.com}",
		},
		"no TLS there": {strings.Replace(plain.URL, "http:", "https:", 1), nil, "the port does not speak TLS: write base_url: http://"},
		"TLS there":    {strings.Replace(secure.URL, "https:", "http:", 1), nil, "F login: answers 400, as the port wants TLS: write base_url: https://"},
		"nobody there": {gone.URL, nil, "connection refused: does the API run, and is the port of base_url right?"},
		"no such host": {"http://nosuch.invalid", nil, "F http://nosuch.invalid: "},
		"says nothing": {silent, nil, "F login: no answer within the time limit"},
		"no handshake": {strings.Replace(silent, "http:", "https:", 1), nil, "no answer within the time limit"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var limit time.Duration // the default: a busy machine is no finding
			if strings.HasSuffix(row.base, strings.TrimPrefix(silent, "http")) {
				limit = 200 * time.Millisecond
			}
			p, err := tokenapi.New(tokenapi.Options{
				Name: "api", TLS: row.tls, Timeout: limit,
				Login: tokenapi.Endpoint{URL: row.base + "/login"}, Refresh: tokenapi.Endpoint{URL: row.base + "/refresh"},
			})
			if err != nil {
				t.Fatal(err)
			}
			r := p.Check(t.Context())
			got := reportText(r)
			if !strings.Contains(got, row.want) {
				t.Errorf("got  %s\nwant %s", got, row.want)
			}
			u, _ := url.Parse(row.base)
			at := u.Scheme + "://" + u.Host + ": "
			if n := strings.Count(got, "F "+at); n > 1 || n == 1 && len(r.Findings) != 1 {
				t.Errorf("more than one finding about one server: %s", got)
			}
		})
	}
}

// newSilent is a server that takes connections and says nothing.
func newSilent(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return "http://" + l.Addr().String()
}
