package main

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// fullDisk is an output that takes nothing.
type fullDisk struct{}

func (fullDisk) Write([]byte) (int, error) {
	return 0, &fs.PathError{Op: "write", Path: "/dev/stdout", Err: errors.New("no space left on device")}
}

// TestOutputIsLost: a report that nobody can read is no success, and no wrong command line either;
// where it had the first user's password, the command for another one is told.
func TestOutputIsLost(t *testing.T) {
	dir, _ := inits(t)
	file := filepath.Join(dir, "sessiongate.yaml")
	fresh := filepath.Join(t.TempDir(), "a b")
	for _, row := range []struct {
		line []string
		says string
	}{
		{[]string{"check", "--offline", "--config", file}, "no space left"},
		{[]string{"--version"}, "no space left"},
		{[]string{"client", "--dir", filepath.Join(t.TempDir(), "c")}, "no space left"},
		{[]string{"init", "--dir", fresh}, "  try: sessiongate users passwd admin --file '" + fresh + "/users.yaml'\n"},
		{[]string{"init", "--dir", filepath.Join(t.TempDir(), "j"), "--json"}, "  try: sessiongate users passwd admin --file "},
	} {
		var logs strings.Builder
		if status := execute(t.Context(), row.line, fullDisk{}, &logs); status != exitFailed || !strings.Contains(logs.String(), row.says) {
			t.Errorf("%q: status %d, want %q in\n%s", row.line, status, row.says, logs.String())
		}
	}
}

// TestEmptyPaths: a variable of a script that is not set is no folder, and nothing is written.
func TestEmptyPaths(t *testing.T) {
	t.Chdir(t.TempDir())
	for _, line := range [][]string{
		{"init", "--dir", ""},
		{"keys", "generate", "--dir", ""},
		{"keys", "generate", "--dir", "keys", "--secret", ""},
		{"check", "--live", "--admin", ""},
		{"check", "--live", "--admin", "localhost"},
	} {
		if status, out, logs := runLine(t, line...); status != exitUsage || out != "" || !strings.Contains(logs, "; write ") {
			t.Errorf("%q: status %d\n%s%s", line, status, out, logs)
		}
	}
	if entries, err := os.ReadDir("."); err != nil || len(entries) > 0 {
		t.Errorf("%v %v", entries, err)
	}
}

// TestKeysInTheWay: what cannot be a key is not said to be kept.
func TestKeysInTheWay(t *testing.T) {
	dir := t.TempDir()
	if err := os.Symlink("nowhere", filepath.Join(dir, "cookie.key")); err != nil {
		t.Fatal(err)
	}
	if status, _, logs := runLine(t, "keys", "generate", "--dir", dir); status != exitFailed || !strings.Contains(logs, "cookie.key is a link to nothing") {
		t.Errorf("status %d: %s", status, logs)
	}
	dir = t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "seal.key"), 0o700); err != nil {
		t.Fatal(err)
	}
	if status, _, logs := runLine(t, "keys", "generate", "--dir", dir); status != exitFailed || !strings.Contains(logs, "seal.key is a folder") {
		t.Errorf("status %d: %s", status, logs)
	}
}

// TestAdviceIsQuoted: a line that is pasted into a shell runs one command, whatever names are in it.
func TestAdviceIsQuoted(t *testing.T) {
	file := filepath.Join(t.TempDir(), "my users.yaml")
	if _, err := runCommand(t, "long enough\n", "users", "add", "a; b", "--file", file); err != nil {
		t.Fatal(err)
	}
	_, err := runCommand(t, "long enough\n", "users", "add", "a; b", "--file", file)
	if got, want := adviceFor(err), "sessiongate users passwd 'a; b' --file '"+file+"'"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	_, err = runCommand(t, "", "users", "disable", "eve", "--file", file)
	if got, want := adviceFor(err), "sessiongate users list --file '"+file+"'"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

// TestUsersFileIsNoFile: a folder, a pipe or a device is no users file, and no advice touches the
// rights of one: "/" is a folder, too.
func TestUsersFileIsNoFile(t *testing.T) {
	for _, path := range []string{"/", os.DevNull} {
		status, out, logs := runLine(t, "users", "list", "--file", path)
		if status != exitConfig || out != "" || !strings.Contains(logs, path+": is no file that can be edited") || strings.Contains(logs, "chmod") {
			t.Errorf("%s: status %d\n%s%s", path, status, out, logs)
		}
	}
}
