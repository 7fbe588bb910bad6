package redisstore

import (
	"encoding/hex"
	"fmt"
	"strconv"

	"sessiongate/session"
)

// A sealed record says nothing of the state beside it, which the scripts of Redis must
// be able to read. Whoever can write to Redis could keep an older record, with a role
// that was taken away since, or move the day on which a session ends. So the state holds
// a proof (au) that this record belongs to this commit number and this absolute
// deadline. A record that has one says so inside its seal; former versions know of
// neither and read and write records without. What the proof does not cover: both keys
// of a session put back together, and copies of records that former versions wrote.

// belongs is what the proof is about.
func belongs(number int64, absolute int64, sealed string) string {
	return "commit " + strconv.FormatInt(number, 10) + " " + strconv.FormatInt(absolute, 10) + " " +
		hex.EncodeToString([]byte(sealed[max(0, len(sealed)-tagSize):]))
}

// prove makes the proof for a record that is about to be written.
func (s records) prove(id session.ID, number int64, absolute int64, sealed []byte) string {
	return s.sealer.Vouch(string(id), belongs(number, absolute, string(sealed)))
}

// proved checks that a bound record belongs where it was found.
func (s records) proved(r *session.Record, sealed, proof string) error {
	about := belongs(r.Facts.CommitNumber, millis(r.Facts.Absolute), sealed)
	if !s.sealer.Vouched(string(r.ID), about, proof) {
		return fmt.Errorf("%w: session %s: the record is of another commit, or its deadline was changed",
			session.ErrSealed, r.ID)
	}
	return nil
}
