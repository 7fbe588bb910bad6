package session

import (
	"time"
)

// RefreshPrefix begins every refresh token of a token client, so that a leak
// is recognised for what it is and no access token is taken for one.
const RefreshPrefix = "sgr_"

// TokenPair is what a token client gets.
type TokenPair struct {
	Session    *Session
	Access     Secret
	Refresh    Secret
	AccessTTL  time.Duration // rest of the access token's life
	RefreshTTL time.Duration // how long the refresh token may stay unused
}

// TokenClientRefresh is what a token client presents to refresh or to sign out.
type TokenClientRefresh struct {
	Refresh Secret // the refresh token
	Access  Secret // the access token it had until now, to be revoked; empty: none
	Client
}
