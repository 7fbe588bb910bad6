package main

import (
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sessiongate/web"
)

// client runs `sessiongate client` and returns its status and what it says.
func client(t *testing.T, args ...string) (int, string) {
	t.Helper()
	var out strings.Builder
	status := execute(t.Context(), append([]string{"client"}, args...), &out, &out)
	return status, out.String()
}

// The package is written whole, byte for byte but for its version, and again over an older one.
func TestClientCommand(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "src", "vendor", "sessiongate-client")
	for range 2 {
		if status, says := client(t, "--dir", dir); status != 0 || !strings.Contains(says, "README.md") {
			t.Fatalf("status %d: %s", status, says)
		}
		for _, name := range []string{"core.js", "index.d.ts", "types.d.ts", "server.js", "testing.js", "README.md"} {
			want, _ := fs.ReadFile(web.ClientPackage(), name)
			if got, err := os.ReadFile(filepath.Join(dir, name)); err != nil || len(want) == 0 || string(got) != string(want) {
				t.Errorf("%s: %v, %d bytes, want %d", name, err, len(got), len(want))
			}
		}
		var doc struct {
			Name, Version   string
			DevDependencies map[string]string
		}
		text, _ := os.ReadFile(filepath.Join(dir, "package.json"))
		if err := json.Unmarshal(text, &doc); err != nil || doc.Name != clientName || doc.Version != npmVersion(thisBuild().Version) || doc.DevDependencies != nil {
			t.Errorf("package.json: %v\n%s", err, text)
		}
		// An older one, changed by hand.
		for _, name := range []string{"core.js", "types.d.ts"} {
			if err := os.WriteFile(filepath.Join(dir, name), []byte("old"), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// Files of others stay as they are, and nothing is written beside them; --force says otherwise.
func TestClientCommandKeepsFilesOfOthers(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct{ file, text string }{
		"an app":            {"package.json", `{"name": "my-app"}`},
		"no JSON":           {"package.json", `name: sessiongate-client`},
		"a module":          {"core.js", "export default 1"},
		"somebody's README": {"README.md", "# mine"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			file := filepath.Join(dir, row.file)
			if err := os.WriteFile(file, []byte(row.text), 0o600); err != nil {
				t.Fatal(err)
			}
			status, says := client(t, "--dir", dir)
			entries, _ := os.ReadDir(dir)
			if text, _ := os.ReadFile(file); status != exitFailed || !strings.Contains(says, row.file) || string(text) != row.text || len(entries) != 1 {
				t.Errorf("status %d: %s%d files, %s", status, says, len(entries), text)
			}
			if status, says := client(t, "--dir", dir, "--force"); status != 0 {
				t.Errorf("with --force: status %d: %s", status, says)
			}
			if text, _ := os.ReadFile(file); string(text) == row.text {
				t.Errorf("with --force %s is still there", row.file)
			}
		})
	}
	other := filepath.Join(t.TempDir(), "other.txt")
	dir := t.TempDir()
	if err := os.WriteFile(other, []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(other, filepath.Join(dir, "core.js")); err != nil {
		t.Fatal(err)
	}
	if status, says := client(t, "--dir", dir, "--force"); status != exitFailed {
		t.Errorf("through a link: status %d: %s", status, says)
	}
	if text, _ := os.ReadFile(other); string(text) != "mine" {
		t.Errorf("a link led to %s", text)
	}
}

func TestNPMVersion(t *testing.T) {
	t.Parallel()
	for version, want := range map[string]string{
		"v1.2.3": "1.2.3", "1.2.3": "1.2.3", "v1.2.3-rc.1": "1.2.3-rc.1", "(devel)": "0.0.0-devel", "": "0.0.0-devel", "v1.2": "0.0.0-devel",
		"v0.0.0-20260101120000-abcdef123456+dirty": "0.0.0-20260101120000-abcdef123456+dirty",
		`v1.2.3", "x": "`:                          "0.0.0-devel",
	} {
		if got := npmVersion(version); got != want {
			t.Errorf("%q: %q, want %q", version, got, want)
		}
	}
}
