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
	"testing"
	"time"
)

const (
	databaseAdmin      = "harness"
	databasePassword   = "harness-password"
	databaseStartLimit = 60 * time.Second
)

// databaseServer is the process of a database server, which keeps its port and its data over Stop and
// Start. Methods that can fail end the test; call them on its own goroutine.
type databaseServer struct {
	t     testing.TB
	name  string           // for errors
	start func() *exec.Cmd // the server in the foreground
	ready string           // what its log says once it answers
	halt  os.Signal        // ends it and every connection

	dir    string
	port   int
	runAs  func(*exec.Cmd)
	exited chan struct{}

	mu  sync.Mutex
	cmd *exec.Cmd // nil while stopped
}

// prepare makes a folder for an account. It lies outside t.TempDir, whose parents other accounts may
// not enter.
func (s *databaseServer) prepare(account string) (uid, gid int, err error) {
	if s.runAs, uid, gid, err = asAccount(account); err != nil {
		return 0, 0, err
	}
	if s.dir, err = os.MkdirTemp("", "sessiongate-"+s.name+"-"); err != nil {
		return 0, 0, err
	}
	return uid, gid, os.Chown(s.dir, uid, gid)
}

// initialise runs the program that makes the data, and finds a port.
func (s *databaseServer) initialise(cmd *exec.Cmd) (err error) {
	cmd.Dir = s.dir
	s.runAs(cmd)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w: %s", filepath.Base(cmd.Path), err, out)
	}
	s.port, err = freePort(false)
	return err
}

// begin starts the server, and ends it with its test.
func (s *databaseServer) begin() {
	s.t.Helper()
	s.t.Cleanup(func() {
		s.Stop()
		_ = os.RemoveAll(s.dir)
	})
	s.Start()
}

func (s *databaseServer) data() string { return filepath.Join(s.dir, "data") }
func (s *databaseServer) log() string  { return filepath.Join(s.dir, "log") }

// Start brings a stopped server back and returns once it answers.
func (s *databaseServer) Start() {
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
	cmd := s.start()
	cmd.Dir, cmd.Stdout, cmd.Stderr = s.dir, out, out
	endWithParent(cmd)
	s.runAs(cmd)
	if err := cmd.Start(); err != nil {
		s.t.Fatalf("start %s: %v", s.name, err)
	}
	s.cmd, s.exited = cmd, make(chan struct{})
	go func(exited chan struct{}) { defer close(exited); _ = cmd.Wait() }(s.exited)
	if err := s.waitReady(); err != nil {
		s.t.Fatalf("start %s: %v", s.name, err)
	}
}

func (s *databaseServer) waitReady() error {
	return poll(databaseStartLimit, func() error {
		select {
		case <-s.exited:
			return permanent{fmt.Errorf("%s ended at once:\n%s", s.name, tail(s.log()))}
		default:
		}
		text, err := os.ReadFile(s.log())
		if err == nil && strings.Contains(string(text), s.ready) {
			return nil
		}
		return fmt.Errorf("%s is not ready:\n%s", s.name, tail(s.log()))
	})
}

// Stop ends the server and every connection. Stopping a stopped server does nothing.
func (s *databaseServer) Stop() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.cmd == nil {
		return
	}
	_ = s.cmd.Process.Signal(s.halt)
	select {
	case <-s.exited:
	case <-time.After(databaseStartLimit):
		_ = s.cmd.Process.Kill()
		<-s.exited
	}
	s.cmd = nil
}

// url is the connection string of an account, its name and its password; without one, of the
// administrator.
func (s *databaseServer) url(scheme, database string, account []string) url.URL {
	u := url.URL{
		Scheme: scheme, User: url.UserPassword(databaseAdmin, databasePassword),
		Host: net.JoinHostPort("127.0.0.1", strconv.Itoa(s.port)), Path: "/" + database,
	}
	if len(account) == 2 {
		u.User = url.UserPassword(account[0], account[1])
	}
	return u
}

// run gives statements to a client program and returns what it prints.
func (s *databaseServer) run(client *exec.Cmd, statements string) string {
	s.t.Helper()
	client.Stdin, client.Dir = strings.NewReader(statements), "/"
	out, err := client.CombinedOutput()
	if err != nil {
		s.t.Fatalf("%s: %v\n%s", filepath.Base(client.Path), err, out)
	}
	return strings.TrimSpace(string(out))
}
