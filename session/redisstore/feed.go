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
	feedQuiet   = 2 * time.Second // silence after which the connection is pinged
	feedAnswer  = time.Second     // how long the pong may take
	feedBackoff = 50 * time.Millisecond
	feedSlowest = 2 * time.Second
	feedQueue   = 4096
)

var (
	errFeedSilent = errors.New("no answer on the subscription")
	errFeedSlow   = errors.New("changes come faster than they are handled")
)

// Watch implements [session.Feed]. It returns ctx.Err() when ctx ends, and
// nothing else. The first report is FeedUp, once subscribed; a caller should
// count the time before as down.
//
// A goroutine of its own reads the connection, so that a slow f neither makes
// Redis drop the subscriber nor holds up its publishers.
func (s *Store) Watch(ctx context.Context, f func(session.Change)) error {
	changes := make(chan session.Change, feedQueue)
	go func() {
		defer close(changes)
		s.follow(ctx, changes)
	}()
	for c := range changes {
		if ctx.Err() == nil {
			f(c)
		}
	}
	return ctx.Err()
}

// follow subscribes again and again until ctx ends.
func (s *Store) follow(ctx context.Context, changes chan<- session.Change) {
	pause := feedBackoff
	for first := true; ctx.Err() == nil; first = false {
		wasUp, err := s.listen(ctx, changes)
		if ctx.Err() != nil {
			return
		}
		if wasUp || first { // not once per attempt
			s.o.Logger.WarnContext(ctx, "no session feed from Redis, trying again", slog.Any("error", err))
		}
		if wasUp {
			pause = feedBackoff
			select {
			case changes <- session.Change{Kind: session.FeedDown}:
			case <-ctx.Done():
			}
		}
		select {
		case <-ctx.Done():
		case <-time.After(pause):
		}
		pause = min(2*pause, feedSlowest)
	}
}

// listen serves one subscription until it breaks. wasUp tells whether it was
// ever confirmed.
func (s *Store) listen(ctx context.Context, changes chan<- session.Change) (wasUp bool, err error) {
	sub := s.client.Subscribe(ctx)
	defer sub.Close()
	// A read does not notice that ctx ends; closing the connection wakes it.
	defer context.AfterFunc(ctx, func() { _ = sub.Close() })()
	if err := sub.Subscribe(ctx, s.channel()); err != nil {
		return false, err
	}
	pinged := false
	for {
		message, err := receive(ctx, sub, &pinged)
		if err != nil {
			return wasUp, err
		}
		change, ok := parseChange(message)
		if !ok {
			continue
		}
		wasUp = wasUp || change.Kind == session.FeedUp
		select {
		case changes <- change:
		default:
			return wasUp, errFeedSlow
		}
	}
}

// receive returns the next message, or nil after a silence it answered with a
// ping. Silence after that ping is an error: a connection that a firewall forgot
// looks just like one on which nothing happens.
func receive(ctx context.Context, sub *redis.PubSub, pinged *bool) (any, error) {
	wait := feedQuiet
	if *pinged {
		wait = feedAnswer
	}
	message, err := sub.ReceiveTimeout(ctx, wait)
	var timeout interface{ Timeout() bool }
	switch {
	case err == nil:
		*pinged = false
		return message, nil
	case !errors.As(err, &timeout) || !timeout.Timeout():
		return nil, err
	case *pinged:
		return nil, errFeedSilent
	}
	*pinged = true
	return nil, sub.Ping(ctx)
}

// parseChange reads a message of the feed: a confirmed subscription, or
// "<id> g <generation>", "<id> r <generation>", "<id> e <reason>" or "<owner> o 1". Anything else is
// ignored: the channel is open to whoever may publish.
func parseChange(message any) (session.Change, bool) {
	switch m := message.(type) {
	case *redis.Subscription:
		return session.Change{Kind: session.FeedUp}, m.Kind == "subscribe"
	case *redis.Message:
		return parsePayload(m.Payload)
	}
	return session.Change{}, false
}

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
		c.Kind, c.Generation = session.Advanced, uint32(g)
		return c, err == nil
	case "r":
		g, err := strconv.ParseUint(value, 10, 32)
		c.Kind, c.Generation = session.Recovered, uint32(g)
		return c, err == nil
	case "e":
		c.Kind, c.Reason = session.Over, session.Reason(value)
		return c, true
	case "o":
		// An owner's hash has the form of a session id.
		return session.Change{Kind: session.Listed, Owner: id}, true
	case "p":
		return parseUp(id, value) // a provider's hash, likewise
	}
	return session.Change{}, false
}
