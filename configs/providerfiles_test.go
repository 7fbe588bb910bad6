package configs_test

import (
	"os"
	"path/filepath"
	"regexp"
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
