package session

import (
	"bytes"
	"fmt"
	"strings"
	"sync/atomic"
	"time"
)

const bearer = "Bearer " // RFC 6750 §2.1

// Session is a copy of a live session, as it was when a request read it. It is immutable,
// shared between requests, and holds secrets: it prints its ID and nothing else.
//
// Cached copies are most of the memory of a busy gateway. So a copy holds only what requests
// need of the record. The refresh token, the ID token and the device stay in the store.
//
// Times are durations from the moment when the read began, computed from the store's clock.
// So a wrong wall clock here shifts nothing.
type Session struct {
	// Authorization is the ready value for the upstream's Authorization header.
	Authorization string
	// Forward, if set, is sent in place of Authorization.
	Forward *Forward

	identity   Identity
	point      ReadPoint
	tokensHash string        // see [Tokens.Hash]
	handle     Handle        // as presented
	created    int64         // in ms since 1970, by the store's clock
	soft       time.Duration // refresh in the background from here
	usable     time.Duration // a cached copy may be used until here, at most
	idleEnd    time.Duration
	absolute   time.Duration
	accessEnd  time.Duration
	tokensAt   time.Duration // when the tokens were stored: before the read, so negative
	proved     time.Duration // when the user proved who they are: before the read, so negative
	grace      time.Duration // for the token in hand, see [Schedule]
	generation uint32        // in force when the read was answered
	renewing   atomic.Bool   // a background refresh was started from this copy
}

// ID returns the public session ID.
func (s *Session) ID() ID { return s.point.Track.id }

// Identity returns who is signed in. The caller must not change it.
func (s *Session) Identity() *Identity { return &s.identity }

// Created returns when the session began.
func (s *Session) Created() time.Time { return time.UnixMilli(s.created).UTC() }

// Generation returns the generation in force when the session was read.
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
func (s *Session) String() string { return "session " + string(s.point.Track.id) }

// Format implements [fmt.Formatter]: every verb gives what String does, and so shows
// neither the access token nor the handle.
func (s *Session) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(s.String())) }

// MarshalText implements [encoding.TextMarshaler] (and so covers JSON and log/slog), as
// String does.
func (s *Session) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// at puts a moment of the session on this process's clock.
func (s *Session) at(d time.Duration) time.Time { return s.point.Began.Add(d) }

// before reports whether now lies before a moment of the session.
func (s *Session) before(now time.Time, d time.Duration) bool { return now.Sub(s.point.Began) < d }

// NewSession makes a session from a record that was read at the point, when the
// store's clock stood at now. It shares its words with the record, see
// [Session.Compact].
func NewSession(point ReadPoint, now time.Time, h Handle, rec *Record, idle time.Duration) *Session {
	// Measured from before the store was asked: never too long.
	local := func(t time.Time) time.Duration { return t.Sub(now) }
	s := &Session{
		Authorization: bearer + rec.Tokens.Access.Reveal(),
		identity:      rec.Identity,
		point:         point,
		tokensHash:    rec.Facts.TokensHash,
		handle:        h,
		created:       rec.Created.UnixMilli(),
		soft:          local(rec.Facts.SoftAt),
		idleEnd:       local(rec.Facts.LastSeen.Add(idle)),
		absolute:      local(rec.Facts.Absolute),
		accessEnd:     local(rec.Expires),
		tokensAt:      max(local(rec.Facts.TokensAt), -oldTokens),
		proved:        local(rec.Identity.AuthTime),
		grace:         rec.Facts.Grace,
		generation:    rec.Facts.Generation,
	}
	s.usable = min(s.idleEnd, s.absolute, local(rec.Facts.HardAt))
	if at := rec.Facts.LateSince(); !at.IsZero() {
		s.usable = min(s.usable, local(at)) // that sight is to reach the store
	}
	point.Track.Learn(rec.Facts)
	return s
}

// Revalidated is the session of an answer that said nothing has changed: what it was,
// passed later by the store's clock, with what is left of its idle time. It is no
// copy for a cache. A test holds it to [NewSession].
func (s *Session) Revalidated(point ReadPoint, passed, idleEnd time.Duration) *Session {
	return &Session{
		Authorization: s.Authorization,
		Forward:       s.Forward,
		identity:      s.identity,
		point:         point,
		tokensHash:    s.tokensHash,
		handle:        s.handle,
		created:       s.created,
		soft:          s.soft - passed,
		idleEnd:       idleEnd,
		absolute:      s.absolute - passed,
		accessEnd:     s.accessEnd - passed,
		tokensAt:      s.tokensAt - passed,
		proved:        s.proved - passed,
		grace:         s.grace,
		generation:    s.generation,
	}
}

// Handle returns the handle as it was presented; the zero Handle if none was.
func (s *Session) Handle() Handle { return s.handle }

// ReadPoint returns what was known when the read of the session began.
func (s *Session) ReadPoint() ReadPoint { return s.point }

// Track returns what this process hears of the session.
func (s *Session) Track() *Track { return s.point.Track }

// TokensHash identifies the tokens, see [Tokens.Hash].
func (s *Session) TokensHash() string { return s.tokensHash }

// AccessToken returns the access token.
func (s *Session) AccessToken() Secret { return Secret(s.Authorization[len(bearer):]) }

// Owns reports whether text is the session's access token or its refresh token. Of the second a
// session knows only what its hash tells.
func (s *Session) Owns(text string) bool {
	access := string(s.AccessToken())
	return text != "" && (text == access || Tokens{Access: Secret(access), Refresh: Secret(text)}.Hash() == s.tokensHash)
}

// Grace is how long a retired handle of this token's era is forgiven.
func (s *Session) Grace() time.Duration { return s.grace }

// Deadlines returns when the session ends by silence and by age, on this process's
// clock.
func (s *Session) Deadlines() (idle, absolute time.Time) { return s.at(s.idleEnd), s.at(s.absolute) }

// oldTokens is an age beyond which nobody asks. Records of former versions tell none.
const oldTokens = time.Hour

// TokensAge returns how long ago the tokens were stored, by the store's clock. Of tokens more than
// an hour old it returns an hour or more.
func (s *Session) TokensAge(now time.Time) time.Duration { return age(now, s.at(s.tokensAt)) }

// SoftDue reports whether the access token has entered its early window.
func (s *Session) SoftDue(now time.Time) bool { return !s.before(now, s.soft) }

// AccessExpired reports whether the access token has expired.
func (s *Session) AccessExpired(now time.Time) bool { return !s.before(now, s.accessEnd) }

// Fresh reports whether a copy that is kept for ttl at most may be used without
// asking the store: nothing was heard of the session since its read began, the feed
// had no gap, and no deadline lies behind. It does not allocate.
func (s *Session) Fresh(now time.Time, ttl time.Duration, epoch uint64) bool {
	return s.fresh(now, min(ttl, s.usable), epoch)
}

func (s *Session) fresh(now time.Time, until time.Duration, epoch uint64) bool {
	return s.point.Epoch == epoch && s.point.Version == s.point.Track.Version() && s.before(now, until)
}

// ClaimRefresh reports whether the caller is to refresh in the background: it is the
// first to ask of this copy. [Session.YieldRefresh] gives the next one the chance.
func (s *Session) ClaimRefresh() bool { return s.renewing.CompareAndSwap(false, true) }

// YieldRefresh takes a claim back that came to nothing.
func (s *Session) YieldRefresh() { s.renewing.Store(false) }

// overhead is what a cached copy costs besides its words: the session, its track,
// and the entries of both.
const overhead = 800

// Size estimates the bytes that a compact session holds on to.
func (s *Session) Size() uint32 {
	id := &s.identity
	return uint32(overhead + len(s.Authorization) + s.Forward.size() + len(id.Claims) +
		len(id.Subject) + len(id.Name) + len(id.ACR) + len(id.SID) + len(s.tokensHash))
}

// Compact makes the session's words its own before it is kept: until then they are
// cut out of the store's answer, and would keep all of it in memory, the refresh
// token and the ID token with it. intern returns one copy of equal lists; provider
// is the provider's name as the caller keeps it. Nobody else may have seen the
// session yet.
func (s *Session) Compact(provider string, intern func([]string) []string) {
	id := &s.identity
	id.Provider = provider
	id.Roles, id.Scopes = intern(id.Roles), intern(id.Scopes)
	id.Claims = bytes.Clone(id.Claims)
	compactStrings(&id.Subject, &id.Name, &id.ACR, &id.SID, &s.tokensHash)
}

// compactStrings copies words into one piece of memory of their own.
func compactStrings(words ...*string) {
	var b strings.Builder
	size := 0
	for _, w := range words {
		size += len(*w)
	}
	b.Grow(size)
	for _, w := range words {
		b.WriteString(*w)
	}
	all := b.String()
	for _, w := range words {
		*w, all = all[:len(*w)], all[len(*w):]
	}
}
