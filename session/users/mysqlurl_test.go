package users_test

import (
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sessiongate/session/users"
)

func TestMySQLURL(t *testing.T) {
	ca := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(ca, []byte("no certificate"), 0o600); err != nil {
		t.Fatal(err)
	}
	for url, want := range map[string]string{
		"mysql://gate:p@db/app":                              "tcp db:3306 app tls=db",
		"mariadb://gate:p@db:3307/app":                       "tcp db:3307 app tls=db",
		"mysql://gate:p%40%2F%3F%23@db/app":                  "tcp db:3306 app tls=db",
		"mysql://gate@db/app":                                "tcp db:3306 app tls=db",
		"mysql://gate:p@db":                                  "tcp db:3306  tls=db",
		"mysql://gate:p@db/app?tls=false":                    "tcp db:3306 app",
		"mysql://gate:p@db/app?tls=skip-verify":              "tcp db:3306 app tls=db, any certificate",
		"mysql://gate:p@localhost/app":                       "tcp localhost:3306 app",
		"mysql://gate:p@127.0.0.1:3306/app":                  "tcp 127.0.0.1:3306 app",
		"mysql://gate:p@[::1]/app":                           "tcp [::1]:3306 app",
		"mysql://gate:p@localhost/app?tls=true":              "tcp localhost:3306 app tls=localhost",
		"mysql://gate:p@/app?socket=/run/mysqld/mysqld.sock": "unix /run/mysqld/mysqld.sock app",

		"mysql://db/app":                          "not of the form",
		"mysql:gate:p@db/app":                     "not of the form",
		"mysql://gate:p@/app":                     "not of the form",
		"mysql://gate:p@db/app/more":              "not of the form",
		"mysql://gate:p@db:port/app":              "not of the form",
		"mysql://gate:hunter2#x@db/app":           "not of the form",
		"mysql://gate:hunter2?x@db/app":           "not of the form",
		"mysql://gate:p@tcp(db:3306)/app":         "not of the form",
		"mysql://gate:p@db/app?socket=/x":         "not of the form",
		"mysql://gate:p@db/app?tls=preferred":     "tls is not true, false or skip-verify",
		"mysql://gate:p@db/app?tls=true&tls=true": "a parameter other than",
		"mysql://gate:p@db/app?allowAllFiles=1":   "a parameter other than",
		"mysql://gate:p@db/app?hunter2=1":         "a parameter other than",
		"mysql://gate:p@db/app?tls_ca=/none":      "tls_ca: open: no such file",
		"mysql://gate:p@db/app?tls_ca=" + ca:      "has no certificate",
		"mysql://gate:p@localhost/app?tls_ca=x":   "no tls to use it for",
	} {
		got, err := users.MySQLAddress(url)
		if err != nil {
			got = err.Error()
		}
		if err == nil && got != want || err != nil && (!strings.Contains(got, want) || strings.Contains(got, "hunter2")) {
			t.Errorf("%s: %q, want %q", url, got, want)
		}
	}
}

func FuzzMySQLURL(f *testing.F) {
	f.Add("mysql://gate:p%40@db:3306/app?tls=true&tls_ca=/x")
	f.Add("mariadb://gate:p@/app?socket=/x")
	f.Fuzz(func(t *testing.T, url string) {
		if address, err := users.MySQLAddress(url); err == nil && strings.HasPrefix(address, "tcp :") {
			t.Errorf("%q leads to %q", url, address)
		}
	})
}

// fakeMySQL greets each connection with the first bytes, and answers what comes with the others.
func fakeMySQL(t *testing.T, says ...[]byte) (url string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			t.Cleanup(func() { _ = conn.Close() })
			go func() {
				for _, bytes := range says {
					_, _ = conn.Write(bytes)
					if _, err := conn.Read(make([]byte, 4096)); err != nil {
						return
					}
				}
			}()
		}
	}()
	return "mysql://gate:hunter2@" + l.Addr().String() + "/app"
}

// plainGreeting is the first packet of a server without TLS: protocol 10, version, thread, nonce,
// capabilities, and the name of the way to sign in.
func plainGreeting(method string) []byte {
	packet := append([]byte{10}, "8.4.0\x00\x01\x00\x00\x00abcdefgh\x00"...)
	packet = append(packet, 0x00, 0x82, 45, 2, 0, 0x0a, 0, 21) // capabilities: protocol 4.1, plugins; no SSL
	packet = append(packet, make([]byte, 10)...)
	packet = append(packet, "ijklmnopqrst\x00"+method+"\x00"...)
	return mySQLPacket(0, packet)
}

func mySQLPacket(number byte, packet []byte) []byte {
	return append([]byte{byte(len(packet)), 0, 0, number}, packet...)
}

// TestMySQLServersOutOfOrder: whatever answers, the outcome is a fault that says what to do, in time,
// and names nothing secret.
func TestMySQLServersOutOfOrder(t *testing.T) {
	for name, tt := range map[string]struct {
		says   [][]byte
		params string
		want   string
	}{
		"says nothing":           {nil, "", "no answer in time"},
		"speaks no MySQL":        {[][]byte{[]byte("HTTP/1.1 400 Bad Request\r\n\r\n")}, "", "no answer in time"}, // a packet of 5 MB began
		"speaks an old protocol": {[][]byte{mySQLPacket(0, []byte("\x093.23\x00"))}, "", "cannot be reached"},
		"stops in the middle":    {[][]byte{plainGreeting("mysql_native_password")[:20]}, "", "no answer in time"},
		"has too many clients":   {[][]byte{mySQLPacket(0, []byte("\xff\x10\x04Too many connections"))}, "", "error 1040"},
		"has no TLS":             {[][]byte{plainGreeting("mysql_native_password")}, "?tls=true", "tls=false"},
		"wants clear text": {
			[][]byte{plainGreeting("mysql_native_password"), mySQLPacket(2, []byte("\xfemysql_clear_password\x00"))}, "", "caching_sha2_password",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := openMySQL(t, users.DatabaseOptions{URL: fakeMySQL(t, tt.says...) + tt.params, Timeout: 300 * time.Millisecond})
			for what, err := range map[string]error{"probe": d.Probe(t.Context()), "lookup": lookup(t.Context(), d)} {
				if err == nil || errors.Is(err, users.ErrUnknown) || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "hunter2") {
					t.Errorf("%s: %v, want %q", what, err, tt.want)
				}
			}
		})
	}
}

func lookup(ctx context.Context, d *users.Database) error {
	_, err := d.LookupSubject(ctx, "1")
	return err
}
