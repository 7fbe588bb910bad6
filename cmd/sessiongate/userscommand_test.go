package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// runCommand runs the program in this process.
func runCommand(t *testing.T, stdin string, args ...string) (out string, err error) {
	t.Helper()
	var text bytes.Buffer
	cmd := command()
	cmd.SetArgs(args)
	cmd.SetIn(strings.NewReader(stdin))
	cmd.SetOut(&text)
	cmd.SetErr(&text)
	err = cmd.ExecuteContext(t.Context())
	return text.String(), err
}

// TestUsersCommand edits a users file from nothing, while a gateway reads it.
func TestUsersCommand(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "users.yaml")
	must := func(stdin string, args ...string) string {
		t.Helper()
		out, err := runCommand(t, stdin, append([]string{"users"}, append(args, "--file", file)...)...)
		if err != nil {
			t.Fatalf("users %v: %v", args, err)
		}
		return out
	}
	must("correct horse\n", "add", "ada", "--role", "user,poet", "--display-name", "Ada L.")
	must("battery staple", "add", "grace", "--role", "admin", "--subject", "u-2")
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the new file: %v, %v", info, err)
	}
	list := must("", "list")
	for _, want := range []string{"ada", "user,poet", "u-2", "enabled"} {
		if !strings.Contains(list, want) {
			t.Errorf("the list lacks %q:\n%s", want, list)
		}
	}

	s := newScene(t, setup{extra: "  - {name: own, kind: local, users: {file: \"" + file + "\"}, audience: test}"})
	b := s.browser()
	signIn := func(password string) int {
		return b.do("POST", "/auth/login", jsonBody(map[string]string{"provider": "own", "username": "ada", "password": password})).status
	}
	if status := signIn("correct horse"); status != 200 {
		t.Errorf("sign-in: %d", status)
	}
	must("new password\r\n", "passwd", "ada")
	s.clock.Advance(2e9) // the file is looked at once a second
	if status := signIn("correct horse"); status != 401 {
		t.Errorf("the old password: %d", status)
	}
	if status := signIn("new password"); status != 200 {
		t.Errorf("the new password: %d", status)
	}
	if out := must("", "disable", "ada"); !strings.Contains(out, "sessions revoke") {
		t.Errorf("disable says %q", out)
	}
	s.clock.Advance(2e9)
	if status := signIn("new password"); status != 401 {
		t.Errorf("a disabled user: %d", status)
	}
	s.clock.Advance(11 * 60e9)
	if a := b.get("/api/x"); a.status != 401 || a.code() != "session_ended" || !strings.Contains(a.body, "user_disabled") {
		t.Errorf("a disabled user's session at its refresh: %s", a)
	}
	must("", "enable", "ada")
	s.clock.Advance(2e9)
	if status := signIn("new password"); status != 200 {
		t.Errorf("after enable: %d", status)
	}
}

func TestUsersCommandRefuses(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "users.yaml")
	if _, err := runCommand(t, "long enough\n", "users", "add", "ada", "--file", file); err != nil {
		t.Fatal(err)
	}
	before, _ := os.ReadFile(file)
	for name, row := range map[string]struct {
		stdin string
		args  []string
		says  string
	}{
		"twice":              {"long enough\n", []string{"add", "ada"}, "sessiongate users passwd ada --file"},
		"seven characters":   {"1234567\n", []string{"add", "eve"}, "8"},
		"seven, for passwd":  {"ßßßßßßß\n", []string{"passwd", "ada"}, "8"}, // characters, not bytes
		"no password":        {"", []string{"add", "eve"}, ""},
		"an empty line":      {"\n", []string{"passwd", "ada"}, ""},
		"too long":           {strings.Repeat("x", 2000), []string{"passwd", "ada"}, ""},
		"nobody":             {"long enough\n", []string{"passwd", "eve"}, ""},
		"disable nobody":     {"", []string{"disable", "eve"}, ""},
		"password as an arg": {"long enough\n", []string{"passwd", "ada", "secret"}, ""},
		"a name with breaks": {"long enough\n", []string{"add", "a\nb"}, ""},
		"no name":            {"long enough\n", []string{"add"}, ""},
	} {
		out, err := runCommand(t, row.stdin, append([]string{"users"}, append(row.args, "--file", file)...)...)
		if err == nil {
			t.Errorf("%s: accepted, %q", name, out)
		} else if !strings.Contains(err.Error(), row.says) {
			t.Errorf("%s: %v, want %q in it", name, err, row.says)
		}
	}
	if after, _ := os.ReadFile(file); !bytes.Equal(before, after) {
		t.Error("a refused command has changed the file")
	}
}
