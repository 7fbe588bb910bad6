package main

import (
	"net/http"
	"strings"
	"sync/atomic"
)

// ownerHeader is how a browser says to the upstream whose answer it wants.
const ownerHeader = "X-Owner"

// upstream is an API that answers only the owner of a living access token.
type upstream struct {
	provider *provider
	hang     atomic.Pointer[chan struct{}] // while it is set, answers wait for it to be closed

	answered atomic.Int64
	foreign  atomic.Int64 // came with the token of somebody else
	expired  atomic.Int64 // came with a token that was over
	unknown  atomic.Int64 // came with a token of a family that was ended, or none
}

// ServeHTTP implements http.Handler.
func (u *upstream) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	owner, expired, known := u.provider.check(token)
	if c := u.hang.Load(); c != nil { // what counts is what the token was when it came
		select {
		case <-*c:
		case <-r.Context().Done():
			return
		}
	}
	switch {
	case ok && owner != "" && owner != r.Header.Get(ownerHeader):
		u.foreign.Add(1)
		http.Error(w, "not yours", http.StatusConflict)
		return
	case ok && known && !expired:
		u.answered.Add(1)
		answerJSON(w, http.StatusOK, []byte(`{"owner":"`+owner+`"}`))
		return
	case ok && known:
		u.expired.Add(1)
	default:
		u.unknown.Add(1)
	}
	w.Header().Set("WWW-Authenticate", `Bearer error="invalid_token"`)
	answerJSON(w, http.StatusUnauthorized, []byte(`{"error":"invalid_token"}`))
}

// stall makes answers wait until release is called.
func (u *upstream) stall() (release func()) {
	c := make(chan struct{})
	u.hang.Store(&c)
	return func() {
		u.hang.Store(nil)
		close(c)
	}
}
