package redisstore

import (
	"container/list"
	"slices"
	"strings"
	"sync"
	"time"

	"sessiongate/session"
)

// Replication of Redis is asynchronous, and so is its writing to disk: a server
// that takes over, or starts again, may lack the last commits. Then it has a
// refresh token that was spent a moment ago, and a provider that rotates strictly
// takes its second use for theft. So each process keeps the newest state of what
// it wrote a short while ago, as it was written, and writes it again (rewrite.go).

const (
	journalTTL          = time.Minute
	defaultJournalBytes = 64 << 20 // bytes
	entryOverhead       = 400      // of the maps, lists and headers of one entry, roughly
	recentAtFirstUse    = 64
)

// entry is the state of one session as a commit left it. It does not change.
type entry struct {
	id         session.ID
	number     int64 // the commit number
	tokensHash string
	state      string // every field but the record: names and values, each followed by a line feed
	sealed     string // the record
	owner      string // key of the owner's list
	link       string // key of the list of the provider's session; empty: none
	due        time.Time
	absolute   time.Time
	at         time.Time // when it was written, on this process's clock
}

func (e *entry) size() int {
	return len(e.state) + len(e.sealed) + len(e.owner) + len(e.link) + len(e.tokensHash) + entryOverhead
}

// journal keeps the newest entry of each session. It is safe for concurrent use.
type journal struct {
	most int
	now  func() time.Time
	full func(session.ID) // told of each entry that was dropped before its time

	mu        sync.Mutex
	entries   map[session.ID]*list.Element
	confirmed list.List // what all replicas have, oldest first
	open      list.List // the rest, oldest first
	bytes     int
	frozen    bool // while the server is away nothing grows old
}

func newJournal(most int, now func() time.Time, full func(session.ID)) *journal {
	return &journal{most: most, now: now, full: full, entries: make(map[session.ID]*list.Element, recentAtFirstUse)}
}

// put keeps e in the place of older entries of the session. What is too old goes,
// and while there is too much, what all replicas confirmed and then the oldest.
func (j *journal) put(e *entry, confirmed bool) {
	for _, id := range j.add(e, confirmed) {
		j.full(id)
	}
}

func (j *journal) add(e *entry, confirmed bool) (dropped []session.ID) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if old := j.entries[e.id]; old != nil {
		if old.Value.(*entry).number > e.number {
			return nil
		}
		j.remove(old)
	}
	in := &j.open
	if confirmed {
		in = &j.confirmed
	}
	j.entries[e.id] = in.PushBack(e)
	j.bytes += e.size()
	j.expire()
	for j.bytes > j.most {
		oldest := j.confirmed.Front()
		if oldest == nil {
			oldest = j.open.Front()
		}
		dropped = append(dropped, oldest.Value.(*entry).id)
		j.remove(oldest)
	}
	return dropped
}

// expire drops what is too old. The caller holds mu.
func (j *journal) expire() {
	if j.frozen {
		return
	}
	since := j.now().Add(-journalTTL)
	for _, l := range [...]*list.List{&j.confirmed, &j.open} {
		for x := l.Front(); x != nil && x.Value.(*entry).at.Before(since); x = l.Front() {
			j.remove(x)
		}
	}
}

// remove takes an entry out. The caller holds mu. Removing from the list it is not
// in does nothing.
func (j *journal) remove(x *list.Element) {
	e := x.Value.(*entry)
	delete(j.entries, e.id)
	j.bytes -= e.size()
	j.confirmed.Remove(x)
	j.open.Remove(x)
}

// drop forgets a session that is over.
func (j *journal) drop(id session.ID) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if x := j.entries[id]; x != nil {
		j.remove(x)
	}
}

// get returns the session's entry, or nil.
func (j *journal) get(id session.ID) *entry {
	j.mu.Lock()
	defer j.mu.Unlock()
	if x := j.entries[id]; x != nil {
		return x.Value.(*entry)
	}
	return nil
}

// all returns the entries, those whose tokens are due first in front.
func (j *journal) all() []*entry {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.expire()
	list := make([]*entry, 0, len(j.entries))
	for _, x := range j.entries {
		list = append(list, x.Value.(*entry))
	}
	slices.SortFunc(list, func(a, b *entry) int { return a.due.Compare(b.due) })
	return list
}

// unconfirmed returns the entries that some replica may lack.
func (j *journal) unconfirmed() (list []*entry) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.expire()
	for x := j.open.Front(); x != nil; x = x.Next() {
		list = append(list, x.Value.(*entry))
	}
	return list
}

// confirm notes that all replicas have these entries.
func (j *journal) confirm(entries []*entry) {
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, e := range entries {
		x := j.entries[e.id]
		if x == nil || x.Value != any(e) {
			continue
		}
		j.open.Remove(x)
		j.confirmed.Remove(x)
		j.entries[e.id] = j.confirmed.PushBack(e)
	}
}

// freeze keeps everything until thaw: the server is away or has changed.
func (j *journal) freeze() { j.setFrozen(true) }
func (j *journal) thaw()   { j.setFrozen(false) }

func (j *journal) setFrozen(frozen bool) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.frozen = frozen
}

// newEntry makes an entry of what a script returned as the state of a session that
// was just written. It is nil if the reply makes no sense or tells of an end.
func newEntry(r *session.Record, sealed []byte, state []any) *entry {
	e := &entry{
		id: r.ID, number: r.Facts.CommitNumber, tokensHash: r.Facts.TokensHash, sealed: string(sealed),
		due: r.Facts.HardAt, absolute: r.Facts.Absolute,
	}
	var b strings.Builder
	for i := 0; i+1 < len(state); i += 2 {
		name, ok1 := state[i].(string)
		value, ok2 := state[i+1].(string)
		if !ok1 || !ok2 || name == "why" || strings.Contains(value, "\n") {
			return nil
		}
		b.WriteString(name + "\n" + value + "\n")
	}
	if e.state = b.String(); e.state == "" || e.number == 0 {
		return nil
	}
	return e
}
