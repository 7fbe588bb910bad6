package e2e

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"sessiongate/session"
	"sessiongate/session/redisstore"
	"sessiongate/session/testserver"
)

func TestMain(m *testing.M) {
	redisstore.LogTo(slog.New(slog.DiscardHandler)) // the tests stop Redis on purpose
	dir, err := os.MkdirTemp("", "sessiongate-e2e-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	built = sync.OnceValues(builder(dir))
	status := m.Run()
	_ = os.RemoveAll(dir)
	os.Exit(status)
}

// built is the program as a file of its own, for stories over processes. The first that
// needs it has it built.
var built func() (path string, err error)

// builder returns what builds the program, with the environment as it is now: tests have
// their own.
func builder(dir string) func() (string, error) {
	variables := os.Environ()
	folder, _ := os.Getwd()
	tool, missing := exec.LookPath("go")
	return func() (string, error) {
		if missing != nil {
			return "", missing
		}
		path := filepath.Join(dir, "sessiongate")
		args := []string{"build", "-buildvcs=false", "-o", path}
		if raceDetector {
			args = append(args, "-race")
		}
		cmd := exec.Command(tool, append(args, "sessiongate/cmd/sessiongate")...)
		cmd.Env, cmd.Dir = variables, folder
		if out, err := cmd.CombinedOutput(); err != nil {
			return "", fmt.Errorf("go build: %w: %s", err, out)
		}
		return path, nil
	}
}

// process is a running sessiongate.
type process struct {
	t     *testing.T
	cmd   *exec.Cmd
	addr  string // public listener
	admin string // admin listener
	logs  *logBuffer
	done  chan struct{}
}

// sessiongate prepares a run of the program.
func sessiongate(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	path, err := built()
	if err != nil {
		t.Fatal(err)
	}
	return exec.Command(path, args...)
}

// serve starts `sessiongate serve` with a configuration whose listeners have
// port 0, and waits until it is ready.
func serve(t *testing.T, config string) *process {
	t.Helper()
	return serveAs(t, config, func(*exec.Cmd) {})
}

// serveAs is serve with a change of how the program is started.
func serveAs(t *testing.T, config string, change func(*exec.Cmd)) *process {
	t.Helper()
	file := filepath.Join(t.TempDir(), "sessiongate.yaml")
	admin := freeAddress(t)
	config = strings.Replace(config, `admin: ""`, fmt.Sprintf("admin: %q", admin), 1)
	if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	p := &process{t: t, cmd: sessiongate(t, "serve", "--config", file), logs: &logBuffer{}, admin: admin, done: make(chan struct{})}
	change(p.cmd)
	p.start()
	eventually(t, "the gateway is ready", func() bool { return p.ask("/readyz") == http.StatusOK && p.metric("sessiongate_store_up") == 1 })
	return p
}

// start starts the program and waits until it listens. It ends with the test.
func (p *process) start() {
	p.t.Helper()
	out, err := p.cmd.StderrPipe()
	if err != nil {
		p.t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(func() { _ = p.cmd.Process.Kill(); <-p.done })
	listening := make(chan string, 1)
	go p.follow(out, listening)
	select {
	case p.addr = <-listening:
	case <-p.done:
		p.t.Fatalf("sessiongate ended: %s", p.logs)
	case <-time.After(30 * time.Second):
		p.t.Fatalf("sessiongate does not listen: %s", p.logs)
	}
}

// follow keeps the log and finds the address in it.
func (p *process) follow(out io.Reader, listening chan<- string) {
	lines := bufio.NewScanner(out)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		_, _ = p.logs.Write(append(lines.Bytes(), '\n'))
		if _, rest, ok := strings.Cut(lines.Text(), `"listen":"`); ok && strings.Contains(lines.Text(), "sessiongate serves") {
			addr, _, _ := strings.Cut(rest, `"`)
			listening <- addr
		}
	}
	_ = p.cmd.Wait()
	close(p.done)
}

// ask returns the status of a path of the admin listener; 0: no answer.
func (p *process) ask(path string) int {
	status, _ := p.fetch(path)
	return status
}

func (p *process) fetch(path string) (int, string) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+p.admin+path, nil)
	if err != nil {
		p.t.Error(err)
		return 0, ""
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, ""
	}
	defer res.Body.Close()
	text, _ := io.ReadAll(res.Body)
	return res.StatusCode, string(text)
}

// metric returns the value of a metric without labels, or with exactly those in name.
func (p *process) metric(name string) float64 {
	_, text := p.fetch("/metrics")
	for line := range strings.Lines(text) {
		if rest, ok := strings.CutPrefix(line, name+" "); ok {
			v, _ := strconv.ParseFloat(strings.TrimSpace(rest), 64)
			return v
		}
	}
	return 0
}

// freeAddress finds a port nobody listens on.
func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// cluster is several processes on one real Redis.
type cluster struct {
	*environment
	redis     *testserver.RedisServer
	processes []*process
}

// newCluster starts n processes; o.store and o.gateways are its own.
func newCluster(t *testing.T, n int, o options) *cluster {
	t.Helper()
	redis := testserver.Redis(t, testserver.WithAppendOnly())
	o.store = fmt.Sprintf(`redis: "redis://%s"`, redis.Addr())
	s := &environment{t: t, dir: t.TempDir(), logs: &logBuffer{}, options: o}
	s.upstream = newUpstream(t, o.upstream)
	s.handles = newKeys(t, s.dir)
	c := &cluster{environment: s, redis: redis, processes: make([]*process, n)}
	text := s.config(o)
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() { c.processes[i] = serve(t, text) })
	}
	all.Wait()
	if t.Failed() {
		t.FailNow()
	}
	return c
}

// browser returns a fresh browser in front of the first process.
func (c *cluster) browser() *browser { return newBrowser(c.t, c.processes[0].addr) }

// each is the browser in front of each process in turn.
func (c *cluster) each(b *browser) []*browser {
	list := make([]*browser, len(c.processes))
	for i, p := range c.processes {
		list[i] = b.at(p.addr)
	}
	return list
}

// pass lets time go by for one session: every time in its state moves into the past, but for
// the absolute deadline, which nobody can move (redisstore/commit.go).
func (c *cluster) pass(id session.ID, d time.Duration) {
	c.t.Helper()
	const script = `for _, f in ipairs({'ra','aa','sk','fo','ls','ax','so','ha','ca'}) do
  local v = tonumber(redis.call('HGET', KEYS[1], f) or '0')
  if v > 0 then redis.call('HSET', KEYS[1], f, string.format('%.0f', v - ARGV[1])) end -- 0 is never
end
return redis.call('EXISTS', KEYS[1])`
	if got := c.redis.CLI("EVAL", script, "1", "sg:{"+string(id)+"}:s", strconv.FormatInt(d.Milliseconds(), 10)); !strings.Contains(got, "1") {
		c.t.Fatalf("no such session in Redis: %q", got)
	}
}

// field reads a number of the session's state.
func (c *cluster) field(id session.ID, name string) int64 {
	c.t.Helper()
	n, _ := strconv.ParseInt(strings.Trim(c.redis.CLI("HGET", "sg:{"+string(id)+"}:s", name), `"`), 10, 64)
	return n
}
