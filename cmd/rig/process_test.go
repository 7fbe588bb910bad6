package rig

import (
	"context"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"
)

// shell is a child for a script.
func shell(t *testing.T, firstLine bool, script string) *Process {
	t.Helper()
	path, err := exec.LookPath("sh")
	if err != nil {
		t.Skip("no sh")
	}
	p, err := Start("", []string{"WORD=hello"}, firstLine, path, "-c", script)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Kill)
	return p
}

// needs skips a test whose script calls programs that are not on PATH.
func needs(t *testing.T, programs ...string) {
	t.Helper()
	for _, program := range programs {
		if _, err := exec.LookPath(program); err != nil {
			t.Skip("no " + program)
		}
	}
}

func TestStopEndsAChildThatIsStopped(t *testing.T) {
	needs(t, "sleep")
	p := shell(t, true, "echo $WORD; exec sleep 60")
	if p.First != "hello" {
		t.Errorf("first line %q", p.First)
	}
	if err := p.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	p.Stop()
	if err := p.Wait(); err == nil || !strings.Contains(err.Error(), "terminated") {
		t.Error(err)
	}
	if err := p.Signal(syscall.SIGTERM); err != nil {
		t.Errorf("a signal to a process that is gone: %v", err)
	}
}

// What a child started goes with it.
func TestStopEndsTheWholeGroup(t *testing.T) {
	needs(t, "sleep", "ps")
	p := shell(t, true, "trap '' TERM; sleep 60 & echo $!; wait; sleep 60")
	p.StopWithin(50 * time.Millisecond)
	state, _ := exec.CommandContext(t.Context(), "ps", "-o", "stat=", "-p", p.First).Output() // nothing if it is gone
	if s := strings.TrimSpace(string(state)); s != "" && s[0] != 'Z' {
		t.Errorf("the child's child lives on: %s", s)
	}
}

func TestWaitListeningNoticesTheEnd(t *testing.T) {
	p := shell(t, false, "echo no such file >&2; exit 3")
	address, err := FreeAddress(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithTimeout(t.Context(), time.Minute)
	defer stop()
	if err := p.WaitListening(ctx, address); err == nil || !strings.Contains(err.Error(), "no such file") {
		t.Error(err)
	}
}
