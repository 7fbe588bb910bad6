package e2e

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"

	"sessiongate/cmd/sessiongate/program"
	"sessiongate/session/testserver"
)

// hostNginx runs nginx-host.conf inside an nginx.conf of the test, on ports of its own, in front of
// a server. What it returns asks it over HTTPS, or over HTTP.
func hostNginx(t *testing.T, server string) func(scheme, path string) (*http.Response, error) {
	t.Helper()
	nginx := testserver.Need(t, "nginx")
	dir := t.TempDir()
	certFile, keyFile := filepath.Join(dir, "fullchain.pem"), filepath.Join(dir, "privkey.pem")
	pair, err := program.SelfSigned()
	if err != nil {
		t.Fatal(err)
	}
	testserver.WritePair(t, pair, certFile, keyFile)
	at := map[string]string{"http": freeAddress(t), "https": freeAddress(t)}
	text := regexp.MustCompile(`(?m)^ *listen \[::\].*\n`).ReplaceAllString(shippedText(t, deployFolder+"nginx-host.conf"), "")
	for _, change := range [][2]string{
		{"listen 80;", "listen " + at["http"] + ";"},
		{"listen 443 ssl", "listen " + at["https"] + " ssl"},
		{"/etc/letsencrypt/live/app.example.com/fullchain.pem", certFile},
		{"/etc/letsencrypt/live/app.example.com/privkey.pem", keyFile},
		{"proxy_pass http://127.0.0.1:8080;", "proxy_pass " + server + ";"}, // as examples/systemd.yaml listens
	} {
		text = replaceOnce(t, text, change[0], change[1])
	}
	main := "error_log stderr warn; pid " + dir + "/nginx.pid; daemon off; master_process off;\nevents {}\nhttp {\n"
	for _, of := range []string{"client_body", "proxy", "fastcgi", "uwsgi", "scgi"} {
		main += of + "_temp_path " + filepath.Join(dir, of) + ";\n"
	}
	file := filepath.Join(dir, "nginx.conf")
	if err := os.WriteFile(file, []byte(main+text+"}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	logs := &logBuffer{}
	cmd := exec.Command(nginx, "-c", file)
	cmd.Stdout, cmd.Stderr = logs, logs
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		_ = cmd.Wait()
		if t.Failed() {
			t.Logf("nginx: %s", logs)
		}
	})
	roots := x509.NewCertPool()
	roots.AddCert(pair.Leaf)
	transport := &http.Transport{
		ForceAttemptHTTP2: true, TLSClientConfig: &tls.Config{RootCAs: roots, ServerName: "localhost"},
		DialContext: func(ctx context.Context, _, address string) (net.Conn, error) {
			scheme := map[bool]string{true: "https", false: "http"}[strings.HasSuffix(address, ":443")]
			return new(net.Dialer).DialContext(ctx, "tcp", at[scheme])
		},
	}
	t.Cleanup(transport.CloseIdleConnections)
	ask := func(scheme, path string) (*http.Response, error) {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, scheme+"://app.example.com"+path, nil)
		if err != nil {
			return nil, err
		}
		req.Header.Set("X-Forwarded-For", "203.0.113.9")
		return transport.RoundTrip(req)
	}
	eventually(t, "nginx answers", func() bool {
		res, err := ask("http", "/")
		if err == nil {
			res.Body.Close()
		}
		return err == nil
	})
	return ask
}

// TestNginxOfOneMachine: the gateway learns the Host and the client's address from it, and http
// leads to https.
func TestNginxOfOneMachine(t *testing.T) {
	t.Parallel()
	seen := make(chan http.Header, 1)
	upstream := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		r.Header.Set("Host", r.Host)
		seen <- r.Header
	}))
	t.Cleanup(upstream.Close)
	ask := hostNginx(t, upstream.URL)
	res, err := ask("https", "/x")
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	if res.StatusCode != http.StatusOK || res.ProtoMajor != 2 {
		t.Fatalf("%s %s", res.Proto, res.Status)
	}
	if h := <-seen; h.Get("Host") != "app.example.com" || !slices.Equal(h.Values("X-Forwarded-For"), []string{"127.0.0.1"}) {
		t.Errorf("the gateway sees %v", h)
	}
	if res, err = ask("http", "/a?b=c"); err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	if to := res.Header.Get("Location"); res.StatusCode != http.StatusMovedPermanently || to != "https://app.example.com/a?b=c" {
		t.Errorf("http: %s, Location %q", res.Status, to)
	}
}

// TestNginxFilesAgree: what a request goes through is said in two files. Only names differ, and what
// is about several gateways.
func TestNginxFilesAgree(t *testing.T) {
	t.Parallel()
	directives := func(name string) (list []string) {
		text := regexp.MustCompile(`#.*`).ReplaceAllString(shippedText(t, deployFolder+name), "")
		text = strings.NewReplacer("$sessiongate_connection", "$connection_for_upstream").Replace(text)
		for _, m := range regexp.MustCompile(`(?:proxy_(?:[a-oq-z]\w+)|client_max_body_size|client_header_buffer_size|large_client_header_buffers|underscores_in_headers)\s[^;]+;`).FindAllString(text, -1) {
			if !strings.HasPrefix(m, "proxy_next_upstream") && !strings.HasPrefix(m, "proxy_temp_path") {
				list = append(list, strings.Join(strings.Fields(m), " "))
			}
		}
		return slices.Sorted(slices.Values(list))
	}
	one, several := directives("nginx-host.conf"), directives("nginx.conf")
	if !slices.Equal(one, several) || len(one) < 14 {
		t.Errorf("nginx-host.conf: %q\nnginx.conf: %q", one, several)
	}
}
