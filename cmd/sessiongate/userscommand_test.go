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
		"twice":              {"long enough\n", []string{"add", "ada"}, "user exists already"},
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
