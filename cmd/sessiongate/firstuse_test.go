package main

import (
	"bytes"
	"io"
	"strings"
	"testing"
)

// TestWrongCommandLines: what is typed wrongly is an error that names it, never a help text that
// passes for success.
func TestWrongCommandLines(t *testing.T) {
	for line, want := range map[string]string{
		"bogus":                           `unknown command "bogus"`,
		"keys bogus":                      `unknown command "bogus" for "sessiongate keys"`,
		"users bogus":                     `unknown command "bogus" for "sessiongate users"`,
		"sessions bogus":                  `unknown command "bogus" for "sessiongate sessions"`,
		"demo --bogus":                    "--bogus",
		"demo --listen 8080":              "write localhost:8080",
		"demo --listen 0.0.0.0:0":         "is not loopback",
		"demo --access-lifetime 3":        "missing unit",
		"demo --access-lifetime 0s":       "--access-lifetime 0s is out of range; write 1s to 24h",
		"demo --access-lifetime 25h":      "--access-lifetime 25h0m0s is out of range",
		"demo --redis localhost:6379":     "write redis://localhost:6379",
		"serve":                           "no configuration; looked for --config",
		"check":                           "$SESSIONGATE_CONFIG (not set)",
		"keys generate --dir x --alg foo": "want EdDSA, ES256 or RS256",
		"users add":                       "arg",
		"sessions list --config none":     `"user" not set`,
	} {
		t.Run(line, func(t *testing.T) {
			t.Chdir(t.TempDir())
			cmd := command()
			cmd.SetArgs(strings.Fields(line))
			cmd.SetOut(io.Discard)
			cmd.SetErr(io.Discard)
			if err := cmd.ExecuteContext(t.Context()); err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("error %v, want %q", err, want)
			}
		})
	}
}

// A command that only holds others shows its help.
func TestGroupsShowTheirHelp(t *testing.T) {
	for _, name := range []string{"keys", "users", "sessions"} {
		var out bytes.Buffer
		cmd := command()
		cmd.SetArgs([]string{name})
		cmd.SetOut(&out)
		if err := cmd.ExecuteContext(t.Context()); err != nil || !strings.Contains(out.String(), "Available Commands") {
			t.Errorf("%s: %v %q", name, err, out.String())
		}
	}
}
