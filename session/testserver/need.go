package testserver

import (
	"context"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// RequireEnv names the environment variable with the comma-separated list of
// components that must be there. A component it names and that is missing fails
// the test; one it does not name is skipped, visibly. The one word "none" hides all
// of them: so the tests run on a machine that has Go alone.
const RequireEnv = "SESSIONGATE_TEST_REQUIRE"

const hideAll = "none"

// finder looks for one component and returns the path of its main program.
type finder func() (string, error)

// components lists everything a test may ask for by name.
func components() map[string]finder {
	return map[string]finder{
		"redis":           findRedis,
		"chromium":        findChromium,
		"postgres":        findPostgres,
		"mariadb":         findMariaDB,
		"node":            func() (string, error) { return lookPath("node") },
		"npm":             func() (string, error) { return lookPath("npm") },
		"oidc-provider":   findNPM,
		"express":         findNPM,
		"axe-core":        findNPM,
		"nginx":           func() (string, error) { return lookPath("nginx", "/usr/sbin/nginx") },
		"docker-compose":  func() (string, error) { return lookPath("docker-compose") },
		"systemd-analyze": func() (string, error) { return lookPath("systemd-analyze") },
		"kubectl":         func() (string, error) { return lookPath("kubectl") },
		"coreutils":       func() (string, error) { return lookPath("install") },
		"python-fastapi":  findFastAPI,
		"terminal":        findTerminal,
		"curl":            func() (string, error) { return lookPath("curl") },
		"wrk":             func() (string, error) { return lookPath("wrk") },
	}
}

// Need returns the path of the main program of component: redis (redis-server,
// with redis-cli on PATH beside it), chromium, postgres (initdb lies in the same
// folder), mariadb (with its client and mariadb-install-db on PATH), node, npm, oidc-provider, express, axe-core, docker-compose, systemd-analyze,
// kubectl, coreutils (install), curl, wrk, terminal (the device that makes pseudo-terminals, of Linux), or
// python-fastapi (a python3
// that can import what the FastAPI tutorial needs).
//
// A missing component skips the test, or fails it when [RequireEnv] names it.
// An unknown name, in the call or in the variable, always fails: a misspelt
// requirement must not turn into a silent skip.
func Need(t testing.TB, component string) string {
	t.Helper()
	known := components()
	required, err := requiredComponents(known)
	if err != nil {
		t.Fatal(err)
	}
	find, ok := known[component]
	if !ok {
		t.Fatalf("unknown test component %q, known: %s", component, names(known))
	}
	if os.Getenv(RequireEnv) == hideAll {
		t.Skip(component + " is hidden: " + RequireEnv + "=" + hideAll)
	}
	path, err := find()
	switch {
	case err == nil:
	case slices.Contains(required, component):
		t.Fatalf("%v, and %s demands %s", err, RequireEnv, component)
	default:
		t.Skip(err.Error())
	}
	return path
}

func requiredComponents(known map[string]finder) ([]string, error) {
	var list []string
	for name := range strings.SplitSeq(os.Getenv(RequireEnv), ",") {
		name = strings.TrimSpace(name)
		if name == "" || name == hideAll {
			continue
		}
		if _, ok := known[name]; !ok {
			return nil, fmt.Errorf("%s names unknown component %q, known: %s", RequireEnv, name, names(known))
		}
		list = append(list, name)
	}
	return list, nil
}

func names(known map[string]finder) string {
	return strings.Join(slices.Sorted(maps.Keys(known)), ", ")
}

// lookPath returns the first of programs that is on PATH.
func lookPath(programs ...string) (string, error) {
	var first error
	for _, program := range programs {
		path, err := exec.LookPath(program)
		if err == nil {
			return path, nil
		}
		if first == nil {
			first = fmt.Errorf("%s not installed: %w", program, err)
		}
	}
	return "", first
}

// findTerminal opens the device: a sandbox may have it and not let anybody in.
func findTerminal() (string, error) {
	const device = "/dev/ptmx"
	file, err := os.OpenFile(device, os.O_RDWR, 0)
	if err != nil {
		return "", err
	}
	return device, file.Close()
}

func findRedis() (string, error) {
	if _, err := lookPath("redis-cli"); err != nil {
		return "", err
	}
	return lookPath("redis-server")
}

func findChromium() (string, error) {
	return lookPath("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
}

// findPostgres also looks where Debian keeps the server programs, which is not on PATH.
func findPostgres() (string, error) {
	path, err := lookPath("postgres")
	if err == nil {
		return path, nil
	}
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/postgres") // the pattern is well-formed
	if len(found) == 0 {
		return "", err
	}
	return found[len(found)-1], nil
}

// findMariaDB also looks where Debian keeps the server, which is not on every PATH.
func findMariaDB() (string, error) {
	for _, companion := range []string{"mariadb", "mariadb-install-db"} {
		if _, err := lookPath(companion); err != nil {
			return "", err
		}
	}
	return lookPath("mariadbd", "/usr/sbin/mariadbd")
}

// findNPM finds what a test installs and runs a module of npm's with.
func findNPM() (string, error) {
	if _, err := lookPath("node"); err != nil {
		return "", err
	}
	return lookPath("npm")
}

// findFastAPI asks Debian's own python3 first: the modules come as system
// packages, and another python3 may be the first on PATH.
func findFastAPI() (string, error) {
	const modules = "fastapi, uvicorn, jose, passlib, bcrypt"
	var last error
	for _, python := range []string{"/usr/bin/python3", "python3"} {
		path, err := lookPath(python)
		if err != nil {
			last = err
			continue
		}
		ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
		out, err := exec.CommandContext(ctx, path, "-c", "import "+modules).CombinedOutput()
		cancel()
		if err == nil {
			return path, nil
		}
		last = fmt.Errorf("python-fastapi not installed: %s cannot import %s: %w: %s", path, modules, err, lastLine(out))
	}
	return "", last
}

func lastLine(out []byte) string {
	text := strings.TrimSpace(string(out))
	return text[strings.LastIndexByte(text, '\n')+1:]
}
