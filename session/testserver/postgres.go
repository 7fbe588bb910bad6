package testserver

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
)

// PostgresServer is a real PostgreSQL that lives as long as its test. It listens
// on 127.0.0.1, asks for passwords, and keeps its port and data over Stop and
// Start. Methods that can fail end the test; call them on its own goroutine.
type PostgresServer struct {
	databaseServer
	bin string // folder of the server programs
}

// Postgres starts an empty server and stops it when the test ends. It needs the
// component "postgres", see [Need].
func Postgres(t testing.TB) *PostgresServer {
	t.Helper()
	program, err := filepath.EvalSymlinks(Need(t, "postgres")) // its companions lie beside the real one
	if err != nil {
		t.Fatal(err)
	}
	s := &PostgresServer{bin: filepath.Dir(program)}
	s.databaseServer = databaseServer{
		t: t, name: "postgres", start: s.command, ready: "ready to accept connections",
		halt: os.Interrupt, // a fast shutdown
	}
	if err := s.prepare(); err != nil {
		t.Fatalf("prepare postgres: %v", err)
	}
	s.begin()
	return s
}

// prepare makes a data folder.
func (s *PostgresServer) prepare() error {
	uid, gid, err := s.databaseServer.prepare("postgres")
	if err != nil {
		return err
	}
	password := filepath.Join(s.dir, "password")
	if err := os.WriteFile(password, []byte(databasePassword), 0o600); err != nil {
		return err
	}
	if err := os.Chown(password, uid, gid); err != nil {
		return err
	}
	return s.initialise(exec.Command(filepath.Join(s.bin, "initdb"), "-D", s.data(), "-U", databaseAdmin, "--pwfile", password,
		"--auth-local=trust", "--auth-host=scram-sha-256", "--encoding=UTF8", "--no-locale", "--no-sync"))
}

func (s *PostgresServer) command() *exec.Cmd {
	return exec.Command(filepath.Join(s.bin, "postgres"), "-D", s.data(), "-h", "127.0.0.1", "-p", strconv.Itoa(s.port),
		"-k", s.dir, "-c", "fsync=off", "-c", "shared_buffers=16MB", "-c", "max_connections=20")
}

// URL is the connection string of an account that [PostgresServer.SQL] has made;
// without one, of the administrator.
func (s *PostgresServer) URL(account ...string) string {
	u := s.url("postgres", "postgres", account)
	u.RawQuery = "sslmode=disable"
	return u.String()
}

// SQL runs statements as the administrator and returns what they print.
func (s *PostgresServer) SQL(statements string) string {
	s.t.Helper()
	return s.run(exec.Command(filepath.Join(s.bin, "psql"), "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1",
		"-h", s.dir, "-p", strconv.Itoa(s.port), "-U", databaseAdmin, "-d", "postgres", "-f", "-"), statements)
}
