package program

import (
	"crypto/tls"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"
)

// certificateAge is how long a certificate is served before its files are
// looked at again.
const certificateAge = 10 * time.Second

// certificate serves the pair in two files and follows their renewal. A renewal
// that cannot be read, or whose halves do not match yet, changes nothing. It is
// safe for concurrent use.
type certificate struct {
	certFile, keyFile string
	log               *slog.Logger

	mu     sync.Mutex
	pair   *tls.Certificate
	stamp  string
	looked time.Time
}

func newCertificate(certFile, keyFile string, log *slog.Logger) *certificate {
	return &certificate{certFile: certFile, keyFile: keyFile, log: log}
}

// load reads the files; at start they must be good.
func (c *certificate) load() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.read()
}

// get implements tls.Config.GetCertificate.
func (c *certificate) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if time.Since(c.looked) < certificateAge {
		return c.pair, nil
	}
	c.looked = time.Now()
	if c.fileStamp() == c.stamp {
		return c.pair, nil
	}
	if err := c.read(); err != nil {
		c.log.Warn("the renewed certificate cannot be used; the old one stays", slog.String("error", err.Error()))
	} else {
		c.log.Info("certificate renewed", slog.Time("not_after", c.pair.Leaf.NotAfter))
	}
	return c.pair, nil
}

func (c *certificate) read() error {
	stamp := c.fileStamp()
	pair, err := tls.LoadX509KeyPair(c.certFile, c.keyFile)
	if err != nil {
		return fmt.Errorf("server.tls: %w", err)
	}
	c.pair, c.stamp, c.looked = &pair, stamp, time.Now()
	return nil
}

// fileStamp changes when either file is written or replaced.
func (c *certificate) fileStamp() (stamp string) {
	for _, name := range []string{c.certFile, c.keyFile} {
		if info, err := os.Stat(name); err == nil {
			stamp += fmt.Sprint(info.ModTime().UnixNano(), " ", info.Size(), " ")
		}
	}
	return stamp
}
