package main

import (
	"context"
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
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// front is how clients speak with a contender.
type front struct {
	suffix, what string
	h2           bool
}

// fronts are the two ways over TLS. Their suffix is part of a row's name, and ratios are taken
// between rows that share it.
func fronts() []front {
	return []front{
		{"-tls", "TLS, HTTP/1.1", false},
		{"-h2", fmt.Sprintf("TLS, HTTP/2, %d streams a connection", streamsPerConn), true},
	}
}

// frontOf is the suffix of a row's name, or nothing for plain HTTP.
func frontOf(name string) string {
	for _, f := range fronts() {
		if strings.HasSuffix(name, f.suffix) {
			return f.suffix
		}
	}
	return ""
}

// tlsContenders starts what takes part with --tls: each of them once, asked in both ways.
func (l *lineup) tlsContenders(ctx context.Context) (list []*contender, err error) {
	certificate, err := newCertificate(l.dir)
	if err != nil {
		return nil, err
	}
	l.certificate = certificate
	for _, start := range []func(context.Context) (*contender, error){l.reverseProxy, l.cached, l.standard, l.nginx} {
		c, err := l.start(ctx, start)
		if err != nil {
			return nil, err
		}
		if c == nil {
			continue
		}
		for _, f := range fronts() {
			list = append(list, c.behind(f, certificate.client))
		}
	}
	return list, nil
}

// behind is the contender as clients meet it in one of the ways.
func (c *contender) behind(f front, config *tls.Config) *contender {
	t, behind := *c.target, *c
	at := *t.url
	at.Scheme = "https"
	t.url, t.tls, t.h2 = &at, config, f.h2
	t.jars = nil
	for _, j := range c.target.jars {
		t.jars = append(t.jars, t.newJar(j.cookie()))
	}
	behind.target, behind.name, behind.what = &t, c.name+f.suffix, c.what+"; "+f.what
	return &behind
}

// certificate is the contenders' own, for one measurement.
type certificate struct {
	CertFile, KeyFile string
	client            *tls.Config // trusts it
}

// httpClient is a client that trusts it; without a certificate the usual one.
func (c *certificate) httpClient() *http.Client {
	if c == nil {
		return http.DefaultClient
	}
	return &http.Client{Transport: &http.Transport{TLSClientConfig: c.client}}
}

// newCertificate makes a P-256 key and its certificate, and files of both. Handshakes are not what
// is measured.
func newCertificate(dir string) (*certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "sessiongate bench"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(48 * time.Hour),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, BasicConstraintsValid: true, IsCA: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		return nil, err
	}
	text, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, err
	}
	c := &certificate{CertFile: filepath.Join(dir, "bench.crt"), KeyFile: filepath.Join(dir, "bench.key")}
	for file, block := range map[string]*pem.Block{c.CertFile: {Type: "CERTIFICATE", Bytes: der}, c.KeyFile: {Type: "PRIVATE KEY", Bytes: text}} {
		if err := os.WriteFile(file, pem.EncodeToMemory(block), 0o600); err != nil {
			return nil, err
		}
	}
	parsed, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, err
	}
	trusted := x509.NewCertPool()
	trusted.AddCert(parsed)
	c.client = &tls.Config{RootCAs: trusted, MinVersion: tls.VersionTLS13}
	return c, nil
}
