package e2e

import (
	"cmp"
	"io/fs"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"sessiongate/session/testserver"
	"sessiongate/web"
)

// block is one fenced block of a page.
type block struct {
	file, language, text string
}

var fenced = regexp.MustCompile("(?ms)^( *)```([a-z]+)\n(.*?)^ *```$")

// markdownBlocks finds the blocks of every page of the repository, in order.
func markdownBlocks(t *testing.T) []block {
	t.Helper()
	var blocks []block
	err := filepath.WalkDir("../../..", func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && (entry.Name() == "node_modules" || entry.Name() == ".git"):
			return fs.SkipDir
		case filepath.Ext(path) != ".md":
			return nil
		}
		text, err := os.ReadFile(path)
		for _, m := range fenced.FindAllStringSubmatch(string(text), -1) {
			body := strings.ReplaceAll("\n"+m[3], "\n"+m[1], "\n")[1:]
			blocks = append(blocks, block{path, m[2], body})
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return blocks
}

// TestMarkdownLanguages: a block in a language that no test runs or loads could rot.
func TestMarkdownLanguages(t *testing.T) {
	t.Parallel()
	for _, b := range markdownBlocks(t) {
		switch b.language {
		case "sh": // TestMarkdownCommands
		case "js": // TestMarkdownScripts
		case "jsx", "tsx", "vue": // TestMarkdownImports
		case "yaml": // configs: TestREADME
			if b.file != "../../../README.md" {
				t.Errorf("%s: no test loads\n%s", b.file, b.text)
			}
		default:
			t.Errorf("%s: nothing runs or loads %q:\n%s", b.file, b.language, b.text)
		}
	}
}

// TestMarkdownImports: what the pages import of the client package is there, in blocks that need a
// build to run, too.
func TestMarkdownImports(t *testing.T) {
	t.Parallel()
	imported := regexp.MustCompile(`import \{([^}]*)\} from "sessiongate-client(?:/([a-z]+))?"`)
	names := 0
	for _, b := range markdownBlocks(t) {
		for _, m := range imported.FindAllStringSubmatch(b.text, -1) {
			source, err := fs.ReadFile(web.ClientPackage(), cmp.Or(m[2], "core")+".js")
			if err != nil {
				t.Errorf("%s: %v", b.file, err)
				continue
			}
			for name := range strings.SplitSeq(m[1], ",") {
				name = strings.TrimSpace(name)
				names++
				if !regexp.MustCompile(`(?m)^export [^=]*\b` + name + `\b`).Match(source) {
					t.Errorf("%s: sessiongate-client/%s exports no %q", b.file, m[2], name)
				}
			}
		}
	}
	if names < 10 {
		t.Errorf("only %d imports found", names)
	}
}

func TestMarkdownScripts(t *testing.T) {
	t.Parallel()
	node := testserver.Need(t, "node")
	for _, b := range markdownBlocks(t) {
		if b.language != "js" {
			continue
		}
		dir, how := t.TempDir(), "--check"
		if strings.Contains(b.text, `from "node:test"`) {
			how = "--test" // it runs by itself
			if err := os.CopyFS(filepath.Join(dir, "node_modules", "sessiongate-client"), web.ClientPackage()); err != nil {
				t.Fatal(err)
			}
		}
		file := filepath.Join(dir, "block.mjs")
		if err := os.WriteFile(file, []byte(b.text), 0o600); err != nil {
			t.Fatal(err)
		}
		cmd := exec.CommandContext(t.Context(), node, how, file)
		cmd.Dir = dir
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("%s: %v\n%s\n%s", b.file, err, out, b.text)
		}
	}
}

// TestMarkdownCommands types what the pages say, line by line, into a shell. The
// reader's machine is replaced in three things: ports are free ones, `go run` of this
// program is this very binary, and `go test` and the benchmark are not run from within
// the tests.
func TestMarkdownCommands(t *testing.T) {
	t.Parallel()
	var configuration string // the last one shown before a command
	for _, b := range markdownBlocks(t) {
		switch b.language {
		case "yaml":
			configuration = b.text
		case "sh":
			name, _, _ := strings.Cut(comment.ReplaceAllString(b.text, ""), "\n")
			shown := configuration
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				newReader(t, shown).follow(b.text)
			})
		}
	}
}

// reader is somebody who does what a page says.
type reader struct {
	t            *testing.T
	dir          string
	gateway, api string // host:port
	env          []string
}

func newReader(t *testing.T, configuration string) *reader {
	t.Helper()
	_, gatewayPort, _ := net.SplitHostPort(freeAddress(t))
	_, apiPort, _ := net.SplitHostPort(freeAddress(t))
	r := &reader{t: t, dir: t.TempDir(), gateway: "localhost:" + gatewayPort, api: "localhost:" + apiPort}
	self, err := built()
	if err != nil {
		t.Fatal(err)
	}
	r.env = append(os.Environ(),
		"SELF="+self, "GATEWAY="+r.gateway, "API="+r.api, "PATH="+r.dir+"/bin:"+os.Getenv("PATH"))
	r.write("bin/sessiongate", 0o700, `#!/bin/sh
case "$*" in
demo) exec "$SELF" demo --listen "$GATEWAY" ;;
"demo api") exec "$SELF" demo api --listen "$API" --issuer "http://$GATEWAY" ;;
esac
exec "$SELF" "$@"
`)
	r.write("bin/go", 0o700, `#!/bin/sh
case "$1 $2" in
"run ./cmd/sessiongate") shift 2; exec sessiongate "$@" ;;
"run ./cmd/bench" | "run ./cmd/chaos" | "test ./..." | "install ./cmd/sessiongate") exit 0 ;;
esac
echo "nobody knows go $*" >&2
exit 1
`)
	r.write("gateway.yaml", 0o600, r.here(configuration))
	r.write("package.json", 0o600, `{"private": true}`) // of the reader's app
	files, err := filepath.Glob("../../../configs/*.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		r.write("configs/"+filepath.Base(file), 0o600, r.here(string(text)))
	}
	return r
}

func (r *reader) write(name string, mode os.FileMode, text string) {
	r.t.Helper()
	path := filepath.Join(r.dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		r.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), mode); err != nil {
		r.t.Fatal(err)
	}
}

// here puts the reader's own addresses in place of those on the page.
func (r *reader) here(text string) string {
	text = strings.Replace(text, `{public_url: "http://localhost:8080"}`,
		`{public_url: "http://localhost:8080", listen: "localhost:8080", admin: ""}`, 1)
	return strings.NewReplacer("localhost:8080", r.gateway, "localhost:9000", r.api).Replace(text)
}

var (
	comment  = regexp.MustCompile(`(?m)\s+#.*$`)
	longLast = regexp.MustCompile(` -d\d+s `)
)

// follow runs a block: commands that serve go to the background and are waited for,
// every other one must succeed.
func (r *reader) follow(text string) {
	r.t.Helper()
	for _, program := range []string{"curl", "wrk", "npm"} {
		if strings.Contains(text, program+" ") {
			testserver.Need(r.t, program)
		}
	}
	text = longLast.ReplaceAllString(r.here(comment.ReplaceAllString(text, "")), " -d1s ")
	if !strings.Contains(text, "demo api") {
		r.serve("sessiongate demo api", r.api) // it runs since the page's first file
	}
	if strings.Contains(text, "$GW") {
		r.serve("sessiongate demo", r.gateway)
		r.run(text)
		return
	}
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(line), "&"))
		switch {
		case line == "":
		case strings.HasSuffix(line, "demo api"):
			r.serve(line, r.api)
		case strings.HasSuffix(line, " demo"), strings.Contains(line, " serve "):
			r.serve(line, r.gateway)
		default:
			r.run(line)
		}
	}
}

func (r *reader) shell(script string) *exec.Cmd {
	cmd := exec.CommandContext(r.t.Context(), "sh", "-e", "-c", script)
	cmd.Dir, cmd.Env = r.dir, r.env
	return cmd
}

func (r *reader) run(script string) {
	r.t.Helper()
	if out, err := r.shell(script).CombinedOutput(); err != nil {
		r.t.Errorf("%v\n%s\n%s", err, script, out)
	}
}

func (r *reader) serve(script, address string) {
	r.t.Helper()
	var logs logBuffer
	cmd := r.shell(script)
	cmd.Stdout, cmd.Stderr = &logs, &logs
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() {
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
		_ = cmd.Wait()
		if r.t.Failed() {
			r.t.Logf("%s:\n%s", script, logs.String())
		}
	})
	client := &http.Client{Timeout: 5 * time.Second}
	eventually(r.t, script+" answers", func() bool {
		res, err := client.Get("http://" + address + "/auth/session")
		if err != nil {
			return false
		}
		res.Body.Close()
		return res.StatusCode == http.StatusOK || address == r.api
	})
}
