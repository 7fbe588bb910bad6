package users

import (
	"context"
	"errors"
	"slices"
	"sync"
)

// maxWitnesses is how many subjects found last are remembered.
const maxWitnesses = 4

// errNobody means that a query found neither the user nor any other it found before: the table is
// empty, or hidden.
var errNobody = errors.New("users database: query_by_subject finds neither this user nor one it found before; is the table being restored?")

// witnesses are the subjects that were found last, the latest first. They tell a user who was
// removed from a table that answers nothing. It is safe for concurrent use; the zero value is
// empty.
type witnesses struct {
	mu   sync.Mutex
	last []string
}

func (w *witnesses) note(subject string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.last) > 0 && w.last[0] == subject {
		return
	}
	rest := slices.DeleteFunc(w.last, func(s string) bool { return s == subject })
	w.last = slices.Insert(rest, 0, subject)[:min(len(rest)+1, maxWitnesses)]
}

func (w *witnesses) except(subject string) []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(w.last), func(s string) bool { return s == subject })
}

// missing decides about a subject that was not found. Its session would end for good, so the table
// must first show that it still has users: one found before is found again, and then this one once
// more not. Without such a witness the answer is a fault, which ends nothing and renews nothing
// either.
func (d *Database) missing(ctx context.Context, subject string) (User, error) {
	for _, other := range d.witnesses.except(subject) {
		_, err := d.bySubject(ctx, other)
		switch {
		case err == nil:
			return d.bySubject(ctx, subject)
		case !errors.Is(err, ErrUnknown):
			return User{}, err
		}
	}
	return User{}, errNobody
}
