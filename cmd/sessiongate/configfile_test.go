package main

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sessiongate/configs"
)

// The first that is given or exists is taken; what is given counts even if it is not there.
func TestFindConfig(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	here, system, folder := filepath.Join(dir, "here.yaml"), filepath.Join(dir, "system.yaml"), filepath.Join(dir, "folder")
	for _, file := range []string{here, system} {
		if err := os.WriteFile(file, []byte("{}"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	none := filepath.Join(dir, "none.yaml")
	both := []string{here, system}
	const unset = "-"
	for name, row := range map[string]struct {
		flag, variable string
		files          []string
		want           string // the file, or what the error says
		by             string // empty: an error
	}{
		"the flag before all":          {here, system, both, here, "--config"},
		"a flag for what is not there": {none, system, both, none, "--config"},
		"an empty flag":                {"", unset, both, "--config is empty", ""},
		"the variable":                 {unset, system, []string{here}, system, "$SESSIONGATE_CONFIG"},
		"this folder":                  {unset, unset, both, here, "default"},
		"the system's":                 {unset, unset, []string{none, system}, system, "default"},
		"a folder by default":          {unset, unset, []string{folder, system}, folder, "default"}, // reading it says so
		"nothing":                      {unset, unset, []string{none}, none + " (not there)", ""},
		"an empty variable":            {unset, "", both, "$SESSIONGATE_CONFIG: is set and empty; write the whole path", ""},
		"a relative variable":          {unset, "none.yaml", both, "none.yaml: $SESSIONGATE_CONFIG: is a relative path, and seen from ", ""},
		"a variable for nothing":       {unset, none, both, none + ": $SESSIONGATE_CONFIG: cannot be read: no such file", ""},
		"a variable for a folder":      {unset, folder, both, folder + ": $SESSIONGATE_CONFIG: is a folder", ""},
	} {
		env := func(string) (string, bool) { return strings.TrimPrefix(row.variable, unset), row.variable != unset }
		p := configPlaces{command: "sessiongate serve", flag: strings.TrimPrefix(row.flag, unset), given: row.flag != unset, env: env, files: row.files}
		file, err := p.find()
		switch {
		case row.by == "" && (err == nil || !strings.Contains(err.Error(), row.want)):
			t.Errorf("%s: %v, want %q", name, err, row.want)
		case row.by != "" && (err != nil || file != configFile{row.want, row.by}):
			t.Errorf("%s: %+v, %v, want %s by %s", name, file, err, row.want, row.by)
		}
	}
}

// Every command that reads a configuration means the same file.
func TestConfigInThisFolder(t *testing.T) {
	for _, line := range []string{"check", "check --print", "serve", "sessions list --user ada", "sessions revoke --user ada", "check --try ada"} {
		t.Chdir(t.TempDir())
		if err := os.WriteFile(localConfig, []byte("nonsense: 1\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := runCommand(t, "", strings.Fields(line)...)
		var wrong *configs.Problems
		if !errors.As(err, &wrong) || !strings.HasPrefix(wrong.Error(), "sessiongate.yaml:1:1: nonsense: ") {
			t.Errorf("%s: %v", line, err)
		}
	}
}
