package session

import (
	"sync/atomic"
	"time"
)

const bearer = "Bearer "

// Session is a snapshot of a live session as one request sees it. It is
// immutable, shared between requests, and holds secrets: it prints nothing.
//
// Cached copies are most of the memory of a busy gateway. So a snapshot holds what
// requests need and nothing else of the record: the refresh token, the ID token
// and the device are in the store, and are read there by the few who ask.
//
// Times are on this process's clock, as durations from the moment the reading
// began. They were computed from the store's now, so a wrong wall clock here
// shifts nothing.
type Session struct {
	// Authorization is the ready value for the upstream's Authorization header.
	Authorization string

	identity   Identity
	stamp      string // of the tokens
	handle     Handle // as presented
	track      *Track
	version    uint64 // of the track when the read began
	epoch      uint64 // of the feed when the read began
	readAt     time.Time
	created    int64         // in ms since 1970, by the store's clock
	soft       time.Duration // refresh in the background from here
	usable     time.Duration // a cached copy may be used until here
	idleEnd    time.Duration
	absolute   time.Duration
	accessEnd  time.Duration
	proved     time.Duration // when the user proved who they are: before readAt, so negative
	grace      time.Duration // for the token in hand, see [Schedule]
	generation uint32        // in force when the read was answered
	renewing   atomic.Bool   // a background refresh was started from this copy
}

// ID returns the public session ID.
func (s *Session) ID() ID { return s.track.id }

// Identity returns who is signed in. The caller must not change it.
func (s *Session) Identity() *Identity { return &s.identity }

// Created returns when the session began.
func (s *Session) Created() time.Time { return time.UnixMilli(s.created).UTC() }

// Generation returns the generation in force when the snapshot was taken.
func (s *Session) Generation() uint32 { return s.generation }

// Remaining returns how long the session, its idle time and its access token
// last from now, none of them negative.
func (s *Session) Remaining(now time.Time) (absolute, idle, access time.Duration) {
	left := func(end time.Duration) time.Duration { return max(0, s.at(end).Sub(now)) }
	return left(s.absolute), left(min(s.idleEnd, s.absolute)), left(s.accessEnd)
}

// AuthAge returns how long ago the user proved who they are, by the store's
// clock and not by this process's.
func (s *Session) AuthAge(now time.Time) time.Duration { return age(now, s.at(s.proved)) }

// String names the session by its public ID.
func (s *Session) String() string { return "session " + string(s.track.id) }

// at is a moment of the snapshot on this process's clock.
func (s *Session) at(d time.Duration) time.Time { return s.readAt.Add(d) }

// before reports whether now lies before a moment of the snapshot.
func (s *Session) before(now time.Time, d time.Duration) bool { return now.Sub(s.readAt) < d }

// readPoint is one look at the store, with what is needed to tell later whether
// anything has changed since it began.
type readPoint struct {
	Answer
	began   time.Time
	client  Client // for the audit log: who caused what follows
	track   *Track
	version uint64
	epoch   uint64
	up      bool
	early   bool // for a refresh that no request waits for
}

// snapshot makes a Session from a reading. It shares its words with the record,
// see [Manager.compact].
func (m *Manager) snapshot(rd readPoint, h Handle, rec *Record) *Session {
	// Measured from before the question was sent: never too long.
	local := func(t time.Time) time.Duration { return t.Sub(rd.Now) }
	s := &Session{
		Authorization: bearer + rec.Tokens.Access.Reveal(),
		identity:      rec.Identity,
		stamp:         rec.Facts.TokensHash,
		handle:        h,
		track:         rd.track,
		version:       rd.version,
		epoch:         rd.epoch,
		readAt:        rd.began,
		created:       rec.Created.UnixMilli(),
		soft:          local(rec.Facts.SoftAt),
		idleEnd:       local(rec.Facts.LastSeen.Add(m.rules.Idle)),
		absolute:      local(rec.Facts.Absolute),
		accessEnd:     local(rec.Expires),
		proved:        local(rec.Identity.AuthTime),
		grace:         rec.Facts.Grace,
		generation:    rec.Facts.Generation,
	}
	s.usable = min(m.cacheTTL, s.idleEnd, s.absolute, local(rec.Facts.HardAt))
	if at := rec.Facts.LateSince(); !at.IsZero() {
		s.usable = min(s.usable, local(at)) // that sight is to reach the store
	}
	rd.track.learn(rec.Facts)
	return s
}
