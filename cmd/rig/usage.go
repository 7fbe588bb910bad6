package rig

import (
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// clockTick is USER_HZ: 100 on every Linux there is.
const clockTick = 10 * time.Millisecond

// CPU is the time in seconds that the process and its children have spent so far,
// or NaN where there is no /proc.
func (p *Process) CPU() float64 {
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
	return family(list, p.pid).Seconds()
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

// parseStat reads pid, ppid, utime and stime: fields 1, 4, 14 and 15 of proc_pid_stat(5). The name,
// field 2, may hold blanks and parentheses; it ends at the last one.
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

// Resident is the memory of the process in bytes, or NaN where there is no /proc.
func (p *Process) Resident() float64 {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", p.pid))
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
