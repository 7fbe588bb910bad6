package server

import (
	"crypto/tls"
	"errors"
	"io"
	"net/http"
	"slices"
	"time"
)

// tlsConfig is the standard server's, with the protocols that are spoken here. As TLS ends
// here, net/http finds HTTP/2 by its preface, on whatever connection it is given.
func (s *Server) tlsConfig() *tls.Config {
	spoken := protocols(s.standard)
	config := &tls.Config{MinVersion: tls.VersionTLS12}
	if c := s.standard.TLSConfig; c != nil {
		config = c.Clone()
	}
	for _, p := range []struct {
		name string
		on   bool
	}{{"h2", spoken.HTTP2()}, {"http/1.1", spoken.HTTP1()}} {
		if p.on && !slices.Contains(config.NextProtos, p.name) {
			config.NextProtos = append(config.NextProtos, p.name)
		}
	}
	if !spoken.UnencryptedHTTP2() {
		s.preface = forbidden // without TLS
		spoken.SetUnencryptedHTTP2(spoken.HTTP2())
	}
	s.standard.Protocols = spoken
	return config
}

// secure makes the handshake of a connection under TLS. It fails if there is nothing more
// to do here: the connection is closed, or net/http has it.
func (c *conn) secure() bool {
	t, ok := c.accepted.(*tls.Conn)
	if !ok {
		return true
	}
	if err := c.handshake(t); err != nil {
		c.server.logf("TLS handshake error from %v: %v", t.RemoteAddr(), err)
		c.close()
		return false
	}
	state := t.ConnectionState()
	c.template.TLS = &state
	c.since = time.Now()
	if state.NegotiatedProtocol == "h2" {
		c.handOver(nil, timeout(c.since, c.server.limits.header))
		return false
	}
	return true
}

// handshake has the time of a head.
func (c *conn) handshake(t *tls.Conn) error {
	under := t.NetConn()
	_ = under.SetDeadline(timeout(c.since, c.server.limits.header)) // fails only for a closed connection, as the handshake will
	err := t.Handshake()                                            //nolint:noctx // the deadline ends it
	_ = under.SetDeadline(time.Time{})
	var plain tls.RecordHeaderError
	if errors.As(err, &plain) && plain.Conn != nil && beginsPlain(plain.RecordHeader[:]) {
		_ = plain.Conn.SetWriteDeadline(time.Now().Add(lingerTime))
		_, _ = io.WriteString(plain.Conn, "HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n")
	}
	return err
}

// protocols are what the standard server speaks, made explicit.
func protocols(standard *http.Server) *http.Protocols {
	p := new(http.Protocols)
	if standard.Protocols != nil {
		*p = *standard.Protocols
		return p
	}
	p.SetHTTP1(true)
	p.SetHTTP2(true)
	return p
}
