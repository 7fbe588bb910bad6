package routing

import "slices"

// AppCall is a call of a token API that the application makes at the API's own path.
type AppCall uint8

// The calls.
const (
	NoCall      AppCall = iota // any other path
	CallLogin                  // goes to the API, and its answer becomes a session
	CallRefresh                // the gateway answers
	CallLogout                 // the gateway answers
)

// Capture is a path of a token API whose answers can begin a session.
type Capture struct {
	Provider string
	Path     string   // as it would be appended to an upstream's URL
	Via      string   // as the API has it, for the audit log
	Methods  []string // in upper case
	Statuses []int    // of an answer that signs in
	// Begins is the path of the GET that has to come first from the same browser, as it would be
	// appended to an upstream's URL; empty: none has to. With it a redirect signs in as well.
	Begins string
	Call   AppCall
	API    *API // of the provider alone
}

// SignsIn reports whether an answer of this status can.
func (c *Capture) SignsIn(status int) bool {
	return slices.Contains(c.Statuses, status) || c.Begins != "" && status >= 300 && status < 400
}

// Captures are the captures of a route, compiled. They are immutable and safe for concurrent use; nil
// has none.
type Captures struct {
	list          []Capture
	paths, begins []blockedPaths // of the list, one each
}

// NewCaptures returns nil for an empty list.
func NewCaptures(list []Capture) *Captures {
	if len(list) == 0 {
		return nil
	}
	c := &Captures{list: slices.Clone(list)}
	for i := range list {
		c.paths = append(c.paths, newBlockedPaths([]string{list[i].Path}))
		var begins blockedPaths
		if list[i].Begins != "" {
			begins = newBlockedPaths([]string{list[i].Begins})
		}
		c.begins = append(c.begins, begins)
	}
	return c
}

// Found is what [Captures.Find] knows of a request.
type Found struct {
	Capture *Capture   // whose answer may begin a session; nil: none
	Begins  []*Capture // that begin with this request
	// Hidden says that the path is one of an [AppCall] and the method is not its: there is nothing.
	Hidden bool
}

// Find looks a request up by its method and its path, as it goes upstream. A path is compared as the
// laxest server would, since whoever asks chooses its spelling.
func (c *Captures) Find(method, path string) (f Found) {
	if c == nil {
		return f
	}
	for i := range c.list {
		e := &c.list[i]
		if method == "GET" && c.begins[i].has(path) {
			f.Begins = append(f.Begins, e)
		}
		if !c.paths[i].has(path) {
			continue
		}
		switch {
		case f.Capture == nil && slices.Contains(e.Methods, method):
			f.Capture = e
		case e.Call != NoCall:
			f.Hidden = true
		}
	}
	f.Hidden = f.Hidden && f.Capture == nil
	return f
}

// At reports whether something is captured at this very path, whatever the method.
func (c *Captures) At(path string) bool {
	return c != nil && slices.ContainsFunc(c.list, func(e Capture) bool { return e.Path == path })
}

// Other returns the call of the same request that is not c's login, or nil: some APIs have one path
// for both.
func (c *Captures) Other(method, path string) *Capture {
	for i := range c.list {
		if e := &c.list[i]; e.Call == CallRefresh && slices.Contains(e.Methods, method) && c.paths[i].has(path) {
			return e
		}
	}
	return nil
}
