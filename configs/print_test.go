package configs_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sessiongate/configs"
)

func TestPrint(t *testing.T) {
	const golden = "testdata/print.golden"
	dir := folder(t)
	text := strings.Replace(working, `{redis: {addresses: ["redis:6379"]}}`, `{redis: "rediss://app:${PW}@cache/2"}`, 1)
	c := load(t, dir, text, env(map[string]string{"PW": "canary"})).Config
	var out bytes.Buffer
	if err := c.Print(&out); err != nil {
		t.Fatal(err)
	}
	got := strings.ReplaceAll(out.String(), dir, "/DIR")
	if *update {
		write(t, golden, got, 0o644)
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("got\n%s", got)
	}
	if strings.Contains(got, "canary") {
		t.Error("a secret is printed")
	}
}

// Whatever came from the environment is printed as it is written, wherever it ended up; and what is
// printed loads as the same configuration.
func TestPrintShowsNothingOfTheEnvironment(t *testing.T) {
	dir := folder(t)
	variables := env(map[string]string{
		"BODY": `canary"body&+`, "KEY": "canary-key", "URL": "https://canary.example.com", "REDIS": "redis://canary-user:canary-pw@canary-host:6379/3",
		"TIME": "77s", "PATHS": "canary-path", "UP": "http://canary-upstream:9000", "ROLE": "canary-role", "X": "",
	})
	text := `server: {public_url: "${URL}"}
store: {redis: "${REDIS}"}
session: {idle_timeout: "${TIME}"}
keys: {cookie: [{id: c, file: cookie.key}], seal: [{id: s, file: seal.key}], signing: [{id: k, file: signing.pem}]}
providers:
  - {name: local, kind: local, users: {file: users.yaml}}
  - name: api
    kind: tokenapi
    base_url: http://api
    login: {path: /login, body: '{"user": "{{username}}", "pw": "{{password}}", "key": "$${x} ${BODY}"}'}
    refresh: {path: "/refresh/${PATHS}", encoding: form, body: 'token={{refresh_token}}&secret=${BODY}'}
    headers: [{name: X-Key, value: "${KEY}"}]
routes:
  - path: /
    upstreams: ["${UP}/x"]
    request_headers: {set: ["X-Key: ${KEY}"]}
    require: {roles: ["${ROLE}"]}
`
	c := load(t, dir, text, variables).Config
	printed := string(c.Marshal())
	if strings.Contains(printed, "canary") || strings.Contains(printed, "77s") {
		t.Errorf("printed:\n%s", printed)
	}
	for _, want := range []string{
		`public_url: "${URL}"`, `redis: "${REDIS}"`, `idle_timeout: "${TIME}"`, `issuer: "${URL}"`, `secret=${BODY}"`, `$${x} ${BODY}`,
		`- "${UP}/x"`, `- "X-Key: ${KEY}"`, `value: "${KEY}"`, `- "${ROLE}"`, `path: "/refresh/${PATHS}"`,
	} {
		if !strings.Contains(printed, want) {
			t.Errorf("%s is missing in\n%s", want, printed)
		}
	}
	again := load(t, dir, printed, variables).Config
	if second := string(again.Marshal()); second != printed {
		t.Errorf("printed again:\n%s", second)
	}
	if a, b := c.Providers[1].TokenAPI, again.Providers[1].TokenAPI; a.Login.Body != b.Login.Body || a.Refresh.Body != b.Refresh.Body {
		t.Errorf("%q, then %q", a.Login.Body, b.Login.Body)
	}
	api := c.Providers[1].TokenAPI
	if want := configs.Template(`{"user": "{{username}}", "pw": "{{password}}", "key": "$${x} ${BODY}"}`); api.Login.Body != want {
		t.Errorf("%s, want %s", api.Login.Body, want)
	}
	if api.Environment["BODY"].Reveal() != `canary"body&+` || strings.Contains(fmt.Sprintf("%+v", api), "canary\"") {
		t.Errorf("the body's variable did not arrive, or shows: %+v", api.Environment)
	}
}

func TestPasswordInAURLIsNotPrinted(t *testing.T) {
	text := strings.Replace(working, `{redis: {addresses: ["redis:6379"]}}`, `{redis: "redis://app:canary-pw@${HOST}/2"}`, 1)
	c := load(t, folder(t), text, env(map[string]string{"HOST": "cache"})).Config
	if printed := string(c.Marshal()); strings.Contains(printed, "canary") || !strings.Contains(printed, `redis: "[redacted]"`) {
		t.Errorf("printed:\n%s", printed)
	}
}

// A hole in a template is kept as it is written; whether there is such a variable is known at once.
func TestHoles(t *testing.T) {
	text := func(body string) string {
		return withProvider(`providers:
  - name: api
    kind: tokenapi
    preset: fastapi-tutorial
    base_url: http://a
    logout: {path: /l, body: '` + body + `', send: ["header:X-Key: ${KEY}"]}
    forward: ["header:X-App: a${KEY}"]
`)
	}
	variables := env(map[string]string{"KEY": "canary{{password}}"})
	c := load(t, folder(t), text(`{"a": "{{refresh_token}}", "k": "${KEY}"}`), variables).Config
	api := c.Providers[0].TokenAPI
	if api.Logout.Send[0] != "header:X-Key: ${KEY}" || api.Forward[0] != "header:X-App: a${KEY}" || api.Environment["KEY"].Empty() {
		t.Errorf("%+v", api)
	}
	if printed := string(c.Marshal()); strings.Contains(printed, "canary") || strings.Count(printed, "${KEY}") != 3 {
		t.Errorf("printed:\n%s", printed)
	}
	for body, want := range map[string]string{
		`{"a": "${NOT_SET}"}`: "the environment variable NOT_SET is not set", `{"a": "${"}`: "has ${ without NAME",
	} {
		_, err := configs.LoadBytes("x.yaml", []byte(text(body)), variables)
		if err == nil || !strings.Contains(err.Error(), "providers[0].logout.body: "+want) || strings.Contains(err.Error(), "canary") {
			t.Errorf("%s: %v", body, err)
		}
	}
}

// What is printed loads as what was printed, where no secret was left out.
func TestPrintedLoadsAgain(t *testing.T) {
	dir := folder(t)
	text := strings.Replace(working, "{path: /,", `{path: /x, static: app, session: none}, {path: /, methods: [GET], require: {scopes: ["a:*", "true", "1e3", "$${X}"], auth_age: 1h}, unauthenticated: login,`, 1)
	text = strings.Replace(text, `["redis:6379"]`, `["redis:6379"], password_file: seal.key`, 1)
	text += "log: {access: off}\nsession: {idle_timeout: 36h}\n"
	first := load(t, dir, text, noEnv).Config
	second := load(t, dir, string(first.Marshal()), noEnv).Config
	if a, b := string(first.Marshal()), string(second.Marshal()); a != b {
		t.Errorf("printed\n%s\nand loaded and printed again\n%s", a, b)
	}
	if got := second.Routes[1].Require.Scopes; strings.Join(got, " ") != "a:* true 1e3 ${X}" {
		t.Errorf("scopes %q", got)
	}
	if !filepath.IsAbs(string(second.Keys.Cookie[0].File)) {
		t.Error("paths are not resolved")
	}
}
