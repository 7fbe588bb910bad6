package endpoints

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"sessiongate/session"
	"sessiongate/web"
)

const (
	asForm = "Content-Type: application/x-www-form-urlencoded"
	asJSON = "Content-Type: application/json"
)

func TestSignInWithAPassword(t *testing.T) {
	wrong := func(session.Login) (*session.Session, error) { return nil, session.ErrInvalidCredentials }
	right := func(l session.Login) (*session.Session, error) {
		if l.Username != "alice" || l.Password.Reveal() != "pw" || l.IPPrefix != "192.0.2.0/24" || len(l.PriorCookies) != 1 {
			return nil, errors.New("not what was sent")
		}
		return alice(), nil
	}
	for name, row := range map[string]struct {
		login  func(session.Login) (*session.Session, error)
		target string
		kind   string
		body   string
		want   answer
	}{
		"a program":          {right, "/auth/login", asJSON, `{"username":"alice","password":"pw"}`, answer{200, `"sub":"alice"`, "", "__Host-session=new"}},
		"a form":             {right, "/auth/login", asForm, "username=alice&password=pw&return_to=/a", answer{303, "", "/a", "__Host-session=new"}},
		"to another site":    {right, "/auth/login", asForm, "username=alice&password=pw&return_to=//evil.example", answer{303, "", "/", "__Host-session=new"}},
		"the demo's button":  {right, "/auth/login", asForm, "demo_user=alice", answer{303, "", "/", "__Host-session=new"}},
		"wrong, a program":   {wrong, "/auth/login", asJSON, `{"username":"alice","password":"x"}`, answer{401, "invalid_credentials", "", ""}},
		"wrong, a form":      {wrong, "/auth/login", asForm, "username=alice&password=x", answer{401, "Wrong user name or password", "", ""}},
		"a fault, in a form": {func(session.Login) (*session.Session, error) { return nil, errors.New("x") }, "/auth/login", asForm, "username=a&password=x", answer{500, "internal_error", "", ""}},
		"no JSON":            {wrong, "/auth/login", asJSON, `[]`, answer{400, "bad_request", "", ""}},
		"no password":        {wrong, "/auth/login", asJSON, `{"username":"alice"}`, answer{400, "Both username", "", ""}},
		"a malformed form":   {wrong, "/auth/login", asForm, `%zz`, answer{400, "bad_request", "", ""}},
		"another kind":       {wrong, "/auth/login", "Content-Type: text/plain", `x`, answer{400, "bad_request", "", ""}},
		"a malformed kind":   {wrong, "/auth/login", "Content-Type: ;", `x`, answer{400, "malformed", "", ""}},
		"too much":           {wrong, "/auth/login", asJSON, strings.Repeat("x", maxLoginBody+1), answer{413, "payload_too_large", "", ""}},
	} {
		d := newDesk(t, &services{login: row.login, passwords: []string{"local"}}, func(o *Options) {
			o.DemoUsers, o.DemoProvider = []web.DemoUser{{Name: "alice", Password: "pw"}}, "local"
		})
		row.want.check(t, name, d.ask("POST", row.target, row.body, row.kind, cookie))
	}
	d := newDesk(t, &services{login: right, passwords: []string{"local"}})
	answer{200, "ookie", "", "__Host-probe=1"}.check(t, "a browser without cookies", d.ask("POST", "/auth/login?probe=1", "username=alice&password=pw", asForm))
	d = newDesk(t, &services{login: right, passwords: []string{"local"}, unsealable: true})
	answer{500, "internal_error", "", ""}.check(t, "no cookie can be sealed", d.ask("POST", "/auth/login", `{"username":"alice","password":"pw"}`, asJSON, cookie))
}

// Further fields of a login: which are passed on, and what is none.
func TestFurtherFieldsOfALogin(t *testing.T) {
	for name, row := range map[string]struct {
		kind, body string
		want       map[string]any
		code       string // of the problem; empty: 200 or 303
	}{
		"JSON":              {asJSON, `"otp":"123456","tenant":7000000000000000001,"remember":true,"unknown":1`, map[string]any{"otp": "123456", "tenant": json.Number("7000000000000000001"), "remember": true}, ""},
		"absent":            {asJSON, `"otp":null,"tenant":"","unknown":{}`, nil, ""},
		"another case":      {asJSON, `"OTP":"1"`, nil, ""},
		"a form":            {asForm, "otp=1&remember=on&unknown=x", map[string]any{"otp": "1", "remember": "on"}, ""},
		"a form, empty":     {asForm, "otp=&tenant=", nil, ""},
		"an object":         {asJSON, `"otp":{"a":1}`, nil, "The field otp takes a text"},
		"a list":            {asJSON, `"otp":["1"]`, nil, "The field otp takes a text"},
		"too long":          {asJSON, `"otp":"` + strings.Repeat("1", 2<<10+1) + `"`, nil, "The field otp is longer than 2 KiB"},
		"too long a number": {asJSON, `"otp":` + strings.Repeat("1", 2<<10+1), nil, "longer than 2 KiB"},
		"too long, a form":  {asForm, "otp=" + strings.Repeat("1", 2<<10+1), nil, "longer than 2 KiB"},
	} {
		var got map[string]any
		s := &services{passwords: []string{"api"}, fields: []string{"otp", "tenant", "remember"}, login: func(l session.Login) (*session.Session, error) {
			got = l.Extra
			return alice(), nil
		}}
		body := `{"username":"alice","password":"pw",` + row.body + `}`
		if row.kind == asForm {
			body = "username=alice&password=pw&" + row.body
		}
		w := newDesk(t, s).ask("POST", "/auth/login", body, row.kind, cookie)
		switch {
		case row.code != "" && (w.Code != 400 || !strings.Contains(w.Body.String(), row.code)):
			t.Errorf("%s: %d %s", name, w.Code, w.Body)
		case row.code == "" && (w.Code >= 400 || !reflect.DeepEqual(got, row.want)):
			t.Errorf("%s: %d, %v, want %v", name, w.Code, got, row.want)
		}
	}
}

// What our page and a script hear of a login that needs another step, or that was refused for a
// reason.
func TestLoginsThatNeedMore(t *testing.T) {
	step := &session.StepRequiredError{Step: map[string]any{"mfa_token": "abc"}, Err: errors.New("inner")}
	locked := &session.CredentialsError{Reason: session.AccountLocked}
	for name, row := range map[string]struct {
		err    error
		fields []string
		kind   string
		body   string
		want   answer
		lacks  string
	}{
		"a script":         {step, nil, asJSON, "", answer{401, `"code":"login_step_required","step":{"mfa_token":"abc"}`, "", ""}, "inner"},
		"no field for it":  {step, nil, asForm, "", answer{401, "for which this page has no field", "", ""}, `aria-invalid="true"`},
		"a field for it":   {step, []string{"otp"}, asForm, "", answer{401, `name="otp"`, "", ""}, `aria-invalid="true"`},
		"with a word":      {step, []string{"otp"}, asForm, "", answer{401, "one more step", "", ""}, `role="alert"`},
		"nothing relayed":  {step, []string{"otp"}, asForm, "", answer{401, "otp", "", ""}, "abc"},
		"a wrong code":     {step, []string{"otp"}, asForm, "&otp=000000", answer{401, "That did not match", "", ""}, "000000"},
		"refused for it":   {session.ErrInvalidCredentials, []string{"otp"}, asForm, "&otp=000000", answer{401, `name="otp"`, "", ""}, "Wrong user name"},
		"wrong password":   {session.ErrInvalidCredentials, []string{"otp"}, asForm, "", answer{401, "Wrong user name", "", ""}, `name="otp"`},
		"locked, a script": {locked, nil, asJSON, "", answer{401, `"code":"invalid_credentials","reason":"account_locked"`, "", ""}, "step"},
		"nobody answers":   {&session.UnavailableError{}, nil, asForm, "", answer{503, "The sign-in service does not answer. Try again", "", ""}, "signs nobody out"},
		"no store":         {&session.UnavailableError{Subsystem: session.SubsystemStore}, nil, asForm, "", answer{503, "Not available at the moment. Try again", "", ""}, "signs nobody out"},
		"locked":           {locked, nil, asForm, "", answer{401, "This account is locked", "", ""}, `aria-invalid="true"`},
		"bounded there":    {&session.RateLimitedError{RetryAfter: time.Minute}, nil, asForm, "", answer{429, "Too many attempts", "", ""}, `aria-invalid="true"`},
	} {
		s := &services{passwords: []string{"api"}, fields: row.fields, login: func(session.Login) (*session.Session, error) { return nil, row.err }}
		body := `{"username":"alice","password":"pw"}`
		if row.kind == asForm {
			body = "username=alice&password=pw" + row.body
		}
		got := newDesk(t, s).ask("POST", "/auth/login", body, row.kind, cookie)
		row.want.check(t, name, got)
		if strings.Contains(got.Body.String(), row.lacks) {
			t.Errorf("%s: has %q: %s", name, row.lacks, got.Body)
		}
	}
}

func TestTheLoginPage(t *testing.T) {
	both := services{redirects: []string{"corp"}, passwords: []string{"local"}}
	evicted := func(session.ResolveOptions) (*session.Session, error) {
		return nil, &session.EndedError{Reason: session.Evicted}
	}
	here8080 := both
	here8080.public = "http://localhost:8080" // a developer's machine, where pages say more
	for name, row := range map[string]struct {
		services services
		resolve  func(session.ResolveOptions) (*session.Session, error)
		target   string
		want     answer
	}{
		"signed in already":    {both, here, "/auth/login?return_to=/a", answer{303, "", "/a", ""}},
		"in another tab":       {both, here, "/auth/login?return_to=/a&begin=1", answer{200, "/a", "", ""}},
		"not signed in":        {both, gone, "/auth/login?return_to=/a", answer{200, "provider=corp", "", "__Host-probe=1"}},
		"to sign in again":     {both, here, "/auth/login?prompt=login", answer{200, "prompt=login", "", ""}},
		"no such provider":     {both, gone, "/auth/login?provider=x", answer{400, "does not exist here", "", ""}},
		"begins with a page":   {both, gone, "/auth/login?provider=corp&return_to=/a", answer{200, "begin=1", "", ""}},
		"goes to the provider": {both, gone, "/auth/login?provider=corp&return_to=/a&begin=1&max_age=5&acr_values=x&login_hint=al", answer{303, "", "https://corp.example/", "__Host-login="}},
		"asks too much":        {here8080, gone, "/auth/login?provider=corp&begin=1&prompt=x", answer{400, "prompt is", "", ""}},
		"no number":            {here8080, gone, "/auth/login?provider=corp&begin=1&max_age=x", answer{400, "max_age", "", ""}},
		"too long":             {here8080, gone, "/auth/login?provider=corp&begin=1&acr_values=" + strings.Repeat("a+", 9), answer{400, "too long", "", ""}},
		"why it ended":         {both, evicted, "/auth/login?return_to=/a", answer{200, "this one had been signed in the longest", "", ""}},
		"why, then more":       {both, evicted, "/auth/login?prompt=login", answer{200, "this one had been signed in the longest", "", ""}},
		"not for people":       {both, gone, "/auth/login?provider=corp&begin=1&prompt=x", answer{400, "does not work like that", "", ""}},
	} {
		s := row.services
		s.resolve = row.resolve
		s.startLogin = func(l session.LoginStart) (string, error) {
			if l.ReturnTo != "/a" || l.Browser == "" || l.Provider != "corp" || *l.AuthRequest.MaxAge != 5*time.Second || l.PromptNone {
				t.Errorf("%+v", l)
			}
			return "https://corp.example/", nil
		}
		rec := newDesk(t, &s).person("GET", row.target, "", cookie)
		row.want.check(t, name, rec)
		if name == "not signed in" && strings.Contains(rec.Body.String(), "signed out") {
			t.Errorf("whoever has signed out knows: %s", rec.Body)
		}
	}
	only := services{redirects: []string{"corp"}, resolve: func(session.ResolveOptions) (*session.Session, error) {
		return nil, &session.EndedError{Reason: session.ProviderRefused}
	}, startLogin: func(l session.LoginStart) (string, error) {
		if !l.PromptNone {
			t.Error("whose token ran out a moment ago is most likely still signed in there")
		}
		return "https://corp.example/", nil
	}}
	d := newDesk(t, &only)
	answer{303, "", "https://corp.example/", ""}.check(t, "an old browser", d.ask("GET", "/auth/login", "", "Accept: text/html", cookie))
	answer{400, "navigation", "", ""}.check(t, "a fetch", d.ask("GET", "/auth/login", "", "Sec-Fetch-Mode: cors", "Sec-Fetch-Site: same-origin", cookie))
	answer{400, "no provider", "", ""}.check(t, "a program", d.ask("GET", "/auth/login?provider=x", ""))
}

func TestWhatAProviderSendsBack(t *testing.T) {
	done := session.LoginDone{ReturnTo: "/a"}
	maxAge := time.Minute
	asked := session.LoginDone{ReturnTo: "/a", AuthRequest: session.AuthRequest{Prompt: "login", MaxAge: &maxAge, ACR: []string{"gold"}, LoginHint: "al"}}
	retry := session.LoginDone{Retry: &session.LoginStart{Provider: "corp"}}
	for name, row := range map[string]struct {
		query   string
		done    session.LoginDone
		err     error
		resolve func(session.ResolveOptions) (*session.Session, error)
		want    answer
	}{
		"signed in":       {"state=s&code=c", session.LoginDone{ReturnTo: "/a", Session: alice()}, nil, gone, answer{200, "/a", "", "__Host-session=new"}},
		"said twice":      {"state=s&state=t", done, nil, gone, answer{400, "says something twice", "", ""}},
		"no attempt":      {"state=s", done, session.ErrNoAttempt, gone, answer{400, "no longer valid", "", ""}},
		"a second click":  {"state=s", done, session.ErrNoAttempt, here, answer{200, "/a", "", ""}},
		"no provider":     {"state=s", done, session.ErrNoProvider, gone, answer{404, "", "", ""}},
		"try again there": {"error=login_required", retry, &session.DeniedError{}, gone, answer{303, "", "https://corp.example/", ""}},
		"cancelled":       {"error=access_denied", asked, &session.DeniedError{Code: "access_denied"}, gone, answer{403, "acr_values=gold", "", ""}},
		"down there":      {"error=server_error", done, &session.DeniedError{Code: "server_error"}, gone, answer{503, "not available", "", ""}},
		"something else":  {"error=x", done, &session.DeniedError{Code: "x"}, gone, answer{400, "not signed in", "", ""}},
		"too weak":        {"code=c", done, &session.RejectedError{Weak: true, Err: errors.New("x")}, gone, answer{403, "stronger", "", ""}},
		"not trusted":     {"code=c", done, &session.RejectedError{Err: errors.New("x")}, gone, answer{400, "could not be trusted", "", ""}},
		"unavailable":     {"code=c", done, &session.UnavailableError{Subsystem: session.SubsystemProvider}, gone, answer{503, "not available", "", ""}},
		"a fault":         {"code=c", done, errors.New("x"), gone, answer{500, "", "", ""}},
	} {
		s := &services{redirects: []string{"corp"}, resolve: row.resolve, finishLogin: func(r session.LoginReturn) (session.LoginDone, error) {
			if r.Provider != "corp" {
				t.Errorf("provider %q", r.Provider)
			}
			return row.done, row.err
		}, startLogin: func(session.LoginStart) (string, error) { return "https://corp.example/", nil }}
		row.want.check(t, name, newDesk(t, s).person("GET", "/auth/callback/corp?"+row.query, "", cookie))
	}
	d := newDesk(t, &services{finishLogin: func(session.LoginReturn) (session.LoginDone, error) { return done, session.ErrNoAttempt }})
	answer{200, "<meta", "", ""}.check(t, "from another site", d.ask("GET", "/auth/callback/corp?state=s", "", "Sec-Fetch-Mode: navigate", "Sec-Fetch-Dest: document", "Sec-Fetch-Site: cross-site"))
	answer{403, "cross_origin_refused", "", ""}.check(t, "a fetch", d.ask("GET", "/auth/callback/corp?state=s", "", "Sec-Fetch-Mode: cors"))
}

func TestSignOut(t *testing.T) {
	rec := &session.Record{Identity: session.Identity{Provider: "corp"}}
	redirect := &session.LogoutRedirect{URL: "https://corp.example/logout?id_token_hint=x", Ticket: "t"}
	for name, row := range map[string]struct {
		logout func(string) (*session.Record, error)
		origin string
		body   string
		kind   string
		want   answer
	}{
		"a program":            {func(string) (*session.Record, error) { return rec, nil }, "", "", asJSON, answer{200, `"next":"/auth/logout/done"`, "", "__Host-session=; "}},
		"at the provider too":  {func(string) (*session.Record, error) { return rec, nil }, "https://corp.example", "", asJSON, answer{200, "/auth/logout/continue?ticket=t", "", "__Host-login=OUT"}},
		"a form":               {func(string) (*session.Record, error) { return rec, nil }, "", "return_to=/bye", asForm, answer{303, "", "/bye", "__Host-session=; "}},
		"a form, provider too": {func(string) (*session.Record, error) { return rec, nil }, "https://corp.example", "", asForm, answer{303, "", "https://corp.example/logout", "__Host-session=; "}},
		"nothing to end":       {func(string) (*session.Record, error) { return nil, session.ErrUnauthentic }, "", "", asJSON, answer{200, `"logout_url":null`, "", "__Host-session=; "}},
		"the store is away":    {func(string) (*session.Record, error) { return nil, &session.UnavailableError{} }, "", "", asJSON, answer{503, "signs nobody out", "", ""}},
	} {
		s := &services{redirects: []string{"corp"}, logout: row.logout, logoutOrigin: row.origin, startLogout: func() *session.LogoutRedirect { return redirect }}
		got := newDesk(t, s, func(o *Options) { o.ClearSiteData = true }).ask("POST", "/auth/logout", row.body, row.kind, cookie)
		row.want.check(t, name, got)
		if cleared := got.Header().Get("Clear-Site-Data") != ""; cleared != (row.want.status != 503) || row.want.status == 503 && got.Header().Get("Set-Cookie") != "" {
			t.Errorf("%s: %v", name, got.Header())
		}
	}
}

// A logout ends on a page, and for a while the next sign-in begins with a click.
func TestASignedOutBrowserStaysSo(t *testing.T) {
	s := &services{redirects: []string{"corp"}, resolve: gone, logout: func(string) (*session.Record, error) { return nil, nil }} //nolint:nilnil // no session
	now := time.Now()
	d := newDesk(t, s, func(o *Options) { o.Now = func() time.Time { return now } })
	mark, _, _ := strings.Cut(strings.TrimPrefix(strings.Join(d.ask("POST", "/auth/logout", "", asJSON).Header().Values("Set-Cookie"), "\n"), ""), ";")
	for _, c := range d.ask("POST", "/auth/logout", "", asJSON).Result().Cookies() {
		if c.Name == "__Host-login" {
			mark = "Cookie: " + c.Name + "=" + c.Value
		}
	}
	answer{200, "prompt=login", "", ""}.check(t, "a click", d.person("GET", "/auth/login", "", mark))
	s.startLogin = func(session.LoginStart) (string, error) { return "https://corp.example/", nil }
	answer{303, "", "https://corp.example/", "__Host-login="}.check(t, "after the click", d.person("GET", "/auth/login?provider=corp&begin=1", "", mark))
	now = now.Add(signedOutTTL)
	answer{200, "begin=1", "", ""}.check(t, "ten minutes later", d.person("GET", "/auth/login", "", mark))
	s.logoutOrigin = "https://corp.example"
	if got := (&logoutMemory{d.o}).prompt(d.pool.Get(httptest.NewRecorder(), request("GET", "/", "")), "corp"); got != "" {
		t.Errorf("a provider with a logout page: %q", got)
	}
	d.o.PromptAfterLogout = map[string]string{"corp": "none", "other": "consent"}
	for provider, want := range map[string]string{"corp": "", "other": "consent"} {
		if got := (&logoutMemory{d.o}).prompt(nil, provider); got != want {
			t.Errorf("%s: %q", provider, got)
		}
	}
}

func TestTheLogoutPages(t *testing.T) {
	s := &services{redirects: []string{"corp"}, logoutOrigin: "https://corp.example"}
	d := newDesk(t, s)
	answer{200, "Alice", "", ""}.check(t, "asks", d.person("GET", "/auth/logout?return_to=/x", "", cookie))
	s.resolve = gone
	answer{200, "You are not signed in", "", ""}.check(t, "nobody", d.person("GET", "/auth/logout", "", cookie))
	s.resolve = func(session.ResolveOptions) (*session.Session, error) { return nil, &session.UnavailableError{} }
	answer{503, "", "", ""}.check(t, "nobody knows", d.person("GET", "/auth/logout", "", cookie))

	s.redeemLogout = func(ticket string) (string, error) {
		switch ticket {
		case "t":
			return "https://corp.example/logout", nil
		case "broken":
			return "", errors.New("x")
		}
		return "", session.ErrNoAttempt
	}
	answer{303, "", "https://corp.example/logout", ""}.check(t, "redeemed", d.person("GET", "/auth/logout/continue?ticket=t", ""))
	answer{200, "Sign in", "", ""}.check(t, "spent", d.person("GET", "/auth/logout/continue?ticket=x", ""))
	answer{500, "", "", ""}.check(t, "a fault", d.person("GET", "/auth/logout/continue?ticket=broken", ""))

	s.finishLogout = func(state string) (string, error) {
		if state == "s" {
			return "/bye", nil
		}
		return "", session.ErrNoAttempt
	}
	answer{303, "", "/bye", ""}.check(t, "done", d.person("GET", "/auth/logout/done?state=s", ""))
	answer{200, "Sign in", "", ""}.check(t, "of nobody", d.person("GET", "/auth/logout/done?state=x", ""))
	s.logoutOrigin = ""
	answer{200, "has one of its own", "", ""}.check(t, "no state", d.person("GET", "/auth/logout/done", ""))
}

func TestBackChannelLogout(t *testing.T) {
	for name, row := range map[string]struct {
		kind, body string
		err        error
		want       answer
	}{
		"a token":     {asForm, "logout_token=t", nil, answer{200, "", "", ""}},
		"none":        {asForm, "", nil, answer{400, "invalid_request", "", ""}},
		"two":         {asForm, "logout_token=t&logout_token=u", nil, answer{400, "invalid_request", "", ""}},
		"no form":     {asJSON, "{}", nil, answer{400, "invalid_request", "", ""}},
		"not valid":   {asForm, "logout_token=t", &session.RejectedError{Err: errors.New("inner")}, answer{400, "the logout token is not valid", "", ""}},
		"no provider": {asForm, "logout_token=t", session.ErrNoProvider, answer{404, "", "", ""}},
		"unavailable": {asForm, "logout_token=t", &session.UnavailableError{Subsystem: session.SubsystemStore}, answer{503, "store_unavailable", "", ""}},
	} {
		s := &services{logoutToken: func(provider, token string) (int, error) {
			if provider != "corp" || token != "t" {
				t.Errorf("%q %q", provider, token)
			}
			return 1, row.err
		}}
		row.want.check(t, name, newDesk(t, s).ask("POST", "/auth/back-channel-logout/corp", row.body, row.kind))
	}
}

func TestDevices(t *testing.T) {
	id := session.ID("AAAAAAAAAAAAAAAAAAAAAA")
	records := []session.Record{{ID: "alice-id", Device: session.Device{Name: "Laptop", IPPrefix: "192.0.2.0/24"}}, {ID: id}}
	s := &services{
		ownSessions: func() ([]session.Record, error) { return records, nil },
		endOwn: func(got session.ID) error {
			if got != id {
				t.Errorf("%q", got)
			}
			return nil
		},
		endAllOwn: func(keep bool) (int, error) {
			if keep {
				return 1, nil
			}
			return 2, nil
		},
	}
	d := newDesk(t, s)
	answer{200, `"device":"Laptop"`, "", ""}.check(t, "listed", d.ask("GET", "/auth/sessions", "", cookie))
	answer{200, "Laptop", "", ""}.check(t, "shown", d.person("GET", "/auth/account", "", cookie))
	answer{204, "", "", ""}.check(t, "one ended", d.ask("DELETE", "/auth/sessions/"+string(id), "", cookie))
	answer{404, "no session with this id", "", ""}.check(t, "none ended", d.ask("DELETE", "/auth/sessions/x", "", cookie))
	answer{200, `"ended":2`, "", ""}.check(t, "all", d.ask("DELETE", "/auth/sessions", "", cookie))
	answer{200, `"ended":1`, "", ""}.check(t, "all others", d.ask("DELETE", "/auth/sessions?keep=current", "", cookie))
	answer{400, "keep=current", "", ""}.check(t, "misspelt", d.ask("DELETE", "/auth/sessions?keep=currently", "", cookie))
	s.ownSessions = func() ([]session.Record, error) {
		return records[:1], &session.UnreadableError{IDs: []session.ID{"x"}, Err: errors.New("x")}
	}
	answer{200, `"unreadable":1`, "", ""}.check(t, "one is unreadable", d.ask("GET", "/auth/sessions", "", cookie))
	s.ownSessions = func() ([]session.Record, error) { return nil, &session.UnavailableError{} }
	answer{503, "", "", ""}.check(t, "the store is away", d.ask("GET", "/auth/sessions", "", cookie))
	s.resolve = gone
	answer{303, "", "/auth/login?return_to=%2Fauth%2Faccount", ""}.check(t, "nobody's page", d.person("GET", "/auth/account", "", cookie))
	for _, ask := range [][2]string{{"GET", "/auth/sessions"}, {"DELETE", "/auth/sessions"}, {"DELETE", "/auth/sessions/x"}, {"GET", "/auth/account"}, {"GET", "/auth/events"}} {
		answer{401, "session_ended", "", ""}.check(t, "nobody: "+ask[1], d.ask(ask[0], ask[1], "", cookie))
	}
}

// The form of the devices page asks first, then does as it was told, and never ends the session that
// it came with.
func TestTheFormOfTheDevicesPage(t *testing.T) {
	const id, lost = "AAAAAAAAAAAAAAAAAAAAAA", "BBBBBBBBBBBBBBBBBBBBBA"
	phone := session.Record{ID: id, Device: session.Device{Name: "Phone"}}
	laptop := session.Record{ID: "alice-id", Device: session.Device{Name: "Laptop"}}
	for name, row := range map[string]struct {
		body  string
		alone bool
		want  answer
		ended string
	}{
		"asks for one":        {"end=" + id, false, answer{200, `Sign out Phone?`, "", ""}, ""},
		"asks for the others": {"end=others", false, answer{200, `name="confirm" value="yes"`, "", ""}, ""},
		"not sure":            {"end=others&confirm=no", false, answer{200, `name="end" value="others"`, "", ""}, ""},
		"one":                 {"end=" + id + "&confirm=yes", false, answer{303, "", "/auth/account?done=one", ""}, id},
		"the others":          {"end=others&confirm=yes", false, answer{303, "", "/auth/account?done=others", ""}, "others"},
		"asks for itself":     {"end=alice-id", false, answer{303, "", "/auth/logout", ""}, ""},
		"itself":              {"end=alice-id&confirm=yes", false, answer{303, "", "/auth/logout", ""}, ""},
		"asks for a lost one": {"end=" + lost, false, answer{303, "", "/auth/account", ""}, ""},
		"a lost one":          {"end=" + lost + "&confirm=yes", false, answer{303, "", "/auth/account", ""}, lost},
		"no id":               {"end=x&confirm=yes", false, answer{303, "", "/auth/account", ""}, ""},
		"asks, but is alone":  {"end=others", true, answer{303, "", "/auth/account", ""}, ""},
		"nothing":             {"", false, answer{400, "", "", ""}, ""},
		"two":                 {"end=others&end=" + id + "&confirm=yes", false, answer{400, "", "", ""}, ""},
		"malformed":           {"end=%zz", false, answer{400, "", "", ""}, ""},
		"too large":           {"end=" + strings.Repeat("x", maxLoginBody), false, answer{413, "", "", ""}, ""},
	} {
		ended := ""
		s := &services{
			ownSessions: func() ([]session.Record, error) {
				if row.alone {
					return []session.Record{laptop}, nil
				}
				return []session.Record{laptop, phone}, nil
			},
			endOwn: func(got session.ID) error {
				ended = string(got)
				if ended == lost {
					return session.ErrNoSession
				}
				return nil
			},
			endAllOwn: func(keep bool) (int, error) {
				if !keep {
					t.Errorf("%s: here too", name)
				}
				ended = "others"
				return 1, nil
			},
		}
		rec := newDesk(t, s).person("POST", "/auth/account", row.body, asForm, cookie)
		row.want.check(t, name, rec)
		if ended != row.ended {
			t.Errorf("%s: ended %q, want %q", name, ended, row.ended)
		}
		if row.want.status == 303 && rec.Header().Get("Location") != row.want.location {
			t.Errorf("%s: to %q", name, rec.Header().Get("Location"))
		}
		if jar := rec.Header().Get("Set-Cookie"); jar != "" {
			t.Errorf("%s: %q", name, jar)
		}
	}
	s := &services{}
	answer{400, "x-www-form-urlencoded", "", ""}.check(t, "JSON", newDesk(t, s).ask("POST", "/auth/account", `{"end":"others"}`, "Content-Type: application/json", cookie))
	answer{403, "", "", ""}.check(t, "another site", newDesk(t, s).person("POST", "/auth/account", "end=others&confirm=yes", asForm, cookie, "Origin: https://evil.example"))
	s.resolve = gone
	answer{401, "was not sent", "", ""}.check(t, "nobody", newDesk(t, s).person("POST", "/auth/account", "end=others&confirm=yes", asForm, cookie))
}

func TestTheSessionDocument(t *testing.T) {
	var asked session.ResolveOptions
	s := &services{}
	s.resolve = func(o session.ResolveOptions) (*session.Session, error) { asked = o; return alice(), nil }
	d := newDesk(t, s)
	answer{200, `"authenticated":true,"user":{"sub":"alice","name":"Alice","roles":[],"claims":{}}`, "", ""}.check(t, "here", d.ask("GET", "/auth/session?touch=false", "", cookie))
	if asked.Touch {
		t.Error("touched")
	}
	answer{200, `"authenticated":true`, "", ""}.check(t, "refreshed", d.ask("POST", "/auth/refresh?force=true", "", cookie))
	if !asked.Touch || !asked.Eager || !asked.Force {
		t.Errorf("%+v", asked)
	}
	s.resolve = gone
	answer{200, `{"authenticated":false,"reason":"logout"}`, "", ""}.check(t, "gone", d.ask("GET", "/auth/session", "", cookie))
	answer{401, "session_ended", "", ""}.check(t, "nothing to refresh", d.ask("POST", "/auth/refresh", "", cookie))
	s.resolve = func(session.ResolveOptions) (*session.Session, error) { return nil, &session.UnavailableError{} }
	answer{503, "", "", ""}.check(t, "nobody knows", d.ask("GET", "/auth/session", "", cookie))
}

func TestTokensOfPrograms(t *testing.T) {
	s := &services{
		login: func(l session.Login) (*session.Session, error) {
			if l.Kind != session.TokenClient || l.DeviceName != "SDK" {
				return nil, session.ErrInvalidCredentials
			}
			return alice(), nil
		},
		refreshTokens: func(r session.TokenClientRefresh) (session.TokenPair, error) {
			if r.Refresh != "sgr_1" {
				return session.TokenPair{}, &session.EndedError{Reason: session.Reused}
			}
			return session.TokenPair{Access: "a2", Refresh: "sgr_2"}, nil
		},
		logoutTokens: func(session.TokenClientRefresh) error { return nil },
	}
	d := newDesk(t, s)
	for name, row := range map[string]struct {
		path, body string
		fields     []string
		want       answer
	}{
		"login":            {"login", `{"username":"a","password":"b","device_name":"SDK"}`, []string{asJSON}, answer{200, `"access_token":"access","refresh_token":"sgr_1"`, "", ""}},
		"wrong":            {"login", `{"username":"a","password":"b"}`, []string{asJSON}, answer{401, "invalid_credentials", "", ""}},
		"a form":           {"login", "username=a&password=b", []string{asForm}, answer{400, "JSON object", "", ""}},
		"no body":          {"login", "", []string{asJSON}, answer{400, "JSON object", "", ""}},
		"refresh":          {"refresh", "", []string{"Authorization: Bearer sgr_1"}, answer{200, `"refresh_token":"sgr_2"`, "", ""}},
		"refresh, by body": {"refresh", `{"refresh_token":"sgr_1"}`, nil, answer{200, `"refresh_token":"sgr_2"`, "", ""}},
		"used twice":       {"refresh", "", []string{"Authorization: Bearer sgr_0"}, answer{401, "session_reused", "", ""}},
		"nothing":          {"refresh", "", nil, answer{401, "No refresh token", "", ""}},
		"two":              {"refresh", `{"refresh_token":"sgr_2"}`, []string{"Authorization: Bearer sgr_1"}, answer{400, "two different", "", ""}},
		"not Bearer":       {"refresh", "", []string{"Authorization: Basic x"}, answer{400, "Bearer and one token", "", ""}},
		"logout":           {"logout", "", []string{"Authorization: Bearer sgr_1"}, answer{200, `{"ok":true}`, "", ""}},
		"access alone":     {"logout", "", []string{"Authorization: Bearer a.b.c"}, answer{401, "Only the refresh token", "", ""}},
		"a page":           {"login", "{}", []string{asJSON, "Origin: " + own}, answer{403, "Not for pages", "", ""}},
		"too much":         {"refresh", strings.Repeat("x", maxLoginBody+1), nil, answer{413, "payload_too_large", "", ""}},
	} {
		row.want.check(t, name, d.ask("POST", "/auth/token/"+row.path, row.body, row.fields...))
	}
	s.logoutTokens = func(session.TokenClientRefresh) error { return &session.UnavailableError{} }
	answer{503, "", "", ""}.check(t, "logout without the store", d.ask("POST", "/auth/token/logout", "", "Authorization: Bearer sgr_1"))
	none := newDesk(t, s, func(o *Options) { o.TokenClients = nil })
	answer{404, "not_found", "", ""}.check(t, "switched off", none.ask("POST", "/auth/token/login", ""))
}

// The client library is served byte for byte, as what it is, and only what runs in a browser.
func TestClientScripts(t *testing.T) {
	d := newDesk(t, &services{})
	for _, name := range []string{"client.js", "client.d.ts", "client/core.js", "client/core.d.ts", "client/types.d.ts"} {
		body, kind := string(web.ClientScripts()[name]), "text/javascript; charset=utf-8"
		if strings.HasSuffix(name, ".d.ts") {
			kind = "text/plain; charset=utf-8"
		}
		rec := d.ask("GET", "/auth/"+name, "")
		tag := rec.Header().Get("ETag")
		if body == "" || rec.Code != 200 || rec.Body.String() != body || tag == "" {
			t.Errorf("%s: %d, %d bytes, want %d, tag %q", name, rec.Code, rec.Body.Len(), len(body), tag)
		}
		for field, want := range map[string]string{
			"Content-Type": kind, "Cache-Control": "no-cache", "X-Content-Type-Options": "nosniff",
			"Cross-Origin-Resource-Policy": "same-origin", "Content-Length": strconv.Itoa(len(body)),
		} {
			if got := rec.Header().Get(field); got != want {
				t.Errorf("%s: %s %q, want %q", name, field, got, want)
			}
		}
		if rec := d.ask("HEAD", "/auth/"+name, ""); rec.Code != 200 || rec.Body.Len() != 0 {
			t.Errorf("%s: HEAD %d, %d bytes", name, rec.Code, rec.Body.Len())
		}
		answer{304, "", "", ""}.check(t, name+" again", d.ask("GET", "/auth/"+name, "", "If-None-Match: "+tag))
	}
	for _, name := range []string{"client/server.js", "client/testing.js", "client/package.json", "client/README.md", "client/", "client"} {
		answer{404, "not_found", "", ""}.check(t, name, d.ask("GET", "/auth/"+name, ""))
	}
}

func TestDocuments(t *testing.T) {
	d := newDesk(t, &services{}, func(o *Options) { o.KeySet, o.Metadata = []byte(`{"keys":[]}`), []byte(`{"issuer":"x"}`) })
	answer{200, `{"keys":[]}`, "", ""}.check(t, "keys", d.ask("GET", "/.well-known/jwks.json", ""))
	answer{200, `"issuer"`, "", ""}.check(t, "metadata", d.ask("GET", "/.well-known/oauth-authorization-server", ""))
	answer{405, "method_not_allowed", "", ""}.check(t, "method", d.ask("PUT", "/auth/session", "", cookie))
	answer{404, "not_found", "", ""}.check(t, "no endpoint", d.ask("GET", "/auth/nothing", ""))
	answer{403, "cross_origin_refused", "", ""}.check(t, "a preflight", d.ask("OPTIONS", "/auth/session", "", "Origin: https://evil.example", "Access-Control-Request-Method: GET"))
	answer{403, "cross_origin_refused", "", ""}.check(t, "another site", d.ask("GET", "/auth/session", "", "Origin: https://evil.example"))
	if !d.AnyHost("/auth/back-channel-logout/corp") || d.AnyHost("/auth/login") {
		t.Error("providers alone call by inner names")
	}
}

// stream asks for the events of a session until ctx ends.
func (d *desk) stream(ctx context.Context) *httptest.ResponseRecorder {
	rec := httptest.NewRecorder()
	d.Serve(d.pool.Get(rec, request("GET", "/auth/events", "", cookie).WithContext(ctx)))
	return rec
}

func TestEventsOfASession(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &services{watch: make(chan session.Notice, 9)}
		d := newDesk(t, s)
		for _, n := range []session.Notice{
			{Kind: session.Refreshed, In: time.Minute}, {Kind: session.Expiring, In: time.Second}, {Kind: session.DevicesChanged}, {Kind: session.Ended, Reason: session.Logout},
		} {
			s.watch <- n
		}
		want := "retry: 2000\n\nevent: refreshed\ndata: {\"access_expires_in\":60}\n\nevent: expiring\ndata: {\"expires_in\":1}\n\n" +
			"event: sessions_changed\ndata: {}\n\nevent: ended\ndata: {\"reason\":\"logout\"}\n\n"
		if got := d.stream(t.Context()); got.Body.String() != want || got.Header().Get("Content-Type") != "text/event-stream" {
			t.Errorf("%s", got.Body)
		}
		ctx, cancel := context.WithTimeout(t.Context(), heartbeat+time.Second)
		defer cancel()
		if got := d.stream(ctx).Body.String(); got != "retry: 2000\n\n:\n\n" {
			t.Errorf("a silent stream: %q", got)
		}
		close(s.watch)
		d.stream(t.Context())
		if len(d.events.open) != 0 {
			t.Errorf("%v are still counted", d.events.open)
		}
	})
}

func TestEventStreamsAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &services{watch: make(chan session.Notice)}
		d := newDesk(t, s)
		ended := make(chan struct{}, maxStreams)
		for range maxStreams {
			go func() { d.stream(t.Context()); ended <- struct{}{} }()
		}
		synctest.Wait()
		if got := d.stream(t.Context()); got.Code != http.StatusTooManyRequests || len(s.events) != 1 || s.events[0].Limit != "events" {
			t.Errorf("%d %+v", got.Code, s.events)
		}
		d.Drain()
		d.Drain()
		for range maxStreams {
			<-ended
		}
	})
}
