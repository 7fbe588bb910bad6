package gateway

import (
	"encoding/json"
	"fmt"
	"net/http"
	"sync"
	"time"

	"sessiongate/gateway/problem"
	"sessiongate/session"
)

const (
	// heartbeat keeps proxies from closing a silent stream and finds dead clients.
	heartbeat = 15 * time.Second
	// eventsPatience is how long a client may take to read what was written.
	eventsPatience = 10 * time.Second
	// mostStreams bounds the event streams of one session in this process. A
	// browser opens at most six connections over HTTP/1.1, and client.js shares one
	// between its tabs.
	mostStreams = 16
)

// eventStreams counts the open event streams by session, and ends them all when the
// process drains. It is safe for concurrent use.
type eventStreams struct {
	mu      sync.Mutex
	open    map[session.ID]int
	drained chan struct{}
	once    sync.Once
}

func newEventStreams() *eventStreams {
	return &eventStreams{open: make(map[session.ID]int), drained: make(chan struct{})}
}

func (s *eventStreams) enter(id session.ID) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.open[id] >= mostStreams {
		return false
	}
	s.open[id]++
	return true
}

func (s *eventStreams) leave(id session.ID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.open[id]--; s.open[id] <= 0 {
		delete(s.open, id)
	}
}

// Drain ends the event streams, so that they do not hold up a shutdown: a browser
// connects again by itself, to another replica. It may be called more than once.
func (s *Server) Drain() { s.events.once.Do(func() { close(s.events.drained) }) }

// showEvents tells a page what happens to its session, as Server-Sent Events (HTML
// §9.2). It never moves the idle deadline and ends with the session.
func (s *Server) showEvents(x *exchange) error {
	found, err := s.authenticate(x, session.ResolveOptions{})
	if err != nil {
		return err
	}
	if !s.events.enter(found.ID()) {
		s.recorder.Record(session.Event{
			Type: session.EventLimited, Limit: "events", ID: found.ID(),
			Subject: found.Identity().Subject, Provider: found.Identity().Provider, Client: x.client,
		})
		return problem.RateLimited(heartbeat)
	}
	defer s.events.leave(found.ID())
	notices, stop := s.manager.Watch(found)
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
func (s *Server) stream(x *exchange, notices <-chan session.Notice) {
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
		case <-x.r.Context().Done():
			return
		case <-s.events.drained:
			return
		}
	}
}

// push writes and flushes, within the client's patience.
func (s *Server) push(x *exchange, text string) bool {
	control := http.NewResponseController(x.ResponseWriter)
	_ = control.SetWriteDeadline(time.Now().Add(eventsPatience)) // not every writer has one
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
