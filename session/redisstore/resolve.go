package redisstore

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"sessiongate/session"
)

// Resolve implements [session.Sessions] with one Redis command.
func (s *sessions) Resolve(ctx context.Context, v session.Presentation) (session.Answer, error) {
	res, err := s.judge(ctx, v)
	if err != nil {
		return session.Answer{}, err
	}
	if s.forgotten(ctx, v.ID, &res) {
		v.Validator = ""
		if res, err = s.judge(ctx, v); err != nil {
			return session.Answer{}, err
		}
	}
	if res.Verdict.Reason == session.Reused && res.Verdict.Outcome != session.OutcomeEnded {
		// A verdict of theft must survive a fail-over like any other end. A fault
		// changes nothing: the session is over, only not known to a replica yet.
		_, _ = s.End(ctx, v.ID, session.Reused)
	}
	return res, nil
}

// judge has a handle judged, once.
func (s *sessions) judge(ctx context.Context, v session.Presentation) (session.Answer, error) {
	doing := s.scripts.resolve.doing
	reply, err := s.evalsha(ctx, v)
	if err != nil {
		return session.Answer{}, unavailable(doing, err)
	}
	return s.readReply(doing, v, reply)
}

// forgotten reports whether the server lacked what this process wrote. Now it has it.
func (s *sessions) forgotten(ctx context.Context, id session.ID, res *session.Answer) bool {
	switch {
	case res.Record != nil:
		return s.rewriter.restore(ctx, id, res.Record.Facts.CommitNumber)
	case res.Verdict.Outcome == session.OutcomeGone:
		return s.rewriter.restore(ctx, id, 0)
	}
	return false
}

// evalsha runs the script and returns its reply.
func (s *sessions) evalsha(ctx context.Context, v session.Presentation) (string, error) {
	c := s.batcher.get(v)
	c.presented.state, c.presented.record = s.keys.session(v.ID)
	c.presented.offset = s.offset()
	err := s.batcher.do(ctx, c)
	switch {
	case err == nil:
	case redis.HasErrorPrefix(err, "NOSCRIPT"):
		return s.eval(ctx, c)
	default:
		return "", err // somebody may still be writing an answer: c is lost
	}
	reply := c.cmd.Val()
	s.batcher.put(c)
	return reply, nil
}

// eval runs the script on a node that does not know it yet: with its source.
func (s *sessions) eval(ctx context.Context, c *call) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, s.o.Timeout)
	defer cancel()
	return s.scripts.resolve.Eval(ctx, s.client, []string{c.presented.state, c.presented.record}, c.args[argvAt:]...).Text()
}

// notModified begins the reply to a handle for which nothing has changed.
const notModified = "="

func (s *sessions) readReply(doing string, v session.Presentation, reply string) (session.Answer, error) {
	if strings.HasPrefix(reply, notModified) {
		return readNotModified(doing, v.Validator, reply)
	}
	return s.readVerdict(doing, v.ID, reply)
}

func readNotModified(doing, known, reply string) (session.Answer, error) {
	l := replyLine{rest: reply[len(notModified):]}
	res := session.Answer{
		Verdict: session.Verdict{Outcome: session.OutcomeCurrent}, NotModified: true, Validator: known,
		Now: l.time(), LastSeen: l.time(),
	}
	if l.bad || l.rest != "" {
		return session.Answer{}, unavailable(doing, errReply)
	}
	return res, nil
}

// readVerdict reads the reply of resolve.lua.
func (s *sessions) readVerdict(doing string, id session.ID, reply string) (session.Answer, error) {
	head, blob, found := strings.Cut(reply, "\n")
	l := replyLine{rest: head}
	res := session.Answer{Verdict: session.Verdict{
		Outcome: l.outcome(), StoreLostWrites: l.flag(), Due: session.Due(l.int()), Rotate: l.flag(), Forced: l.flag(), Reason: session.Reason(l.text()),
	}, Now: l.time()}
	if l.bad || !found && l.rest != "" || found == (res.Verdict.Outcome <= session.OutcomeEnded) {
		return session.Answer{}, unavailable(doing, errReply)
	}
	if !found {
		return res, nil
	}
	l.lenient = true
	n, proof, tokensAt := l.int(), l.text(), l.time()
	r := &session.Record{ID: id, Facts: session.State{
		Found: true, CommitNumber: n, TokensAt: tokensAt, Generation: uint32(l.int()),
		RotatedAt: l.time(), AckedAt: l.time(), Late: uint32(l.int()), Recovered: uint32(l.int()),
		ForcedAt: l.time(), LastSeen: l.time(), Absolute: l.time(),
	}}
	r.Expires, r.Facts.SoftAt, r.Facts.HardAt = l.time(), l.time(), l.time()
	r.Facts.Grace = time.Duration(l.int()) * time.Millisecond
	r.Facts.TokensHash, r.Facts.BrowserClass = l.text(), l.rest // what is left: a browser class may hold anything but a line feed
	if l.bad {
		return session.Answer{}, unavailable(doing, errReply)
	}
	if err := s.records.open(r, sealed{blob, proof}); err != nil {
		return session.Answer{}, fmt.Errorf("%s: %w", doing, err)
	}
	res.Record = r
	if res.Verdict.Outcome == session.OutcomeCurrent {
		res.Validator = validatorOf(r.Facts, blob)
	}
	return res, nil
}

// tagSize is how much of a sealed record's end tells it from every other.
const tagSize = 16

// validatorOf is what not_modified.lua wants to hear: until when nothing but the idle
// deadline can make a difference, and what must be the same then.
func validatorOf(f session.State, sealed string) string {
	if f.AckedAt.IsZero() || len(sealed) < tagSize {
		return ""
	}
	until := min(f.SoftAt.UnixMilli(), f.HardAt.UnixMilli(), f.Absolute.UnixMilli())
	if at := f.LateSince(); !at.IsZero() {
		until = min(until, at.UnixMilli()) // that sight is to be noted
	}
	b := make([]byte, 0, 64)
	b = append(strconv.AppendInt(b, until, 10), ',')
	b = append(strconv.AppendUint(b, uint64(f.Generation), 10), ',')
	b = append(strconv.AppendInt(b, f.AckedAt.UnixMilli(), 10), ',')
	return string(append(b, sealed[len(sealed)-tagSize:]...))
}

// replyLine takes fields off the front of rest, which commas part; bad sticks.
type replyLine struct {
	rest    string
	lenient bool // a number may be missing: 0
	bad     bool
}

func (l *replyLine) text() string {
	v, rest, _ := strings.Cut(l.rest, ",")
	l.rest = rest
	return v
}

func (l *replyLine) int() int64 {
	text := l.text()
	if text == "" && l.lenient {
		return 0
	}
	n, err := strconv.ParseInt(text, 10, 64)
	l.bad = l.bad || err != nil
	return n
}

func (l *replyLine) outcome() session.Outcome {
	n := l.int()
	l.bad = l.bad || n < int64(session.OutcomeGone) || n > int64(session.OutcomeReuse)
	return session.Outcome(n)
}

func (l *replyLine) flag() bool      { return l.int() == 1 }
func (l *replyLine) time() time.Time { return fromMillis(l.int()) }
