package program

import (
	"syscall"
	"testing"
)

// An address that is taken may be a default, of which the file has no line to change: the words say
// what to write, and that admin need not be.
func TestTakenAddressSaysWhatToWrite(t *testing.T) {
	t.Parallel()
	for _, row := range []struct{ key, address, want string }{
		{"server.admin", "127.0.0.1:9090", `end it, or write server: {admin: "127.0.0.1:9091"}, or {admin: ""} for none`},
		{"server.listen", ":8080", `end it, or write server: {listen: ":8081"}`},
		{"server.health", "[::1]:9092", `end it, or write server: {health: "[::1]:9093"}`},
		{"server.listen", ":65535", "end it, or write another port"},
		{"demo: --listen", "localhost:8080", "end it, or write another port"},
	} {
		got := (&ListenError{row.key, row.address, syscall.EADDRINUSE}).Error()
		if want := row.key + " " + row.address + ": another program listens there; " + row.want; got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
}
