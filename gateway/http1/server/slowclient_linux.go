package server

import (
	"net"
	"syscall"

	"golang.org/x/sys/unix"
)

// acknowledged asks the system how many bytes the client has acknowledged, and whether
// there are others (tcp(7), TCP_INFO).
func acknowledged(c net.Conn) (acked uint64, waiting, ok bool) {
	under, is := c.(syscall.Conn)
	if !is {
		return 0, false, false
	}
	raw, err := under.SyscallConn()
	if err != nil {
		return 0, false, false
	}
	err = raw.Control(func(fd uintptr) {
		info, err := unix.GetsockoptTCPInfo(int(fd), unix.IPPROTO_TCP, unix.TCP_INFO)
		if err == nil {
			acked, ok = info.Bytes_acked, true
			waiting = info.Unacked > 0 || info.Notsent_bytes > 0
		}
	})
	return acked, waiting, ok && err == nil
}
