package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"sessiongate/cmd/rig"
)

// store is the Redis of a world.
type store struct {
	nodes     []*redisServer // of a Sentinel group: the first master and its replicas
	sentinels []*redisServer
	links     []*link // between each gateway and a lone server
	password  string  // file with it
	master    string
	cluster   bool
}

// topology starts one kind of store.
type topology func(context.Context, *world) (*store, error)

// masterName is what Sentinel calls its master.
const masterName = "chaos"

// yaml is the store as gateway i is told it.
func (s *store) yaml(i int) string {
	switch {
	case s.cluster:
		return fmt.Sprintf(`{mode: cluster, addresses: ["%s"]}`, strings.Join(addresses(s.nodes), `", "`))
	case len(s.sentinels) > 0:
		return fmt.Sprintf(`{mode: sentinel, master: %s, addresses: ["%s"]}`, masterName, strings.Join(addresses(s.sentinels), `", "`))
	}
	return fmt.Sprintf(`{addresses: ["%s"], username: sessiongate, password_file: "%s"}`, s.links[i].address, s.password)
}

func addresses(list []*redisServer) (out []string) {
	for _, s := range list {
		out = append(out, s.address)
	}
	return out
}

// lone is a topology of one server, reached by each gateway over a link of its own.
// The lines go to its redis.conf.
func lone(lines ...string) topology {
	return func(ctx context.Context, w *world) (*store, error) {
		s := &store{password: filepath.Join(w.dir, "redis.password")}
		if err := os.WriteFile(s.password, []byte(firstPassword), 0o600); err != nil {
			return nil, err
		}
		lines := append([]string{`user default on nopass ~* &* +@all`, `user sessiongate on >` + firstPassword + ` ~* &* +@all`}, lines...)
		r, err := w.redis(ctx, "redis", false, lines...)
		if err != nil {
			return nil, err
		}
		s.nodes = []*redisServer{r}
		for range w.gateways {
			l, err := newLink(ctx, w.ports, r.address)
			if err != nil {
				return nil, err
			}
			w.onClose(l.close)
			s.links = append(s.links, l)
		}
		return s, nil
	}
}

// Passwords of the loopback servers.
const (
	firstPassword  = "first-password-of-a-test"
	secondPassword = "second-password-of-a-test"
)

// redisServer is one redis-server process that keeps its address and folder.
type redisServer struct {
	dir, address, conf string
	env                []string
	sentinel           bool

	mu      sync.Mutex
	process *rig.Process
}

// redis prepares and starts a server that saves nothing unless the lines say so.
func (s *site) redis(ctx context.Context, name string, bus bool, lines ...string) (*redisServer, error) {
	r, err := s.prepare(ctx, name, bus, append([]string{"repl-diskless-sync-delay 0", "maxmemory-policy noeviction", `save ""`}, lines...)...)
	if err != nil {
		return nil, err
	}
	return r, r.start(ctx)
}

// prepare writes the configuration of a server, or of a sentinel.
func (s *site) prepare(ctx context.Context, name string, bus bool, lines ...string) (*redisServer, error) {
	r := &redisServer{dir: filepath.Join(s.dir, name), env: s.redisEnv}
	if err := os.MkdirAll(r.dir, 0o700); err != nil {
		return nil, err
	}
	var err error
	if r.address, err = s.ports.address(ctx, bus); err != nil {
		return nil, err
	}
	r.conf = filepath.Join(r.dir, "redis.conf")
	_, port, _ := strings.Cut(r.address, ":")
	text := append([]string{"port " + port, "bind 127.0.0.1", "dir " + r.dir, "daemonize no"}, lines...)
	if err := os.WriteFile(r.conf, []byte(strings.Join(text, "\n")+"\n"), 0o600); err != nil {
		return nil, err
	}
	s.onClose(r.kill)
	return r, nil
}

// start runs the server, unless it runs, and waits until it answers.
func (r *redisServer) start(ctx context.Context) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.process != nil {
		return nil
	}
	args := []string{r.conf}
	if r.sentinel {
		args = append(args, "--sentinel")
	}
	p, err := rig.Start("", r.env, false, "redis-server", args...)
	if err != nil {
		return err
	}
	if err := p.WaitListening(ctx, r.address); err != nil {
		p.Kill()
		return err
	}
	r.process = p
	return eventually(ctx, 20*time.Second, "redis answers", func() bool {
		text, err := r.do(ctx, "PING")
		var refused rig.RedisError
		return err == nil && text == "PONG" || errors.As(err, &refused) && !strings.HasPrefix(string(refused), "LOADING")
	})
}

// kill ends the server as kill -9 does, also a stopped one.
func (r *redisServer) kill() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.process != nil {
		r.process.Kill()
		r.process = nil
	}
}

// signal sends STOP or CONT.
func (r *redisServer) signal(s syscall.Signal) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.process == nil {
		return errors.New("chaos: this redis-server does not run")
	}
	return r.process.Signal(s)
}

// do sends one command, past every link.
func (r *redisServer) do(ctx context.Context, command ...string) (string, error) {
	return rig.Redis(ctx, r.address, command...)
}

// all sends several commands, each of words between blanks, and stops at the first that fails.
func (r *redisServer) all(ctx context.Context, commands ...string) error {
	for _, c := range commands {
		if _, err := r.do(ctx, strings.Fields(c)...); err != nil {
			return fmt.Errorf("%s: %w", c, err)
		}
	}
	return nil
}

// eventually waits until something is so.
func eventually(ctx context.Context, limit time.Duration, what string, so func() bool) error {
	deadline := time.Now().Add(limit)
	for !so() {
		if time.Now().After(deadline) {
			return fmt.Errorf("chaos: not within %v: %s", limit, what)
		}
		if err := sleep(ctx, 50*time.Millisecond); err != nil {
			return err
		}
	}
	return nil
}

// need says that a program is not on the machine.
func need(programs ...string) func() error {
	return func() error {
		for _, p := range programs {
			if _, err := exec.LookPath(p); err != nil {
				return fmt.Errorf("no %s on PATH", p)
			}
		}
		return nil
	}
}
