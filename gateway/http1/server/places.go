package server

import "time"

const (
	// idleEnough is how long a connection must have been without a request before it
	// makes room for another: most clients go on at once.
	idleEnough = 100 * time.Millisecond
	// placeAgain is how often a place is looked for.
	placeAgain = 20 * time.Millisecond
)

// awaitPlace waits until there is a place for one more connection, or the server ends.
func (s *Server) awaitPlace() {
	for s.MaxConnections > 0 && s.sweeper.count() >= s.MaxConnections && !s.open.closing.Load() {
		if !s.sweeper.makeRoom(time.Now().Add(-idleEnough)) {
			time.Sleep(placeAgain)
		}
	}
}

// rested notes that a connection has no request.
func (g *guard) rested(since time.Time) { g.idle.Store(since.UnixNano()) }

// woken notes that it has.
func (g *guard) woken() { g.idle.Store(0) }

// count is how many connections there are.
func (s *sweeper) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.guards)
}

// makeRoom closes the connection that has been idle for longest, if it was by then.
func (s *sweeper) makeRoom(by time.Time) bool {
	guards, _ := s.all()
	var longest *guard
	least := by.UnixNano()
	for _, g := range guards {
		if since := g.idle.Load(); since != 0 && since <= least {
			longest, least = g, since
		}
	}
	return longest != nil && (*longest.owner.Load())()
}
