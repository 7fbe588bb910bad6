package tokenapi

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"strings"
	"syscall"
	"time"
)

// maxReach bounds a connection with its TLS handshake; a shorter timeout of the provider counts.
const maxReach = 5 * time.Second

// reach opens a connection as calls do, TLS included, and closes it again.
func (s *survey) reach(ctx context.Context, u *url.URL) error {
	return Reach(ctx, u, s.options.TLS, min(maxReach, s.options.Timeout))
}

// Reach opens a connection to the server of an http or https URL, TLS included, and closes it again:
// what the server answers to which request is its own business. t is not changed; nil trusts the
// system's roots.
func Reach(ctx context.Context, u *url.URL, t *tls.Config, limit time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", hostPort(u))
	if err != nil {
		return err
	}
	defer conn.Close()
	if u.Scheme != "https" {
		return nil
	}
	options := t.Clone()
	if options == nil {
		options = &tls.Config{MinVersion: tls.VersionTLS12}
	}
	if options.ServerName == "" {
		options.ServerName = u.Hostname()
	}
	return tls.Client(conn, options).HandshakeContext(ctx)
}

func hostPort(u *url.URL) string {
	port := u.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[u.Scheme]
	}
	return net.JoinHostPort(u.Hostname(), port)
}

// explain says why there was no answer, and what to do about it. It quotes nothing that the other
// side sent but names in its certificate.
func explain(err error, u *url.URL) string {
	if text := explainTLS(err, u); text != "" {
		return text
	}
	var name *net.DNSError
	var network *net.OpError
	var late net.Error
	switch {
	case errors.As(err, &name) && name.IsNotFound:
		return "no such host: is base_url right, as seen from here?"
	case errors.Is(err, syscall.ECONNREFUSED):
		return "connection refused: does the API run, and is the port of base_url right?"
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, os.ErrDeadlineExceeded), errors.As(err, &late) && late.Timeout():
		return "no answer within the time limit: does a firewall or network policy drop the packets, or is the API busy?"
	case errors.Is(err, context.Canceled):
		return "not asked to the end"
	case strings.Contains(err.Error(), "malformed HTTP"):
		return "what comes back is not HTTP: " + otherScheme(u)
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, syscall.ECONNRESET):
		return "the connection is closed before the answer is complete: if the port wants TLS or plain HTTP, " + otherScheme(u)
	case errors.As(err, &network):
		return network.Op + ": " + network.Err.Error()
	}
	return "no answer that can be read"
}

func otherScheme(u *url.URL) string {
	if u.Scheme == "https" {
		return "write base_url: http://" + u.Host
	}
	return "write base_url: https://" + u.Host
}

// explainTLS is explain for a handshake; empty if it is about something else.
func explainTLS(err error, u *url.URL) string {
	var plain tls.RecordHeaderError
	var stranger x509.UnknownAuthorityError
	var hostname x509.HostnameError
	var invalid x509.CertificateInvalidError
	var alert tls.AlertError
	switch {
	case errors.As(err, &plain):
		return "the port does not speak TLS: " + otherScheme(u)
	case errors.As(err, &stranger):
		return "its certificate comes from " + authority(err) + ", which is not trusted here: " +
			"write tls: {ca_file: FILE}, a file with that CA's certificate in PEM"
	case errors.As(err, &hostname):
		return hostnameText(hostname)
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return fmt.Sprintf("its certificate is not valid now, but from %s to %s: renew it, or set this machine's clock",
			day(invalid.Cert.NotBefore), day(invalid.Cert.NotAfter))
	case errors.As(err, &invalid):
		return "its certificate cannot be used for a server (x509 reason " + fmt.Sprint(int(invalid.Reason)) + "): make a new one"
	case errors.As(err, &alert):
		return fmt.Sprintf("refuses the TLS handshake (%v): a client certificate, a version before TLS 1.2 or "+
			"another tls.server_name may be what it wants", alert)
	}
	return ""
}

func day(t time.Time) string { return t.UTC().Format(time.DateOnly) }

// authority names who signed the last certificate of the chain that the server sent.
func authority(err error) string {
	var v *tls.CertificateVerificationError
	if !errors.As(err, &v) || len(v.UnverifiedCertificates) == 0 {
		return "a CA"
	}
	last := v.UnverifiedCertificates[len(v.UnverifiedCertificates)-1]
	name := last.Issuer.CommonName
	if name == "" {
		name = last.Issuer.String()
	}
	if last.Issuer.String() == last.Subject.String() && len(v.UnverifiedCertificates) == 1 {
		return fmt.Sprintf("itself (%.100q)", name)
	}
	return fmt.Sprintf("the CA %.100q", name)
}

func hostnameText(err x509.HostnameError) string {
	names := append([]string(nil), err.Certificate.DNSNames...)
	for _, ip := range err.Certificate.IPAddresses {
		names = append(names, ip.String())
	}
	if len(names) == 0 {
		return fmt.Sprintf("its certificate has no name of a host, and %s is wanted: make one with that subjectAltName", err.Host)
	}
	return fmt.Sprintf("its certificate is for %.200q and not for %s: write base_url with such a name, or tls: {server_name: %.100s}",
		names, err.Host, strings.TrimPrefix(names[0], "*."))
}
