package session

import (
	"time"
)

// NoticeKind sorts what a watch tells.
type NoticeKind uint8

// The kinds of [Notice].
const (
	Refreshed      NoticeKind = iota // the session has new tokens
	Expiring                         // it will end soon unless it is used
	Ended                            // it is over; the last notice
	DevicesChanged                   // its owner signed in or out elsewhere
)

// Notice is one thing that happened to a watched session.
type Notice struct {
	Kind   NoticeKind
	Reason Reason        // Ended
	In     time.Duration // Refreshed: until the access token expires; Expiring: until the session does
}
