package e2e

import (
	"bytes"
	"encoding/json"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"sessiongate/session/testserver"
)

// TestSecondSignal: whoever sends a second one has waited enough. The process ends at once with 130,
// by its own exit and no signal's, whichever the second is.
func TestSecondSignal(t *testing.T) {
	t.Parallel()
	for _, second := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM} {
		p := serve(t, strings.Replace(alone(t).config(options{}), `admin: ""`, `admin: "", shutdown_delay: 10m`, 1))
		if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
			t.Fatal(err)
		}
		eventually(t, "not ready", func() bool { return p.ask("/readyz") == http.StatusServiceUnavailable })
		if err := p.cmd.Process.Signal(second); err != nil {
			t.Fatal(err)
		}
		<-p.done
		if state := p.cmd.ProcessState; state.ExitCode() != 130 {
			t.Errorf("%v: %v, want exit status 130", second, state)
		}
	}
}

// TestInterruptedCommand: one signal is enough for a command that serves nothing.
func TestInterruptedCommand(t *testing.T) {
	t.Parallel()
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	s := alone(t)
	file := filepath.Join(t.TempDir(), "silent.yaml")
	if err := os.WriteFile(file, []byte(s.config(options{store: `redis: "redis://` + silent.Addr().String() + `"`})), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := sessiongate(t, "check", "--config", file, "--json")
	var out, errors bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errors
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	conn, err := silent.Accept() // it waits for an answer now
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	if code := cmd.ProcessState.ExitCode(); code != 130 || errors.String() != "sessiongate: interrupted\n" || !json.Valid(out.Bytes()) {
		t.Errorf("%v\n%s%s", cmd.ProcessState, &out, &errors)
	}
}

// outcome is what a command ended with.
type outcome struct {
	status      int
	out, errors string
}

// ran runs a command to its end.
func ran(t *testing.T, cmd *exec.Cmd) outcome {
	t.Helper()
	var out, errors bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errors
	_ = cmd.Run()
	return outcome{cmd.ProcessState.ExitCode(), out.String(), errors.String()}
}

// TestServeFindsItsConfiguration in the folder it runs in, says which file that is, and check --ready
// asks it.
func TestServeFindsItsConfiguration(t *testing.T) {
	t.Parallel()
	s := alone(t)
	p := serveAs(t, s.config(options{}), func(cmd *exec.Cmd) {
		file := cmd.Args[len(cmd.Args)-1]
		cmd.Args, cmd.Dir = cmd.Args[:2], filepath.Dir(file)
	})
	if log := p.logs.String(); !strings.Contains(log, `"msg":"configuration","file":"`) || !strings.Contains(log, `sessiongate.yaml","named_by":"default"`) {
		t.Errorf("the log does not say which file:\n%s", log)
	}
	for _, flag := range []string{"--live", "--ready"} {
		if o := ran(t, sessiongate(t, "check", flag, "--admin", p.admin)); o != (outcome{}) {
			t.Errorf("%s: %+v", flag, o)
		}
	}
	if o := ran(t, sessiongate(t, "check", "--live", "--config", "nosuch.yaml", "--admin", p.admin)); o != (outcome{}) {
		t.Errorf("a health check from before --ready: %+v", o)
	}
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	eventually(t, "not ready", func() bool { return p.ask("/readyz") == http.StatusServiceUnavailable })
	if o := ran(t, sessiongate(t, "check", "--ready", "--admin", p.admin, "--json")); o.status != 1 || !strings.Contains(o.out, `"status": 503`) {
		t.Errorf("while it drains: %+v", o)
	}
	<-p.done
	if o := ran(t, sessiongate(t, "check", "--ready", "--admin", p.admin)); o.status != 4 || !strings.Contains(o.errors, "nobody listens at") {
		t.Errorf("after its end: %+v", o)
	}
}

// TestJSONAnswers: with --json, standard output is one object, whatever happens, and no secret is in
// it; the status is the same without.
func TestJSONAnswers(t *testing.T) {
	t.Parallel()
	redis := testserver.Redis(t)
	s := alone(t)
	write := func(name, store string) string {
		file := filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(file, []byte(s.config(options{store: store})), 0o600); err != nil {
			t.Fatal(err)
		}
		return file
	}
	const password = "canary-pw-92"
	file, away := write("ok.yaml", `redis: "redis://`+redis.Addr()+`"`), write("away.yaml", `redis: "redis://:${REDIS_PW}@`+freeAddress(t)+`"`)
	wrong := filepath.Join(t.TempDir(), "wrong.yaml")
	if err := os.WriteFile(wrong, []byte("server: {lisen: \":1\"}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	list := filepath.Join(t.TempDir(), "users.yaml")
	const id = "AAAAAAAAAAAAAAAAAAAAAA"
	for _, row := range []struct {
		line, in string
		status   int
		has      string // an expression in the object
	}{
		{"version", "", 0, `^{"commit":".*","go":"go1.*","version":`},
		{"check --config " + file, "", 0, `{"name":"store","ok":true,"target":"` + redis.Addr() + `","what":"Redis [0-9.]+"}`},
		{"check --config " + file + " --offline", "", 0, `"file":".*ok.yaml","warnings":\[`},
		{"check --config " + file + " --print", "", 0, `"configuration":{.*"public_url":"`},
		{"check --config " + away, "", 4, `"problems":\[{"fix":"start Redis there, or correct store.redis","what":"store 127`},
		{"check --config " + away + " --print", "", 0, `{REDIS_PW}`},
		{"check --config " + wrong, "", 3, `"problems":\[.*{"column":10,"file":".*wrong.yaml","fix":"write listen","line":1,"path":"server.lisen"`},
		{"check --config " + wrong + ".none", "", 3, `"problems":\[{"file":".*none"`},
		{"check --nosuch", "", 2, `"what":"unknown flag: --nosuch"`},
		{"sessions list --config " + file + " --user ada", "", 0, `^{"sessions":\[\]}$`},
		{"sessions list --config " + away + " --user ada", "", 4, `"fix":"sessiongate check --config .*away.yaml","what":"sessions: the store cannot be reached: `},
		{"sessions revoke --config " + away + " --user ada", "", 4, `^{"ended":0,"problems":\[{"fix":"sessiongate check --config .*away.yaml","what":"sessions: the store cannot be reached: `},
		{"sessions revoke --config " + away + " --session " + id, "", 4, `^{"problems":\[{"fix":"sessiongate check --config .*away.yaml"`},
		{"sessions list --config " + file + " --user ada --provider nope", "", 2, `no provider`},
		{"sessions revoke --config " + file + " --session " + id, "", 5, `no such live session`},
		{"sessions revoke --config " + file + " --session x", "", 2, `is not a session id`},
		{"sessions revoke --config " + file + " --user ada", "", 0, `^{"ended":0}$`},
		{"users add ada --file " + list, password + "\n", 0, `"done":"added".*"user":"ada"`},
		{"users add ada --file " + list, password + "\n", 1, `"fix":"sessiongate users passwd ada --file`},
		{"users passwd ada --file " + list, password + "\n", 0, `"user":"ada"`},
		{"users passwd eve --file " + list, password + "\n", 5, `"fix":"sessiongate users list --file`},
		{"users disable ada --file " + list, "", 0, `"done":"disabled"`},
		{"users list --file " + list, "", 0, `^{"users":\[{"disabled":true,"name":"ada","subject":"ada"}\]}$`},
		{"users list --file " + list + ".none", "", 3, `"problems":`},
		{"keys generate --dir " + t.TempDir(), "", 0, `"made":true,"path":".*cookie.key"`},
		{"keys generate --dir " + list, "", 1, `"problems":`},
	} {
		cmd := sessiongate(t, append(strings.Fields(row.line), "--json")...)
		cmd.Env, cmd.Stdin = append(cmd.Environ(), "REDIS_PW="+password), strings.NewReader(row.in)
		o := ran(t, cmd)
		var object map[string]any
		if err := json.Unmarshal([]byte(o.out), &object); err != nil || o.status != row.status {
			t.Errorf("%s: status %d, want %d, %v\n%s%s", row.line, o.status, row.status, err, o.out, o.errors)
			continue
		}
		var line bytes.Buffer // the keys in order of their names
		e := json.NewEncoder(&line)
		e.SetEscapeHTML(false)
		_ = e.Encode(object)
		if !regexp.MustCompile(row.has).MatchString(strings.TrimSpace(line.String())) {
			t.Errorf("%s: no %s in\n%s", row.line, row.has, line.String())
		}
		if _, failed := object["problems"]; failed != (row.status != 0) {
			t.Errorf("%s: status %d, and problems %t", row.line, row.status, failed)
		}
		if strings.Contains(o.out+o.errors, password) {
			t.Errorf("%s: a password shows:\n%s%s", row.line, o.out, o.errors)
		}
	}
}

// TestContractOfCommandLine: scripts rely on commands, flags and exit statuses.
func TestContractOfCommandLine(t *testing.T) {
	t.Parallel()
	var commands []string
	help := func(path []string) string {
		return ran(t, sessiongate(t, append(append([]string{}, path...), "--help")...)).out
	}
	var walk func(path []string)
	walk = func(path []string) {
		text := help(path)
		for _, flag := range regexp.MustCompile(`(?m)^ +(?:-\w, )?(--[\w-]+)`).FindAllStringSubmatch(text, -1) {
			if flag[1] != "--help" {
				commands = append(commands, strings.Join(append(path, flag[1]), " "))
			}
		}
		_, below, _ := strings.Cut(text, "Available Commands:\n")
		below, _, _ = strings.Cut(below, "\n\n")
		for line := range strings.Lines(below) {
			if name, _, _ := strings.Cut(strings.TrimSpace(line), " "); name != "" && name != "help" && name != "completion" {
				commands = append(commands, strings.Join(append(path, name), " "))
				walk(append(append([]string{}, path...), name))
			}
		}
	}
	walk(nil)
	_, statuses, _ := strings.Cut(help(nil), "Exit status:\n")
	statuses, _, _ = strings.Cut(statuses, "\n\n")
	var codes []string
	for line := range strings.Lines(statuses) {
		codes = append(codes, strings.Join(strings.Fields(line), " "))
	}
	holdsContract(t, map[string][]string{"commands and flags": sortedSet(commands), "exit statuses": sortedSet(codes)})
}
