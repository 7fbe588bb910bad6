package main

import (
	"bufio"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestDemoAPICommandStopsOnSIGTERM: the command ends without an error. What that means
// for the API's requests and streams is tested beside it.
func TestDemoAPICommandStopsOnSIGTERM(t *testing.T) {
	log, logWriter := io.Pipe()
	t.Cleanup(func() { log.Close() })
	cmd := demoAPICommand()
	cmd.SetErr(logWriter)
	cmd.SetOut(io.Discard)
	cmd.SetArgs([]string{"--listen", "127.0.0.1:0", "--issuer", "https://issuer.example", "--jwks", "http://127.0.0.1:1/"})
	ended := make(chan error, 1)
	go func() { ended <- cmd.ExecuteContext(t.Context()) }()
	lines := bufio.NewScanner(log)
	lines.Scan()
	var line struct{ Address string }
	if err := json.Unmarshal(lines.Bytes(), &line); err != nil || line.Address == "" {
		t.Fatalf("first log line %q: %v", lines.Text(), err)
	}
	go io.Copy(io.Discard, log)
	res, err := http.Get("http://" + line.Address + "/api/me")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusUnauthorized {
		t.Fatalf("without a token: %s", res.Status)
	}
	self, err := os.FindProcess(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	if err := self.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	select {
	case err := <-ended:
		if err != nil {
			t.Errorf("command returned %v", err)
		}
	case <-time.After(20 * time.Second):
		t.Error("command goes on after SIGTERM")
	}
}

func TestDemoAPICommandSaysWhatIsWrong(t *testing.T) {
	cases := map[string]struct{ args, want string }{
		"bad issuer":      {"--issuer i", "not an http or https URL"},
		"bad JWKS URL":    {"--issuer i --audience a --jwks localhost:8080/jwks", "not an http or https URL"},
		"bad address":     {"--issuer i --audience a --jwks http://localhost/jwks --listen nonsense", "missing port"},
		"stray arguments": {"--issuer i --audience a --jwks http://localhost/jwks extra", "unknown command"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			cmd := demoAPICommand()
			cmd.SetErr(io.Discard)
			cmd.SetOut(io.Discard)
			cmd.SetArgs(strings.Fields(c.args))
			if err := cmd.ExecuteContext(t.Context()); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want %q in it", err, c.want)
			}
		})
	}
}
