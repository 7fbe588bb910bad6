package users

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"time"
)

// settled is how long a file must have been left alone before a shorter list in it is believed at
// once.
const settled = time.Second

// errSettling means that a file with fewer users was written a moment ago and may still be written.
var errSettling = errors.New("has fewer users, and was written a moment ago: it is read again before it is used")

// reading is what a version of the file is told from another by.
type reading struct {
	users   int
	lineEnd bool // the last line is whole
	written time.Time
	sum     [sha256.Size]byte
}

func newReading(data []byte, info fs.FileInfo, doc *document) reading {
	return reading{
		users: len(doc.users.names), lineEnd: bytes.HasSuffix(data, []byte("\n")),
		written: info.ModTime(), sum: sha256.Sum256(data),
	}
}

// doubt returns why a version that lost users is not to be used, or not yet. A user who is missing
// is signed out for good at the next refresh, and a full disk or a writer at work leaves files that
// are shorter and still well-formed:
//
//   - an empty list never takes the place of one that is not;
//   - nor does a list whose last line is cut, where the one in force ended with a whole line;
//   - a list shorter by half, or more, is used when the next look finds the very same;
//   - any other shorter list likewise, or when the file was left alone for a second.
//
// An operator who means it restarts the gateway or sends it SIGHUP; see [File.Reload]. last is the
// reading before, if that was left waiting.
func (f *File) doubt(r reading, last *reading) error {
	had := f.inForce.users
	switch {
	case r.users >= had:
		return nil
	case r.users == 0:
		return fmt.Errorf("has no users any more; the %d users read before stay (SIGHUP or a restart if it is meant)", had)
	case !r.lineEnd && f.inForce.lineEnd:
		return fmt.Errorf("has %d users instead of %d and ends in the middle of a line, as a cut file does; the users read before stay "+
			"(end the last line if it is meant)", r.users, had)
	case last != nil && last.sum == r.sum:
		return nil
	case halved(had, r.users):
		f.waiting = &r
		return fmt.Errorf("has %d users instead of %d; it is used if it reads the same once more", r.users, had)
	case f.now().Sub(r.written) >= settled:
		return nil
	}
	f.waiting = &r
	return errSettling
}

// halved tells whether half of the users, or more, are gone.
func halved(had, have int) bool { return have < had && 2*have <= had }
