package program

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"os"

	"sessiongate/configs"
)

// trustedCAs reads the certificates to trust from a file; nil without one: the system's.
// An error begins with the key.
func trustedCAs(key string, file configs.Path) (*x509.CertPool, error) {
	if file == "" {
		return nil, nil //nolint:nilnil // the default of tls.Config
	}
	pem, err := os.ReadFile(file.String())
	if err != nil {
		return nil, fmt.Errorf("%s: %w", key, err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("%s: %s holds no PEM certificate", key, file)
	}
	return pool, nil
}

// ownCertificate reads a certificate of ours and its key; none without a file. An error
// begins with the key.
func ownCertificate(key string, cert, private configs.Path) ([]tls.Certificate, error) {
	if cert == "" {
		return nil, nil
	}
	pair, err := tls.LoadX509KeyPair(cert.String(), private.String())
	if err != nil {
		return nil, fmt.Errorf("%s: %w", key, err)
	}
	return []tls.Certificate{pair}, nil
}
