package program

import (
	"crypto/x509"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"sessiongate/session/testserver"
)

// writePair puts a fresh certificate and its key into two files.
func writePair(t *testing.T, certFile, keyFile string) *x509.Certificate {
	t.Helper()
	pair, err := SelfSigned()
	if err != nil {
		t.Fatal(err)
	}
	testserver.WritePair(t, pair, certFile, keyFile)
	return pair.Leaf
}

func TestCertificateFollowsItsFiles(t *testing.T) {
	dir := t.TempDir()
	certFile, keyFile := filepath.Join(dir, "tls.crt"), filepath.Join(dir, "tls.key")
	first := writePair(t, certFile, keyFile)
	c := newCertificate(certFile, keyFile, slog.New(slog.DiscardHandler))
	if err := c.load(); err != nil {
		t.Fatal(err)
	}
	serves := func(want *x509.Certificate) {
		t.Helper()
		c.looked = time.Time{} // its time to look has come
		got, err := c.get(nil)
		if err != nil || !got.Leaf.Equal(want) {
			t.Errorf("serves %v, %v", got.Leaf.SerialNumber, err)
		}
	}
	serves(first)
	second := writePair(t, certFile, keyFile)
	serves(second)
	if err := os.WriteFile(keyFile, []byte("half written"), 0o600); err != nil {
		t.Fatal(err)
	}
	serves(second)
	serves(writePair(t, certFile, keyFile))
	if err := newCertificate(filepath.Join(dir, "none"), keyFile, nil).load(); err == nil {
		t.Error("a missing certificate is no error")
	}
}
