package e2e

import (
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"sessiongate/session/testserver"
)

const deployFolder = "../../../configs/deploy/"

func shippedText(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// setting is the value of a setting of the unit file; all of them, if it is there several times.
func setting(t *testing.T, name string) (values []string) {
	t.Helper()
	for line := range strings.Lines(shippedText(t, deployFolder+"sessiongate.service")) {
		if value, ok := strings.CutPrefix(line, name+"="); ok {
			values = append(values, strings.TrimSpace(value))
		}
	}
	if len(values) == 0 {
		t.Fatalf("the unit has no %s=", name)
	}
	return values
}

// TestSystemdUnitIsValid asks systemd itself: it knows every setting, and an exposure of 2.0 of 10
// is as much as we let it find.
func TestSystemdUnitIsValid(t *testing.T) {
	t.Parallel()
	analyze := testserver.Need(t, "systemd-analyze")
	program, err := built()
	if err != nil {
		t.Fatal(err)
	}
	// It looks for the program, which is not installed here.
	text := strings.Replace(shippedText(t, deployFolder+"sessiongate.service"), "ExecStart=/usr/local/bin/sessiongate", "ExecStart="+program, 1)
	unit := filepath.Join(t.TempDir(), "sessiongate.service")
	if err := os.WriteFile(unit, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"verify", "--man=no"}, {"security", "--offline=yes", "--threshold=20", "--no-pager"}} {
		out, err := exec.CommandContext(t.Context(), analyze, append(args, unit)...).CombinedOutput()
		if err != nil || args[0] == "verify" && len(out) > 0 { // a setting that it does not know is no error to it
			t.Errorf("systemd-analyze %s: %v\n%s", args[0], err, out)
		}
	}
}

// TestSystemdService runs the unit's own command line with what systemd would give it: the secrets
// in a folder that only the service may read. Only ports and /srv are replaced.
func TestSystemdService(t *testing.T) {
	t.Parallel()
	redis := testserver.Redis(t, testserver.WithPassword("canary-redis-pw"))
	upstream := newUpstream(t, nil)
	dir := t.TempDir()
	writeSecrets(t, filepath.Join(dir, "credentials"), 0o400, map[string]string{
		"redis-password": "canary-redis-pw\n", "users.yaml": shippedText(t, "../../../configs/demo-users.yaml"),
	}, credentialNames(t)...)
	if err := os.MkdirAll(filepath.Join(dir, "app"), 0o700); err != nil {
		t.Fatal(err)
	}
	p := &process{t: t, logs: &logBuffer{}, admin: freeAddress(t), done: make(chan struct{})}
	text := strings.NewReplacer("127.0.0.1:8080", "127.0.0.1:0\n  admin: "+p.admin, "https://app.example.com", publicOrigin,
		"127.0.0.1:6379", redis.Addr(), "http://127.0.0.1:9000", upstream.server.URL, "/srv/app", filepath.Join(dir, "app")).
		Replace(shippedText(t, "../../../configs/examples/systemd.yaml"))
	file := filepath.Join(dir, "sessiongate.yaml")
	write := func(text string) {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(text)
	words := strings.Fields(setting(t, "ExecStart")[0])
	if words[0] != "/usr/local/bin/sessiongate" {
		t.Fatalf("ExecStart=%q", words)
	}
	named := slices.Index(words, "/etc/sessiongate/sessiongate.yaml")
	if named < 0 {
		t.Fatalf("ExecStart=%q does not name the configuration: ./sessiongate.yaml would go first", words)
	}
	words[named] = file
	command := func(more ...string) *exec.Cmd {
		cmd := sessiongate(t, append(slices.Clone(words[1:]), more...)...)
		cmd.Env = []string{"CREDENTIALS_DIRECTORY=" + filepath.Join(dir, "credentials")}
		return cmd
	}
	p.cmd = command()
	p.start()
	eventually(t, "the gateway is ready", func() bool { return p.ask("/readyz") == http.StatusOK })
	b := newBrowser(t, p.addr)
	b.ada()
	b.ok("/api/me")

	if got := setting(t, "ExecReload")[0]; got != "kill -HUP $MAINPID" {
		t.Errorf("ExecReload=%s", got)
	}
	if err := p.cmd.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	eventually(t, "it reads the configuration again", func() bool { return strings.Contains(p.logs.String(), "configuration reloaded") })
	b.ok("/api/me")
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	<-p.done
	if code := p.cmd.ProcessState.ExitCode(); code != 0 {
		t.Errorf("stopped, it ends with %d: %s", code, p.logs)
	}
	if strings.Contains(p.logs.String(), "canary-redis-pw") {
		t.Error("a credential is in the log")
	}

	// What a restart does not mend, systemd does not restart.
	final := strings.Fields(setting(t, "RestartPreventExitStatus")[0])
	write(strings.Replace(text, "routes:", "rutes:", 1))
	for _, cmd := range []*exec.Cmd{command(), command("--nonsense")} {
		out, _ := cmd.CombinedOutput()
		if code := strconv.Itoa(cmd.ProcessState.ExitCode()); !slices.Contains(final, code) {
			t.Errorf("%q ends with %s, which is none of %v: %s", cmd.Args[1:], code, final, out)
		}
	}
}

func credentialNames(t *testing.T) (names []string) {
	t.Helper()
	for _, entry := range setting(t, "LoadCredential") {
		name, _, _ := strings.Cut(entry, ":")
		names = append(names, name)
	}
	return names
}

// writeSecrets makes a folder with these secrets: keys by their names, and others as given.
func writeSecrets(t *testing.T, dir string, mode os.FileMode, others map[string]string, names ...string) {
	t.Helper()
	keys := t.TempDir()
	writeKeys(t, keys)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		text, other := others[name]
		if !other {
			text = shippedText(t, filepath.Join(keys, name))
		}
		file := filepath.Join(dir, name)
		if err := os.WriteFile(file, []byte(text), mode); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(file, mode); err != nil { // whatever the umask
			t.Fatal(err)
		}
	}
}
