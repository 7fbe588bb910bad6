package redisstore

import (
	"context"
	"errors"
	"log/slog"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"sessiongate/session"
)

const (
	pingInterval   = 2 * time.Second // silence after which the connection is pinged, or given up, see beat.go
	pongTimeout    = time.Second     // how long the pong may take
	feedBackoff    = 50 * time.Millisecond
	maxFeedBackoff = 500 * time.Millisecond
	feedQueue      = 4096
)

var (
	errFeedSilent = errors.New("no answer on the subscription")
	errFeedSlow   = errors.New("changes come faster than they are handled")
)

// feed hears what other processes change.
type feed struct {
	*server
	rewriter *rewriter
}

// Follow implements [session.Feed]. It returns ctx.Err() when ctx ends, and
// nothing else. The first report is [session.ChangeFeedUp], once subscribed; a caller should
// count the time before as down.
//
// A goroutine of its own reads the connection, so that a slow f neither makes
// Redis drop the subscriber nor holds up its publishers.
func (s *feed) Follow(ctx context.Context, f func(session.Change)) error {
	changes := make(chan session.Change, feedQueue)
	beat := newBeater(s)
	if !s.o.alone {
		s.rewriter.peers.start()
		defer s.rewriter.peers.stop()
		beating := make(chan struct{})
		go func() {
			defer close(beating)
			beat.run(ctx)
		}()
		defer func() { <-beating }()
	}
	go func() {
		defer close(changes)
		s.follow(ctx, beat, changes)
	}()
	for open := true; open; {
		var c session.Change
		select {
		case <-s.rewriter.changed:
			c.Kind = session.ChangeStore
		case c, open = <-changes:
		}
		if open && ctx.Err() == nil {
			f(c)
		}
	}
	return ctx.Err()
}

// follow subscribes again and again until ctx ends.
func (s *feed) follow(ctx context.Context, beat *beater, changes chan<- session.Change) {
	pause := feedBackoff
	ups := 0
	for first := true; ctx.Err() == nil; first = false {
		l := listener{feed: s, beat: beat, changes: changes, again: ups > 0}
		err := l.listen(ctx)
		if ctx.Err() != nil {
			return
		}
		if l.works || first { // not once per attempt
			s.o.Logger.WarnContext(ctx, "no session feed from Redis, trying again", slog.Any("error", err))
		}
		if l.works {
			ups++
			pause = feedBackoff
			s.rewriter.journal.freeze()
			select {
			case changes <- session.Change{Kind: session.ChangeFeedDown}:
			case <-ctx.Done():
			}
		}
		select {
		case <-ctx.Done():
		case <-time.After(pause):
		}
		pause = min(2*pause, maxFeedBackoff)
	}
}

// listener serves one subscription until it breaks.
type listener struct {
	feed    *feed
	beat    *beater
	changes chan<- session.Change
	again   bool // not the first
	works   bool // it was seen to bring what is published
	pinged  bool
	heard   time.Time // the last beat that counts
}

func (l *listener) listen(ctx context.Context) error {
	s := l.feed
	sub := s.client.Subscribe(ctx)
	defer sub.Close()
	// A read does not notice that ctx ends; closing the connection wakes it.
	defer context.AfterFunc(ctx, func() { _ = sub.Close() })()
	if err := sub.Subscribe(ctx, s.keys.channel()); err != nil {
		return err
	}
	l.heard = time.Now()
	for {
		message, err := l.receive(ctx, sub)
		if err != nil {
			return err
		}
		if err := l.handle(message); err != nil {
			return err
		}
	}
}

// handle passes a message on, or learns from it.
func (l *listener) handle(message any) error {
	switch m := message.(type) {
	case *redis.Subscription:
		if l.feed.o.alone && m.Kind == "subscribe" {
			return l.proven()
		}
		l.beat.hurry()
	case *redis.Message:
		if n, ok := parseNotice(m.Payload); ok {
			return l.notice(n)
		}
		if c, ok := parsePayload(m.Payload); ok {
			return l.send(c)
		}
	}
	return nil
}

// notice handles what another process says, or we ourselves. The first beat that
// names our own master proves the subscription.
func (l *listener) notice(n notice) error {
	peers := l.feed.rewriter.peers
	switch n.kind {
	case noticeBeat:
		if l.beat.hears(n) {
			l.heard = time.Now()
			if !l.works {
				if err := l.proven(); err != nil {
					return err
				}
			}
		} else {
			l.beat.hurry() // one of us has not noticed yet that the master is another
		}
	case noticeDone:
		if n.process != peers.self && l.feed.rewriter.masters.mention(n.master) {
			l.feed.rewriter.hint(n.master)
		}
	case noticeLeave:
		peers.leave(n.process)
		return nil
	}
	peers.note(n.process, n.master, n.kind == noticeDone, time.Now())
	return nil
}

// proven reports that the feed is up. Where Redis does not say which server it is,
// every subscription but the first may be to another.
func (l *listener) proven() error {
	l.works = true
	if l.again {
		l.feed.rewriter.suspect()
	}
	if master, known := l.beat.own(); l.again && !known && !l.feed.o.alone {
		l.feed.rewriter.masterChanged(master)
	}
	return l.send(session.Change{Kind: session.ChangeFeedUp})
}

func (l *listener) send(c session.Change) error {
	if c.Kind == session.ChangeEnded {
		l.feed.rewriter.journal.drop(c.ID)
	}
	select {
	case l.changes <- c:
		return nil
	default:
		return errFeedSlow
	}
}

// receive returns the next message. Silence is an error: a connection that a
// firewall forgot looks just like one on which nothing happens.
func (l *listener) receive(ctx context.Context, sub *redis.PubSub) (any, error) {
	if l.feed.o.alone {
		return l.receiveOrPing(ctx, sub)
	}
	left := beatTimeout - time.Since(l.heard)
	if left <= 0 {
		return nil, errFeedSilent
	}
	message, err := sub.ReceiveTimeout(ctx, left)
	if timedOut(err) {
		return nil, errFeedSilent
	}
	return message, err
}

// receiveOrPing returns the next message, or nil after a silence it answered with a
// ping: within one process nobody beats.
func (l *listener) receiveOrPing(ctx context.Context, sub *redis.PubSub) (any, error) {
	wait := pingInterval
	if l.pinged {
		wait = pongTimeout
	}
	message, err := sub.ReceiveTimeout(ctx, wait)
	switch {
	case err == nil:
		l.pinged = false
		return message, nil
	case !timedOut(err):
		return nil, err
	case l.pinged:
		return nil, errFeedSilent
	}
	l.pinged = true
	return nil, sub.Ping(ctx)
}

func timedOut(err error) bool {
	var timeout interface{ Timeout() bool }
	return errors.As(err, &timeout) && timeout.Timeout()
}

// AnnounceProviderUp implements [session.Recoveries]. The message has the form of the others,
// under a kind that former versions pass over.
func (s *feed) AnnounceProviderUp(ctx context.Context, provider string, since time.Time) error {
	ctx, cancel := context.WithTimeout(ctx, s.o.Timeout)
	defer cancel()
	payload := provider + " p " + strconv.FormatInt(since.UnixMilli(), 10)
	if err := s.client.Publish(ctx, s.keys.channel(), payload).Err(); err != nil {
		return unavailable("announce a provider", err)
	}
	return nil
}

// parseProviderUp reads what AnnounceProviderUp wrote.
func parseProviderUp(provider, value string) (session.Change, bool) {
	ms, err := strconv.ParseInt(value, 10, 64)
	return session.Change{Kind: session.ChangeProviderUp, Provider: provider, Since: fromMillis(ms)}, err == nil && ms > 0
}

// parsePayload reads a message about a session or an owner: "<id> g <generation>",
// "<id> r <generation>", "<id> n <commit number>", "<id> e <reason>" or
// "<owner> o 1". Anything else is ignored: the channel is open to whoever may publish.
func parsePayload(payload string) (session.Change, bool) {
	id, rest, _ := strings.Cut(payload, " ")
	kind, value, ok := strings.Cut(rest, " ")
	if !ok || !session.ValidID(id) || value == "" || len(value) > 64 {
		return session.Change{}, false
	}
	c := session.Change{ID: session.ID(id)}
	switch kind {
	case "g":
		g, err := strconv.ParseUint(value, 10, 32)
		c.Kind, c.Generation = session.ChangeAdvanced, uint32(g)
		return c, err == nil
	case "n":
		n, err := strconv.ParseInt(value, 10, 64)
		c.Kind, c.Number = session.ChangeCommitted, n
		return c, err == nil && n > 0
	case "r":
		g, err := strconv.ParseUint(value, 10, 32)
		c.Kind, c.Generation = session.ChangeRecovered, uint32(g)
		return c, err == nil
	case "e":
		c.Kind, c.Reason = session.ChangeEnded, session.Reason(value)
		return c, true
	case "o":
		// An owner's hash has the form of a session id.
		return session.Change{Kind: session.ChangeOwnerList, Owner: id}, true
	case "p":
		return parseProviderUp(id, value) // a provider's hash, likewise
	}
	return session.Change{}, false
}
