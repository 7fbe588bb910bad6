package http1test

import (
	"runtime"
	"strings"
)

// Callers returns the functions of a package on the way here, the last one first.
func Callers(of string) (names []string) {
	pc := make([]uintptr, 64)
	frames := runtime.CallersFrames(pc[:runtime.Callers(1, pc)])
	for more := true; more; {
		var f runtime.Frame
		f, more = frames.Next()
		if name, ok := strings.CutPrefix(f.Function, of); ok {
			names = append(names, name)
		}
	}
	return names
}
