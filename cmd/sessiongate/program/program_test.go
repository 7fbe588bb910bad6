package program_test

import (
	"context"
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sessiongate/cmd/sessiongate/program"
	"sessiongate/configs"
)

// configuration is a file with one open route to an upstream.
func configuration(upstream, route string) string {
	return fmt.Sprintf(`
server: {public_url: "http://localhost:8080", admin: ""}
store: {embedded: true}
providers: [{name: local, kind: local, users: demo}]
routes: [{path: %s, upstreams: ["%s"], session: none}]`, route, upstream)
}

func load(t *testing.T, text string) *configs.Config {
	t.Helper()
	loaded, err := configs.LoadBytes("test.yaml", []byte(text), os.LookupEnv)
	if err != nil {
		t.Fatal(err)
	}
	return &loaded.Config
}

// TestLifeOfAProgram opens one, runs it, exchanges its configuration and ends it.
func TestLifeOfAProgram(t *testing.T) {
	upstream := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	t.Cleanup(upstream.Close)
	public, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p, err := program.Open(load(t, configuration(upstream.URL, "/a/")), slog.New(slog.DiscardHandler), program.Overrides{Public: public})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- p.Run(ctx) }()
	expect := func(path string, want int) {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), "GET", "http://"+public.Addr().String()+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Host = "localhost:8080"
		res, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		if res.StatusCode != want {
			t.Errorf("%s: %s, want %d", path, res.Status, want)
		}
	}
	expect("/a/x", http.StatusOK)
	expect("/b/x", http.StatusNotFound)

	file := filepath.Join(t.TempDir(), "sessiongate.yaml")
	for _, step := range []struct {
		text string
		a, b int
	}{
		{"routes: nonsense", http.StatusOK, http.StatusNotFound}, // changes nothing
		{configuration(upstream.URL, "/b/"), http.StatusNotFound, http.StatusOK},
	} {
		if err := os.WriteFile(file, []byte(step.text), 0o600); err != nil {
			t.Fatal(err)
		}
		p.Reload(file)
		expect("/a/x", step.a)
		expect("/b/x", step.b)
	}
	if n := p.Revisions().InFlight(); len(n) != 1 || n[0] != 0 {
		t.Errorf("requests under way: %v", n)
	}

	http.DefaultClient.CloseIdleConnections()
	stop()
	select {
	case err := <-ended:
		if err != nil {
			t.Errorf("Run: %v", err)
		}
	case <-time.After(20 * time.Second):
		t.Fatal("it goes on after its context")
	}
	if conn, err := net.Dial("tcp", public.Addr().String()); err == nil {
		conn.Close()
		t.Error("the address still answers")
	}
}

// lines writes what a check tells.
func lines(out io.Writer) func(program.Probed) {
	return func(p program.Probed) { fmt.Fprintln(out, p) }
}

// TestProbe names each thing that the configuration points to, and counts what is out of reach.
func TestProbe(t *testing.T) {
	upstream := httptest.NewServer(nil)
	address := strings.TrimPrefix(upstream.URL, "http://")
	p, err := program.Open(load(t, configuration(upstream.URL, "/a/")), slog.New(slog.DiscardHandler), program.Overrides{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	for _, want := range []struct {
		failed int
		line   string
	}{{0, "ok        upstream http://" + address}, {1, "FAILED    upstream http://" + address}} {
		var out strings.Builder
		if failed := p.Probe(t.Context(), lines(&out)); failed != want.failed || !strings.Contains(out.String(), want.line) {
			t.Errorf("%d failed, want %d and %q:\n%s", failed, want.failed, want.line, out.String())
		}
		upstream.Close()
	}
}

// TestProbeUpstreamTLS: an upstream whose certificate nobody trusts is out of reach, whatever its
// port says.
func TestProbeUpstreamTLS(t *testing.T) {
	upstream := httptest.NewUnstartedServer(nil)
	upstream.Config.ErrorLog = log.New(io.Discard, "", 0) // handshakes fail here on purpose
	upstream.StartTLS()
	t.Cleanup(upstream.Close)
	ca := filepath.Join(t.TempDir(), "ca.pem")
	block := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: upstream.Certificate().Raw})
	if err := os.WriteFile(ca, block, 0o600); err != nil {
		t.Fatal(err)
	}
	plain := httptest.NewServer(nil)
	t.Cleanup(plain.Close)
	for _, row := range []struct {
		url, ca string
		failed  int
		line    string
	}{
		{upstream.URL, "", 1, "write upstream_tls: {ca_file: FILE}"},
		{upstream.URL, ca, 0, "ok        upstream " + upstream.URL},
		{strings.Replace(plain.URL, "http:", "https:", 1), "", 1, "write " + plain.URL},
	} {
		c := load(t, configuration(row.url, "/a/"))
		if row.ca != "" {
			c.Routes[0].UpstreamTLS = &configs.UpstreamTLS{CAFile: configs.Path(row.ca)}
		}
		p, err := program.Open(c, slog.New(slog.DiscardHandler), program.Overrides{})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(p.Close)
		var out strings.Builder
		if failed := p.Probe(t.Context(), lines(&out)); failed != row.failed || !strings.Contains(out.String(), row.line) {
			t.Errorf("%d failed, want %d and %q:\n%s", failed, row.failed, row.line, out.String())
		}
	}
}

// TestOpenRefuses: what cannot be made is an error that begins with its key, and leaves nothing
// open.
func TestOpenRefuses(t *testing.T) {
	c := load(t, configuration("http://127.0.0.1:1", "/a/"))
	c.Server.TrustedProxies = []string{"nobody"}
	if p, err := program.Open(c, slog.New(slog.DiscardHandler), program.Overrides{}); err == nil {
		p.Close()
		t.Error("opened")
	} else if !strings.HasPrefix(err.Error(), "server.trusted_proxies") {
		t.Error(err)
	}
}
