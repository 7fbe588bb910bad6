package testserver

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// RedisServer is a real redis-server that lives as long as its test. It listens
// on 127.0.0.1 and keeps its port over Stop and Start. Methods that can fail end
// the test, so call them on the test's own goroutine; they are safe for
// concurrent use otherwise.
type RedisServer struct {
	t     testing.TB
	path  string
	dir   string
	setup redisSetup
	port  int

	mu      sync.Mutex
	process *redisProcess // nil while stopped
}

// How long the harness waits for a server, a command, or a state it asked for.
// Generous: on a busy machine a slow start is no failure.
const (
	redisStartLimit   = 20 * time.Second
	redisCommandLimit = 30 * time.Second
)

// Redis starts a redis-server that keeps nothing on disk and stops it when the
// test ends. It needs the component "redis", see [Need].
func Redis(t testing.TB, options ...RedisOption) *RedisServer {
	t.Helper()
	s := &RedisServer{t: t, path: Need(t, "redis"), dir: t.TempDir()}
	for _, option := range options {
		if err := option(&s.setup, s.dir); err != nil {
			t.Fatalf("prepare redis-server: %v", err)
		}
	}
	t.Cleanup(s.cleanup)
	if err := s.startAnywhere(); err != nil {
		t.Fatalf("start redis-server: %v", err)
	}
	return s
}

// Addr returns host:port of the server, the same over its whole life.
func (s *RedisServer) Addr() string {
	return net.JoinHostPort("127.0.0.1", strconv.Itoa(s.port))
}

// CAFile returns the PEM file of the authority that signed the server's
// certificate; empty without TLS.
func (s *RedisServer) CAFile() string { return s.setup.tls.ca }

// Username returns the ACL user a client signs in as; empty for the default user.
func (s *RedisServer) Username() string { return s.setup.user }

// Password belongs to [RedisServer.Username]; empty when the server asks for none.
func (s *RedisServer) Password() string { return s.setup.password }

// Stop kills the server as kill -9 does: no farewell to clients, no last write.
// Stopping a stopped server does nothing.
func (s *RedisServer) Stop() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.process != nil {
		s.process.kill()
		s.process = nil
	}
}

// Start brings a stopped server back on the same port and returns once it
// answers. Starting a running server does nothing.
func (s *RedisServer) Start() {
	s.t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.process != nil {
		return
	}
	err := poll(redisStartLimit, func() error {
		switch err := s.launch(); {
		case err == nil:
			return nil
		case errors.Is(err, errPortTaken):
			return errPortTaken // someone sits on our port for a moment: wait for it to leave
		default:
			return permanent{err}
		}
	})
	if err != nil {
		s.t.Fatalf("restart redis-server: %v", err)
	}
}

// Pause freezes the server: connections stay open and the kernel still accepts
// new ones, but nothing answers. This is what a hung host looks like.
func (s *RedisServer) Pause() {
	s.t.Helper()
	s.signal("STOP")
}

// Resume lets a paused server go on; it then works through what piled up.
func (s *RedisServer) Resume() {
	s.t.Helper()
	s.signal("CONT")
}

func (s *RedisServer) signal(name string) {
	s.t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.process == nil {
		s.t.Fatalf("redis-server is stopped, cannot send it SIG%s", name)
	}
	if err := s.process.signal(name); err != nil {
		s.t.Fatalf("send SIG%s to redis-server: %v", name, err)
	}
}

// CLI runs one command through redis-cli with full rights and returns what it
// printed, without the last line break. An error reply ends the test.
func (s *RedisServer) CLI(args ...string) string {
	s.t.Helper()
	out, err := s.TryCLI(args...)
	if err != nil {
		s.t.Fatalf("redis-cli %s: %v", strings.Join(args, " "), err)
	}
	return out
}

// TryCLI is [RedisServer.CLI] for commands that are expected to fail: an error
// reply, or a server that does not answer, is returned.
func (s *RedisServer) TryCLI(args ...string) (string, error) {
	user, password := s.setup.harnessLogin()
	return s.runCLI(user, password, args)
}

// TryCLIAs is [RedisServer.TryCLI] under another sign-in, with that user's rights
// only; two empty strings are a client that does not sign in.
func (s *RedisServer) TryCLIAs(username, password string, args ...string) (string, error) {
	return s.runCLI(username, password, args)
}

func (s *RedisServer) runCLI(user, password string, args []string) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), redisCommandLimit)
	defer cancel()
	flags := []string{"-h", "127.0.0.1", "-p", strconv.Itoa(s.port), "-e"}
	if s.setup.tls.ca != "" {
		flags = append(flags, "--tls", "--cacert", s.setup.tls.ca)
	}
	if user != "" {
		flags = append(flags, "--user", user, "--no-auth-warning")
	}
	cmd := exec.CommandContext(ctx, "redis-cli", append(flags, args...)...)
	cmd.Env = os.Environ()
	if password != "" {
		cmd.Env = append(cmd.Env, "REDISCLI_AUTH="+password)
	}
	out, err := cmd.CombinedOutput()
	text := strings.TrimRight(string(out), "\r\n")
	if err != nil {
		return text, fmt.Errorf("%w: %s", err, text)
	}
	return text, nil
}

// startAnywhere launches the server on a port of its choice. Between the check
// and the bind another package's test may take the port: then it tries another.
func (s *RedisServer) startAnywhere() error {
	var err error
	for range 20 {
		if s.port, err = freePort(s.setup.cluster); err != nil {
			return err
		}
		if err = s.launch(); !errors.Is(err, errPortTaken) {
			return err
		}
	}
	return err
}

// launch starts the process on s.port and waits until it answers PING.
func (s *RedisServer) launch() error {
	conf := filepath.Join(s.dir, "redis.conf")
	if err := os.WriteFile(conf, []byte(s.setup.config(s.dir, s.port)), 0o600); err != nil {
		return err
	}
	process, err := startRedisProcess(s.path, conf, filepath.Join(s.dir, "redis.log"))
	if err != nil {
		return err
	}
	// A foreign server on the port would answer PING too; only our own log says that we have it.
	if err := process.waitReady(); err != nil {
		process.kill()
		return err
	}
	if err := poll(redisCommandLimit, s.ping); err != nil {
		process.kill()
		return err
	}
	s.process = process
	return nil
}

// ping signs in and sends PING, as inline commands on a connection of its own.
func (s *RedisServer) ping() error {
	conn, err := net.DialTimeout("tcp", s.Addr(), redisCommandLimit)
	if err != nil {
		return err
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(redisCommandLimit)) // a TCP connection takes deadlines
	if s.setup.tls.ca != "" {
		conn = tls.Client(conn, s.setup.tls.client)
	}
	user, password := s.setup.harnessLogin()
	if user == "" {
		user = "default"
	}
	if password != "" {
		fmt.Fprintf(conn, "AUTH %s %s\r\n", strconv.Quote(user), strconv.Quote(password))
	}
	fmt.Fprint(conn, "PING\r\n")
	lines := bufio.NewScanner(conn)
	for lines.Scan() {
		switch line := lines.Text(); {
		case line == "+PONG":
			return nil
		case strings.HasPrefix(line, "-"):
			return fmt.Errorf("ping redis-server: %s", line)
		}
	}
	return fmt.Errorf("ping redis-server: no answer: %w", errors.Join(io.ErrUnexpectedEOF, lines.Err()))
}

func (s *RedisServer) cleanup() {
	s.Stop()
	if s.t.Failed() {
		s.t.Logf("redis-server %s, end of its log:\n%s", s.Addr(), tail(filepath.Join(s.dir, "redis.log")))
	}
}
