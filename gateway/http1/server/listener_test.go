package server

import "net"

// clientListener gives out the connections that net/http's server gets here, without the
// server of our own before it.
type clientListener struct {
	net.Listener
	watches *watches
}

// Accept implements net.Listener.
func (l *clientListener) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return newClientConn(conn, l.watches, &guard{conn: conn}), nil
}
