package configs_test

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"sessiongate/cmd/markdown"
	"sessiongate/configs"
)

// What a reader adds a fragment to: the fragment's own keys win over these.
var (
	pageFile = []string{
		`server: {public_url: "http://localhost:8080"}`, "store: {embedded: true}", "providers: [{name: local, kind: local, users: demo}]",
		`routes: [{path: /, upstreams: ["http://localhost:9000"]}]`, "explicit_tokens: {enabled: true}",
	}
	pageEntries = map[string][][]string{
		"routes": {
			{"path: /", `upstreams: ["http://localhost:9000"]`},
			{"path: /", "static: demo", "session: none"},
		},
		"providers": {
			{"name: x", "kind: local", "users: demo"},
			{"name: x", "kind: tokenapi", "preset: fastapi-tutorial", `base_url: "http://localhost:8000"`},
			{"name: x", "kind: tokenapi", "preset: fastapi-tutorial", `base_url: "http://localhost:8000"`, `keep: ["csrf: cookie:c", "uid: user.id"]`},
			{"name: x", "kind: oidc", "issuer: https://id.example.com", "client_id: x", "client_secret_file: /run/secrets/x"},
		},
	}
	topKey   = regexp.MustCompile(`(?m)^([a-z_]+):`)
	yamlSpan = regexp.MustCompile(`^([a-z_]+): .`)
	beyond   = regexp.MustCompile(`public_url: "?https://|^store: \{redis`)
	inSecret = regexp.MustCompile(`/run/secrets/([a-z0-9.]+)`)
)

// notOurs are examples in pages that are no configuration of ours.
var notOurs = map[string]string{
	"mode: 0400": "a mount's, of Docker",
	"path: what": "a commit's subject",
	"rewrite: /": "half a rule: of a route whose path is longer",
	"database: mysql://user:password@host:3306/name": "what such a URL consists of",
}

// TestPages loads every YAML block of every page of the repository, and every example in their
// prose: what people copy works.
func TestPages(t *testing.T) {
	pages, err := markdown.Pages("..")
	if err != nil || len(pages) < 10 {
		t.Fatalf("%d pages: %v", len(pages), err)
	}
	dir := folder(t)
	keys := configurationKeys()
	blocks, spans := 0, 0
	for i := range pages {
		page := &pages[i]
		for j := range page.Blocks {
			block := &page.Blocks[j]
			if block.Language() != "yaml" {
				continue
			}
			blocks++
			if problem := loadFragment(block.Text, dir); problem != "" {
				t.Errorf("%s: %s\n%s", block, problem, block.Text)
			}
		}
		for _, code := range page.Codes() {
			key, _, _ := strings.Cut(code.Text, ":")
			if !yamlSpan.MatchString(code.Text) || notOurs[code.Text] != "" || strings.Contains(code.Text, "…") || !ours(page.Path, key, keys) {
				continue
			}
			spans++
			if problem := loadSpan(code.Text, dir); problem != "" {
				t.Errorf("%s:%d: `%s`: %s", page.Path, code.Line, code.Text, problem)
			}
		}
	}
	if blocks < 1 || spans < 100 {
		t.Errorf("%d blocks and %d examples found", blocks, spans)
	}
}

// TestREADME: what the README shows in short is what `init` writes for that preset, with keys.
func TestREADME(t *testing.T) {
	text, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, files := configs.ProviderFiles()
	shipped := effective(t, keysLeftOut.ReplaceAllString(files["fastapi-tutorial"], ""))
	page := markdown.Parse("README.md", string(text))
	for i := range page.Blocks {
		if b := &page.Blocks[i]; b.Language() == "yaml" && effective(t, b.Text) != shipped {
			t.Errorf("%s is not configs/providers/fastapi-tutorial.yaml:\n%s\nwant\n%s", b, effective(t, b.Text), shipped)
		}
	}
}

var keysLeftOut = regexp.MustCompile(`(?m)^keys:\n(?: .*\n)+`)

// effective is what a file comes to, defaults included.
func effective(t *testing.T, text string) string {
	t.Helper()
	loaded, err := configs.LoadBytes("README.md", []byte(text), noEnv)
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	if err := loaded.Config.Print(&b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// ours tells a span of code that looks like YAML from other people's: in the pages about the
// configuration all are ours, in others those that begin with a key of it.
func ours(page, key string, keys map[string]bool) bool {
	return page == "README.md" || strings.HasPrefix(page, "configs/") || keys[key]
}

// configurationKeys are the names of all keys, wherever they stand.
func configurationKeys() map[string]bool {
	paths, names := make(map[string]bool), make(map[string]bool)
	structKeys(reflect.TypeFor[configs.Config](), "", paths)
	for path := range paths {
		names[path[strings.LastIndexByte(path, '.')+1:]] = true
	}
	return names
}

// loadSpan loads an example as a section of the file, as a key of a route or a provider, or as one
// of a section. The answer is what the file says against it.
func loadSpan(span, dir string) (problem string) {
	if strings.HasPrefix(span, "server: {") && !strings.Contains(span, "public_url:") {
		span = strings.Replace(span, "{", `{public_url: "http://localhost:8080", `, 1)
	}
	if problem = loadFragment(span, dir); problem == "" {
		return ""
	}
	for list, entries := range pageEntries {
		for _, entry := range entries {
			entry = strings.Split(strings.TrimSuffix(added(entry, span), "\n"), "\n")
			if loadFragment(list+":\n  - "+strings.Join(entry, "\n    "), dir) == "" {
				return ""
			}
		}
	}
	for _, within := range []string{
		"session: {%s}", "server: {public_url: \"http://localhost:8080\", %s}",
		"providers: [{name: x, kind: local, users: {%s, query: 'SELECT name, password_hash FROM users WHERE name = ?'}}]",
		"providers: [{name: x, kind: tokenapi, preset: fastapi-tutorial, base_url: 'http://localhost:8000', reply: {%s}}]",
	} {
		if loadFragment(fmt.Sprintf(within, span), dir) == "" {
			return ""
		}
	}
	return problem
}

// added is fragment after those lines of base whose keys it does not have.
func added(base []string, fragment string) string {
	own := make(map[string]bool)
	for _, m := range topKey.FindAllStringSubmatch(fragment, -1) {
		own[m[1]] = true
	}
	var b strings.Builder
	for _, line := range base {
		if key, _, _ := strings.Cut(line, ":"); !own[key] {
			b.WriteString(line + "\n")
		}
	}
	return b.String() + strings.TrimSuffix(fragment, "\n") + "\n"
}

// loadFragment loads a fragment with what it needs beside it: a public_url beyond this machine
// wants a Redis and keys, and users other than the demo's.
func loadFragment(fragment, dir string) string {
	base := pageFile
	if beyond.MatchString(fragment) {
		base = []string{
			`server: {public_url: "https://app.example.com"}`, "store: {redis: \"redis://redis:6379/0\"}", pageFile[3],
			"keys: {cookie: [{id: c1, file: /run/secrets/cookie.key}], seal: [{id: s1, file: /run/secrets/seal.key}], signing: [{id: k1, file: /run/secrets/signing.pem}]}",
			"providers: [{name: local, kind: local, users: {file: /run/secrets/users.yaml}}]",
		}
	}
	text := inSecret.ReplaceAllStringFunc(added(base, fragment), func(path string) string {
		file := filepath.Join(dir, filepath.Base(path))
		if _, err := os.Stat(file); err != nil {
			return filepath.Join(dir, "corp") // some secret
		}
		return file
	})
	vars := map[string]string{
		"DATABASE_URL": "postgres://app@localhost/app", "OAUTH_SECRET": "x", "API_JWT_KEY": strings.Repeat("k3y-", 12), "password": "pw",
	}
	loaded, err := configs.LoadBytes("page", []byte(text), env(vars))
	if err != nil {
		return err.Error()
	}
	for _, w := range loaded.Warnings {
		if !strings.Contains(w.What, "no route for /") { // the other routes are not part of a fragment
			return w.String()
		}
	}
	return ""
}
