package testserver

import (
	"crypto/rand"
	"crypto/tls"
	"fmt"
	"strconv"
	"strings"
)

// RedisOption changes how [Redis] sets up its server; dir is the server's folder.
type RedisOption func(setup *redisSetup, dir string) error

type redisSetup struct {
	user, password  string   // what clients sign in with
	rules           []string // ACL rules of user
	harnessPassword string   // of the harness's own user, where clients have a restricted one
	tls             redisTLS
	cluster         bool
	appendOnly      bool
	primary         *RedisServer
	extra           []string
}

// redisTLS names the certificate files; ca is empty without TLS.
type redisTLS struct {
	ca, cert, key string
	client        *tls.Config
}

// harnessUser has every right where [WithUser] restricts the clients'.
const harnessUser = "harness"

// WithPassword makes the server ask for a password (requirepass).
func WithPassword(password string) RedisOption {
	return func(s *redisSetup, _ string) error {
		s.password = password
		return nil
	}
}

// WithUser gives clients an ACL user with a random password and these rules,
// and switches the default user off. The harness keeps a user of its own.
func WithUser(name string, rules ...string) RedisOption {
	return func(s *redisSetup, _ string) error {
		s.user, s.rules = name, rules
		s.password, s.harnessPassword = rand.Text(), rand.Text()
		return nil
	}
}

// WithTLS makes the port speak TLS only, with a fresh certificate for 127.0.0.1,
// ::1 and localhost; see [RedisServer.CAFile]. Clients need no certificate.
func WithTLS() RedisOption {
	return func(s *redisSetup, dir string) error {
		var err error
		s.tls, err = newRedisTLS(dir)
		return err
	}
}

// WithAppendOnly writes every command to disk before it is answered, so that
// Stop and Start lose nothing.
func WithAppendOnly() RedisOption {
	return func(s *redisSetup, _ string) error {
		s.appendOnly = true
		return nil
	}
}

// WithConfig adds one line of redis.conf, such as "maxmemory-policy allkeys-lru".
func WithConfig(line string) RedisOption {
	return func(s *redisSetup, _ string) error {
		s.extra = append(s.extra, line)
		return nil
	}
}

func withClusterNode() RedisOption {
	return func(s *redisSetup, _ string) error {
		s.cluster = true
		return nil
	}
}

// withPrimary copies the primary's users and certificates: replicas of a real
// deployment share them.
func withPrimary(primary *RedisServer) RedisOption {
	return func(s *redisSetup, _ string) error {
		*s = primary.setup
		s.extra = append([]string(nil), primary.setup.extra...)
		s.primary = primary
		return nil
	}
}

// harnessLogin is what the harness itself signs in with: a user with every right.
func (s *redisSetup) harnessLogin() (user, password string) {
	if s.harnessPassword != "" {
		return harnessUser, s.harnessPassword
	}
	return "", s.password
}

// config renders redis.conf. Secrets go there, not on the command line, which
// every process of the machine can read.
func (s *redisSetup) config(dir string, port int) string {
	lines := []string{"bind 127.0.0.1", "dir " + strconv.Quote(dir), `save ""`, "daemonize no"}
	lines = append(lines, s.portLines(port)...)
	lines = append(lines, s.userLines()...)
	if s.appendOnly {
		lines = append(lines, "appendonly yes", "appendfsync always")
	}
	if s.cluster {
		// A busy machine must not look like a dead node.
		lines = append(lines, "cluster-enabled yes", "cluster-config-file nodes.conf", "cluster-node-timeout 5000")
	}
	lines = append(lines, s.replicaLines()...)
	return strings.Join(append(lines, s.extra...), "\n") + "\n"
}

func (s *redisSetup) portLines(port int) []string {
	if s.tls.ca == "" {
		return []string{fmt.Sprintf("port %d", port)}
	}
	return []string{
		"port 0",
		fmt.Sprintf("tls-port %d", port),
		"tls-ca-cert-file " + strconv.Quote(s.tls.ca),
		"tls-cert-file " + strconv.Quote(s.tls.cert),
		"tls-key-file " + strconv.Quote(s.tls.key),
		"tls-auth-clients no",
		"tls-replication yes",
	}
}

func (s *redisSetup) userLines() []string {
	switch {
	case s.user != "":
		return []string{
			"user default off",
			"user " + harnessUser + " on >" + s.harnessPassword + " ~* &* +@all",
			"user " + s.user + " on >" + s.password + " " + strings.Join(s.rules, " "),
		}
	case s.password != "":
		return []string{"requirepass " + strconv.Quote(s.password)}
	}
	return nil
}

func (s *redisSetup) replicaLines() []string {
	// Replicas sync at once: the usual pause of 5 s waits for more of them to join.
	lines := []string{"repl-diskless-sync-delay 0"}
	if s.primary == nil {
		return lines
	}
	lines = append(lines, fmt.Sprintf("replicaof 127.0.0.1 %d", s.primary.port))
	user, password := s.harnessLogin()
	if user != "" {
		lines = append(lines, "masteruser "+user)
	}
	if password != "" {
		lines = append(lines, "masterauth "+strconv.Quote(password))
	}
	return lines
}
