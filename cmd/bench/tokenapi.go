package main

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
)

// providerDelay is what a refresh takes, as if there were a network between.
const providerDelay = 20 * time.Millisecond

// tokenAPI is an API with JSON login and refresh for --storm and --soak: it signs nothing and costs
// nothing, so that thousands of sessions are made in seconds. It counts refreshes.
type tokenAPI struct {
	n         atomic.Int64
	refreshes atomic.Int64
	inFlight  atomic.Int64
	most      atomic.Int64
	expire    atomic.Int64 // Unix seconds at which tokens of a login expire; 0: in an hour
}

func newTokenAPI() http.Handler {
	a := &tokenAPI{}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /auth/login", a.login)
	mux.HandleFunc("POST /auth/refresh", a.refresh)
	mux.HandleFunc("POST /expire", func(_ http.ResponseWriter, r *http.Request) {
		at, _ := strconv.ParseInt(r.URL.Query().Get("at"), 10, 64)
		a.expire.Store(at)
	})
	mux.HandleFunc("GET /count", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(w, "refreshes %d\nmost_in_flight %d\n", a.refreshes.Load(), a.most.Load())
	})
	return mux
}

func (a *tokenAPI) login(w http.ResponseWriter, r *http.Request) {
	var in struct{ Username string }
	if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
		http.Error(w, "no JSON", http.StatusBadRequest)
		return
	}
	seconds := int64(3600)
	if at := a.expire.Load(); at > 0 {
		seconds = max(1, at-time.Now().Unix())
	}
	a.issue(w, in.Username, seconds)
}

// refresh takes providerDelay.
func (a *tokenAPI) refresh(w http.ResponseWriter, r *http.Request) {
	var in struct {
		Token string `json:"refresh_token"`
	}
	if err := json.NewDecoder(r.Body).Decode(&in); err != nil || in.Token == "" {
		http.Error(w, "no refresh token", http.StatusUnauthorized)
		return
	}
	a.refreshes.Add(1)
	now := a.inFlight.Add(1)
	defer a.inFlight.Add(-1)
	for most := a.most.Load(); now > most && !a.most.CompareAndSwap(most, now); most = a.most.Load() {
		continue
	}
	<-time.After(providerDelay)
	user, _, _ := strings.Cut(in.Token, ".")
	a.issue(w, user, 3600)
}

func (a *tokenAPI) issue(w http.ResponseWriter, user string, seconds int64) {
	now := time.Now().Unix()
	claims, _ := json.Marshal(map[string]any{ // a map of strings and numbers
		"sub": user, "iat": now, "exp": now + seconds, "jti": strconv.FormatInt(a.n.Add(1), 10),
		"roles": []string{"user"}, "pad": strings.Repeat("x", 400), // the size of a usual token
	})
	enc := base64.RawURLEncoding
	jwt := enc.EncodeToString([]byte(`{"alg":"EdDSA","typ":"at+jwt"}`)) + "." + enc.EncodeToString(claims) + "." +
		enc.EncodeToString(make([]byte, 64))
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(map[string]any{
		"access_token": jwt, "refresh_token": fmt.Sprintf("%s.%d", user, a.n.Add(1)), "token_type": "bearer", "expires_in": seconds,
	})
}
