package e2e

import (
	"crypto/tls"
	"crypto/x509"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"sessiongate/cmd/sessiongate/program"
	"sessiongate/session/testserver"
)

// With TLS at the front, browsers get HTTP/2 and are told to stay with https.
func TestTLSAtTheFront(t *testing.T) {
	s := newEnvironment(t, options{})
	dir := t.TempDir()
	certFile, keyFile := filepath.Join(dir, "tls.crt"), filepath.Join(dir, "tls.key")
	pair, err := program.SelfSigned()
	if err != nil {
		t.Fatal(err)
	}
	testserver.WritePair(t, pair, certFile, keyFile)
	roots := x509.NewCertPool()
	roots.AddCert(pair.Leaf)
	text := s.config(s.options)
	text = replaceOnce(t, text, `public_url: "http://localhost:8080"`, `public_url: "https://localhost:8080", tls: {cert_file: `+certFile+`, key_file: `+keyFile+`}`)
	g := s.start(text, program.Overrides{})
	client := &http.Client{Transport: &http.Transport{
		TLSClientConfig: &tls.Config{RootCAs: roots, ServerName: "localhost"}, ForceAttemptHTTP2: true,
	}}
	t.Cleanup(client.CloseIdleConnections)
	req, err := http.NewRequestWithContext(t.Context(), "GET", "https://"+g.addr+"/open/x", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Host = "localhost:8080"
	res, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	if res.ProtoMajor != 2 || res.StatusCode != 200 || res.Header.Get("Strict-Transport-Security") != "max-age=31536000" {
		t.Errorf("%s %d %v", res.Proto, res.StatusCode, res.Header)
	}
	if plain := s.browser().get("/open/x"); plain.header.Get("Strict-Transport-Security") != "" {
		t.Error("HSTS over plain http")
	}
}

func replaceOnce(t *testing.T, text, old, with string) string {
	t.Helper()
	before, after, found := strings.Cut(text, old)
	if !found {
		t.Fatalf("%q is not in the file", old)
	}
	return before + with + after
}
