package e2e

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"sessiongate/cmd/sessiongate/program"
)

// TestShutdownDelay: after SIGTERM the probes say no, on whatever listener, and requests on
// new connections are still taken for as long as shutdown_delay says.
func TestShutdownDelay(t *testing.T) {
	t.Parallel()
	s := alone(t)
	const delay = 3 * time.Second
	health := freeAddress(t)
	p := serve(t, strings.Replace(s.config(options{}), `admin: ""`,
		fmt.Sprintf(`admin: "", shutdown_delay: %s, health: %q`, delay, health), 1))
	b := newBrowser(t, p.addr)
	b.ada()
	since := time.Now()
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	eventually(t, "not ready", func() bool { return statusOf("http://"+health+"/readyz") == http.StatusServiceUnavailable })
	for time.Since(since) < delay*2/3 {
		if _, err := b.at(p.addr).try("GET", "/auth/session"); err != nil && time.Since(since) < delay {
			t.Fatalf("after %v of %v: %v", time.Since(since), delay, err)
		}
		<-time.After(100 * time.Millisecond)
	}
	<-p.done
	if code := p.cmd.ProcessState.ExitCode(); code != 0 || time.Since(since) < delay {
		t.Errorf("exit code %d after %v: %s", code, time.Since(since), p.logs)
	}
}

// TestStreamsOutliveTheWaitForTheirRequest: an event stream of a client that was slow, or that
// had a request before, lives on when the time for a request header is over.
func TestStreamsOutliveTheWaitForTheirRequest(t *testing.T) {
	t.Parallel()
	s := newEnvironment(t, options{})
	const headerTime = time.Second
	g := s.start(replaceOnce(t, s.config(s.options), `admin: ""`, `admin: "", limits: {header_timeout: 1s}`), program.Overrides{})
	b := s.browser().at(g.addr)
	b.ada()
	var all sync.WaitGroup
	for _, first := range []string{"", "GET /auth/client.js HTTP/1.1\r\nHost: localhost:8080\r\n\r\n"} {
		all.Go(func() {
			c, err := net.Dial("tcp", g.addr)
			if err != nil {
				t.Error(err)
				return
			}
			defer c.Close()
			_, _ = io.WriteString(c, first+"GET /auth/events HTTP/1.1\r\nHost: localhost:8080\r\nX-Requested-With: x\r\nCookie: __Host-session="+b.cookie()+"\r\n\r\n")
			_ = c.SetReadDeadline(time.Now().Add(20 * time.Second))
			var heard strings.Builder
			for in := bufio.NewReader(c); !strings.Contains(heard.String(), "text/event-stream"); {
				line, err := in.ReadString('\n')
				if heard.WriteString(line); err != nil {
					t.Errorf("%.500q, then %v", heard.String(), err)
					return
				}
			}
			_ = c.SetReadDeadline(time.Now().Add(3 * headerTime))
			if _, err := io.Copy(&heard, c); !errors.Is(err, os.ErrDeadlineExceeded) {
				t.Errorf("%.500q, then %v", heard.String(), err)
			}
		})
	}
	all.Wait()
}

// TestFewDescriptors: with a low limit, clients that hold their connections do not keep others
// out, and the gateway always reaches its upstreams.
func TestFewDescriptors(t *testing.T) {
	t.Parallel()
	if engine() == "standard" {
		t.Skip("net/http closes no idle connection for a new one: what waits is served two minutes later")
	}
	shell, err := exec.LookPath("sh")
	if err != nil {
		t.Skip("no sh to lower a limit with")
	}
	s := alone(t)
	p := serveAs(t, s.config(options{}), func(cmd *exec.Cmd) {
		cmd.Args = append([]string{"sh", "-c", `ulimit -n 200 && exec "$0" "$@"`, cmd.Path}, cmd.Args[1:]...)
		cmd.Path = shell
	})
	b := newBrowser(t, p.addr)
	b.ada()
	cookie := b.cookie()
	var all sync.WaitGroup
	for range 150 { // each keeps its connection
		all.Go(func() {
			mine := newBrowser(t, p.addr).with(cookie)
			for range 3 {
				if a, err := mine.try("GET", "/api/x"); err != nil || a.status != http.StatusOK {
					t.Errorf("%v %d %s", err, a.status, a.body)
				}
			}
		})
	}
	all.Wait()
}
