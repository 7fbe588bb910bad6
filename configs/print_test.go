package configs_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
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
