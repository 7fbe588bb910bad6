package testserver

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// PostgresServer is a real PostgreSQL that lives as long as its test. It listens
// on 127.0.0.1, asks for passwords, and keeps its port and data over Stop and
// Start. Methods that can fail end the test; call them on its own goroutine.
type PostgresServer struct {
	t      testing.TB
	bin    string // folder of the server programs
	dir    string
	port   int
	runAs  func(*exec.Cmd)
	exited chan struct{}

	mu  sync.Mutex
	cmd *exec.Cmd // nil while stopped
}

const (
	postgresAdmin      = "harness"
	postgresPassword   = "harness-password"
	postgresStartLimit = 60 * time.Second
)

// Postgres starts an empty server and stops it when the test ends. It needs the
// component "postgres", see [Need].
func Postgres(t testing.TB) *PostgresServer {
	t.Helper()
	program, err := filepath.EvalSymlinks(Need(t, "postgres")) // its companions lie beside the real one
	if err != nil {
		t.Fatal(err)
	}
	s := &PostgresServer{t: t, bin: filepath.Dir(program)}
	if err := s.prepare(); err != nil {
		t.Fatalf("prepare postgres: %v", err)
	}
	t.Cleanup(func() {
		s.Stop()
		_ = os.RemoveAll(s.dir)
	})
	s.Start()
	return s
}

// prepare makes a data folder. It lies outside t.TempDir, whose parents other
// accounts may not enter.
func (s *PostgresServer) prepare() (err error) {
	run, uid, gid, err := asAccount("postgres")
	if err != nil {
		return err
	}
	s.runAs = run
	if s.dir, err = os.MkdirTemp("", "sessiongate-postgres-"); err != nil {
		return err
	}
	password := filepath.Join(s.dir, "password")
	if err := os.WriteFile(password, []byte(postgresPassword), 0o600); err != nil {
		return err
	}
	if err := errors.Join(os.Chown(s.dir, uid, gid), os.Chown(password, uid, gid)); err != nil {
		return err
	}
	cmd := exec.Command(filepath.Join(s.bin, "initdb"), "-D", s.data(), "-U", postgresAdmin, "--pwfile", password,
		"--auth-local=trust", "--auth-host=scram-sha-256", "--encoding=UTF8", "--no-locale", "--no-sync")
	cmd.Dir = s.dir
	s.runAs(cmd)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("initdb: %w: %s", err, out)
	}
	s.port, err = freePort(false)
	return err
}

func (s *PostgresServer) data() string { return filepath.Join(s.dir, "data") }
func (s *PostgresServer) log() string  { return filepath.Join(s.dir, "log") }

// Start brings a stopped server back and returns once it answers.
func (s *PostgresServer) Start() {
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
	cmd := exec.Command(filepath.Join(s.bin, "postgres"), "-D", s.data(), "-h", "127.0.0.1", "-p", strconv.Itoa(s.port),
		"-k", s.dir, "-c", "fsync=off", "-c", "shared_buffers=16MB", "-c", "max_connections=20")
	cmd.Dir, cmd.Stdout, cmd.Stderr = s.dir, out, out
	endWithParent(cmd)
	s.runAs(cmd)
	if err := cmd.Start(); err != nil {
		s.t.Fatalf("start postgres: %v", err)
	}
	s.cmd, s.exited = cmd, make(chan struct{})
	go func(exited chan struct{}) { defer close(exited); _ = cmd.Wait() }(s.exited)
	if err := s.waitReady(); err != nil {
		s.t.Fatalf("start postgres: %v", err)
	}
}

func (s *PostgresServer) waitReady() error {
	return poll(postgresStartLimit, func() error {
		select {
		case <-s.exited:
			return permanent{fmt.Errorf("postgres ended at once:\n%s", tail(s.log()))}
		default:
		}
		text, err := os.ReadFile(s.log())
		if err == nil && strings.Contains(string(text), "ready to accept connections") {
			return nil
		}
		return fmt.Errorf("postgres is not ready:\n%s", tail(s.log()))
	})
}

// Stop ends the server and every connection at once. Stopping a stopped server
// does nothing.
func (s *PostgresServer) Stop() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.cmd == nil {
		return
	}
	_ = s.cmd.Process.Signal(os.Interrupt) // a fast shutdown
	select {
	case <-s.exited:
	case <-time.After(postgresStartLimit):
		_ = s.cmd.Process.Kill()
		<-s.exited
	}
	s.cmd = nil
}

// URL is the connection string of an account that [PostgresServer.SQL] has made;
// without one, of the administrator.
func (s *PostgresServer) URL(account ...string) string {
	u := url.URL{
		Scheme: "postgres", User: url.UserPassword(postgresAdmin, postgresPassword),
		Host: net.JoinHostPort("127.0.0.1", strconv.Itoa(s.port)), Path: "/postgres", RawQuery: "sslmode=disable",
	}
	if len(account) == 2 {
		u.User = url.UserPassword(account[0], account[1])
	}
	return u.String()
}

// SQL runs statements as the administrator and returns what they print.
func (s *PostgresServer) SQL(statements string) string {
	s.t.Helper()
	cmd := exec.Command(filepath.Join(s.bin, "psql"), "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1",
		"-h", s.dir, "-p", strconv.Itoa(s.port), "-U", postgresAdmin, "-d", "postgres", "-f", "-")
	cmd.Stdin, cmd.Dir = strings.NewReader(statements), "/"
	out, err := cmd.CombinedOutput()
	if err != nil {
		s.t.Fatalf("psql: %v\n%s", err, out)
	}
	return strings.TrimSpace(string(out))
}
