package testserver

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
)

// MariaDBServer is a real MariaDB that lives as long as its test. It listens on
// 127.0.0.1, with TLS for who asks for it, and keeps its port and data over Stop
// and Start. Methods that can fail end the test; call them on its own goroutine.
type MariaDBServer struct {
	databaseServer
	program string
	tls     redisTLS
}

// MariaDB starts a server with an empty database app, and stops it when the test
// ends. It needs the component "mariadb", see [Need].
func MariaDB(t testing.TB) *MariaDBServer {
	t.Helper()
	s := &MariaDBServer{program: Need(t, "mariadb")}
	s.databaseServer = databaseServer{t: t, name: "mariadb", start: s.command, ready: "ready for connections", halt: syscall.SIGTERM}
	if err := s.prepare(); err != nil {
		t.Fatalf("prepare mariadb: %v", err)
	}
	s.begin()
	s.runIn("", fmt.Sprintf("CREATE DATABASE app CHARACTER SET utf8mb4; CREATE USER '%[1]s'@'%%' IDENTIFIED BY '%[2]s'; GRANT ALL ON *.* TO '%[1]s'@'%%'",
		databaseAdmin, databasePassword))
	return s
}

// prepare makes a data folder and a certificate.
func (s *MariaDBServer) prepare() error {
	uid, gid, err := s.databaseServer.prepare("mysql")
	if err != nil {
		return err
	}
	if s.tls, err = newRedisTLS(s.dir); err != nil {
		return err
	}
	for _, path := range []string{s.tls.cert, s.tls.key} {
		if err := os.Chown(path, uid, gid); err != nil {
			return err
		}
	}
	return s.initialise(exec.Command("mariadb-install-db", "--no-defaults", "--datadir="+s.data(), "--auth-root-authentication-method=normal",
		"--skip-test-db", "--skip-name-resolve"))
}

func (s *MariaDBServer) command() *exec.Cmd {
	return exec.Command(s.program, "--no-defaults", "--datadir="+s.data(), "--bind-address=127.0.0.1", "--port="+strconv.Itoa(s.port),
		"--socket="+s.Socket(), "--pid-file="+filepath.Join(s.dir, "pid"), "--skip-log-bin", "--skip-name-resolve",
		"--innodb-buffer-pool-size=16M", "--innodb-flush-log-at-trx-commit=0", "--max-connections=20",
		"--ssl-cert="+s.tls.cert, "--ssl-key="+s.tls.key)
}

// CAFile has the certificate of the authority that the server's own is of.
func (s *MariaDBServer) CAFile() string { return s.tls.ca }

// Socket is the path of the server's Unix socket.
func (s *MariaDBServer) Socket() string { return filepath.Join(s.dir, "socket") }

// URL is the connection string of an account that [MariaDBServer.SQL] has made;
// without one, of the administrator.
func (s *MariaDBServer) URL(account ...string) string {
	u := s.url("mariadb", "app", account)
	return u.String()
}

// SQL runs statements as the administrator in the database app and returns what they print.
func (s *MariaDBServer) SQL(statements string) string {
	s.t.Helper()
	return s.runIn("app", statements)
}

func (s *MariaDBServer) runIn(database, statements string) string {
	s.t.Helper()
	return s.run(exec.Command("mariadb", "--no-defaults", "--socket="+s.Socket(), "--user=root", "--batch", "--raw", "--skip-column-names",
		"--default-character-set=utf8mb4", database), statements)
}
