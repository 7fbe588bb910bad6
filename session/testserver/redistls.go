package testserver

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// RedisTLS starts a server as a careful operator would set it up: TLS only, and
// an ACL user "sessiongate" (see [RedisServer.Username]) that may do no more than
// the gateway's store needs:
//
//   - connection commands (HELLO, AUTH, PING, SELECT, CLIENT SETNAME, …);
//   - reads and writes of keys sg:*, and transactions;
//   - scripts (EVAL, EVALSHA, SCRIPT LOAD, …);
//   - PUBLISH and SUBSCRIBE on channels sg:*;
//   - TIME and WAIT;
//   - nothing of @dangerous: no CONFIG, INFO, ROLE, KEYS, FLUSHALL, CLIENT LIST.
func RedisTLS(t testing.TB, options ...RedisOption) *RedisServer {
	t.Helper()
	careful := []RedisOption{WithTLS(), WithUser("sessiongate",
		"resetkeys", "~sg:*", "resetchannels", "&sg:*", "-@all",
		"+@connection", "+@read", "+@write", "+@transaction", "+@scripting", "+@pubsub",
		"+time", "+wait", "-@dangerous")}
	return Redis(t, append(careful, options...)...)
}

// newRedisTLS makes an authority and a server certificate and writes them to dir.
func newRedisTLS(dir string) (redisTLS, error) {
	files := redisTLS{
		ca:   filepath.Join(dir, "ca.pem"),
		cert: filepath.Join(dir, "server.pem"),
		key:  filepath.Join(dir, "server.key"),
	}
	authority, authorityKey, err := newCertificate(authorityTemplate(), nil, nil)
	if err != nil {
		return redisTLS{}, fmt.Errorf("make authority: %w", err)
	}
	server, serverKey, err := newCertificate(serverTemplate(), authority, authorityKey)
	if err != nil {
		return redisTLS{}, fmt.Errorf("make server certificate: %w", err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(serverKey)
	if err != nil {
		return redisTLS{}, fmt.Errorf("encode server key: %w", err)
	}
	for path, block := range map[string]*pem.Block{
		files.ca:   {Type: "CERTIFICATE", Bytes: authority.Raw},
		files.cert: {Type: "CERTIFICATE", Bytes: server.Raw},
		files.key:  {Type: "PRIVATE KEY", Bytes: keyDER},
	} {
		if err := os.WriteFile(path, pem.EncodeToMemory(block), 0o600); err != nil {
			return redisTLS{}, err
		}
	}
	roots := x509.NewCertPool()
	roots.AddCert(authority)
	files.client = &tls.Config{RootCAs: roots, ServerName: "127.0.0.1", MinVersion: tls.VersionTLS12}
	return files, nil
}

// newCertificate signs template with the parent's key, or with its own when parent is nil.
func newCertificate(template, parent *x509.Certificate, signer *ecdsa.PrivateKey) (*x509.Certificate, *ecdsa.PrivateKey, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, err
	}
	if parent == nil {
		parent, signer = template, key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, key.Public(), signer)
	if err != nil {
		return nil, nil, err
	}
	certificate, err := x509.ParseCertificate(der)
	return certificate, key, err
}

func authorityTemplate() *x509.Certificate {
	template := shortLived(1, "sessiongate test authority")
	template.IsCA, template.BasicConstraintsValid = true, true
	template.KeyUsage = x509.KeyUsageCertSign
	return template
}

func serverTemplate() *x509.Certificate {
	template := shortLived(2, "localhost")
	template.DNSNames = []string{"localhost"}
	template.IPAddresses = []net.IP{net.IPv4(127, 0, 0, 1), net.IPv6loopback}
	template.KeyUsage = x509.KeyUsageDigitalSignature
	// A replica is a client of its primary and shows the same certificate.
	template.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}
	return template
}

// shortLived is valid long enough for any test run; an hour of slack at the start
// forgives clocks that were set back.
func shortLived(serial int64, name string) *x509.Certificate {
	now := time.Now()
	return &x509.Certificate{
		SerialNumber: big.NewInt(serial),
		Subject:      pkix.Name{CommonName: name},
		NotBefore:    now.Add(-time.Hour),
		NotAfter:     now.Add(24 * time.Hour),
	}
}
