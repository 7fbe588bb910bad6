package redisstore

import (
	"context"
	"math/rand/v2"
	"strings"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"

	"sessiongate/session"
)

// A subscription may stand and bring nothing: after a fail-over it may lead to the
// server that was the master. So the processes keep the channel from being silent.
// A beat goes out over a command connection and names the master there; whoever
// hears it on its subscription, and has commands answered by the same master, knows
// that it hears all there is to hear. One process is enough: the others beat only
// when they hear nothing.
//
// Former versions pass over these messages.

const (
	beatInterval     = 500 * time.Millisecond // silence after which a process beats, and how often it looks
	beatSpread       = 200 * time.Millisecond // at most so much later
	beatTimeout      = 2 * time.Second        // silence after which the feed is down
	presenceInterval = 3 * time.Second        // how often a process shows that it is there
	noteLength       = 3                      // words of a notice
)

// The kinds of notice, by the word on the channel.
const (
	noticeBeat  = "b" // the master that commands of the process go to
	noticeHere  = "h" // the process is there
	noticeDone  = "d" // it is done with writing again what the master may lack
	noticeLeave = "x" // it stops
)

// notice is what processes tell each other: "<process> <kind> <master>".
type notice struct{ process, kind, master string }

// parseNotice reads a message; false for changes of sessions, and for noise.
func parseNotice(payload string) (notice, bool) {
	words := strings.Split(payload, " ")
	if len(words) != noteLength || !session.ValidID(words[0]) || !session.ValidID(words[2]) {
		return notice{}, false
	}
	n := notice{process: words[0], kind: words[1], master: words[2]}
	switch n.kind {
	case noticeBeat, noticeHere, noticeDone, noticeLeave:
		return n, true
	}
	return notice{}, false
}

// beater beats for one subscription.
type beater struct {
	feed *feed
	now  chan struct{} // takes one: beat at once

	mu     sync.Mutex
	master string    // of our command connections
	known  bool      // it is a name, and not only an address
	heard  time.Time // the last beat that named it
}

func newBeater(f *feed) *beater { return &beater{feed: f, now: make(chan struct{}, 1)} }

// hears handles a beat, and reports whether it named our own master.
func (b *beater) hears(n notice) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if n.master != b.master {
		return false
	}
	b.heard = time.Now()
	return true
}

// hurry makes the next beat go out at once.
func (b *beater) hurry() {
	select {
	case b.now <- struct{}{}:
	default:
	}
}

// quiet tells how long nothing was heard.
func (b *beater) quiet() time.Duration {
	b.mu.Lock()
	defer b.mu.Unlock()
	return time.Since(b.heard)
}

func (b *beater) own() (master string, known bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.master, b.known
}

// run beats until ctx ends.
func (b *beater) run(ctx context.Context) {
	defer b.feed.farewell(ctx, b)
	next := time.NewTimer(0)
	defer next.Stop()
	var shown time.Time
	for {
		urgent := false
		select {
		case <-ctx.Done():
			return
		case <-b.now:
			urgent = true
		case <-next.C:
		}
		// Not at the same time as the others: one that beats spares them the trouble.
		next.Reset(beatInterval + rand.N(beatSpread)) //nolint:gosec // G404: only spreads the processes over time
		if err := b.feed.onCommandConn(ctx, func(ctx context.Context, addr string, conn *redis.Conn) error {
			return b.report(ctx, addr, conn, urgent, &shown)
		}); err != nil {
			continue // the silence says so
		}
	}
}

// report looks where commands go, and says there what is to be said.
func (b *beater) report(ctx context.Context, addr string, conn *redis.Conn, urgent bool, shown *time.Time) error {
	id, known, err := masterOf(ctx, conn)
	if err != nil {
		return err
	}
	master := id.name
	b.mu.Lock()
	b.master, b.known = master, known
	b.mu.Unlock()
	if known {
		b.feed.rewriter.masters.note(addr, id)
	}
	if urgent || b.quiet() >= beatInterval {
		if err := b.feed.publish(ctx, conn, noticeBeat, master); err != nil {
			return err
		}
	}
	if !urgent && time.Since(*shown) < presenceInterval {
		return nil
	}
	*shown = time.Now()
	kind := noticeHere
	if known && b.feed.rewriter.peers.finished(master) {
		kind = noticeDone
	}
	return b.feed.publish(ctx, conn, kind, master)
}

// farewell spares the others waiting for this process.
func (s *feed) farewell(ctx context.Context, b *beater) {
	master, _ := b.own()
	if master == "" {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.o.Timeout)
	defer cancel()
	_ = s.publish(ctx, s.client, noticeLeave, master)
}
