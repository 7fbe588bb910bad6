package demoapi

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/coder/websocket"
)

// stream sends one Server-Sent Event a second until the client leaves.
func (a *API) stream(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/event-stream")
	if r.Method == http.MethodHead {
		return // there would be no end to a body that is never sent
	}
	a.streams.Add(1)
	defer a.streams.Add(-1)
	out := http.NewResponseController(w)
	ticker := time.NewTicker(a.tick)
	defer ticker.Stop()
	for n := 1; ; n++ {
		fmt.Fprintf(w, "event: tick\nid: %d\ndata: {\"n\": %d, \"time\": %q}\n\n",
			n, n, a.now().UTC().Format(time.RFC3339))
		if out.Flush() != nil {
			return
		}
		select {
		case <-ticker.C:
		case <-r.Context().Done():
			return
		case <-a.stopping.Done():
			return
		}
	}
}

// webSocket sends every message back. The library compares the Origin with the Host, as many do.
func (a *API) webSocket(w http.ResponseWriter, r *http.Request) {
	conn, err := websocket.Accept(w, r, nil)
	if err != nil {
		return // Accept has answered
	}
	defer conn.CloseNow() //nolint:errcheck // a second close is all it could report
	conn.SetReadLimit(bodyLimit)
	a.streams.Add(1)
	defer a.streams.Add(-1)
	sayGoodbye := context.AfterFunc(a.stopping, func() {
		_ = conn.Close(websocket.StatusGoingAway, "server is stopping") // the client may be gone
	})
	defer sayGoodbye()
	for {
		if echoMessage(r.Context(), conn) != nil {
			return // closed, by either side or by a message over the limit
		}
	}
}

func echoMessage(ctx context.Context, conn *websocket.Conn) error {
	kind, message, err := conn.Reader(ctx)
	if err != nil {
		return err
	}
	reply, err := conn.Writer(ctx, kind)
	if err != nil {
		return err
	}
	if _, err := io.Copy(reply, message); err != nil {
		return err
	}
	return reply.Close()
}

// endStreams tells every open stream and WebSocket to end, which would otherwise
// last as long as their clients like.
func (a *API) endStreams() { a.stop() }

// waitStreams returns when the streams that were told to end have ended, or with
// ctx. http.Server does not wait for WebSockets: it no longer owns their connections.
func (a *API) waitStreams(ctx context.Context) {
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for a.streams.Load() > 0 {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}
