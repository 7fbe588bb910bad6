package e2e

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"sessiongate/cmd/markdown"
	"sessiongate/session/testserver"
)

// TestMarkdownCommands does what the pages say, block by block, as somebody who reads one from its
// beginning to its end. The reader's machine is replaced in three things: ports are free ones, `go
// run` of this program is this very binary, and `go test`, the benchmark and the faults are not run
// from within the tests.
func TestMarkdownCommands(t *testing.T) {
	t.Parallel()
	for _, p := range markdownPages(t) {
		for i := range p.Blocks {
			if how, _ := heldBy(&p.Blocks[i]); how == "run" {
				t.Run(p.Path, func(t *testing.T) {
					t.Parallel()
					newReader(t).read(&p)
				})
				break
			}
		}
	}
}

// reader is somebody who does what a page says, in a folder that looks like the repository.
type reader struct {
	t       *testing.T
	dir     string
	shell   []string          // and its arguments, but for the script
	ports   map[string]string // on the page: here
	env     []string
	serving map[string]func() // ends what serves an address
	there   map[string]bool   // the stand-ins that run
	said    string            // by the last block that ran
}

func newReader(t *testing.T) *reader {
	t.Helper()
	self, err := built()
	if err != nil {
		t.Fatal(err)
	}
	r := &reader{
		t: t, dir: t.TempDir(), shell: []string{"sh", "-eu", "-c"},
		ports: make(map[string]string), serving: make(map[string]func()), there: make(map[string]bool),
	}
	if path, err := exec.LookPath("bash"); err == nil { // what most readers have
		r.shell = []string{path, "-euo", "pipefail", "-c"}
	}
	for _, port := range []string{"8080", "9090", "9000", "8000", "5173", "6379"} {
		_, r.ports[port], _ = net.SplitHostPort(freeAddress(t))
	}
	bin := t.TempDir()
	r.env = append(os.Environ(),
		"SELF="+self, "GATEWAY="+r.here("localhost:8080"), "API="+r.here("localhost:9000"), "PATH="+bin+":"+os.Getenv("PATH"))
	r.write(bin, "sessiongate", 0o700, `#!/bin/sh
case "$1 $2" in
"demo api") shift 2; exec "$SELF" demo api --listen "$API" --issuer "http://$GATEWAY" "$@" ;;
"demo "*) shift; exec "$SELF" demo --listen "$GATEWAY" "$@" ;;
esac
exec "$SELF" "$@"
`)
	r.write(bin, "go", 0o700, `#!/bin/sh
case "$1 $2 $3" in
"run -v ./cmd/sessiongate") shift 3; exec sessiongate "$@" ;;
"run ./cmd/sessiongate "*) shift 2; exec sessiongate "$@" ;;
"run ./cmd/bench "* | "run ./cmd/chaos "* | "install ./cmd/sessiongate "* | "build ./cmd/sessiongate "* | test*) exit 0 ;;
esac
echo "nobody knows go $*" >&2
exit 1
`)
	r.write(r.dir, "package.json", 0o600, `{"private": true}`) // of the reader's app
	r.copyFiles("configs")
	return r
}

// copyFiles gives the reader a folder of the repository, with the addresses of this machine.
func (r *reader) copyFiles(folder string) {
	r.t.Helper()
	root := "../../.."
	err := filepath.WalkDir(filepath.Join(root, folder), func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || filepath.Ext(path) != ".yaml" {
			return err
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		name, err := filepath.Rel(root, path)
		r.write(r.dir, name, 0o600, r.listening(r.here(string(text))))
		return err
	})
	if err != nil {
		r.t.Fatal(err)
	}
}

func (r *reader) write(dir, name string, mode os.FileMode, text string) {
	r.t.Helper()
	path := filepath.Join(dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		r.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), mode); err != nil {
		r.t.Fatal(err)
	}
}

var address = regexp.MustCompile(`\b(localhost|127\.0\.0\.1):(\d+)\b`)

// here puts the addresses of this machine in place of those on the page.
func (r *reader) here(text string) string {
	return address.ReplaceAllStringFunc(text, func(at string) string {
		host, port, _ := strings.Cut(at, ":")
		if mine, ok := r.ports[port]; ok {
			return host + ":" + mine
		}
		return at
	})
}

// onThePage is here, the other way round.
func (r *reader) onThePage(text string) string {
	for port, mine := range r.ports {
		text = strings.ReplaceAll(text, ":"+mine, ":"+port)
	}
	return text
}

var (
	serverFlow  = regexp.MustCompile(`(?m)^server: \{`)
	serverBlock = regexp.MustCompile(`(?m)^server:[ \t]*(?:#.*)?$`)
	hasListen   = regexp.MustCompile(`(?m)^[^#\n]*\blisten:`)
	loopback    = regexp.MustCompile(`(?m)^[^#\n]*public_url: "?http://(?:localhost|127\.)`)
)

// listening lets a gateway for this machine take the ports of the reader's own, where a file leaves
// them to their defaults.
func (r *reader) listening(text string) string {
	if hasListen.MatchString(text) || !loopback.MatchString(text) {
		return text
	}
	listen, admin := r.here("localhost:8080"), r.here("127.0.0.1:9090")
	text = serverFlow.ReplaceAllString(text, fmt.Sprintf("server: {listen: %q, admin: %q, ", listen, admin))
	return serverBlock.ReplaceAllString(text, fmt.Sprintf("server:\n  listen: %q\n  admin: %q", listen, admin))
}

// settle does so in what the last block has written.
func (r *reader) settle() {
	files, _ := filepath.Glob(filepath.Join(r.dir, "*.yaml"))
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			r.t.Error(err)
			continue
		}
		if changed := r.listening(r.here(string(text))); changed != string(text) {
			r.write(r.dir, filepath.Base(file), 0o600, changed)
		}
	}
}

// read follows a page. Where a block of a section cannot be run here, or fails, what follows in that
// section may rest on it.
func (r *reader) read(p *markdown.Page) {
	given := make(map[int]string)
	for i := range p.Blocks {
		b := &p.Blocks[i]
		section := sectionOf(p, b)
		if name := b.Words()["file"]; name != "" {
			r.write(r.dir, name, 0o600, r.listening(r.here(b.Text)))
		}
		how, _ := heldBy(b)
		if how != "run" && how != "output" {
			continue
		}
		ran := false
		r.t.Run(fmt.Sprintf("line %d", b.Line), func(t *testing.T) {
			if given[section] != "" {
				t.Skip("rests on " + given[section])
			}
			if how == "output" {
				r.compare(t, b)
			} else {
				r.follow(t, b)
			}
			ran = !t.Failed()
		})
		if !ran {
			given[section] = b.String()
		}
	}
}

// sectionOf is the line of the title that a block stands under.
func sectionOf(p *markdown.Page, b *markdown.Block) (line int) {
	for _, h := range p.Headings() {
		if h.Line < b.Line {
			line = h.Line
		}
	}
	return line
}

var longLast = regexp.MustCompile(` -d\d+s `)

// follow runs a block.
func (r *reader) follow(t *testing.T, b *markdown.Block) {
	t.Helper()
	if with := b.Words()["with"]; with != "" {
		for name := range strings.SplitSeq(with, ",") {
			r.need(t, name)
		}
	}
	script := longLast.ReplaceAllString(r.here(b.Text), " -d1s ")
	if ready := b.Words()["ready"]; ready != "" {
		r.serve(t, script, r.here(ready))
		return
	}
	ctx, cancel := context.WithTimeout(t.Context(), 4*time.Minute)
	defer cancel()
	out, err := r.command(ctx, script).CombinedOutput()
	if err != nil {
		t.Errorf("%s: %v\n%s\n%s", b, err, script, out)
	}
	r.said = r.onThePage(string(out))
	r.settle()
}

func (r *reader) command(ctx context.Context, script string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, r.shell[0], append(r.shell[1:len(r.shell):len(r.shell)], script)...)
	cmd.Dir, cmd.Env = r.dir, r.env
	return cmd
}

// serve leaves a block running. Whoever had its address before, ends: the reader presses Ctrl-C.
func (r *reader) serve(t *testing.T, script, ready string) {
	t.Helper()
	where, err := url.Parse(ready)
	if err != nil {
		t.Fatal(err)
	}
	if stop := r.serving[where.Host]; stop != nil {
		stop()
	}
	logs := &logBuffer{}
	cmd := r.command(context.WithoutCancel(t.Context()), script)
	cmd.Stdout, cmd.Stderr = logs, logs
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() { defer close(ended); _ = cmd.Wait() }()
	stop := func() { _ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL); <-ended }
	r.serving[where.Host] = stop
	r.t.Cleanup(func() {
		stop()
		if r.t.Failed() {
			r.t.Logf("%s:\n%s", script, logs.String())
		}
	})
	client := &http.Client{Timeout: 5 * time.Second}
	eventually(t, script+" answers at "+ready, func() bool {
		select {
		case <-ended:
			t.Fatalf("%s ended:\n%s", script, logs.String())
		default:
		}
		res, err := client.Get(ready)
		if err != nil {
			return false
		}
		res.Body.Close()
		return res.StatusCode < http.StatusInternalServerError
	})
	r.said = r.onThePage(logs.String())
}

// standIns are what the reader has before the page begins, by the address that pages give it. Any
// other name is one of testserver.Need's.
func (r *reader) standIns() map[string]func(t *testing.T) {
	return map[string]func(t *testing.T){
		// An API that takes the gateway's tokens.
		"api": func(t *testing.T) { r.serve(t, "sessiongate demo api", "http://"+r.here("localhost:9000")+"/") },
		// An API with a login of its own.
		"login-api": func(*testing.T) {
			front, _ := url.Parse(startTutorial(r.t, time.Minute).front.URL)
			r.forward("localhost:8000", front.Host)
		},
		// A page's development server.
		"app":   func(*testing.T) { r.forward("localhost:5173", devServer(r.t).Listener.Addr().String()) },
		"redis": func(*testing.T) { r.forward("localhost:6379", testserver.Redis(r.t).Addr()) },
	}
}

// need asks for something that the block wants; a block that cannot have it is skipped.
func (r *reader) need(t *testing.T, name string) {
	t.Helper()
	start, ok := r.standIns()[name]
	switch {
	case !ok:
		testserver.Need(t, name)
	case !r.there[name]:
		switch name { // asked for on the block's behalf: the stand-in itself belongs to the page
		case "redis":
			testserver.Need(t, "redis")
		case "login-api":
			testserver.Need(t, "python-fastapi")
		}
		start(t)
		r.there[name] = true
	}
}

// forward passes connections to a page's address on.
func (r *reader) forward(from, to string) {
	r.t.Helper()
	l, err := net.Listen("tcp", r.here(from))
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() { l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				other, err := net.Dial("tcp", to)
				if err != nil {
					return
				}
				defer other.Close()
				go func() { _, _ = io.Copy(other, conn); other.Close() }()
				_, _ = io.Copy(conn, other)
			}()
		}
	}()
}

// compare holds what the last block said to what the page says that it says.
func (r *reader) compare(t *testing.T, b *markdown.Block) {
	t.Helper()
	if !likeShown(b.Text, r.said) {
		t.Errorf("%s shows\n%s\nand this was said:\n%s", b, b.Text, r.said)
	}
}

// likeShown reports whether a program said what a page shows, where … stands for any text, a line of
// its own for any lines. Blanks at the ends of lines and around the whole do not count.
func likeShown(shown, said string) bool {
	var pattern strings.Builder
	for i, line := range strings.Split(strings.TrimSpace(shown), "\n") {
		line = strings.TrimRight(line, " ")
		if i > 0 && line != "…" {
			pattern.WriteString(`\n`)
		}
		if line == "…" {
			pattern.WriteString(`(?s:.*?)`)
			continue
		}
		pattern.WriteString(strings.ReplaceAll(regexp.QuoteMeta(line), "…", ".*") + ` *`)
	}
	return regexp.MustCompile(`^` + pattern.String() + `\s*$`).MatchString(strings.TrimSpace(said))
}

func TestLikeShown(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		shown, said string
		want        bool
	}{
		{"a\nb\n", "a\nb\n", true},
		{"a\nb\n", "a  \nb", true},
		{"a\nb\n", "a\nc\n", false},
		{"a\n", "a\nb\n", false},
		{"a …c\n", "a b c\n", true},
		{"a …c\n", "a b\n c\n", false},
		{"a\n…\nd\n", "a\nb\nc\nd\n", true},
		{"a\n…\nd\n", "a\nd\n", true},
		{"a\n…\n", "a\nb\n", true},
		{"…\nb\n", "x\na\nb\n", true},
		{"a.b\n", "axb\n", false},
		{"", "a\n", false},
	} {
		if got := likeShown(row.shown, row.said); got != row.want {
			t.Errorf("%q like %q: %t", row.said, row.shown, got)
		}
	}
}

// TestReaderListens: whatever shape a file has, its gateway takes no port that somebody has.
func TestReaderListens(t *testing.T) {
	t.Parallel()
	r := &reader{ports: map[string]string{"8080": "51731", "9090": "40001", "5173": "40002"}}
	for text, want := range map[string]string{
		"server: {public_url: \"http://localhost:8080\"}\n": "server: {listen: \"localhost:51731\", admin: \"127.0.0.1:40001\", public_url: \"http://localhost:51731\"}\n",
		"server:\n  public_url: http://localhost:8080\n":    "server:\n  listen: \"localhost:51731\"\n  admin: \"127.0.0.1:40001\"\n  public_url: http://localhost:51731\n",
		"server: # where\n  public_url: http://localhost:8080 # x\n  #listen: x\n": "server:\n  listen: \"localhost:51731\"\n  admin: \"127.0.0.1:40001\"\n" +
			"  public_url: http://localhost:51731 # x\n  #listen: x\n",
		"server:\n  public_url: http://localhost:8080\n  listen: 127.0.0.1:8080\n": "server:\n  public_url: http://localhost:51731\n  listen: 127.0.0.1:51731\n",
		"server: {public_url: \"https://app.example.com\"}\n":                      "server: {public_url: \"https://app.example.com\"}\n",
	} {
		got := r.listening(r.here(text))
		if got != want {
			t.Errorf("%q, want\n%q", got, want)
		}
		if again := r.listening(r.here(got)); again != got {
			t.Errorf("twice: %q", again)
		}
	}
	if got := r.onThePage("at http://localhost:51731/x"); got != "at http://localhost:8080/x" {
		t.Errorf("back: %q", got)
	}
}
