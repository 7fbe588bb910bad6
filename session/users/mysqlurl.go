package users

import (
	"cmp"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/go-sql-driver/mysql"
)

// Mistakes in a URL. None repeats any of it: in the wrong place, a piece of the password would be
// taken for something else.
var (
	errMySQLURL   = errors.New("the URL is not of the form mysql://user:password@host:port/name; write special characters of the password in %XX")
	errMySQLParam = errors.New("the URL has a parameter other than tls, tls_ca and socket, or one of them twice")
	errMySQLTLS   = errors.New("the URL's tls is not true, false or skip-verify")
	errMySQLCA    = errors.New("the URL has a tls_ca and no tls to use it for")
)

// mySQLConfig reads mysql://user:password@host:port/name, or the same with mariadb. The port may be
// left out, and so may the name where the queries have it. It may have these parameters:
//
//	tls     true: with a certificate that is valid for the host. false: in clear. skip-verify: with
//	        any certificate. Default true, but false on this machine
//	tls_ca  a file with the certificates to trust instead of the system's
//	socket  the path of a Unix socket, instead of a host
//
// Whatever the server asks for, no file of this machine is sent to it, no password goes over the
// connection in clear, and a query has one statement.
func mySQLConfig(text string, timeout time.Duration) (*mysql.Config, error) {
	u, err := url.Parse(text)
	if err != nil || u.Opaque != "" || u.Fragment != "" || u.User.Username() == "" || strings.Count(u.Path, "/") > 1 {
		return nil, errMySQLURL
	}
	params, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		return nil, errMySQLURL
	}
	for name, values := range params {
		if name != "tls" && name != "tls_ca" && name != "socket" || len(values) != 1 {
			return nil, errMySQLParam
		}
	}
	config := mysql.NewConfig()
	config.User, config.DBName = u.User.Username(), strings.TrimPrefix(u.Path, "/")
	config.Passwd, _ = u.User.Password()
	config.Timeout, config.WriteTimeout = timeout, timeout // reads end with their context
	config.Logger = new(mysql.NopLogger)                   // what it would print may name the account
	if socket := params.Get("socket"); socket != "" {
		if u.Host != "" {
			return nil, errMySQLURL
		}
		config.Net, config.Addr = "unix", socket
	} else {
		if u.Hostname() == "" {
			return nil, errMySQLURL
		}
		config.Net, config.Addr = "tcp", net.JoinHostPort(u.Hostname(), cmp.Or(u.Port(), "3306"))
	}
	config.TLS, err = mySQLTLS(u.Hostname(), params)
	return config, err
}

// mySQLTLS returns nil for a connection in clear.
func mySQLTLS(host string, params url.Values) (*tls.Config, error) {
	config := &tls.Config{ServerName: host, MinVersion: tls.VersionTLS12}
	switch params.Get("tls") {
	case "true":
	case "skip-verify":
		config.InsecureSkipVerify = true
	case "false":
		config = nil
	case "":
		if ownMachine(host) {
			config = nil
		}
	default:
		return nil, errMySQLTLS
	}
	file := params.Get("tls_ca")
	if file == "" {
		return config, nil
	}
	if config == nil {
		return nil, errMySQLCA
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("the URL's tls_ca: %w", pathless(err))
	}
	config.RootCAs = x509.NewCertPool()
	if !config.RootCAs.AppendCertsFromPEM(text) {
		return nil, errors.New("the URL's tls_ca: the file has no certificate in it")
	}
	return config, nil
}

// ownMachine holds for loopback and for a Unix socket, whose host is empty.
func ownMachine(host string) bool {
	ip, err := netip.ParseAddr(host)
	return host == "" || host == "localhost" || err == nil && ip.IsLoopback()
}
