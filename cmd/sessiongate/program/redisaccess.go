package program

import (
	"crypto/tls"
	"fmt"
	"log/slog"
	"sync"

	"sessiongate/configs"
	"sessiongate/session"
	"sessiongate/session/redisstore"
)

func redisOptions(o *redisstore.Options, r *configs.Redis, log *slog.Logger) error {
	o.Addresses, o.Mode, o.MasterName = r.Addresses, redisstore.Mode(r.Mode), r.Master
	o.Username, o.SentinelUsername, o.DB, o.KeyPrefix = r.Username, r.SentinelUsername, r.DB, r.KeyPrefix
	a := &redisAccess{redis: r, log: log}
	var err error
	if a.last, err = a.read(); err != nil {
		return err
	}
	o.Access = a.current
	return nil
}

// redisAccess reads passwords and certificates anew for each connection to
// Redis, so that they can be rotated under a running gateway. What cannot be
// read, or does not fit together yet, leaves the last good ones in use. It is
// safe for concurrent use.
type redisAccess struct {
	redis *configs.Redis
	log   *slog.Logger

	mu    sync.Mutex
	last  redisstore.Access
	fault string // what was logged last
}

// current implements redisstore.Options.Access.
func (a *redisAccess) current() (redisstore.Access, error) {
	next, err := a.read()
	a.mu.Lock()
	defer a.mu.Unlock()
	if err == nil {
		a.last, a.fault = next, ""
		return next, nil
	}
	if text := err.Error(); text != a.fault { // once, not for each connection
		a.fault = text
		a.log.Warn("the credentials for Redis cannot be read again; those read before stay", slog.String("error", text))
	}
	return a.last, nil
}

func (a *redisAccess) read() (access redisstore.Access, err error) {
	r := a.redis
	if access.Password, err = currentSecret("password_file", r.Password, r.PasswordFile); err != nil {
		return access, err
	}
	if access.SentinelPassword, err = currentSecret("sentinel_password_file", r.SentinelPassword, r.SentinelPasswordFile); err != nil {
		return access, err
	}
	access.TLS, err = redisTLS(r.TLS)
	return access, err
}

// currentSecret is the secret of a file as it is now, or the configured one without a file.
func currentSecret(key string, configured configs.Secret, file configs.Path) (session.Secret, error) {
	if file == "" {
		return session.Secret(configured.Reveal()), nil
	}
	secret, err := configs.ReadSecret(file)
	switch {
	case err != nil:
		return "", fmt.Errorf("store.redis.%s: %w", key, err)
	case secret.Empty():
		return "", fmt.Errorf("store.redis.%s: %s is empty", key, file)
	}
	return session.Secret(secret.Reveal()), nil
}

func redisTLS(c *configs.RedisTLS) (*tls.Config, error) {
	if c == nil {
		return nil, nil //nolint:nilnil // plain TCP
	}
	t := &tls.Config{MinVersion: tls.VersionTLS12}
	var err error
	if t.RootCAs, err = trustedCAs("store.redis.tls.ca_file", c.CAFile); err != nil {
		return nil, err
	}
	t.Certificates, err = ownCertificate("store.redis.tls: cert_file and key_file", c.CertFile, c.KeyFile)
	return t, err
}

// withoutRotated is the section as a reload compares it: what is read again for
// each connection needs no restart.
func withoutRotated(s configs.Store) configs.Store {
	if s.Redis == nil {
		return s
	}
	r := *s.Redis
	if r.PasswordFile != "" {
		r.Password = configs.Secret{}
	}
	if r.SentinelPasswordFile != "" {
		r.SentinelPassword = configs.Secret{}
	}
	s.Redis = &r
	return s
}
