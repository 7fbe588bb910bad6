package main

import (
	"strings"
	"testing"

	"sessiongate/cmd/sessiongate/program"
	"sessiongate/configs"
)

// A script tells "the command failed" (1) from "that is no command line of ours" (2).
func TestExitStatus(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for _, row := range []struct {
		line   string
		status int
		says   string
	}{
		{"help", 0, "Available Commands"},
		{"help keys generate", 0, "cookie.key, seal.key and signing.pem"},
		{"completion bash", 0, "bash completion"},
		{"keys generate --dir " + dir, 0, "made "},
		{"", exitUsage, ""},
		{"nosuch", exitUsage, "nosuch"},
		{"help nosuch", exitUsage, `"nosuch"`},
		{"help keys nosuch", exitUsage, `"keys nosuch"`},
		{"completion tcsh", exitUsage, "tcsh"},
		{"keys nosuch", exitUsage, "nosuch"},
		{"keys generate", exitUsage, `"dir"`},
		{"keys generate --dir " + dir + " --alg none", exitUsage, "EdDSA"},
		{"serve", exitConfig, "; name one: sessiongate serve --config F\n  try: sessiongate init\n"},
		{"serve --config=", exitUsage, "--config is empty"},
		{"serve --nosuch", exitUsage, "--nosuch"},
		{"check", exitConfig, "/etc/sessiongate/sessiongate.yaml"},
		{"check --config " + dir + "/nosuch.yaml", exitConfig, "nosuch.yaml"},
		{"check --config " + dir + "/nosuch.yaml --try ada --offline", exitUsage, "offline try"},
		{"check --config " + dir + "/nosuch.yaml --extra otp=1", exitUsage, "add --try USER"},
		{"users add", exitUsage, ""},
		{"version more", exitUsage, "more"},
	} {
		var out strings.Builder
		if got := execute(t.Context(), strings.Fields(row.line), &out, &out); got != row.status && row.line != "" {
			t.Errorf("%q: status %d, want %d", row.line, got, row.status)
		}
		if !strings.Contains(out.String(), row.says) {
			t.Errorf("%q does not say %q:\n%s", row.line, row.says, out.String())
		}
	}
}

// Every way to ask names release, commit and Go.
func TestVersion(t *testing.T) {
	t.Parallel()
	var command, flag strings.Builder
	execute(t.Context(), []string{"version"}, &command, &command)
	execute(t.Context(), []string{"--version"}, &flag, &flag)
	if command.String() != flag.String() || len(strings.Fields(command.String())) < 4 || !strings.Contains(command.String(), " go1.") {
		t.Errorf("version %q, --version %q", command.String(), flag.String())
	}
	var logs strings.Builder
	build{Version: "v1.2.3", Commit: "abc", Go: "go1.26.0"}.logTo(program.NewLogger(&logs, configs.Log{Level: "info", Format: "text"}))
	lines := strings.Split(strings.TrimSpace(logs.String()), "\n")
	if len(lines) != 2 || !strings.Contains(lines[0], "version=v1.2.3 commit=abc go=go1.26.0") || !strings.Contains(lines[1], "level=WARN") {
		t.Errorf("the log begins with\n%s", logs.String())
	}
}

func TestOutdated(t *testing.T) {
	t.Parallel()
	for release, want := range map[string]bool{
		"go1.26.0": true, "go1.26.10": true, "go1.26.11": false, "go1.26.12": false, "go1.27rc1": false, "go1.25.20": true,
		"devel go1.27-abcdef": false,
	} {
		if got := outdated(release); got != want {
			t.Errorf("%s: %t", release, got)
		}
	}
}
