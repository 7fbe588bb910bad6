package testserver

import (
	"crypto/rand"
	"errors"
	"fmt"
	"math/big"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"time"
)

var errPortTaken = errors.New("port is taken")

// redisProcess is one run of redis-server.
type redisProcess struct {
	cmd    *exec.Cmd
	log    string
	exited chan struct{}
}

func startRedisProcess(path, conf, log string) (*redisProcess, error) {
	out, err := os.Create(log)
	if err != nil {
		return nil, err
	}
	defer out.Close() // the child has its own copy
	cmd := exec.Command(path, conf)
	cmd.Stdout, cmd.Stderr = out, out
	endWithParent(cmd)
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	p := &redisProcess{cmd: cmd, log: log, exited: make(chan struct{})}
	go func() {
		defer close(p.exited)
		_ = cmd.Wait() // killed is how it is meant to end
	}()
	return p, nil
}

// waitReady returns when the process says that it listens, or why it will not.
func (p *redisProcess) waitReady() error {
	return poll(redisStartLimit, func() error {
		gone := p.gone() // before the log is read, so that its last words are in it
		text, err := os.ReadFile(p.log)
		switch {
		case err != nil:
			return permanent{err}
		case strings.Contains(string(text), "Ready to accept connections"):
			return nil
		case gone && strings.Contains(string(text), "Failed listening on port"):
			return permanent{errPortTaken}
		case gone:
			return permanent{fmt.Errorf("redis-server ended at once:\n%s", tail(p.log))}
		}
		return fmt.Errorf("redis-server is not ready:\n%s", tail(p.log))
	})
}

func (p *redisProcess) gone() bool {
	select {
	case <-p.exited:
		return true
	default:
		return false
	}
}

// kill works on a paused process too, and returns when the port is free again.
func (p *redisProcess) kill() {
	_ = p.cmd.Process.Kill() // an error means that it is gone already
	<-p.exited
}

// signal sends a signal by its name, through the shell: package syscall has no
// STOP and CONT on systems where this package must still compile.
func (p *redisProcess) signal(name string) error {
	pid := strconv.Itoa(p.cmd.Process.Pid)
	if out, err := exec.Command("sh", "-c", "kill -"+name+" "+pid).CombinedOutput(); err != nil {
		return fmt.Errorf("kill: %w: %s", err, out)
	}
	return poll(redisCommandLimit, func() error { return p.reached(name == "STOP") })
}

// reached asks the kernel whether the process is frozen by now, where it can be asked.
func (p *redisProcess) reached(frozen bool) error {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p.cmd.Process.Pid))
	if err != nil {
		return nil //nolint:nilerr // no /proc on this system: signals are quick
	}
	if strings.Contains(string(stat), ") T ") != frozen {
		return fmt.Errorf("process state is not yet frozen=%t", frozen)
	}
	return nil
}

// freePort picks a port of 127.0.0.1 at random. It stays below the range from which
// systems hand out ports by themselves, so that a stopped server's port is not
// given to some outgoing connection. With bus, port+10000 is free as well.
func freePort(bus bool) (int, error) {
	const lowest, count, busOffset = 10000, 12000, 10000
	for range 100 {
		n, err := rand.Int(rand.Reader, big.NewInt(count))
		if err != nil {
			return 0, err
		}
		port := lowest + int(n.Int64())
		if portFree(port) && (!bus || portFree(port+busOffset)) {
			return port, nil
		}
	}
	return 0, errors.New("no free port found")
}

func portFree(port int) bool {
	listener, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
	if err != nil {
		return false
	}
	return listener.Close() == nil
}

// permanent marks an error that waiting will not cure.
type permanent struct{ error }

func (p permanent) Unwrap() error { return p.error }

// poll calls step until it returns nil, a permanent error, or the limit is up,
// and returns step's last error.
func poll(limit time.Duration, step func() error) error {
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(limit)
	for {
		err := step()
		if err == nil || errors.As(err, &permanent{}) {
			return err
		}
		select {
		case <-tick.C:
		case <-deadline:
			return fmt.Errorf("gave up after %v: %w", limit, err)
		}
	}
}

// tail returns the last lines of a file, or why they cannot be had.
func tail(path string) string {
	const keep = 20
	text, err := os.ReadFile(path)
	if err != nil {
		return err.Error()
	}
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	return strings.Join(lines[max(0, len(lines)-keep):], "\n")
}
