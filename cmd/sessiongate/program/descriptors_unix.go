//go:build unix

package program

import "syscall"

// openDescriptors raises the soft limit to the hard one, and says what it is now. Go's
// runtime does so as it starts; this is for what may have lowered it since.
func openDescriptors() descriptors {
	var l syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &l); err != nil {
		return descriptors{}
	}
	if l.Cur < l.Max {
		raised := syscall.Rlimit{Cur: l.Max, Max: l.Max}
		if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &raised); err == nil {
			l = raised
		}
	}
	return descriptors{limit: uint64(l.Cur)} //nolint:unconvert // signed on some systems
}
