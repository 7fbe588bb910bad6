package main

import (
	"crypto/tls"
	"crypto/x509"
	"net/http"
)

// demoTransport trusts the demo's own certificate, and nothing less than a
// valid one.
func demoTransport(certificate *tls.Certificate) http.RoundTripper {
	if certificate == nil {
		return nil
	}
	roots := x509.NewCertPool()
	roots.AddCert(certificate.Leaf)
	return &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}}
}
