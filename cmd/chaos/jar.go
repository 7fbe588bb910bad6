package main

import (
	"maps"
	"net/http"
	"strings"
	"sync"
)

// The gateway's cookies: the handle, and the mark that a 401 session_stale brings.
const (
	handleCookie = "__Host-session"
	markCookie   = "__Host-session-stale"
)

// jar keeps the gateway's cookies as a browser does: the response that was read last
// decides. It is safe for concurrent use.
type jar struct {
	mu      sync.Mutex
	cookies map[string]string
	blocked bool // takes nothing in any more
}

// header is the Cookie header, or empty.
func (j *jar) header() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	var list []string
	for _, name := range []string{handleCookie, markCookie} {
		if v, ok := j.cookies[name]; ok {
			list = append(list, name+"="+v)
		}
	}
	return strings.Join(list, "; ")
}

// take stores what a response sets, and reports whether it clears the handle and
// how many of our cookies it carried.
func (j *jar) take(res *http.Response) (cleared bool, carried int) {
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, c := range res.Cookies() {
		if c.Name != handleCookie && c.Name != markCookie {
			continue
		}
		carried++
		gone := c.MaxAge < 0 || c.Value == ""
		cleared = cleared || gone && c.Name == handleCookie
		switch {
		case j.blocked:
		case gone:
			delete(j.cookies, c.Name)
		default:
			if j.cookies == nil {
				j.cookies = map[string]string{}
			}
			j.cookies[c.Name] = c.Value
		}
	}
	return cleared, carried
}

// saved is a copy, as a disk has it; restore puts one back.
func (j *jar) saved() map[string]string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return maps.Clone(j.cookies)
}

func (j *jar) restore(cookies map[string]string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.cookies = maps.Clone(cookies)
}

// block makes the browser refuse every cookie from now on.
func (j *jar) block() {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.blocked = true
}
