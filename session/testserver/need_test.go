package testserver_test

import (
	"fmt"
	"runtime"
	"strings"
	"testing"

	"sessiongate/session/testserver"
)

// recorder stands in for a test, and remembers how the code under test ended it.
type recorder struct {
	testing.TB
	verdict, message string
}

func (r *recorder) Helper() {}

func (r *recorder) end(verdict, message string) {
	r.verdict, r.message = verdict, message
	runtime.Goexit()
}

func (r *recorder) Fatal(args ...any)                 { r.end("fatal", fmt.Sprint(args...)) }
func (r *recorder) Fatalf(format string, args ...any) { r.end("fatal", fmt.Sprintf(format, args...)) }
func (r *recorder) Skip(args ...any)                  { r.end("skip", fmt.Sprint(args...)) }

// need calls Need on a goroutine of its own, because a verdict ends that goroutine.
func need(t *testing.T, component string) (path string, r *recorder) {
	t.Helper()
	r = &recorder{TB: t}
	done := make(chan struct{})
	go func() {
		defer close(done)
		path = testserver.Need(r, component)
	}()
	<-done
	return path, r
}

func TestNeedVerdicts(t *testing.T) {
	cases := map[string]struct{ component, require, verdict, message string }{
		"missing and not required": {"node", "", "skip", "node not installed"},
		"missing, another required": {
			"node", "redis", "skip", "node not installed",
		},
		"missing and required":            {"node", "redis, node", "fatal", "demands node"},
		"redis missing and required":      {"redis", "redis", "fatal", "redis-cli not installed"},
		"chromium missing":                {"chromium", ",", "skip", "chromium not installed"},
		"misspelt requirement":            {"node", "noode", "fatal", `unknown component "noode"`},
		"misspelt requirement, last one":  {"node", "redis,chromum", "fatal", `unknown component "chromum"`},
		"hidden":                          {"node", "none", "skip", "node is hidden"},
		"unknown component in the source": {"mongodb", "", "fatal", `unknown test component "mongodb"`},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Setenv("PATH", t.TempDir())
			t.Setenv(testserver.RequireEnv, c.require)
			path, r := need(t, c.component)
			if r.verdict != c.verdict || !strings.Contains(r.message, c.message) {
				t.Errorf("verdict %q %q, want %q with %q", r.verdict, r.message, c.verdict, c.message)
			}
			if path != "" {
				t.Errorf("path %q for a missing component", path)
			}
		})
	}
}

func TestNeedFindsRedis(t *testing.T) {
	path := testserver.Need(t, "redis")
	if !strings.Contains(path, "redis-server") {
		t.Errorf("Need(redis) = %q, want the path of redis-server", path)
	}
}
