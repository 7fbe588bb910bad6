// Package rig starts, watches and ends the programs that the measuring commands
// (cmd/bench, cmd/chaos) put under test: sessiongate, Redis, and children of their
// own. Nothing that it starts outlives the command.
package rig

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"
)

// Process is a started child. It runs in a process group of its own, so that a
// Ctrl-C in the terminal leaves the order of the end to the parent; on Linux the
// kernel kills it if the parent dies. Its methods are safe for concurrent use.
type Process struct {
	First string // line of output, if it was waited for
	name  string
	pid   int
	stdin io.Closer
	log   *tail
	done  chan struct{}
	err   error // of Wait; to be read after done
}

// tail keeps the end of what a child says.
type tail struct {
	mu sync.Mutex
	b  []byte
}

// Write implements io.Writer.
func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.b = append(t.b, p...); len(t.b) > 8<<10 {
		t.b = t.b[len(t.b)-4<<10:]
	}
	return len(p), nil
}

// String returns what was kept.
func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return string(t.b)
}

// Start runs a program, on a core if one is named. env is added to our own
// environment. If firstLine, it waits for a line of output and keeps it.
func Start(core string, env []string, firstLine bool, name string, args ...string) (*Process, error) {
	if core != "" {
		name, args = "taskset", append([]string{"-c", core, name}, args...)
	}
	cmd := exec.Command(name, args...) //nolint:gosec,noctx // what the user runs; ended by Stop, in order
	p := &Process{name: filepath.Base(name), log: &tail{}, done: make(chan struct{})}
	cmd.Env = append(os.Environ(), env...)
	cmd.Stderr = p.log
	cmd.SysProcAttr = ownGroup()
	p.stdin, _ = cmd.StdinPipe() // fails only if it was set
	var out io.Reader
	if firstLine {
		out, _ = cmd.StdoutPipe() // the same
	} else {
		cmd.Stdout = p.log
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", p.name, err)
	}
	p.pid = cmd.Process.Pid
	var err error
	if firstLine {
		p.First, err = bufio.NewReader(out).ReadString('\n')
		p.First = strings.TrimSpace(p.First)
	}
	go func() {
		p.err = cmd.Wait()
		close(p.done)
	}()
	if err != nil {
		p.Stop()
		return nil, fmt.Errorf("start %s: %w\n%s", p.name, err, p.log)
	}
	return p, nil
}

// Log returns the end of what the process has written so far.
func (p *Process) Log() string { return p.log.String() }

// Done is closed when the process has ended.
func (p *Process) Done() <-chan struct{} { return p.done }

// Wait waits for the end and returns how it ended.
func (p *Process) Wait() error {
	<-p.done
	return p.err
}

// Signal sends a signal to the process and everything it has started. A process
// that has ended is no error.
func (p *Process) Signal(s syscall.Signal) error {
	select {
	case <-p.done: // its id may belong to somebody else by now
		return nil
	default:
	}
	if err := syscall.Kill(-p.pid, s); err != nil && !errors.Is(err, syscall.ESRCH) {
		return fmt.Errorf("signal %s: %w", p.name, err)
	}
	return nil
}

// Kill ends the process as kill -9 does, also a stopped one.
func (p *Process) Kill() {
	_ = p.Signal(syscall.SIGKILL) // gone already is as good
	<-p.done
}

// stopLimit is how long a process may take to end by itself.
const stopLimit = 5 * time.Second

// Stop asks the process to end, and kills it if it takes longer than five seconds.
func (p *Process) Stop() { p.StopWithin(stopLimit) }

// StopWithin is [Process.Stop] with another limit.
func (p *Process) StopWithin(limit time.Duration) {
	p.stdin.Close()
	_ = p.Signal(syscall.SIGTERM) // gone already is as good
	_ = p.Signal(syscall.SIGCONT) // a stopped process hears nothing
	select {
	case <-p.done:
	case <-time.After(limit):
		p.Kill()
	}
}
