package configs_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"sessiongate/configs"
)

// What a reader of the README adds a fragment to: the section's own keys win over these.
var (
	readmeFile = []string{
		`server: {public_url: "http://localhost:8080"}`, "store: {embedded: true}", "providers: [{name: local, kind: local, users: demo}]",
		`routes: [{path: /, upstreams: ["http://localhost:9000"]}]`, "explicit_tokens: {enabled: true}",
	}
	readmeEntries = map[string][][]string{
		"routes": {
			{"path: /", `upstreams: ["http://localhost:9000"]`},
			{"path: /", "static: demo", "session: none"},
		},
		"providers": {
			{"name: x", "kind: local", "users: demo"},
			{"name: x", "kind: tokenapi", "preset: fastapi-tutorial", `base_url: "http://localhost:8000"`, `keep: ["csrf: cookie:c", "uid: user.id"]`},
			{"name: x", "kind: oidc", "issuer: https://id.example.com", "client_id: x", "client_secret_file: /run/secrets/x"},
		},
	}
	topKey   = regexp.MustCompile(`(?m)^([a-z_]+):`)
	yamlSpan = regexp.MustCompile("`([a-z_]+: [^`]+)`")
	fence    = regexp.MustCompile("(?ms)^( *)```([a-z]*)[^`\n]*\n(.*?)^ *```$")
)

// TestREADME loads every YAML block of the README, and every example in its text: what people copy
// works.
func TestREADME(t *testing.T) {
	data, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	secret := filepath.Join(folder(t), "corp")
	text := regexp.MustCompile(`/run/secrets/[a-z0-9]+`).ReplaceAllLiteralString(string(data), secret)
	var blocks []string
	for _, m := range fence.FindAllStringSubmatch(text, -1) {
		if m[2] == "yaml" {
			blocks = append(blocks, strings.ReplaceAll("\n"+m[3], "\n"+m[1], "\n")[1:])
		}
	}
	spans := yamlSpan.FindAllStringSubmatch(fence.ReplaceAllString(text, ""), -1)
	if len(blocks) < 8 || len(spans) < 20 {
		t.Fatalf("%d blocks and %d examples found: is this the README?", len(blocks), len(spans))
	}
	for _, block := range blocks {
		if problem := loadREADME(added(readmeFile, block), secret); problem != "" {
			t.Errorf("%s\n%s", problem, block)
		}
	}
	for _, m := range spans {
		if m[1] == "mode: 0400" { // Docker's, not ours
			continue
		}
		if problem := loadSpan(m[1], secret); problem != "" {
			t.Errorf("`%s`: %s", m[1], problem)
		}
	}
	if !strings.Contains(text, "```yaml\n"+configs.Minimal+"```") {
		t.Error("configs/examples/minimal.yaml is not what the README shows")
	}
}

// loadSpan loads an example as a section of the file, or as a key of a route or a provider. The
// answer is what the last place says against it.
func loadSpan(span, secret string) (problem string) {
	if strings.HasPrefix(span, "server: {") {
		span = strings.Replace(span, "{", `{public_url: "http://localhost:8080", `, 1)
	}
	if problem = loadREADME(added(readmeFile, span), secret); problem == "" {
		return ""
	}
	for list, entries := range readmeEntries {
		for _, entry := range entries {
			entry = strings.Split(strings.TrimSuffix(added(entry, span), "\n"), "\n")
			section := list + ":\n  - " + strings.Join(entry, "\n    ")
			if problem = loadREADME(added(readmeFile, section), secret); problem == "" {
				return ""
			}
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

func loadREADME(text, secret string) string {
	text = strings.ReplaceAll(text, "/run/secrets/x", secret)
	loaded, err := configs.LoadBytes("README", []byte(text), env(map[string]string{"DATABASE_URL": "postgres://app@localhost/app", "OAUTH_SECRET": "x"}))
	switch {
	case err != nil:
		return err.Error()
	case len(loaded.Warnings) > 0:
		return loaded.Warnings[0].String()
	}
	return ""
}
