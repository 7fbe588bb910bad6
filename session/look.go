package session

import "time"

// ReadPoint is what was known when a read of a session began. It tells later whether
// anything has changed since.
type ReadPoint struct {
	Track     *Track
	Version   uint64    // of the track
	Epoch     uint64    // of the feed
	Began     time.Time // by this process's clock, before the store was asked
	Connected bool      // the feed was
}

// Look is a session as it was read from the store, and what was known when the read began.
type Look struct {
	ReadPoint
	Record *Record
	Now    time.Time // the store's clock
}

// With is a later look at the same session.
func (l Look) With(s Stored) Look {
	l.Record, l.Now, l.Began = s.Record, s.Now, s.Asked
	l.Version = l.Track.Version()
	return l
}

// Expired reports whether the access token has expired at now, by this process's clock.
func (l Look) Expired(now time.Time) bool {
	return !l.Now.Add(now.Sub(l.Began)).Before(l.Record.Expires)
}

// Session makes a session of the look, see [NewSession].
func (l Look) Session(h Handle, idle time.Duration) *Session {
	return NewSession(l.ReadPoint, l.Now, h, l.Record, idle)
}
