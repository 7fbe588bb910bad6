package configs_test

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"sessiongate/configs"
)

// beside is a folder with all that the files for providers name: after `keys generate`, `users add`
// and a client secret that was registered.
func beside(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{
		"cookie.key": randomKey(t) + "\n", "seal.key": randomKey(t) + "\n", "signing.pem": privatePEM(t, "EdDSA"),
		"client-secret": "client-secret\n", "../users.yaml": configs.DemoUsers,
	} {
		writeIn(t, filepath.Join(dir, "keys"), name, text)
	}
	return dir
}

// Each file for a provider works as it stands, and without a warning.
func TestProviderFilesLoad(t *testing.T) {
	names, texts := configs.ProviderFiles()
	dir := beside(t)
	for _, name := range names {
		t.Run(name, func(t *testing.T) {
			loaded := load(t, dir, texts[name], env(providerEnvironment(texts[name])))
			for _, w := range loaded.Warnings {
				t.Errorf("warning %s", w)
			}
			c := loaded.Config
			if len(c.Providers) != 1 || len(c.Routes) != 2 || c.Routes[0].Path != "/api/" || c.Routes[1].Path != "/" {
				t.Errorf("%d providers, routes %+v", len(c.Providers), c.Routes)
			}
		})
	}
}

// For each preset there is a file that names it, and each other file is for a vendor or a kind.
func TestProviderFilesForPresets(t *testing.T) {
	names, texts := configs.ProviderFiles()
	presets, _ := configs.Presets()
	for _, preset := range presets {
		if !strings.Contains(texts[preset], "\n    preset: "+preset+"\n") {
			t.Errorf("no file for the preset %s", preset)
		}
	}
	others := slices.DeleteFunc(names, func(name string) bool { return slices.Contains(presets, name) })
	want := []string{"auth0", "authentik", "entra", "google", "keycloak", "local", "local-database", "oidc", "okta", "tokenapi", "zitadel"}
	if !slices.Equal(others, want) {
		t.Errorf("files %v, want those of the presets and %v", others, want)
	}
}

// The files for FastAPI say which calls their preset makes, lead to one another, and tell what makes
// the API's own pages work behind a prefix that the gateway cuts off.
func TestProviderFilesForFastAPI(t *testing.T) {
	_, texts := configs.ProviderFiles()
	dir := beside(t)
	for name, other := range map[string]string{"fastapi-tutorial": "fastapi-oauth2.yaml", "fastapi-oauth2": "fastapi-tutorial.yaml"} {
		c := load(t, dir, texts[name], noEnv).Config.Providers[0].TokenAPI
		head, _, _ := strings.Cut(texts[name], "\nserver:")
		for _, want := range []string{c.Login.Path, c.Refresh.Path, c.Logout.Path, c.Me.Path, other, "/api in front", "app_calls: [", "uvicorn --root-path /api"} {
			if !strings.Contains(head, want) {
				t.Errorf("%s does not say %q", name, want)
			}
		}
	}
}

// Where the gateway issues the tokens, the file says who cannot verify them, and what to do; where
// the API is unknown, it says when its paths must stay whole.
func TestProviderFilesTellWhatAnAPINeeds(t *testing.T) {
	_, texts := configs.ProviderFiles()
	for name, wants := range map[string][]string{
		"local":          {"jsonwebtoken", "--alg RS256", "removing keys/signing.pem", "/.well-known/jwks.json\"))"},
		"local-database": {"jsonwebtoken", "--alg RS256", "removing keys/signing.pem", "/.well-known/jwks.json\"))"},
		"tokenapi":       {"Remove this line where the"},
	} {
		for _, want := range wants {
			if !strings.Contains(texts[name], want) {
				t.Errorf("%s does not say %q", name, want)
			}
		}
	}
}

// An entry for an OpenID Connect provider says where it leads back to, by its own name.
func TestProviderFilesNameTheirURIs(t *testing.T) {
	names, texts := configs.ProviderFiles()
	kind := regexp.MustCompile(`(?m)^  - name: (\S+)\n    kind: oidc$`)
	for _, name := range names {
		found := kind.FindStringSubmatch(texts[name])
		if found == nil {
			continue
		}
		if entry := found[1]; entry != name && name != "oidc" || !strings.Contains(texts[name], "<public_url>/auth/callback/"+entry) {
			t.Errorf("%s: the entry is called %s, or its redirect URI is not said", name, entry)
		}
		for _, m := range regexp.MustCompile(`/auth/back-channel-logout/([a-z0-9-]+)`).FindAllStringSubmatch(texts[name], -1) {
			if m[1] != found[1] {
				t.Errorf("%s: back-channel logout of %s", name, m[1])
			}
		}
	}
}

// No shipped file has a secret in it: secrets come from the environment, or from files.
func TestShippedFilesHaveNoSecret(t *testing.T) {
	secret := regexp.MustCompile(`(?m)^[^#\n]*\b(\w*secret|\w*password|jwt_key|client_key|database): *([^ \n#]+)`)
	for file, text := range shipped(t) {
		for _, m := range secret.FindAllStringSubmatch(text, -1) {
			field := m[1] == "password" && m[2] == "password" // the field of a login
			if !field && m[2] != ">-" && !strings.HasPrefix(m[2], "${") && !strings.HasPrefix(m[2], `"${`) && !strings.HasPrefix(m[2], `"$argon2id$`) {
				t.Errorf("%s: %s is written as %s", file, m[1], m[2])
			}
		}
	}
}

// Each example works as it stands, with its files in the places where it looks for them.
func TestExamplesLoad(t *testing.T) {
	dir := beside(t)
	for file, text := range shipped(t) {
		if filepath.Dir(file) != "examples" || file == "examples/systemd.yaml" {
			continue // that one is TestSystemdConfigurationLoads's
		}
		text = atHand(text, dir)
		loaded := load(t, dir, text, env(providerEnvironment(text)))
		for _, w := range loaded.Warnings {
			t.Errorf("%s: warning %s", file, w)
		}
	}
}

// atHand puts the files of a folder in the place of the absolute ones that an example names.
func atHand(text, dir string) string {
	absolute := regexp.MustCompile(`(?m)(_file|file): +"?(/[^ "#},\n]+)`)
	return absolute.ReplaceAllStringFunc(text, func(line string) string {
		m := absolute.FindStringSubmatch(line)
		name := filepath.Base(m[2])
		if _, err := os.Stat(filepath.Join(dir, "keys", name)); err != nil {
			name = "client-secret" // some secret
		}
		return m[1] + ": " + filepath.Join(dir, "keys", name)
	})
}

// shipped reads every configuration that is in the repository, by its path in configs.
func shipped(t *testing.T) map[string]string {
	t.Helper()
	texts := make(map[string]string)
	for _, pattern := range []string{"*.yaml", "providers/*.yaml", "examples/*.yaml"} {
		files, err := filepath.Glob(pattern)
		if err != nil || len(files) == 0 {
			t.Fatalf("%s: %v %v", pattern, files, err)
		}
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			texts[file] = string(text)
		}
	}
	return texts
}

// TestProviderFilesHaveOneShape: `sessiongate init` puts values in place by their path and line.
func TestProviderFilesHaveOneShape(t *testing.T) {
	names, texts := configs.ProviderFiles()
	for _, name := range names {
		lines := strings.Split(texts[name], "\n")
		if !strings.HasPrefix(lines[0], "# ") {
			t.Errorf("%s does not begin with what it is for", name)
		}
		for i, line := range lines {
			if n := len([]rune(line)); n > 100 {
				t.Errorf("%s:%d has %d columns", name, i+1, n)
			}
			if strings.TrimRight(line, " ") != line || strings.Contains(line, "\t") {
				t.Errorf("%s:%d ends in a blank, or has a tab", name, i+1)
			}
		}
		at := 0
		for _, want := range []string{
			"\nserver:\n  public_url: http", "\nstore:\n  ", "\nkeys:\n  cookie:\n    - id: c1\n      file: keys/cookie.key\n",
			"  seal:\n    - id: s1\n      file: keys/seal.key\n", "\nproviders:\n  - name: ", "\n    kind: ",
			"\nroutes:\n  - path: /api/", "\n    upstreams: [\"http://localhost:", "\n  - path: /", "\n    upstreams: [\"http://localhost:5173\"]\n    session: none\n",
		} {
			found := strings.Index(texts[name][at:], want)
			if found < 0 {
				t.Errorf("%s has no %q at its place", name, want)
				break
			}
			at += found
		}
	}
}

// providerEnvironment gives a value to each variable that a file names.
func providerEnvironment(text string) map[string]string {
	vars := make(map[string]string)
	for _, m := range variable.FindAllStringSubmatch(text, -1) {
		vars[m[1]] = "value-of-" + strings.ToLower(m[1])
	}
	vars["DATABASE_URL"] = "postgres://app@localhost/app"
	return vars
}

func writeIn(t *testing.T, dir, name, text string) {
	t.Helper()
	file := filepath.Join(dir, name)
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		t.Fatal(err)
	}
	write(t, file, text, 0o600)
}

var variable = regexp.MustCompile(`\$\{([A-Z_]+)\}`)
