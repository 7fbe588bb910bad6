package configs_test

import (
	"bytes"
	"reflect"
	"slices"
	"strings"
	"testing"

	"sessiongate/configs"
)

// Every preset works with a base URL and what it says that it needs, and all it says is known.
func TestPresets(t *testing.T) {
	names, texts := configs.Presets()
	if len(names) < 18 {
		t.Fatalf("presets %v", names)
	}
	needs := map[string]string{ // nobody can know these beforehand
		"firebase":         "values: [{name: key, value: k}]",
		"laravel-passport": "values: [{name: client_id, value: '2'}, {name: client_secret, value: s}]",
	}
	for _, name := range names {
		// Read as if the operator had written it: unknown keys and wrong values are reported then.
		inline := "providers:\n  - name: api\n    kind: tokenapi\n    base_url: http://api:8000\n    " + needs[name] + "\n"
		for line := range strings.Lines(texts[name]) {
			if !strings.HasPrefix(line, "#") {
				inline += "    " + line
			}
		}
		dir := folder(t)
		written := load(t, dir, withProvider(inline), noEnv).Config.Providers[0].TokenAPI
		named := load(t, dir, withProvider("providers: [{name: api, kind: tokenapi, preset: "+name+", base_url: 'http://api:8000', "+needs[name]+"}]\n"), noEnv).Config.Providers[0].TokenAPI
		if named.Preset != name {
			t.Errorf("%s: preset is %q", name, named.Preset)
		}
		named.Preset = ""
		if !reflect.DeepEqual(written, named) {
			t.Errorf("%s: written out %+v, by name %+v", name, written, named)
		}
		if !strings.HasPrefix(texts[name], "# ") || !strings.Contains(texts[name], "# Assumes: ") {
			t.Errorf("%s does not say what it assumes", name)
		}
	}
	ran := []string{ // against the real thing
		"authx", "devise-jwt", "directus", "django-simplejwt", "djoser", "fastapi-oauth2", "fastapi-tutorial",
		"flask-jwt-extended", "flask-jwt-extended-cookies", "payload", "pocketbase", "strapi",
	}
	for _, name := range names {
		if !slices.Contains(ran, name) && !strings.Contains(texts[name], "NOT RUN") {
			t.Errorf("%s does not say that it was not run", name)
		}
	}
}

func withProvider(providers string) string {
	at := strings.Index(working, "providers:")
	return working[:at] + providers + working[strings.Index(working, "routes:"):]
}

// Keys beside preset replace the preset's one by one; empty text switches an optional one off, and
// stays off when the printed configuration is loaded.
func TestPresetIsOverridden(t *testing.T) {
	dir := folder(t)
	text := withProvider(`providers:
  - name: api
    kind: tokenapi
    preset: fastapi-tutorial
    base_url: http://api:8000/v1/
    login: {username: user.email, refused: [401]}
    logout: {path: ""}
    identity: {name: "", claims: [email]}
    headers: [{name: apikey, value: public}]
    timeout: 3s
`)
	c := load(t, dir, text, noEnv).Config
	got := c.Providers[0].TokenAPI
	if got.Login.Path != "/auth/login" || got.Login.Username != "user.email" || got.Login.Password != "password" || len(got.Login.Refused) != 1 {
		t.Errorf("login %+v", got.Login)
	}
	if got.Logout.Path != "" || got.Refresh.Path != "/auth/refresh" || !slices.Equal(got.Identity.Roles, []string{"role"}) || got.Identity.Name != "" {
		t.Errorf("%+v", got)
	}
	if u := got.URL(got.Login.Path); u != "http://api:8000/v1/auth/login" {
		t.Errorf("URL %s", u)
	}
	if u := got.URL("https://id.example.com/x"); u != "https://id.example.com/x" {
		t.Errorf("URL %s", u)
	}
	var out bytes.Buffer
	if err := c.Print(&out); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"preset: fastapi-tutorial\n", "path: /auth/login\n", "username: user.email\n", "roles: role\n", "timeout: 3s\n"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%q is not printed:\n%s", want, out.String())
		}
	}
	again := load(t, dir, out.String(), noEnv).Config.Providers[0].TokenAPI
	if !reflect.DeepEqual(got, again) {
		t.Errorf("printed and loaded again: %+v, was %+v", again, got)
	}
}

// Secrets for the API come from the environment or from files, and are not printed.
func TestTokenAPISecrets(t *testing.T) {
	dir := folder(t)
	text := withProvider(`providers:
  - name: api
    kind: tokenapi
    preset: supabase
    base_url: https://p.supabase.co
    headers: [{name: apikey, secret: "${KEY}"}, {name: X-More, secret_file: seal.key}]
    verify: {jwt_key: "${JWT}", audience: authenticated}
`)
	c := load(t, dir, text, env(map[string]string{"KEY": "canary-1", "JWT": "canary-2"})).Config
	api := c.Providers[0].TokenAPI
	if api.Headers[0].Secret.Reveal() != "canary-1" || api.Headers[1].Secret.Empty() || api.Verify.JWTKey.Reveal() != "canary-2" {
		t.Error("a secret did not arrive")
	}
	if printed := string(c.Marshal()); strings.Contains(printed, "canary") {
		t.Errorf("printed:\n%s", printed)
	}
}
