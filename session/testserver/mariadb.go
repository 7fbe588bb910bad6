package testserver

import (
	"fmt"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// MariaDBServer is a real MariaDB that lives as long as its test. It listens on
// 127.0.0.1, with TLS for who asks for it, and keeps its port and data over Stop
// and Start. Methods that can fail end the test; call them on its own goroutine.
type MariaDBServer struct {
	t       testing.TB
	program string
	dir     string
	port    int
	tls     redisTLS
	runAs   func(*exec.Cmd)
	exited  chan struct{}

	mu  sync.Mutex
	cmd *exec.Cmd // nil while stopped
}

const (
	mariaDBAdmin      = "harness"
	mariaDBPassword   = "harness-password"
	mariaDBStartLimit = 60 * time.Second
)

// MariaDB starts a server with an empty database app, and stops it when the test
// ends. It needs the component "mariadb", see [Need].
func MariaDB(t testing.TB) *MariaDBServer {
	t.Helper()
	s := &MariaDBServer{t: t, program: Need(t, "mariadb")}
	if err := s.prepare(); err != nil {
		t.Fatalf("prepare mariadb: %v", err)
	}
	t.Cleanup(func() {
		s.Stop()
		_ = os.RemoveAll(s.dir)
	})
	s.Start()
	s.run("", fmt.Sprintf("CREATE DATABASE app CHARACTER SET utf8mb4; CREATE USER '%[1]s'@'%%' IDENTIFIED BY '%[2]s'; GRANT ALL ON *.* TO '%[1]s'@'%%'",
		mariaDBAdmin, mariaDBPassword))
	return s
}

// prepare makes a data folder. It lies outside t.TempDir, whose parents other
// accounts may not enter.
func (s *MariaDBServer) prepare() (err error) {
	run, uid, gid, err := asAccount("mysql")
	if err != nil {
		return err
	}
	s.runAs = run
	if s.dir, err = os.MkdirTemp("", "sessiongate-mariadb-"); err != nil {
		return err
	}
	if s.tls, err = newRedisTLS(s.dir); err != nil {
		return err
	}
	for _, path := range []string{s.dir, s.tls.cert, s.tls.key} {
		if err := os.Chown(path, uid, gid); err != nil {
			return err
		}
	}
	cmd := exec.Command("mariadb-install-db", "--no-defaults", "--datadir="+s.data(), "--auth-root-authentication-method=normal",
		"--skip-test-db", "--skip-name-resolve")
	cmd.Dir = s.dir
	s.runAs(cmd)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("mariadb-install-db: %w: %s", err, out)
	}
	s.port, err = freePort(false)
	return err
}

func (s *MariaDBServer) data() string { return filepath.Join(s.dir, "data") }
func (s *MariaDBServer) log() string  { return filepath.Join(s.dir, "log") }

// CAFile has the certificate of the authority that the server's own is of.
func (s *MariaDBServer) CAFile() string { return s.tls.ca }

// Socket is the path of the server's Unix socket.
func (s *MariaDBServer) Socket() string { return filepath.Join(s.dir, "socket") }

// Start brings a stopped server back and returns once it answers.
func (s *MariaDBServer) Start() {
	s.t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.cmd != nil {
		return
	}
	out, err := os.Create(s.log())
	if err != nil {
		s.t.Fatal(err)
	}
	defer out.Close() // the child has its own copy
	cmd := exec.Command(s.program, "--no-defaults", "--datadir="+s.data(), "--bind-address=127.0.0.1", "--port="+strconv.Itoa(s.port),
		"--socket="+s.Socket(), "--pid-file="+filepath.Join(s.dir, "pid"), "--skip-log-bin", "--skip-name-resolve",
		"--innodb-buffer-pool-size=16M", "--innodb-flush-log-at-trx-commit=0", "--max-connections=20",
		"--ssl-cert="+s.tls.cert, "--ssl-key="+s.tls.key)
	cmd.Dir, cmd.Stdout, cmd.Stderr = s.dir, out, out
	endWithParent(cmd)
	s.runAs(cmd)
	if err := cmd.Start(); err != nil {
		s.t.Fatalf("start mariadb: %v", err)
	}
	s.cmd, s.exited = cmd, make(chan struct{})
	go func(exited chan struct{}) { defer close(exited); _ = cmd.Wait() }(s.exited)
	if err := s.waitReady(); err != nil {
		s.t.Fatalf("start mariadb: %v", err)
	}
}

func (s *MariaDBServer) waitReady() error {
	return poll(mariaDBStartLimit, func() error {
		select {
		case <-s.exited:
			return permanent{fmt.Errorf("mariadb ended at once:\n%s", tail(s.log()))}
		default:
		}
		text, err := os.ReadFile(s.log())
		if err == nil && strings.Contains(string(text), "ready for connections") {
			return nil
		}
		return fmt.Errorf("mariadb is not ready:\n%s", tail(s.log()))
	})
}

// Stop ends the server and every connection. Stopping a stopped server does nothing.
func (s *MariaDBServer) Stop() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.cmd == nil {
		return
	}
	_ = s.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-s.exited:
	case <-time.After(mariaDBStartLimit):
		_ = s.cmd.Process.Kill()
		<-s.exited
	}
	s.cmd = nil
}

// URL is the connection string of an account that [MariaDBServer.SQL] has made;
// without one, of the administrator.
func (s *MariaDBServer) URL(account ...string) string {
	u := url.URL{
		Scheme: "mariadb", User: url.UserPassword(mariaDBAdmin, mariaDBPassword),
		Host: net.JoinHostPort("127.0.0.1", strconv.Itoa(s.port)), Path: "/app",
	}
	if len(account) == 2 {
		u.User = url.UserPassword(account[0], account[1])
	}
	return u.String()
}

// SQL runs statements as the administrator in the database app and returns what they print.
func (s *MariaDBServer) SQL(statements string) string {
	s.t.Helper()
	return s.run("app", statements)
}

func (s *MariaDBServer) run(database, statements string) string {
	s.t.Helper()
	cmd := exec.Command("mariadb", "--no-defaults", "--socket="+s.Socket(), "--user=root", "--batch", "--raw", "--skip-column-names",
		"--default-character-set=utf8mb4", database)
	cmd.Stdin, cmd.Dir = strings.NewReader(statements), "/"
	out, err := cmd.CombinedOutput()
	if err != nil {
		s.t.Fatalf("mariadb: %v\n%s", err, out)
	}
	return strings.TrimSpace(string(out))
}
