package rig

import (
	"bytes"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// TestReleaseIsReproducible builds a release twice, in two folders and the second time with an
// empty build cache, so that it takes nothing from the first: whoever has the source can check that
// a released binary was made from it.
func TestReleaseIsReproducible(t *testing.T) {
	if testing.Short() {
		t.Skip("compiles the program and the standard library from scratch")
	}
	for _, program := range []string{"bash", "awk", "sha256sum"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skipf("%s is not here, which .ci/release needs", program)
		}
	}
	const version, commit = "v1.2.3", "0a1b2c3d"
	file := "sessiongate-" + version + "-" + runtime.GOOS + "-" + runtime.GOARCH
	var built [2][]byte
	for i := range built {
		tree := filepath.Join(t.TempDir(), strings.Repeat("deeper/", i), "tree")
		copyTree(t, "../..", tree)
		out := filepath.Join(tree, "out")
		cmd := exec.CommandContext(t.Context(), "bash", filepath.Join(tree, ".ci/release"), version, commit, out)
		cmd.Env = append(os.Environ(), "PLATFORMS="+runtime.GOOS+"/"+runtime.GOARCH)
		if i > 0 {
			cmd.Env = append(cmd.Env, "GOCACHE="+t.TempDir())
		}
		if text, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, text)
		}
		var err error
		if built[i], err = os.ReadFile(filepath.Join(out, file)); err != nil {
			t.Fatal(err)
		}
		says, err := exec.CommandContext(t.Context(), filepath.Join(out, file), "version").Output()
		if err != nil || !strings.HasPrefix(string(says), "sessiongate "+version+" "+commit+" go") {
			t.Errorf("version: %s %v", says, err)
		}
	}
	if !bytes.Equal(built[0], built[1]) {
		t.Errorf("two builds of one source differ: %d and %d bytes", len(built[0]), len(built[1]))
	}
}

// copyTree copies a work tree without its history.
func copyTree(t *testing.T, from, to string) {
	t.Helper()
	err := filepath.WalkDir(from, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name, err := filepath.Rel(from, path)
		switch {
		case err != nil:
			return err
		case entry.Name() == ".git" || entry.Name() == "node_modules":
			if entry.IsDir() {
				return fs.SkipDir
			}
			return nil
		case entry.IsDir():
			return os.MkdirAll(filepath.Join(to, name), 0o750)
		case !entry.Type().IsRegular():
			return nil
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(to, name), data, 0o600)
	})
	if err != nil {
		t.Fatal(err)
	}
}
