package main

import (
	"context"
	"errors"
	"io"
	"log"
	"net/http"
	"sync"
	"time"
)

// server is an HTTP server that can go away and come back at the same address.
type server struct {
	address string
	handler http.Handler

	mu   sync.Mutex
	http *http.Server
}

func newServer(ctx context.Context, p *ports, h http.Handler) (*server, error) {
	address, err := p.address(ctx, false)
	if err != nil {
		return nil, err
	}
	s := &server{address: address, handler: h}
	return s, s.up(ctx)
}

// up starts to listen, unless the server already does.
func (s *server) up(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.http != nil {
		return nil
	}
	l, err := listen(ctx, s.address)
	if err != nil {
		return err
	}
	s.http = &http.Server{Handler: s.handler, ReadHeaderTimeout: time.Minute, ErrorLog: log.New(io.Discard, "", 0)}
	go func(h *http.Server) {
		if err := h.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			l.Close()
		}
	}(s.http)
	return nil
}

// down refuses connections and cuts those there are.
func (s *server) down() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.http != nil {
		_ = s.http.Close()
		s.http = nil
	}
}
