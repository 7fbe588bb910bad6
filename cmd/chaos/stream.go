package main

import (
	"bufio"
	"context"
	"math/rand/v2"
	"net/http"
	"strings"
	"time"
)

// browsersPerStream is how many browsers share one event stream.
const browsersPerStream = 3

// listen keeps an event stream open as EventSource does, until the context ends or
// the session does. A stream that ends is counted unless there is a reason for it.
func (b *browser) listen(ctx context.Context) {
	defer b.w.guard()
	for !b.over.Load() && !b.leaving.Load() {
		b.stream(ctx)
		if sleep(ctx, time.Duration(300+rand.IntN(700))*time.Millisecond) != nil { //nolint:gosec // chance, not a secret
			return
		}
	}
}

// stream opens one stream and reads it to its end.
func (b *browser) stream(ctx context.Context) {
	g := b.w.gateways[rand.IntN(gateways)] //nolint:gosec // the same
	req, err := b.build(ctx, g, http.MethodGet, "/auth/events", "")
	if err != nil {
		return
	}
	req.Header.Set("Accept", "text/event-stream")
	res, err := b.w.client.Do(req)
	if err != nil {
		return
	}
	defer res.Body.Close()
	b.jar.take(res)
	if res.StatusCode != http.StatusOK {
		return // the page's own requests find out why
	}
	opened := time.Now()
	b.w.book.streamOpened()
	reason := readEvents(res)
	if ctx.Err() != nil || b.leaving.Load() || b.over.Load() || b.w.ending() {
		return
	}
	switch {
	case reason != "":
		b.w.book.streamEnded(b, reason)
	case !g.wasAway(time.Now().Add(-time.Second)) && !b.w.setup.streamsCut:
		b.w.book.streamCut(time.Since(opened))
	}
}

// readEvents reads to the end, and returns the reason if the stream says that the
// session has ended.
func readEvents(res *http.Response) (reason string) {
	ended := false
	for lines := bufio.NewScanner(res.Body); lines.Scan(); {
		switch line := lines.Text(); {
		case line == "event: ended":
			ended = true
		case ended && strings.HasPrefix(line, "data:"):
			return strings.TrimSpace(strings.TrimPrefix(line, "data:"))
		}
	}
	return ""
}
