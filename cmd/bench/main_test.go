package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"sessiongate/cmd/rig"
)

// TestMain lets the test binary play the roles: run starts its own executable again.
func TestMain(m *testing.M) {
	for _, arg := range os.Args[1:] {
		if arg == "--role" || strings.HasPrefix(arg, "--role=") {
			if err := run(context.Background(), os.Args[1:], os.Stdout, os.Stderr); err != nil {
				fmt.Fprintln(os.Stderr, err)
				os.Exit(1)
			}
			os.Exit(0)
		}
	}
	os.Exit(m.Run())
}

// tiny runs the whole program with numbers so small that it says nothing about speed.
func tiny(t *testing.T, args ...string) string {
	t.Helper()
	var out, progress strings.Builder
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	args = append([]string{"--quick", "--no-pin", "--rounds", "1", "--conns", "2", "--length", "100ms", "--warm", "10ms"}, args...)
	if err := run(ctx, args, &out, &progress); err != nil {
		t.Fatal(err, progress.String())
	}
	if strings.Contains(out.String(), "first failure") {
		t.Error(out.String())
	}
	return out.String()
}

// Everything is built and started, and nobody fails.
func TestSmoke(t *testing.T) {
	if testing.Short() {
		t.Skip("builds sessiongate")
	}
	gate := t.TempDir() + "/sessiongate"
	if err := rig.BuildGatewayLikeThis(t.Context(), gate); err != nil {
		t.Fatal(err)
	}
	t.Run("compare", func(t *testing.T) {
		dir := t.TempDir()
		out := tiny(t, "--sessiongate", gate, "--only", "direct,cached,"+openidcModule, "--json", dir+"/r.json", "--svg", dir+"/c.svg")
		for _, name := range []string{"direct", "rp", "cached", openidcModule} { // the last at least as left out
			if !strings.Contains(out, name) {
				t.Errorf("%s is missing:\n%s", name, out)
			}
		}
		for _, file := range []string{"/r.json", "/c.svg"} {
			if info, err := os.Stat(dir + file); err != nil || info.Size() == 0 {
				t.Error(file, err)
			}
		}
	})
	t.Run("tls", func(t *testing.T) {
		out := tiny(t, "--tls", "--sessiongate", gate)
		for _, name := range []string{"rp-tls", "rp-h2", "cached-tls", "cached-h2", "standard-tls", "standard-h2"} {
			if !strings.Contains(out, name) {
				t.Errorf("%s is missing:\n%s", name, out)
			}
		}
	})
	t.Run("soak", func(t *testing.T) {
		out := tiny(t, "--soak", "1s", "--sessions", "5", "--sessiongate", gate, "--browser")
		if lines := strings.Count(out, "\n"); lines != soakParts+6 {
			t.Errorf("%d lines:\n%s", lines, out)
		}
	})
	t.Run("storm", func(t *testing.T) {
		out := tiny(t, "--storm", "--sessions", "3", "--sessiongate", gate)
		if !strings.Contains(out, "3, 1.000 per session") || !strings.Contains(out, "12 with 200, 0 with anything else, 0 requests") {
			t.Error(out)
		}
	})
	t.Run("scale", func(t *testing.T) {
		out := tiny(t, "--scale", "--sessions", "12", "--sessiongate", gate)
		if !strings.Contains(out, "left out") && !regexp.MustCompile(`(?m)^ +12 +12 +strict .* 0 *$`).MatchString(out) {
			t.Error(out)
		}
	})
}

// What the pages tell a reader to run has flags that exist.
func TestMarkdownFlags(t *testing.T) {
	pages, err := filepath.Glob("../../*.md")
	if err != nil || len(pages) == 0 {
		t.Fatal(pages, err)
	}
	commandLine := regexp.MustCompile("go run \\./cmd/bench( [^`#\n]*)?")
	for _, page := range pages {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range commandLine.FindAllStringSubmatch(string(text), -1) {
			line := strings.NewReplacer("name=URL", "name=http://localhost:1/", "'Cookie: …'", "Cookie:x", "ADDRESS", "localhost:1").Replace(m[1])
			if _, err := parseFlags(strings.Fields(line), io.Discard); err != nil {
				t.Errorf("%s: %s: %v", page, m[0], err)
			}
		}
	}
}
