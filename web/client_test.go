package web_test

import (
	"encoding/json"
	"io/fs"
	"regexp"
	"strings"
	"testing"

	"sessiongate/web"
)

// The library names no other origin and uses nothing that a strict policy forbids.
func TestClientScripts(t *testing.T) {
	for name, text := range web.ClientScripts() {
		script := strings.ReplaceAll(string(text), `"http://localhost"`, "") // where there is no page: on a server
		for _, bad := range []string{"http://", "https://", "eval(", "innerHTML", "localStorage", "sessionStorage", "document.cookie"} {
			if strings.Contains(script, bad) {
				t.Errorf("%s uses %s", name, bad)
			}
		}
	}
	script := string(web.ClientScripts()["client.js"])
	for _, name := range []string{"session", "fetch", "login", "loginURL", "logout", "subscribe", "SessionError"} {
		if !regexp.MustCompile(`(?m)^export .*\b` + name + `\b`).MatchString(script) {
			t.Errorf("client.js does not export %s", name)
		}
	}
}

// What package.json promises is in the package, and depends on nothing.
func TestClientPackage(t *testing.T) {
	text, err := fs.ReadFile(web.ClientPackage(), "package.json")
	var doc struct {
		Exports      map[string]any
		Dependencies map[string]string
		Version      string
	}
	if err != nil || json.Unmarshal(text, &doc) != nil {
		t.Fatalf("package.json: %v\n%s", err, text)
	}
	if len(doc.Dependencies) > 0 || doc.Version != "0.0.0" { // the version is the binary's
		t.Errorf("dependencies %v, version %s", doc.Dependencies, doc.Version)
	}
	for name, export := range doc.Exports {
		ways, _ := export.(map[string]any)
		if ways == nil {
			ways = map[string]any{"default": export}
		}
		for condition, file := range ways {
			if _, err := fs.Stat(web.ClientPackage(), strings.TrimPrefix(file.(string), "./")); err != nil {
				t.Errorf("%s, %s: %v", name, condition, err)
			}
		}
	}
}
