package app

import (
	"hash/maphash"
	"net/http"
	"sync"
	"time"

	"sessiongate/session"
)

const (
	// denialTime is how long a refusal that is not the token's fault is remembered.
	denialTime = time.Minute
	// maxDenials bounds them. With more, some cost a refresh again.
	maxDenials = 4096
)

// denials are the requests whose session had a token just made, and which an upstream refused all
// the same: an API that says 401 where it means 403. To refresh for each of them would change
// nothing. They are known to this process only. Safe for concurrent use.
type denials struct {
	seed  maphash.Seed
	mu    sync.Mutex
	until map[uint64]time.Time
}

func newDenials() *denials {
	return &denials{seed: maphash.MakeSeed(), until: make(map[uint64]time.Time)}
}

// at names a session's requests of one method to one path.
func (d *denials) at(id session.ID, r *http.Request) uint64 {
	var h maphash.Hash
	h.SetSeed(d.seed)
	for _, part := range [...]string{string(id), r.Host, r.Method, r.URL.Path} {
		_, _ = h.WriteString(part)
		_ = h.WriteByte(0)
	}
	return h.Sum64()
}

// note remembers a refusal at now.
func (d *denials) note(where uint64, now time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if _, known := d.until[where]; !known && len(d.until) >= maxDenials {
		d.shrink(now)
	}
	d.until[where] = now.Add(denialTime)
}

// shrink makes room: what is over goes, and if that is not enough, all. The caller holds mu.
func (d *denials) shrink(now time.Time) {
	for where, until := range d.until {
		if !now.Before(until) {
			delete(d.until, where)
		}
	}
	if len(d.until) > maxDenials/2 {
		clear(d.until)
	}
}

// recent reports whether there was such a refusal less than a minute before now.
func (d *denials) recent(where uint64, now time.Time) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	left := d.until[where].Sub(now)
	return left > 0 && left <= denialTime
}
