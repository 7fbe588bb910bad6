package main

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"sessiongate/session/token"
)

// startDemoAPICommand runs the command and returns its base URL, read from its log,
// and a channel with what it returned.
func startDemoAPICommand(t *testing.T, ctx context.Context, issuer *demoIssuer) (base string, ended <-chan error) {
	t.Helper()
	log, logWriter := io.Pipe()
	t.Cleanup(func() { log.Close() })
	cmd := demoAPICommand()
	cmd.SetErr(logWriter)
	cmd.SetOut(io.Discard)
	cmd.SetArgs([]string{
		"--listen", "127.0.0.1:0", "--issuer", demoTestIssuer,
		"--jwks", issuer.jwks.URL, "--audience", demoTestAudience,
	})
	result := make(chan error, 1)
	go func() { result <- cmd.ExecuteContext(ctx) }()
	lines := bufio.NewScanner(log)
	lines.Scan()
	var line struct{ Address string }
	if err := json.Unmarshal(lines.Bytes(), &line); err != nil || line.Address == "" {
		t.Fatalf("first log line %q: %v", lines.Text(), err)
	}
	go io.Copy(io.Discard, log)
	return "http://" + line.Address, result
}

func TestDemoAPICommandStopsOnSIGTERM(t *testing.T) {
	issuer := newDemoIssuer(t)
	base, ended := startDemoAPICommand(t, t.Context(), issuer)
	raw := issuer.mint(t, nil)
	if response, body := demoCall(t, "GET", base+"/api/me", "", "Authorization: Bearer "+raw); response.StatusCode != 200 {
		t.Fatalf("me: %d %s", response.StatusCode, body)
	}
	lines, _ := openDemoStream(t, t.Context(), base, raw)
	lines.Scan()
	self, err := os.FindProcess(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	if err := self.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	for lines.Scan() { // the stream must end, or the API would not
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

func TestServeDemoAPIFinishesRunningRequests(t *testing.T) {
	verifier := demoVerifierFunc(func() (token.Verified, error) { return token.Verified{}, nil })
	api := newDemoAPI(verifier, nil, slog.New(slog.DiscardHandler))
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- serveDemoAPI(ctx, listener, api) }()
	time.AfterFunc(20*time.Second, stop) // so that a fault cannot hang the test
	go func() {
		waitForDemoRequest(api)
		stop()
	}()
	url := "http://" + listener.Addr().String() + "/api/slow?ms=300"
	if response, body := demoCall(t, "GET", url, "", "Authorization: Bearer any"); response.StatusCode != 200 {
		t.Errorf("a request that ran when the server was stopped: %d %s", response.StatusCode, body)
	}
	if err := <-ended; err != nil {
		t.Errorf("serveDemoAPI = %v", err)
	}
	if conn, err := net.Dial("tcp", listener.Addr().String()); err == nil {
		conn.Close()
		t.Error("the address still answers")
	}
}

func waitForDemoRequest(api *demoAPI) {
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for api.requests.Load() == 0 {
		<-tick.C
	}
}

type demoVerifierFunc func() (token.Verified, error)

func (f demoVerifierFunc) Verify(context.Context, string) (token.Verified, error) { return f() }

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
