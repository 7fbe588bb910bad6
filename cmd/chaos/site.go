package main

import "os"

// site is where a world's processes run: its folders and ports, and what has to be ended.
type site struct {
	dir      string // of its own, removed at the end
	logs     string // folder for the gateways' logs; empty: dir
	binary   string
	ports    *ports
	redisEnv []string
	closers  []func()
}

// open makes the folder.
func (s *site) open() (err error) {
	if s.dir, err = os.MkdirTemp("", "sessiongate-chaos-"); err != nil {
		return err
	}
	s.onClose(func() { _ = os.RemoveAll(s.dir) })
	if s.logs == "" {
		s.logs = s.dir
	}
	return nil
}

func (s *site) onClose(f func()) { s.closers = append(s.closers, f) }

// close ends what was started here, last things first.
func (s *site) close() {
	for i := len(s.closers) - 1; i >= 0; i-- {
		s.closers[i]()
	}
	s.closers = nil
}
