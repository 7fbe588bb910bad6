package redisstore_test

import (
	"bufio"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"strings"
	"testing"

	"sessiongate/session"
	"sessiongate/session/redisstore"
	"sessiongate/session/testserver"
)

// turnsAway starts a server that says text to each client and hangs up at once,
// or after the first command.
func turnsAway(t *testing.T, text string, atOnce bool) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			if !atOnce {
				_, _ = bufio.NewReader(c).ReadString('\n')
			}
			_, _ = fmt.Fprintf(c, "%s\r\n", text)
			_ = c.Close()
		}
	}()
	return l.Addr().String()
}

// saysWhy asserts that every way to ask names the reason.
func saysWhy(t *testing.T, o redisstore.Options, want string) {
	t.Helper()
	store := newStore(t, o)
	for range 2 { // each is a race of its own
		_, probe := store.Probe(t.Context())
		_, resolve := store.Resolve(t.Context(), session.Presentation{ID: session.NewHandle(session.Browser).ID(), Generation: 1})
		_, clock := store.Now(t.Context())
		for name, err := range map[string]error{"probe": probe, "resolve": resolve, "now": clock} {
			if !errors.Is(err, session.ErrStoreUnavailable) || !strings.Contains(err.Error(), want) {
				t.Errorf("%s: %v\nwant %q", name, err, want)
			}
		}
	}
}

// TestRedisSaysWhy: what Redis says is reported, and not how the connection ended.
func TestRedisSaysWhy(t *testing.T) {
	const protected = "-DENIED Redis is running in protected mode because protected mode is enabled"
	for name, o := range map[string]redisstore.Options{
		"standalone": {}, "sentinel": {Mode: redisstore.Sentinel, MasterName: "main"}, "cluster": {Mode: redisstore.Cluster},
		"with a password": {Password: "secret"},
	} {
		for _, atOnce := range []bool{true, false} {
			t.Run(fmt.Sprint(name, " at once ", atOnce), func(t *testing.T) {
				o.Addresses = []string{turnsAway(t, protected, atOnce)}
				saysWhy(t, o, "DENIED Redis is running in protected mode")
			})
		}
	}
	t.Run("too many clients", func(t *testing.T) {
		server := testserver.Redis(t)
		taken, err := net.Dial("tcp", server.Addr())
		if err != nil {
			t.Fatal(err)
		}
		defer taken.Close()
		server.CLI("CONFIG", "SET", "maxclients", "1")
		saysWhy(t, standalone(server), "max number of clients reached")
	})
	t.Run("no password", func(t *testing.T) {
		saysWhy(t, standalone(testserver.Redis(t, testserver.WithPassword("right"))), "NOAUTH")
	})
	t.Run("wrong password", func(t *testing.T) {
		o := standalone(testserver.Redis(t, testserver.WithPassword("right")))
		o.Password = "wrong"
		saysWhy(t, o, "WRONGPASS")
	})
	t.Run("missing rights", func(t *testing.T) {
		server := testserver.Redis(t, testserver.WithUser("gate", "+@connection"))
		o := standalone(server)
		o.Username, o.Password = server.Username(), session.Secret(server.Password())
		saysWhy(t, o, "NOPERM")
	})
	t.Run("no certificate", func(t *testing.T) {
		server := testserver.Redis(t, testserver.WithTLS())
		server.CLI("CONFIG", "SET", "tls-auth-clients", "yes")
		o := standalone(server)
		o.TLS = &tls.Config{RootCAs: roots(t, server)}
		saysWhy(t, o, "certificate required")
	})
}

// answersAlways starts a server that answers every command with text.
func answersAlways(t *testing.T, text string) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				for lines := bufio.NewScanner(c); lines.Scan(); {
					if strings.HasPrefix(lines.Text(), "*") {
						_, _ = fmt.Fprintf(c, "%s\r\n", text)
					}
				}
			}()
		}
	}()
	return l.Addr().String()
}

// TestRedisNotReady: what is tried again until the time is up is no "deadline exceeded".
func TestRedisNotReady(t *testing.T) {
	for _, text := range []string{
		"ERR max number of clients reached", // also what a sentinel says
		"LOADING Redis is loading the dataset in memory", "MASTERDOWN Link with MASTER is down",
		"CLUSTERDOWN The cluster is down", "READONLY You can't write against a read only replica.",
		"OOM command not allowed when used memory > 'maxmemory'.", "MISCONF Errors writing to the AOF file",
		"NOREPLICAS Not enough good replicas to write.",
	} {
		for name, o := range map[string]redisstore.Options{
			"standalone": {}, "sentinel": {Mode: redisstore.Sentinel, MasterName: "main"}, "cluster": {Mode: redisstore.Cluster},
		} {
			if name == "sentinel" && !strings.HasPrefix(text, "ERR") {
				continue
			}
			t.Run(fmt.Sprint(name, " ", strings.Fields(text)[0]), func(t *testing.T) {
				o.Addresses = []string{answersAlways(t, "-"+text)}
				saysWhy(t, o, text)
			})
		}
	}
}

// TestSecretsStayOutOfErrors: Redis repeats the arguments of a command it does
// not know, and one of AUTH is the password.
func TestSecretsStayOutOfErrors(t *testing.T) {
	server := testserver.Redis(t, testserver.WithConfig(`rename-command AUTH ""`), testserver.WithConfig(`rename-command HELLO ""`))
	o := standalone(server)
	o.Username, o.Password = "gate", "not-for-the-log"
	_, err := newStore(t, o).Probe(t.Context())
	if err == nil || !strings.Contains(err.Error(), "unknown command") || strings.Contains(err.Error(), "not-for-the-log") {
		t.Errorf("%v", err)
	}
}
