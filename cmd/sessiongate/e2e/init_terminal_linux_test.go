package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"sessiongate/session/oidc/oidctest"
	"sessiongate/session/testserver"
)

// typist is a person at a terminal: what the program writes there is read as it comes.
type typist struct {
	t      *testing.T
	master *os.File
	cmd    *exec.Cmd
	screen *logBuffer
	seen   int // how much of the screen was looked at
	ended  chan error
}

// atTerminal starts a command on a terminal of its own.
func (g *gate) atTerminal(args ...string) *typist {
	g.t.Helper()
	master, err := os.OpenFile(testserver.Need(g.t, "terminal"), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		g.t.Fatal(err)
	}
	number, err := unix.IoctlGetInt(int(master.Fd()), unix.TIOCGPTN)
	if err == nil {
		err = unix.IoctlSetPointerInt(int(master.Fd()), unix.TIOCSPTLCK, 0)
	}
	if err != nil {
		g.t.Fatal(err)
	}
	terminal, err := os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		g.t.Fatal(err)
	}
	w := &typist{t: g.t, master: master, cmd: sessiongate(g.t, args...), screen: &logBuffer{}, ended: make(chan error, 1)}
	w.cmd.Stdin, w.cmd.Stdout, w.cmd.Stderr, w.cmd.Env = terminal, terminal, terminal, g.env
	w.cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	if err := w.cmd.Start(); err != nil {
		g.t.Fatal(err)
	}
	_ = terminal.Close()
	read := make(chan struct{})
	go func() {
		defer close(read)
		buffer := make([]byte, 4096)
		for {
			n, err := master.Read(buffer)
			_, _ = w.screen.Write(buffer[:n])
			if err != nil {
				return
			}
		}
	}()
	go func() { err := w.cmd.Wait(); <-read; w.ended <- err }()
	g.t.Cleanup(func() { _ = w.cmd.Process.Kill(); _ = master.Close() })
	return w
}

// types waits for a question, and answers it.
func (w *typist) types(question, line string) {
	w.t.Helper()
	w.waits(question)
	w.keys(line + "\n")
}

func (w *typist) keys(text string) {
	w.t.Helper()
	if _, err := w.master.WriteString(text); err != nil {
		w.t.Fatal(err)
	}
}

// whispers types when the terminal shows nothing of it any more.
func (w *typist) whispers(text string) {
	w.t.Helper()
	eventually(w.t, "the terminal hides what is typed", func() bool { return !w.echoes() })
	w.keys(text)
}

// waits returns when something is on the screen that was not there before.
func (w *typist) waits(text string) {
	w.t.Helper()
	eventually(w.t, "the terminal shows "+text+": "+w.screen.String()[w.seen:], func() bool {
		at := strings.Index(w.screen.String()[w.seen:], text)
		if at >= 0 {
			w.seen += at + len(text)
		}
		return at >= 0
	})
}

// ends waits for the end and returns all that was on the screen.
func (w *typist) ends() (string, error) {
	w.t.Helper()
	select {
	case err := <-w.ended:
		return w.screen.String(), err
	case <-time.After(30 * time.Second):
		w.t.Fatalf("init goes on:\n%s", w.screen)
	}
	return "", nil
}

// TestInitAsks: a person answers questions, with slips, and an OpenID Connect sign-in works. The
// secret is on the disk and was never on the screen.
func TestInitAsks(t *testing.T) {
	t.Parallel()
	up, idp, g := newUpstream(t, nil), oidctest.New(t), newGate(t)
	folder := builtApp(t)
	w := g.atTerminal("init", "--dir", g.dir)
	w.types("Provider [local]: ", "oicd")
	w.waits(`"oicd" is not known; write oidc?`)
	w.types("Provider [local]: ", "oidc")
	w.types("Name [other]: ", "")
	w.types("Issuer, exactly as the provider names itself: ", "")
	w.waits(`"" is empty; write https://id.example.com`)
	w.types("Issuer, exactly as the provider names itself: ", idp.Issuer())
	w.types("Client ID there: ", oidctest.ClientID)
	w.waits("Client secret")
	w.whispers(oidctest.ClientSecret + "\n")
	w.types("URL of your API [http://localhost:9000]: ", strings.TrimPrefix(up.server.URL, "http://"))
	w.waits("has no http:// or https:// in front; write " + up.server.URL)
	w.types("URL of your API [http://localhost:9000]: ", up.server.URL)
	w.types("folder with the built app [http://localhost:5173]: ", folder)
	w.types("Address in the browser [http://localhost:8080]: ", g.origin)
	screen, err := w.ends()
	if err != nil || strings.Contains(screen, oidctest.ClientSecret) {
		t.Fatalf("%v\n%s", err, screen)
	}
	g.shown = strings.ReplaceAll(screen, "\r\n", "\n")
	if data, err := os.ReadFile(g.dir + "/keys/client-secret"); err != nil || string(data) != oidctest.ClientSecret+"\n" {
		t.Errorf("%q %v", data, err)
	}
	g.passes("check", "--offline")
	g.passes("check")
	g.signsIn(idp, g.serves())
}

// TestInitInterrupted: a terminal whose person goes away leaves nothing behind, and gets its
// manners back.
func TestInitInterrupted(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		at, key, says string
	}{
		"Ctrl-C at a question": {"Provider [local]: ", "\x03", "interrupted"},
		"Ctrl-D at a question": {"Provider [local]: ", "\x04", "no answer; nothing was written"},
		"Ctrl-C at a secret":   {"Client secret", "\x03", "interrupted"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := newGate(t)
			flags := []string{"init", "--dir", g.dir}
			if strings.HasSuffix(name, "secret") {
				flags = append(flags, "--provider", "oidc", "--issuer", "https://id.test", "--client-id", "x")
			}
			w := g.atTerminal(flags...)
			w.waits(row.at)
			if strings.HasSuffix(name, "secret") {
				w.whispers(row.key)
			} else {
				w.keys(row.key)
			}
			screen, err := w.ends()
			if err == nil || !strings.Contains(screen, row.says) {
				t.Errorf("%v\n%s", err, screen)
			}
			if _, err := os.Stat(g.dir); err == nil {
				t.Error("the folder is there")
			}
		})
	}
}

// echoes tells whether the terminal shows what is typed.
func (w *typist) echoes() bool {
	state, err := unix.IoctlGetTermios(int(w.master.Fd()), unix.TCGETS)
	return err == nil && state.Lflag&unix.ECHO != 0
}
