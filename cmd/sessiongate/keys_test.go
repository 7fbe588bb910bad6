package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestKeysNameAbsolutePaths: what is printed for the configuration holds wherever its file lies.
func TestKeysNameAbsolutePaths(t *testing.T) {
	root := t.TempDir()
	t.Chdir(root)
	root, err := os.Getwd() // as the system spells it
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	if err := generateKeys(&out, "etc/x/keys", "EdDSA", nil); err != nil {
		t.Fatal(err)
	}
	for _, line := range []string{
		"made " + filepath.Join("etc/x/keys", "cookie.key") + "\n", "file: " + root + "/etc/x/keys/cookie.key}]\n",
		"file: " + root + "/etc/x/keys/seal.key}]\n", "file: " + root + "/etc/x/keys/signing.pem}]\n",
	} {
		if !strings.Contains(out.String(), line) {
			t.Errorf("%q is not in\n%s", line, &out)
		}
	}
}

// TestSharedSecret: `keys generate --secret` makes a text that a server under another user reads by
// its group; a second run keeps it, and the text itself is never printed.
func TestSharedSecret(t *testing.T) {
	dir, beside := t.TempDir(), t.TempDir()
	files := []string{filepath.Join(beside, "redis.password"), filepath.Join(beside, "client.secret")}
	run := func() string {
		var out strings.Builder
		if err := generateKeys(&out, dir, "EdDSA", files); err != nil {
			t.Fatal(err)
		}
		return out.String()
	}
	first := run()
	var texts []string
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		info, err := os.Stat(file)
		if err != nil {
			t.Fatal(err)
		}
		secret := strings.TrimSuffix(string(text), "\n")
		if info.Mode().Perm() != 0o640 || len(secret) < 40 || strings.ContainsAny(secret, "\n \"'\\$") {
			t.Errorf("%s: mode %v, %d characters, or some that a shell or a file format reads its own way", file, info.Mode(), len(secret))
		}
		if strings.Contains(first, secret) || !strings.Contains(first, "made "+file) {
			t.Errorf("printed: %s", first)
		}
		texts = append(texts, secret)
	}
	if texts[0] == texts[1] {
		t.Error("two secrets are one")
	}
	if second := run(); strings.Contains(second, "made ") || !strings.Contains(second, "kept "+files[0]) {
		t.Errorf("the second run printed %s", second)
	}
	if text, err := os.ReadFile(files[0]); err != nil || strings.TrimSuffix(string(text), "\n") != texts[0] {
		t.Errorf("the second run changed the text: %v", err)
	}
	if info, err := os.Stat(filepath.Join(dir, "cookie.key")); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("cookie.key: %v %v", info, err)
	}
}
