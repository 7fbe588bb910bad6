package main

import (
	"os"
	"strings"
	"testing"
)

// TestCompletion asks as a shell does: --config is a YAML file, and --provider one of the
// configuration that the command would read.
func TestCompletion(t *testing.T) {
	t.Chdir(t.TempDir())
	text := "server: {public_url: http://localhost:8080}\nstore: {embedded: true}\nroutes: [{path: /, static: demo, session: none}]\n" +
		"providers: [{name: staff, kind: local, users: demo}, {name: shop, kind: tokenapi, preset: strapi, base_url: \"http://localhost:1337\"}]\n"
	if err := os.WriteFile(localConfig, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	for line, want := range map[string]string{
		"serve --config":              "yaml\nyml\n:8\n", // 8: files that end so
		"check --config":              "yaml\nyml\n:8\n",
		"sessions list --provider":    "staff\nshop\n:4\n", // 4: and no files
		"check --try ada --provider":  "shop\n:4\n",
		"keys generate --dir d --alg": "EdDSA\nES256\nRS256\n:4\n",
	} {
		var out, hints strings.Builder
		args := append([]string{"__complete"}, strings.Fields(line)...)
		if status := execute(t.Context(), append(args, ""), &out, &hints); status != exitDone || out.String() != want {
			t.Errorf("%s: status %d, %q, want %q\n%s", line, status, out.String(), want, hints.String())
		}
	}
	for _, shell := range []string{"bash", "zsh", "fish"} {
		var out strings.Builder
		if status := execute(t.Context(), []string{"completion", shell}, &out, &out); status != exitDone || !strings.Contains(out.String(), "__complete") {
			t.Errorf("%s: status %d, %d bytes", shell, status, out.Len())
		}
	}
}
