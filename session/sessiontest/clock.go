package sessiontest

import (
	"sync/atomic"
	"time"
)

// Clock stands still at the moment it was made until a test moves it. A store
// takes [Clock.Offset] as the offset of its own clock. That of a real server runs
// on: the two agree up to the time the test itself takes. That of an embedded one
// can be stopped at [Clock.Start]: then they agree. Safe for concurrent use.
type Clock struct {
	start  time.Time
	offset atomic.Int64
}

// NewClock returns a clock that shows the present.
func NewClock() *Clock { return &Clock{start: time.Now()} }

// Start returns when the clock was made.
func (c *Clock) Start() time.Time { return c.start }

// Now returns the time the clock shows.
func (c *Clock) Now() time.Time { return c.start.Add(c.Offset()) }

// Offset returns how far the clock was moved in all.
func (c *Clock) Offset() time.Duration { return time.Duration(c.offset.Load()) }

// Advance moves the clock; back, if d is negative.
func (c *Clock) Advance(d time.Duration) { c.offset.Add(int64(d)) }
