package e2e

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"sessiongate/session/testserver"
)

// composed runs services of docker-compose.yml as processes: no engine is needed to see that they
// fit together. A service's command line is the file's own. Only what the network and the volumes of
// Compose provide is replaced: names, ports and paths.
type composed struct {
	t *testing.T
	composition
	dir     string
	at      map[string]string // address, by service
	admin   map[string]string
	running map[string]*composedProcess
}

type composedProcess struct {
	cmd  *exec.Cmd
	logs *logBuffer
	done chan struct{}
}

// innerPorts are where services listen inside the network.
func innerPort(name string) string {
	switch {
	case name == "redis":
		return "6379"
	case strings.HasPrefix(name, "api"):
		return "9000"
	case name == "keycloak":
		return "8083"
	}
	return "8080"
}

// newComposed takes its ports from the thousand after lowest: tests that run at the same time have
// different ones.
func newComposed(t *testing.T, lowest int) *composed {
	t.Helper()
	c := &composed{
		t: t, composition: readComposition(t), dir: t.TempDir(),
		at: make(map[string]string), admin: make(map[string]string), running: make(map[string]*composedProcess),
	}
	for name := range c.Services {
		c.at[name], c.admin[name] = c.address(&lowest), c.address(&lowest)
	}
	for _, volume := range []string{"keys", "secrets", "client-secrets", "data", "tmp"} {
		if err := os.Mkdir(filepath.Join(c.dir, volume), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	return c
}

// address finds a port nobody listens on, below those that the system gives to outgoing connections:
// a service is stopped and started again, and there are many connections meanwhile.
func (c *composed) address(next *int) string {
	c.t.Helper()
	for range 1000 {
		*next++
		address := fmt.Sprintf("127.0.0.1:%d", *next)
		if l, err := net.Listen("tcp", address); err == nil {
			_ = l.Close()
			return address
		}
	}
	c.t.Fatal("no free port found")
	return ""
}

// inside puts what is really there in place of what a service sees in its container.
func (c *composed) inside(name, text string) string {
	own := c.at[name]
	_, port, err := net.SplitHostPort(own)
	if err != nil {
		c.t.Fatal(err)
	}
	pairs := []string{
		configuration, filepath.Join(c.dir, name+".yaml"), "/etc/nginx/nginx.conf", filepath.Join(c.dir, "nginx.conf"),
		"/keys", c.dir + "/keys", "/secrets", c.dir + "/secrets",
		"/client-secrets", c.dir + "/client-secrets", "--dir /data", "--dir " + c.dir + "/data",
		"/tmp/nginx", c.dir + "/tmp/nginx", "/opt/keycloak/bin/kc.sh", filepath.Join(c.dir, "kc.sh"),
		"--bind 0.0.0.0 --port 6379", "--bind 127.0.0.1 --port " + port, "-p 6379", "-p " + port,
		"0.0.0.0:9000", own, `":8080"`, `"` + own + `"`, "listen 8080;", "listen " + own + ";", "127.0.0.1:8080/", own + "/",
		"/dev/tcp/127.0.0.1/8083", "/dev/tcp/127.0.0.1/" + port,
		"keycloak.localhost:8083", c.at["keycloak"], "gateways:8080", c.at["gateway-1"],
		c.Networks["edge"].IPAM.Config[0].Subnet, "127.0.0.1/32",
	}
	for other, address := range c.at {
		pairs = append(pairs, "//"+other+":"+innerPort(other), "//"+address) // in a URL
		pairs = append(pairs, `"`+other+":"+innerPort(other)+`"`, `"`+address+`"`, "server "+other+":"+innerPort(other), "server "+address)
	}
	return strings.NewReplacer(pairs...).Replace(text)
}

// command prepares a command line of a service.
func (c *composed) command(name string, line []string) *exec.Cmd {
	c.t.Helper()
	s := c.Services[name]
	line = slices.Clone(line)
	for i := range line {
		line[i] = c.inside(name, line[i])
	}
	var cmd *exec.Cmd
	switch {
	case s.Image == "sessiongate":
		cmd = sessiongate(c.t, line...)
	case line[0] == "nginx":
		cmd = exec.Command(testserver.Need(c.t, "nginx"), line[1:]...)
	default:
		cmd = exec.Command(line[0], line[1:]...)
	}
	cmd.Env = os.Environ()
	for key, value := range s.Environment {
		cmd.Env = append(cmd.Env, key+"="+c.inside(name, value))
	}
	if isGateway(name) {
		cmd.Env = append(cmd.Env, "SESSIONGATE_CONFIG="+filepath.Join(c.dir, name+".yaml"))
	}
	return cmd
}

// mount writes a file of the repository where the service finds it.
func (c *composed) mount(name, at, file string) {
	c.t.Helper()
	text, err := os.ReadFile(c.Services[name].mounted(at))
	if err != nil {
		c.t.Fatal(err)
	}
	inside := c.inside(name, string(text))
	if isGateway(name) { // each has its own loopback there, and all share ours
		inside = replaceOnce(c.t, inside, "server:\n", "server:\n  admin: "+c.admin[name]+"\n")
	}
	if err := os.WriteFile(filepath.Join(c.dir, file), []byte(inside), 0o600); err != nil {
		c.t.Fatal(err)
	}
}

// run lets a service run that ends by itself.
func (c *composed) run(name string) string {
	c.t.Helper()
	out, err := c.command(name, c.Services[name].line()).CombinedOutput()
	if err != nil {
		c.t.Fatalf("%s: %v\n%s", name, err, out)
	}
	return string(out)
}

// up starts services, each when those that it waits for are well.
func (c *composed) up(names ...string) {
	c.t.Helper()
	for _, name := range names {
		switch {
		case c.Services[name].ends():
			c.run(name)
			continue
		case isGateway(name):
			c.mount(name, configuration, name+".yaml")
		case name == "nginx":
			c.mount(name, "/etc/nginx/nginx.conf", "nginx.conf")
		}
		for needed := range c.Services[name].DependsOn {
			if !slices.Contains(names, needed) && c.running[needed] == nil && !c.Services[needed].ends() {
				c.t.Fatalf("%s needs %s", name, needed)
			}
		}
		c.start(name)
		c.waitFor(name)
	}
}

// start runs a service beside the test, and stops it with the test.
func (c *composed) start(name string) {
	c.t.Helper()
	p := &composedProcess{cmd: c.command(name, c.Services[name].line()), logs: &logBuffer{}, done: make(chan struct{})}
	p.cmd.Stdout, p.cmd.Stderr = p.logs, p.logs
	stdin, err := p.cmd.StdinPipe()
	if err != nil {
		c.t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		c.t.Fatalf("%s: %v", name, err)
	}
	go func() { _ = p.cmd.Wait(); close(p.done) }()
	c.running[name] = p
	c.t.Cleanup(func() {
		_ = stdin.Close()
		p.stop(os.Interrupt)
		if c.t.Failed() {
			c.t.Logf("%s %v:\n%s", name, p.cmd.Args[1:], p.logs)
		}
	})
}

// stop sends a signal and waits for the end; after 20 s it kills.
func (p *composedProcess) stop(signal os.Signal) {
	_ = p.cmd.Process.Signal(signal)
	timer := time.AfterFunc(20*time.Second, func() { _ = p.cmd.Process.Kill() })
	<-p.done
	timer.Stop()
}

// waitFor waits until a service's health check says yes; without one, until its port is open.
func (c *composed) waitFor(name string) {
	c.t.Helper()
	eventually(c.t, name+" is well", func() bool {
		select {
		case <-c.running[name].done:
			c.t.Fatalf("%s ended:\n%s", name, c.running[name].logs)
		default:
		}
		return c.healthy(name) == ""
	})
}

// healthy runs a service's health check; it returns what that says against it.
func (c *composed) healthy(name string) string {
	c.t.Helper()
	line := c.Services[name].health()
	if len(line) == 0 {
		conn, err := net.Dial("tcp", c.at[name])
		if err != nil {
			return err.Error()
		}
		_ = conn.Close()
		return ""
	}
	if isGateway(name) { // the image's path of the program
		line = append(line[1:], "--admin", c.admin[name])
	}
	if out, err := c.command(name, line).CombinedOutput(); err != nil {
		return err.Error() + ": " + string(out)
	}
	return ""
}

// browser is a fresh browser for pages of origin, whose requests reach a service.
func (c *composed) browser(name, origin string) *browser {
	b := newBrowser(c.t, c.at[name])
	b.origin = origin
	return b
}

// statusOf returns the status of a GET; 0: no answer.
func statusOf(url string) int {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return 0
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0
	}
	res.Body.Close()
	return res.StatusCode
}
