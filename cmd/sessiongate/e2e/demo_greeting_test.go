package e2e

import (
	"strings"
	"syscall"
	"testing"

	"sessiongate/session/testserver"
)

// TestDemoGreets: whatever is asked of the demo, its greeting is the first that the terminal shows,
// with the address alone on its line, and nothing warns of what the demo is meant to be.
func TestDemoGreets(t *testing.T) {
	t.Parallel()
	redis := testserver.Redis(t) // which writes nothing to disk
	for name, flags := range map[string][]string{
		"plain": nil, "https": {"--tls"}, "with every request": {"--verbose"}, "on Redis": {"--redis", "redis://" + redis.Addr(), "--verbose"},
	} {
		host := strings.Replace(freeAddress(t), "127.0.0.1", "localhost", 1)
		cmd := sessiongate(t, append([]string{"demo", "--listen", host}, flags...)...)
		terminal := &logBuffer{}
		cmd.Stdout, cmd.Stderr = terminal, terminal
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		eventually(t, "the demo serves", func() bool { return strings.Contains(terminal.String(), "sessiongate serves") })
		_ = cmd.Process.Signal(syscall.SIGINT)
		_ = cmd.Wait()
		shows := terminal.String()
		scheme := "http"
		if name == "https" {
			scheme = "https"
		}
		if !strings.HasPrefix(shows, "\n  sessiongate demo\n") || !strings.Contains(shows, "  "+scheme+"://"+host+"\n") {
			t.Errorf("%s: it begins with\n%s", name, shows)
		}
		if strings.Contains(shows, "level=WARN") || strings.Contains(shows, "level=ERROR") || cmd.ProcessState.ExitCode() != 0 {
			t.Errorf("%s: %v\n%s", name, cmd.ProcessState, shows)
		}
	}
}
