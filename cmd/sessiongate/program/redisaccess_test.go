package program

import (
	"bytes"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sessiongate/configs"
	"sessiongate/session"
	"sessiongate/session/redisstore"
	"sessiongate/session/seal"
	"sessiongate/session/testserver"
)

// redisStore opens stores as the configuration says, each with connections of
// its own, and returns their log.
func redisStore(t *testing.T, r *configs.Redis) (open func() *redisstore.Store, logs *bytes.Buffer) {
	t.Helper()
	logs = new(bytes.Buffer)
	secret, err := seal.ParseKey([]byte(seal.GenerateKey()))
	if err != nil {
		t.Fatal(err)
	}
	fields, err := seal.NewFields([]seal.Key{{ID: "s1", Secret: secret}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	o := redisstore.Options{Sealer: fields, Rules: session.Rules{Idle: time.Hour}, Timeout: 5 * time.Second}
	r.Mode, r.KeyPrefix = "standalone", "sg:"
	if err := redisOptions(&o, r, slog.New(slog.NewTextHandler(logs, nil))); err != nil {
		t.Fatal(err)
	}
	return func() *redisstore.Store {
		store, err := redisstore.New(o)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = store.Close() })
		return store
	}, logs
}

func secretFile(t *testing.T, name, text string) configs.Path {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return configs.Path(path)
}

// TestRedisPasswordRotates under a running gateway, and a file that is cut in
// between leaves the last good password in use.
func TestRedisPasswordRotates(t *testing.T) {
	server := testserver.RedisTLS(t)
	file := secretFile(t, "password", server.Password()+"\n")
	open, logs := redisStore(t, &configs.Redis{
		Addresses: []string{server.Addr()}, Username: server.Username(), PasswordFile: file,
		TLS: &configs.RedisTLS{CAFile: configs.Path(server.CAFile())},
	})
	store := open()
	asks := func(when string) {
		t.Helper()
		server.CLI("CLIENT", "KILL", "TYPE", "NORMAL", "SKIPME", "YES")
		if _, err := store.Now(t.Context()); err != nil {
			t.Errorf("%s: %v", when, err)
		}
	}
	asks("the first password")
	if err := os.WriteFile(file.String(), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	asks("an empty file")
	asks("still empty")
	if n := strings.Count(logs.String(), "is empty"); n != 1 {
		t.Errorf("logged %d times: %s", n, logs)
	}
	server.CLI("ACL", "SETUSER", server.Username(), ">rotated-password", "<"+server.Password())
	if err := os.WriteFile(file.String(), []byte("rotated-password\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	asks("the rotated password")
	if strings.Contains(logs.String(), server.Password()) || strings.Contains(logs.String(), "rotated-password") {
		t.Error("a password is in the log")
	}
}

// TestRedisThatAsksForACertificate gets ours, as the files have it now.
func TestRedisThatAsksForACertificate(t *testing.T) {
	server := testserver.Redis(t, testserver.WithTLS())
	server.CLI("CONFIG", "SET", "tls-auth-clients", "yes")
	folder := filepath.Dir(server.CAFile())
	trust := configs.RedisTLS{CAFile: configs.Path(server.CAFile())}
	open, _ := redisStore(t, &configs.Redis{Addresses: []string{server.Addr()}, TLS: &trust})
	if _, err := open().Now(t.Context()); err == nil || !strings.Contains(err.Error(), "certificate required") {
		t.Errorf("without a certificate: %v", err)
	}
	// Its own certificate is good for clients too. The pair is in a file each, as a renewal leaves
	// them.
	read := func(name string) string {
		data, err := os.ReadFile(filepath.Join(folder, name))
		if err != nil {
			t.Fatal(err)
		}
		return string(data)
	}
	ours := trust
	ours.CertFile, ours.KeyFile = secretFile(t, "cert", read("server.pem")), secretFile(t, "key", read("server.key"))
	open, logs := redisStore(t, &configs.Redis{Addresses: []string{server.Addr()}, TLS: &ours})
	if _, err := open().Now(t.Context()); err != nil {
		t.Error(err)
	}
	if err := os.WriteFile(ours.KeyFile.String(), []byte("half a key"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := open().Now(t.Context()); err != nil || !strings.Contains(logs.String(), "key_file") {
		t.Errorf("while the pair is being renewed: %v, %s", err, logs)
	}
}
