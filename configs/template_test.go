package configs_test

import (
	"path/filepath"
	"strings"
	"testing"

	"sessiongate/configs"
)

// Slips in templates and lines are found where they stand, and say what to write.
func TestTemplates(t *testing.T) {
	dir := folder(t)
	load := func(keys string) error {
		text := withProvider("providers:\n  - name: api\n    kind: tokenapi\n    preset: fastapi-tutorial\n    base_url: http://a\n    " + keys + "\n")
		_, err := configs.LoadBytes(filepath.Join(dir, "x.yaml"), []byte(text), env(map[string]string{"KEY": "k"}))
		return err
	}
	for keys, want := range map[string]string{
		`keep: [csrf]`:                                       `keep[0]: "csrf" is not two parts with a colon and a blank between them; write "csrf: cookie:csrf_refresh_token"`,
		`login: {send: ["a={{username}}"]}`:                  `login.send[0]: "a={{username}}" is not two parts`,
		`login: {send: ["a: {{extra.b}}"]}`:                  `login.send[0]: names {{extra.b}}, which is not there; add b to login.extra`,
		`login: {send: ["a: {{keep.b}}"]}`:                   "login.send[0]: has {{ without a value's name and }}; write {{ and }} around username, password, extra.NAME, values.NAME",
		`login: {body: '{"a": "{{user}}"}'}`:                 "login.body: has {{ without a value's name",
		`refresh: {send: ["a: {{keep.b}}"]}`:                 `refresh.send[0]: names {{keep.b}}, which is not there; add "b: PLACE" to keep`,
		`refresh: {send: ["location:a: b"]}`:                 "refresh.send[0]: has a place that only answers have; write query:a",
		`logout: {body: "{{values.x}}"}`:                     "logout.body: names {{values.x}}, which is not there; add {name: x, secret_file: PATH} to values",
		`me: {send: ["a: {{password}}"]}`:                    "me.send[0]: has {{ without",
		`me: {send: ["a: {{subject"]}`:                       "me.send[0]: has {{ without",
		`forward: ["query:t: {{access_token}}"]`:             "forward[0]: would put a token into URLs",
		`forward: ["token: {{access_token}}"]`:               "forward[0]: is no header and no cookie of a request; write header:NAME or cookie:NAME",
		`forward: ["header:X: {{refresh_token}}"]`:           "forward[0]: has {{ without",
		`identity: {role_map: [ADMIN]}`:                      `identity.role_map[0]: "ADMIN" is not two parts`,
		`values: [{name: a, value: b}, {name: a, value: c}]`: "values[1].name: is there twice",
		"keep:\n      - csrf: cookie:csrf":                   "keep[0]: is a section (keys with values), and text is wanted; put the line in quotes",
	} {
		err := load(keys)
		if err == nil || !strings.Contains(err.Error(), "providers[0]."+want) {
			t.Errorf("%s: %v, want %s", keys, err, want)
		}
	}
	for _, keys := range []string{
		`login: {extra: [otp], send: ["otp: {{extra.otp}}", "query:x: ${KEY}"], body: ""}`,
		`keep: ["csrf: cookie:csrf"]` + "\n    " + `refresh: {send: ["header:X-CSRF: {{ keep.csrf }}", "u: {{subject}} {{claim.a.b}}"]}`,
		`values: [{name: key, secret: "${KEY}"}]` + "\n    " + `forward: ["header:Authorization: Bearer {{access_token}}", "cookie:k: {{values.key}}"]`,
		`identity: {role_map: ["a: b"], roles: [a, b]}`,
	} {
		if err := load(keys); err != nil {
			t.Errorf("%s: %v", keys, err)
		}
	}
}
