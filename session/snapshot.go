package session

import (
	"sync/atomic"
	"time"
)

const bearer = "Bearer "

// Session is a snapshot of a live session as one request sees it. It is
// immutable, shared between requests, and holds secrets: it prints nothing.
//
// Times are on this process's clock. They were computed as durations from the
// store's now, so a wrong wall clock here shifts nothing.
type Session struct {
	// Authorization is the ready value for the upstream's Authorization header.
	Authorization string

	record    *Record
	handle    Handle // as presented
	track     *track
	version   uint64 // of the track when the read began
	epoch     uint64 // of the feed when the read began
	readAt    time.Time
	soft      time.Time // refresh in the background from here
	usable    time.Time // a cached copy may be used until here
	idleEnd   time.Time
	absolute  time.Time
	accessEnd time.Time
	renewing  atomic.Bool // a background refresh was started from this copy
}

// ID returns the public session ID.
func (s *Session) ID() ID { return s.record.ID }

// Identity returns who is signed in. The caller must not change it.
func (s *Session) Identity() *Identity { return &s.record.Identity }

// Device returns what the session was started on.
func (s *Session) Device() Device { return s.record.Device }

// Created returns when the session began.
func (s *Session) Created() time.Time { return s.record.Created }

// IDToken returns the provider's ID token, if it gave one.
func (s *Session) IDToken() Secret { return s.record.Tokens.ID }

// Generation returns the generation in force when the snapshot was taken.
func (s *Session) Generation() uint32 { return s.record.Facts.Generation }

// Remaining returns how long the session, its idle time and its access token
// last from now, none of them negative.
func (s *Session) Remaining(now time.Time) (absolute, idle, access time.Duration) {
	left := func(t time.Time) time.Duration { return max(0, t.Sub(now)) }
	return left(s.absolute), min(left(s.idleEnd), left(s.absolute)), left(s.accessEnd)
}

// AuthAge returns how long ago the user proved who they are, by the store's
// clock and not by this process's.
func (s *Session) AuthAge(now time.Time) time.Duration {
	proved := s.record.Identity.AuthTime.Sub(s.record.Facts.Absolute)
	return age(now, s.absolute.Add(proved))
}

// String names the session by its public ID.
func (s *Session) String() string { return "session " + string(s.record.ID) }

// reading is one look at the store, with what is needed to tell later whether
// anything has changed since it began.
type reading struct {
	Resolution
	began   time.Time
	client  Client // for the audit log: who caused what follows
	track   *track
	version uint64
	epoch   uint64
	up      bool
}

// snapshot makes a Session from a reading. cacheTTL bounds how long a copy may
// be used without asking again.
func (m *Manager) snapshot(rd reading, h Handle, rec *Record) *Session {
	// Measured from before the question was sent: never too long.
	local := func(t time.Time) time.Time { return rd.began.Add(t.Sub(rd.Now)) }
	s := &Session{
		Authorization: bearer + rec.Tokens.Access.Reveal(),
		handle:        h,
		track:         rd.track,
		version:       rd.version,
		epoch:         rd.epoch,
		readAt:        rd.began,
		soft:          local(rec.Facts.SoftAt),
		idleEnd:       local(rec.Facts.LastSeen).Add(m.rules.Idle),
		absolute:      local(rec.Facts.Absolute),
		accessEnd:     local(rec.Expires),
	}
	// A copy, because the reading may be shared.
	own := *rec
	own.Tokens.Access = Secret(s.Authorization[len(bearer):]) // one copy in memory
	s.record = &own
	s.usable = rd.began.Add(m.cacheTTL)
	for _, end := range [...]time.Time{s.idleEnd, s.absolute, local(rec.Facts.HardAt)} {
		if end.Before(s.usable) {
			s.usable = end
		}
	}
	rd.track.advance(rec.Facts.Generation)
	return s
}
