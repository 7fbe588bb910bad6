package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// runCommand runs the program to its end.
func runCommand(t *testing.T, stdin string, args ...string) (out string, err error) {
	t.Helper()
	cmd := sessiongate(t, args...)
	cmd.Stdin = strings.NewReader(stdin)
	text, err := cmd.CombinedOutput()
	return string(text), err
}

// TestUsersCommand edits a users file from nothing, while a gateway reads it.
func TestUsersCommand(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "users.yaml")
	must := func(stdin string, args ...string) string {
		t.Helper()
		out, err := runCommand(t, stdin, append([]string{"users"}, append(args, "--file", file)...)...)
		if err != nil {
			t.Fatalf("users %v: %v: %s", args, err, out)
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

	s := newEnvironment(t, options{extra: "  - {name: own, kind: local, users: {file: \"" + file + "\"}, audience: test}"})
	b := s.browser()
	signIn := func(password string) int {
		return b.do("POST", "/auth/login", jsonBody(map[string]string{"provider": "own", "username": "ada", "password": password})).status
	}
	if status := signIn("correct horse"); status != 200 {
		t.Errorf("sign-in: %d", status)
	}
	other := s.browser()
	if a := other.do("POST", "/auth/login", jsonBody(map[string]string{"provider": "own", "username": "grace", "password": "battery staple"})); a.status != 200 {
		t.Fatalf("sign-in of another user: %s", a)
	}
	must("new password\r\n", "passwd", "ada")
	s.clock.Advance(2e9) // the file is looked at once a second
	b.ok("/api/x")
	s.clock.Advance(11 * 60e9)
	if a := b.get("/api/x"); a.status != 401 || a.code() != "session_ended" || !strings.Contains(a.body, `"reason":"password_changed"`) {
		t.Errorf("a session from before the new password, at its refresh: %s", a)
	}
	other.ok("/api/x")
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
