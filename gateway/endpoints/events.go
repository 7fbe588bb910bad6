package endpoints

import (
	"encoding/json"
	"fmt"
	"net/http"
	"sync"
	"time"

	"sessiongate/gateway/exchange"
	"sessiongate/gateway/problem"
	"sessiongate/session"
)

const (
	// heartbeat keeps proxies from closing a silent stream and finds dead clients.
	heartbeat = 15 * time.Second
	// writeTimeout is how long a client may take to read what was written.
	writeTimeout = 10 * time.Second
	// maxStreams bounds the event streams of one session in this process. A
	// browser opens at most six connections over HTTP/1.1, and client.js shares one
	// between its tabs.
	maxStreams = 16
)

// events counts the open event streams by session, and ends them all when the
// process drains. It is safe for concurrent use.
type events struct {
	*Options
	mu      sync.Mutex
	open    map[session.ID]int
	drained chan struct{}
	drain   func() // may be called more than once
}

func newEvents(o *Options) *events {
	drained := make(chan struct{})
	return &events{Options: o, open: make(map[session.ID]int), drained: drained, drain: sync.OnceFunc(func() { close(drained) })}
}

func (s *events) enter(id session.ID) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.open[id] >= maxStreams {
		return false
	}
	s.open[id]++
	return true
}

func (s *events) leave(id session.ID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.open[id]--; s.open[id] <= 0 {
		delete(s.open, id)
	}
}

// show tells a page what happens to its session, as Server-Sent Events (HTML
// §9.2). It never moves the idle deadline and ends with the session.
func (s *events) show(x *exchange.Exchange) error {
	found, err := x.Authenticate(session.ResolveOptions{})
	if err != nil {
		return err
	}
	if !s.enter(found.ID()) {
		s.Recorder.Record(session.Event{
			Type: session.EventLimited, Limit: "events", ID: found.ID(),
			Subject: found.Identity().Subject, Provider: found.Identity().Provider, Client: x.Client,
		})
		return problem.RateLimited(heartbeat)
	}
	defer s.leave(found.ID())
	notices, stop := s.Watcher.Watch(found)
	defer stop()

	h := x.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Accel-Buffering", "no") // nginx would hold events back
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	x.WriteHeader(http.StatusOK)
	s.stream(x, notices)
	return nil
}

// stream writes until the session ends, the client goes, or the process drains.
func (s *events) stream(x *exchange.Exchange, notices <-chan session.Notice) {
	beat := time.NewTicker(heartbeat)
	defer beat.Stop()
	text := "retry: 2000\n\n"
	for {
		if !s.push(x, text) {
			return
		}
		select {
		case n, open := <-notices:
			if !open {
				return
			}
			text = eventText(n)
			if n.Kind == session.Ended {
				s.push(x, text)
				return
			}
		case <-beat.C:
			text = ":\n\n"
		case <-x.Request.Context().Done():
			return
		case <-s.drained:
			return
		}
	}
}

// push writes and flushes, within the client's patience.
func (s *events) push(x *exchange.Exchange, text string) bool {
	control := http.NewResponseController(x.ResponseWriter)
	_ = control.SetWriteDeadline(time.Now().Add(writeTimeout)) // not every writer has one
	_, err := x.Write([]byte(text))
	if err == nil {
		err = x.FlushError()
	}
	_ = control.SetWriteDeadline(time.Time{})
	return err == nil
}

// eventText is a notice in the stream's format.
func eventText(n session.Notice) string {
	name, data := "sessions_changed", map[string]any{}
	switch n.Kind {
	case session.Refreshed:
		name, data["access_expires_in"] = "refreshed", int(n.In/time.Second)
	case session.Expiring:
		name, data["expires_in"] = "expiring", int(n.In/time.Second)
	case session.Ended:
		name, data["reason"] = "ended", n.Reason
	case session.DevicesChanged:
	}
	body, err := json.Marshal(data)
	if err != nil {
		body = []byte("{}")
	}
	return fmt.Sprintf("event: %s\ndata: %s\n\n", name, body)
}
