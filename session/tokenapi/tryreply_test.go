package tokenapi_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"sessiongate/session/tokenapi"
)

// Where the token says less of the user than the answer to the login, a trial offers the latter.
func TestTryOffersTheReplysUser(t *testing.T) {
	bare, named := jwt(map[string]any{"id": "u1"}), jwt(ada())
	norole := jwt(map[string]any{"sub": "u1", "name": "Ada"})
	const offer = "\n  write identity: {from: reply, subject: "
	for name, row := range map[string]struct{ token, beside, want string }{ // an empty want: no offer
		"beside the token": {bare, `"user":{"id":"` + canary + `","email":"` + canary + `","roles":["` + canary + `"]}`, offer + "user.id, name: user.email, roles: user.roles}: the login's answer describes the user\n"},
		"flat":             {norole, `"id":7,"username":"` + canary + `","roles":["ROLE_USER"]`, offer + "id, name: username, roles: roles}"},
		"deep":             {norole, `"data":{"user":{"_id":"a","role":"x"}}`, offer + "data.user._id, roles: data.user.role}"},
		"roles as objects": {norole, `"user":{"id":1,"roles":[{"id":1,"name":"` + canary + `"}]}`, offer + "user.id, roles: user.roles.*.name}"},
		"no roles":         {norole, `"user":{"id":1,"email":"a@b"}`, ""},
		"no name either":   {jwt(map[string]any{"sub": "u1"}), `"user":{"id":1,"email":"a@b"}`, offer + "user.id, name: user.email}"},
		"the token knows":  {named, `"user":{"id":1,"roles":["a"]}`, ""},
		"nobody there":     {norole, `"user":{"roles":["a"]},"id":1`, ""},
	} {
		t.Run(name, func(t *testing.T) {
			a := newAPI(t, say(200, fmt.Sprintf(`{"access_token":%q,%s}`, row.token, row.beside)))
			got := tryAs(t, a.provider(t, func(o *tokenapi.Options) {
				o.Refresh.URL, o.Logout.URL = "", ""
				o.Identity.Roles = []string{"role"}
			}), "lovelace-"+canary)
			if strings.Contains(got, offer) != (row.want != "") || !strings.Contains(got, row.want) {
				t.Errorf("got\n%s\nwant %s", got, row.want)
			}
		})
	}
}

// A call that does not find the refresh token may look for it under the name that the login gives
// it.
func TestTryOffersTheLoginsNameForTheToken(t *testing.T) {
	wants := func(name string) http.HandlerFunc { // 403 where that is not sent
		return func(w http.ResponseWriter, r *http.Request) {
			data, _ := io.ReadAll(r.Body)
			if r.URL.Path != "/login" && !strings.Contains(string(data), `"`+name+`"`) {
				say(403, `{"message":"Refresh Token is required!"}`)(w, r)
				return
			}
			say(200, fmt.Sprintf(`{"access_token":%q,"data":{"refreshToken":"refresh-%s"}}`, jwt(ada()), canary))(w, r)
		}
	}
	const offer = "\n  the login gives it under refreshToken: write "
	for name, row := range map[string]struct {
		api    string
		change func(*tokenapi.Options)
		want   string
	}{
		"refresh":    {"refreshToken", func(*tokenapi.Options) {}, "FAILED refresh: answers 403: refused, with a token that is seconds old. Is it sent where the API wants it? See refresh.refresh_token, refresh.access_token, refresh.body and refresh.send" + offer + "refresh: {refresh_token: refreshToken}\n"},
		"logout":     {"refreshToken", func(o *tokenapi.Options) { o.Refresh.RefreshToken = "refreshToken" }, "FAILED logout: answers 403 to tokens that are seconds old: nothing is revoked. See logout.refresh_token and logout.access_token" + offer + "logout: {refresh_token: refreshToken}\n"},
		"it is that": {"token", func(o *tokenapi.Options) { o.Refresh.RefreshToken = "refreshToken" }, ""},
		"a header":   {"token", func(o *tokenapi.Options) { o.Refresh.RefreshToken = "header:Authorization" }, ""},
	} {
		t.Run(name, func(t *testing.T) {
			a := newAPI(t, nil)
			a.Config.Handler = wants(row.api)
			got := tryAs(t, a.provider(t, func(o *tokenapi.Options) {
				o.Reply.RefreshToken = []string{"data.refreshToken"}
				row.change(o)
			}), "lovelace-"+canary)
			if strings.Contains(got, offer) != (row.want != "") || !strings.Contains(got, row.want) {
				t.Errorf("got\n%s\nwant %s", got, row.want)
			}
		})
	}
}
