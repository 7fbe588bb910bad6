package redisstore

import (
	"net"
	"sync"
	"time"
)

// pipe gives the in-process connection what a socket has: a buffer. On a bare
// net.Pipe a write waits for its reader; a client that sends a whole pipeline
// before it reads, and a server that answers each command at once, would wait for
// each other. It is safe for concurrent use.
type pipe struct {
	net.Conn

	mu      sync.Mutex
	wake    sync.Cond
	pending []byte
	err     error // of the connection; writing is over
}

func newPipe(c net.Conn) *pipe {
	p := &pipe{Conn: c}
	p.wake.L = &p.mu
	go p.send()
	return p
}

// Write implements [net.Conn]. It never waits; an error shows in the next call.
func (p *pipe) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.err != nil {
		return 0, p.err
	}
	p.pending = append(p.pending, b...)
	p.wake.Signal()
	return len(b), nil
}

// Close implements [net.Conn].
func (p *pipe) Close() error {
	p.stop(net.ErrClosed)
	return p.Conn.Close()
}

// SetWriteDeadline implements [net.Conn]: a write does not wait.
func (p *pipe) SetWriteDeadline(time.Time) error { return nil }

// SetDeadline implements [net.Conn].
func (p *pipe) SetDeadline(t time.Time) error { return p.SetReadDeadline(t) }

func (p *pipe) stop(err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.err == nil {
		p.err = err
	}
	p.wake.Signal()
}

// send hands over what was written until the connection ends.
func (p *pipe) send() {
	for {
		p.mu.Lock()
		for len(p.pending) == 0 && p.err == nil {
			p.wake.Wait()
		}
		next, err := p.pending, p.err
		p.pending = nil
		p.mu.Unlock()
		if err != nil {
			return
		}
		if _, err := p.Conn.Write(next); err != nil {
			p.stop(err)
			return
		}
	}
}
