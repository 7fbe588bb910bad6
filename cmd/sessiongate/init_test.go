package main

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"

	"sessiongate/configs"
	"sessiongate/session/users"
)

// runLine executes a command line and returns what it wrote.
func runLine(t *testing.T, args ...string) (status int, out, logs string) {
	t.Helper()
	var a, b strings.Builder
	status = execute(t.Context(), args, &a, &b)
	return status, a.String(), b.String()
}

// inits runs `sessiongate init` in a new folder, which it returns.
func inits(t *testing.T, flags ...string) (dir, out string) {
	t.Helper()
	dir = filepath.Join(t.TempDir(), "gate")
	status, out, logs := runLine(t, append([]string{"init", "--dir", dir}, flags...)...)
	if status != exitDone || logs != "" {
		t.Fatalf("init %q: status %d\n%s%s", flags, status, out, logs)
	}
	return dir, out
}

// loads reads what init wrote, with the variables that it named.
func loads(t *testing.T, dir string, variables ...string) *configs.Loaded {
	t.Helper()
	loaded, err := configs.Load(filepath.Join(dir, "sessiongate.yaml"), func(name string) (string, bool) {
		return "postgres://a-value-of-the-environment", slices.Contains(variables, name)
	})
	if err != nil {
		t.Fatal(err)
	}
	return loaded
}

// contents are all files below a folder and what they hold.
func contents(t *testing.T, dir string) map[string]string {
	t.Helper()
	found := make(map[string]string)
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		found[strings.TrimPrefix(path, dir)] = string(data)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

var shownPassword = regexp.MustCompile(`(?m)^  ([a-z2-7]{5}(?:-[a-z2-7]{5}){3})$`)

func TestInitLocal(t *testing.T) {
	t.Parallel()
	dir, out := inits(t)
	c := loads(t, dir).Config
	if c.Server.PublicURL != "http://localhost:8080" || c.Server.Listen != "localhost:8080" || !c.Store.Embedded || len(c.Keys.Signing) != 1 ||
		c.Routes[0].Upstreams[0] != "http://localhost:9000" || c.Routes[1].Upstreams[0] != "http://localhost:5173" {
		t.Errorf("%+v", c)
	}
	password := shownPassword.FindStringSubmatch(out)
	if password == nil || !strings.Contains(out, "Sign in as admin") || !strings.Contains(out, "sessiongate check\n  sessiongate serve\n\nThen open http://localhost:8080\n") {
		t.Fatal(out)
	}
	file, err := users.OpenFile(filepath.Join(dir, "users.yaml"), users.NewHasher(users.HasherOptions{}), users.FileOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if u, err := file.Authenticate(t.Context(), "admin", password[1]); err != nil || !slices.Equal(u.Roles, []string{"admin"}) {
		t.Errorf("%+v, %v", u, err)
	}
	if len(contents(t, dir)) != 6 {
		t.Errorf("files: %v", contents(t, dir))
	}
}

func TestInitPreset(t *testing.T) {
	t.Parallel()
	dir, out := inits(t, "--preset", "fastapi-tutorial", "--app", t.TempDir(), "--public-url", "http://localhost:3000")
	c := loads(t, dir).Config
	p := c.Providers[0].TokenAPI
	if p == nil || p.Preset != "fastapi-tutorial" || p.BaseURL != "http://localhost:8000" || c.Routes[0].Upstreams[0] != "http://localhost:8000" ||
		c.Routes[1].Static == "" || c.Server.Listen != "localhost:3000" {
		t.Errorf("%+v", c)
	}
	if strings.Contains(out, "Sign in as") || len(contents(t, dir)) != 4 {
		t.Errorf("%s\n%v", out, contents(t, dir))
	}
}

// Every kind, vendor and preset gives a file that loads without a word, with what was answered in
// its place, and says which of its lines are still examples.
func TestInitEveryProvider(t *testing.T) {
	t.Parallel()
	names, texts := configs.ProviderFiles()
	if len(names) < 20 {
		t.Fatalf("only %v", names)
	}
	examples := map[string]string{
		"auth0": "audience: https://api.example.com", "entra": "api://YOUR-API/access", "firebase": "value: YOUR-WEB-API-KEY",
		"local-database": "FROM users WHERE email = $1", "zitadel": "PROJECT-ID:aud",
	}
	for _, name := range names {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			flags := []string{"--provider", name, "--upstream", "http://api.test:1234/base", "--app", "http://app.test"}
			kind := configs.NewDraft(texts[name]).Value("providers[0].kind")
			switch kind {
			case "oidc":
				flags = append(flags, "--issuer", "https://id.test/a/", "--client-id", "client-1")
			case "tokenapi":
				flags = append(flags, "--base-url", "https://login.test/base")
			}
			dir, out := inits(t, flags...)
			var variables []string
			for _, m := range regexp.MustCompile(`export ([A-Z_]+)=…`).FindAllStringSubmatch(out, -1) {
				variables = append(variables, m[1])
			}
			loaded := loads(t, dir, variables...)
			if len(loaded.Warnings) > 0 {
				t.Errorf("warnings: %v", loaded.Warnings)
			}
			mustHave(t, &loaded.Config)
			if want, has := examples[name]; has != strings.Contains(out, "Still examples") || !strings.Contains(out, want) {
				t.Errorf("examples %q:\n%s", want, out)
			}
			text := contents(t, dir)["/sessiongate.yaml"]
			if strings.Contains(text, "Before the first start") || strings.Contains(text, "\n#\n\n") || strings.Contains(text, "app.example.com") || strings.Contains(text, "localhost:9000") {
				t.Errorf("what is void is still there:\n%s", text)
			}
		})
	}
}

// mustHave looks for the answers of TestInitEveryProvider.
func mustHave(t *testing.T, c *configs.Config) {
	t.Helper()
	if c.Routes[0].Upstreams[0] != "http://api.test:1234/base" || c.Routes[1].Upstreams[0] != "http://app.test" || !c.Store.Embedded {
		t.Errorf("%+v %+v", c.Routes, c.Store)
	}
	p := &c.Providers[0]
	if p.OIDC != nil && (p.OIDC.Issuer != "https://id.test/a/" || p.OIDC.ClientID != "client-1" || p.OIDC.ClientSecret.Empty()) {
		t.Errorf("%+v", p.OIDC)
	}
	if p.TokenAPI != nil && p.TokenAPI.BaseURL != "https://login.test/base" {
		t.Errorf("%+v", p.TokenAPI)
	}
	if signs := len(c.Keys.Signing) > 0; signs != (p.Local != nil) {
		t.Errorf("signing keys: %t", signs)
	}
}

// A folder in which nothing can be written stays as it is, and says so.
func TestInitReadOnly(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if os.Geteuid() == 0 || runtime.GOOS == "windows" {
		dir = "/proc" // even root writes nothing there
	} else if err := os.Chmod(dir, 0o500); err != nil {
		t.Fatal(err)
	}
	for _, folder := range []string{dir, filepath.Join(dir, "new")} {
		status, out, logs := runLine(t, "init", "--dir", folder)
		if status != exitFailed || out != "" || !strings.Contains(logs, folder) {
			t.Errorf("%s: %d %s%s", folder, status, out, logs)
		}
		if status, out, _ := runLine(t, "init", "--dir", folder, "--dry-run"); status != exitDone || !strings.Contains(out, "public_url") {
			t.Errorf("%s: a dry run: %d", folder, status)
		}
	}
}

// What is there and will not do is said, and nothing is written.
func TestInitAmongFaultyFiles(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		file, text string
		mode       fs.FileMode
		status     int
		says       string
	}{
		"a key that everybody reads": {"keys/cookie.key", "x", 0o644, exitConfig, "can be read by everyone"},
		"a key that is none":         {"keys/seal.key", "x", 0o600, exitConfig, "does not hold one line of base64url"},
		"users that are none":        {"users.yaml", "users: 1", 0o600, exitConfig, "users.yaml:1:8: users: must be a list"},
		"a file called keys":         {"keys", "x", 0o600, exitFailed, "keys"},
	} {
		dir := t.TempDir()
		path := filepath.Join(dir, row.file)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(row.text), row.mode); err != nil {
			t.Fatal(err)
		}
		before := contents(t, dir)
		status, out, logs := runLine(t, "init", "--dir", dir)
		if status != row.status || out != "" || !strings.Contains(logs, row.says) {
			t.Errorf("%s: %d %s%s", name, status, out, logs)
		}
		if after := contents(t, dir); !mapsEqual(before, after) {
			t.Errorf("%s: files %v", name, after)
		}
	}
}

// Once is enough: a second run changes nothing, whatever it is asked for.
func TestInitTwice(t *testing.T) {
	t.Parallel()
	dir, _ := inits(t)
	before := contents(t, dir)
	for _, flags := range [][]string{nil, {"--preset", "fastapi-tutorial"}, {"--json", "--yes"}} {
		status, out, logs := runLine(t, append([]string{"init", "--dir", dir}, flags...)...)
		if status != exitFailed || !strings.Contains(logs, "sessiongate.yaml is there already, and nothing was changed") || shownPassword.MatchString(out) {
			t.Errorf("%q: %d %s%s", flags, status, out, logs)
		}
		if after := contents(t, dir); !mapsEqual(before, after) {
			t.Errorf("%q changed files: %v", flags, after)
		}
	}
}

func mapsEqual(a, b map[string]string) bool {
	same := len(a) == len(b)
	for name, text := range a {
		same = same && b[name] == text
	}
	return same
}

// Keys and users that are there are used.
func TestInitKeepsKeysAndUsers(t *testing.T) {
	t.Parallel()
	dir, _ := inits(t)
	if err := os.Remove(filepath.Join(dir, "sessiongate.yaml")); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(dir, "keys/seal.key")); err != nil {
		t.Fatal(err)
	}
	before := contents(t, dir)
	status, out, logs := runLine(t, "init", "--dir", dir)
	if status != exitDone || strings.Contains(out, "Sign in as") || strings.Count(out, "kept ") != 4 || strings.Count(out, "made ") != 2 {
		t.Fatalf("%d %s%s", status, out, logs)
	}
	after := contents(t, dir)
	for name, text := range before {
		if after[name] != text {
			t.Errorf("%s has changed", name)
		}
	}
	loads(t, dir)
}

// A command line that will not do says what to write, and nothing is written.
func TestInitUsage(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for line, want := range map[string]string{
		"--provider keyclok": `--provider "keyclok" is not known; write --provider keycloak, or one of `,
		"--provider nosuch":  `--provider "nosuch" is not known; write one of `,
		"--preset fastapi":   `is not known; write --preset fastapi-oauth2 or fastapi-tutorial, or one of `,
		"--preset express":   `write --preset node-express-boilerplate, or one of `,
		"--preset nosuch":    `tymon; none fits? write --provider tokenapi`,
		"--upstream 18731":   `--upstream "18731" is a port alone; write --upstream http://localhost:18731`,
		"--app :3000":        `is a port alone; write --app http://localhost:3000`,
		"--public-url 8000":  `write --public-url http://localhost:8000`,
		"--preset keycloak":  `--preset "keycloak" is not known; write one of `,
		"--provider keycloak --preset fastapi-tutorial": "leave one of them out",
		"--provider oidc":                                      "--issuer is missing; write --issuer https://id.example.com",
		"--provider oidc --issuer https://a.test":              "--client-id is missing; write --client-id sessiongate",
		"--provider oidc --issuer http://a.test --client-id x": `--issuer "http://a.test" is http, and anybody on the way could sign in as anyone; write --issuer https://id.example.com`,
		"--provider oidc --issuer a.test --client-id x":        "is not an http(s) URL",
		"--issuer https://a.test":                              "--issuer is for providers of kind oidc, and this one is local",
		"--base-url http://a.test":                             "--base-url is for providers of kind tokenapi",
		"--upstream localhost:9000":                            `--upstream "localhost:9000" has no http:// or https:// in front; write --upstream http://localhost:9000`,
		"--upstream=":                                          `--upstream "" is empty; write --upstream http://localhost:9000`,
		"--upstream http://u:secret@a.test":                    "--upstream (the value) has a user name or a password in it",
		"--upstream http://a.test?x":                           "has a query",
		"--upstream http://a_b^c.test":                         "--upstream",
		"--upstream http://localhost:8080":                     `--public-url "http://localhost:8080" is where your API or your app is, and the gateway needs a port of its own; write --public-url http://localhost:8081`,
		"--app nosuch":                                         `--app "nosuch" is neither a URL nor a folder that is there; write --app http://localhost:5173`,
		"--app localhost:5173":                                 "write --app http://localhost:5173",
		"--app " + file:                                        "is a file, and a folder is wanted; write --app " + filepath.Dir(file),
		"--public-url http://app.test":                         "http on a host that is not loopback",
		"--public-url https://app.test/x":                      "has more than scheme, host and port",
		"--public-url http://localhost:9090":                   "is the port of the gateway's own metrics",
		"--redis localhost:6379":                               `is not the URL of a Redis; write --redis redis://localhost:6379`,
		"--public-url http://localhost:08080":                  "has a port with a zero in front",
		"--redis redis://:secret@":                             "--redis (the value) is not the URL of a Redis",
		"--dir " + file:                                        "is a file; write the path of a folder",
		"extra":                                                "extra",
	} {
		dir := t.TempDir()
		args := strings.Fields("init --dir " + filepath.Join(dir, "new") + " " + line)
		status, out, logs := runLine(t, args...)
		if status != exitUsage || !strings.Contains(logs, want) || out != "" || strings.Contains(logs, "secret") {
			t.Errorf("%s: %d %s%s", line, status, out, logs)
		}
		if len(contents(t, dir)) != 0 {
			t.Errorf("%s wrote %v", line, contents(t, dir))
		}
	}
}

// Whatever somebody answers stays one value.
func TestInitHostileAnswers(t *testing.T) {
	t.Parallel()
	for _, id := range []string{`a"b`, `a'b: c`, `x # y`, `${HOME}`, `$${X}`, `{{username}}`, `[a]`, `null`, `1`, `- a`, `\`, "é\u2028x"} {
		dir, _ := inits(t, "--provider", "oidc", "--issuer", "https://id.test/"+"x", "--client-id", id)
		c := loads(t, dir, "OIDC_CLIENT_SECRET").Config
		if got := c.Providers[0].OIDC.ClientID; got != id {
			t.Errorf("%q is %q", id, got)
		}
	}
	for _, id := range []string{"a\nadmin: x", "a\rb", "a\x00", "\xff", strings.Repeat("x", 3000), " "} {
		status, _, logs := runLine(t, "init", "--dir", t.TempDir(), "--provider", "oidc", "--issuer", "https://id.test", "--client-id", id)
		if status != exitUsage {
			t.Errorf("%q: %d %s", id, status, logs)
		}
	}
	for _, folder := range []string{`a "b"`, `a: b`, `${HOME}`, `demo`, "true", "#x"} {
		work := t.TempDir()
		app := filepath.Join(work, folder)
		if err := os.Mkdir(app, 0o700); err != nil {
			t.Fatal(err)
		}
		dir, _ := inits(t, "--app", app)
		if got := string(loads(t, dir).Config.Routes[1].Static); got != app {
			t.Errorf("%q is %q", app, got)
		}
	}
}

// A folder is meant from where the command runs, and written as the configuration means it.
func TestInitRelativeFolders(t *testing.T) {
	work := t.TempDir()
	t.Chdir(work)
	for _, folder := range []string{"demo", "dist"} {
		if err := os.Mkdir(folder, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	for dir, want := range map[string]string{"a": `static: ../demo`, ".": `static: ./demo`} {
		if status, out, logs := runLine(t, "init", "--dir", dir, "--app", "demo"); status != exitDone {
			t.Fatalf("%s%s", out, logs)
		}
		data, err := os.ReadFile(filepath.Join(dir, "sessiongate.yaml"))
		if err != nil || !strings.Contains(string(data), want+"\n") {
			t.Errorf("%v %s", err, data)
		}
		if status, out, logs := runLine(t, "check", "--offline", "--config", filepath.Join(dir, "sessiongate.yaml")); status != exitDone {
			t.Errorf("%s%s", out, logs)
		}
	}
}

func TestInitDryRun(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	status, out, logs := runLine(t, "init", "--dir", filepath.Join(dir, "a/b"), "--dry-run")
	if status != exitDone || !strings.HasPrefix(out, "# ") || !strings.HasSuffix(out, "session: none\n") || shownPassword.MatchString(out) {
		t.Errorf("%d %s%s", status, out, logs)
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 0 {
		t.Errorf("%v %v", entries, err)
	}
}

// A dry run shows what would be written, beside what is there.
func TestInitDryRunTwice(t *testing.T) {
	t.Parallel()
	dir, _ := inits(t)
	before := contents(t, dir)
	status, out, logs := runLine(t, "init", "--dir", dir, "--dry-run", "--preset", "strapi")
	if status != exitDone || !strings.Contains(out, "preset: strapi") || !strings.Contains(logs, "a sessiongate.yaml is there") {
		t.Errorf("%d %s%s", status, out, logs)
	}
	if after := contents(t, dir); !mapsEqual(before, after) {
		t.Errorf("files changed: %v", after)
	}
}

// What only the operator has is named at the end, where HTTPS needs it.
func TestInitInPublic(t *testing.T) {
	t.Parallel()
	_, out := inits(t, "--public-url", "https://app.test", "--redis", "redis://localhost")
	for _, want := range []string{"Missing to be served at https://app.test", "tls: {cert_file: ", "trusted_proxies: ["} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q:\n%s", want, out)
		}
	}
	if _, out := inits(t); strings.Contains(out, "Missing") {
		t.Error(out)
	}
}

// Git sees nothing of the keys; a .gitignore that is there stays.
func TestInitKeepsKeysOutOfGit(t *testing.T) {
	t.Parallel()
	dir, out := inits(t)
	if got := contents(t, dir)["/keys/.gitignore"]; got != "*\n" || !strings.Contains(out, "made "+filepath.Join(dir, "keys/.gitignore")) {
		t.Errorf("%q\n%s", got, out)
	}
	dir = t.TempDir()
	if err := errors.Join(os.Mkdir(filepath.Join(dir, "keys"), 0o700), os.WriteFile(filepath.Join(dir, "keys/.gitignore"), []byte("mine"), 0o600)); err != nil {
		t.Fatal(err)
	}
	if status, out, logs := runLine(t, "init", "--dir", dir); status != exitDone || contents(t, dir)["/keys/.gitignore"] != "mine" {
		t.Errorf("%d %s%s", status, out, logs)
	}
}

// The cure of local.yaml for what cannot verify EdDSA: keys that are made first are used as they are.
func TestInitWithRS256(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if status, out, logs := runLine(t, "keys", "generate", "--dir", filepath.Join(dir, "keys"), "--alg", "RS256"); status != exitDone {
		t.Fatalf("%s%s", out, logs)
	}
	before := contents(t, dir)["/keys/signing.pem"]
	if status, out, logs := runLine(t, "init", "--dir", dir); status != exitDone || contents(t, dir)["/keys/signing.pem"] != before {
		t.Fatalf("%s%s", out, logs)
	}
	loads(t, dir)
}

// The object has no secrets: it may go to logs.
func TestInitJSON(t *testing.T) {
	t.Parallel()
	dir, out := inits(t, "--json", "--public-url", "https://app.test", "--redis", "redis://ada:canary-pass@redis.test:6380/3")
	var report initReport
	if err := json.Unmarshal([]byte(out), &report); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if report.User != "admin" || report.URL != "https://app.test" || len(report.Files) != 7 || len(report.Next) != 4 ||
		report.Next[1] != "sessiongate users passwd admin --file users.yaml" || strings.Contains(out, "canary") || strings.Contains(out, "\"password\"") {
		t.Errorf("%s", out)
	}
	c := loads(t, dir).Config
	if r := c.Store.Redis; r == nil || r.Addresses[0] != "redis.test:6380" || r.Username != "ada" || r.DB != 3 {
		t.Errorf("%+v", c.Store.Redis)
	}
	if data, err := os.ReadFile(filepath.Join(dir, "keys/redis-password")); err != nil || string(data) != "canary-pass\n" {
		t.Errorf("%q %v", data, err)
	}
	if data, _ := os.ReadFile(filepath.Join(dir, "sessiongate.yaml")); strings.Contains(string(data), "canary") {
		t.Errorf("%s", data)
	}
	status, out, _ := runLine(t, "init", "--json", "--dir", dir)
	if status != exitFailed || !strings.Contains(out, `"problems"`) {
		t.Errorf("%d %s", status, out)
	}
}

func TestInitModes(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("no modes there")
	}
	dir, _ := inits(t, "--redis", "redis://:x@localhost")
	for name, want := range map[string]fs.FileMode{
		"keys": 0o700, "keys/cookie.key": 0o600, "keys/seal.key": 0o600, "keys/signing.pem": 0o600, "keys/redis-password": 0o600, "users.yaml": 0o600,
	} {
		if info, err := os.Stat(filepath.Join(dir, name)); err != nil || info.Mode().Perm() != want {
			t.Errorf("%s: %v %v", name, info.Mode(), err)
		}
	}
}
