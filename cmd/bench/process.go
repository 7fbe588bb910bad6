package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// pins are the cores of the parts; empty strings leave them to the system.
type pins struct{ load, upstream, contender, redis string }

// choosePins gives each part a core of its own, or none to any: two parts on one core would be measured as one.
func choosePins(o options, cpus int) (p pins, why string) {
	switch _, err := exec.LookPath("taskset"); {
	case o.noPin:
		return p, "--no-pin"
	case err != nil:
		return p, "there is no taskset"
	case cpus < 3+o.cores:
		return p, fmt.Sprintf("%d cores are too few for %d", cpus, 3+o.cores)
	}
	p = pins{load: "0", upstream: "1", contender: "2", redis: strconv.Itoa(2 + o.cores)}
	if o.cores > 1 {
		p.contender = fmt.Sprintf("2-%d", 1+o.cores)
	}
	return p, ""
}

// pinSelf moves this process, the load generator, to its core. Back undoes it.
func pinSelf(ctx context.Context, core string) (back func()) {
	if core == "" || !moveSelf(ctx, core) {
		return func() {}
	}
	was := runtime.GOMAXPROCS(1)
	return func() {
		moveSelf(ctx, "0-"+strconv.Itoa(runtime.NumCPU()-1))
		runtime.GOMAXPROCS(was)
	}
}

func moveSelf(ctx context.Context, cores string) bool {
	return exec.CommandContext(ctx, "taskset", "-a", "-cp", cores, strconv.Itoa(os.Getpid())).Run() == nil //nolint:gosec // a number
}

// process is a started child.
type process struct {
	cmd   *exec.Cmd
	stdin io.Closer
	first string // line of output
	log   *tail
}

// tail keeps the end of what a child says.
type tail struct{ b []byte }

func (t *tail) Write(p []byte) (int, error) {
	if t.b = append(t.b, p...); len(t.b) > 8<<10 {
		t.b = t.b[len(t.b)-4<<10:]
	}
	return len(p), nil
}

// start runs a program on a core. If firstLine, it waits for a line of output and keeps it.
func start(core string, env []string, firstLine bool, name string, args ...string) (*process, error) {
	if core != "" {
		name, args = "taskset", append([]string{"-c", core, name}, args...)
	}
	p := &process{cmd: exec.Command(name, args...), log: &tail{}} //nolint:gosec,noctx // what the user runs; ended by stop, in order
	p.cmd.Env = append(os.Environ(), env...)
	p.cmd.Stderr = p.log
	p.stdin, _ = p.cmd.StdinPipe() // fails only if it was set
	var out io.Reader
	if firstLine {
		out, _ = p.cmd.StdoutPipe() // the same
	} else {
		p.cmd.Stdout = p.log
	}
	if err := p.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", filepath.Base(name), err)
	}
	if firstLine {
		line, err := bufio.NewReader(out).ReadString('\n')
		if err != nil {
			p.stop()
			return nil, fmt.Errorf("start %s: %w\n%s", filepath.Base(name), err, p.log.b)
		}
		p.first = strings.TrimSpace(line)
	}
	return p, nil
}

func (p *process) stop() {
	p.stdin.Close()
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	done := make(chan struct{})
	go func() { _ = p.cmd.Wait(); close(done) }()
	select {
	case <-done:
	case <-time.After(5 * time.Second):
		_ = p.cmd.Process.Kill()
		<-done
	}
}

// clockTick is USER_HZ: 100 on every Linux there is.
const clockTick = 10 * time.Millisecond

// cpu is the time the process and its children have spent so far, or NaN.
func (p *process) cpu() float64 {
	files, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil || len(files) == 0 {
		return math.NaN()
	}
	var list []usage
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			continue // gone by now
		}
		if u, err := parseStat(string(b)); err == nil {
			list = append(list, u)
		}
	}
	return family(list, p.cmd.Process.Pid).Seconds()
}

// usage is the time a process has spent.
type usage struct {
	pid, parent int
	time        time.Duration
}

// family adds up what a process and those under it have spent.
func family(list []usage, pid int) (sum time.Duration) {
	for _, u := range list {
		switch pid {
		case u.pid:
			sum += u.time
		case u.parent:
			sum += family(list, u.pid)
		}
	}
	return sum
}

// parseStat reads pid, ppid, utime and stime: fields 1, 4, 14 and 15 of proc_pid_stat(5). The name, field 2, may hold
// blanks and parentheses; it ends at the last one.
func parseStat(s string) (u usage, err error) {
	name := strings.LastIndexByte(s, ')')
	f := strings.Fields(s[name+1:])
	if name < 0 || len(f) < 13 {
		return u, errors.New("not a stat line")
	}
	pid, _, _ := strings.Cut(s, " ")
	var n [4]int
	for i, text := range []string{pid, f[1], f[11], f[12]} {
		if n[i], err = strconv.Atoi(text); err != nil {
			return u, err
		}
	}
	return usage{n[0], n[1], time.Duration(n[2]+n[3]) * clockTick}, nil
}

// resident is the memory of the process in bytes, or NaN.
func (p *process) resident() float64 {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", p.cmd.Process.Pid)) //nolint:gosec // a number
	if err != nil {
		return math.NaN()
	}
	f := strings.Fields(string(b))
	if len(f) < 2 {
		return math.NaN()
	}
	pages, err := strconv.ParseFloat(f[1], 64)
	if err != nil {
		return math.NaN()
	}
	return pages * float64(os.Getpagesize())
}
