package redisstore

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"time"

	"sessiongate/session"
)

const (
	attemptField = "attempt"
	returnField  = "return"
)

// Attempts keeps login attempts. All those of one browser are one hash, named by
// a hash of the binding cookie: so they are capped and taken in one step, on one
// node, and a state without its browser finds nothing. It is safe for
// concurrent use.
type Attempts struct {
	server    *server
	put, take script
}

var _ session.Attempts = (*Attempts)(nil)

// Attempts returns the login attempts kept on the store's server.
func (s *Store) Attempts() *Attempts {
	return &Attempts{
		server: s.server,
		put:    newScript("put attempt", "attempt_put"),
		take:   newScript("take attempt", "attempt_take"),
	}
}

// storedAttempt is an attempt before sealing; its secrets are plain here.
type storedAttempt struct {
	Kind                      session.AttemptKind
	Created                   time.Time
	Provider, Nonce, Verifier string
	ReturnTo                  string
	storedAuthRequest
	PromptNone bool         `json:"Silent,omitempty"`
	Again      bool         `json:",omitempty"`
	Replaces   []session.ID `json:",omitempty"`
	LogoutURL  string       `json:"Onward,omitempty"`
}

// storedAuthRequest is what was asked of the provider. JSON has its fields among those of
// the attempt.
type storedAuthRequest struct {
	Prompt, LoginHint string         `json:",omitempty"`
	MaxAge            *time.Duration `json:",omitempty"`
	ACR               []string       `json:",omitempty"`
	UILocales         string         `json:",omitempty"`
}

// PutAttempt implements [session.Attempts].
func (a *Attempts) PutAttempt(ctx context.Context, t session.Attempt) error {
	plain, err := json.Marshal(storedAttempt{
		Kind: t.Kind, Created: t.Created.UTC(), Provider: t.Provider, Nonce: t.Nonce.Reveal(), Verifier: t.Verifier.Reveal(), ReturnTo: t.ReturnTo,
		storedAuthRequest: storedAuthRequest(t.AuthRequest),
		PromptNone:        t.PromptNone, Again: t.Again, Replaces: t.Replaces, LogoutURL: t.LogoutURL.Reveal(),
	})
	if err != nil {
		return fmt.Errorf("encode attempt: %w", err)
	}
	browser, id := opaque(t.Browser), opaque(t.State)
	sealed, err := a.server.o.Sealer.Seal(browser+id, attemptField, plain)
	if err != nil {
		return fmt.Errorf("%w: %w", session.ErrSealed, err)
	}
	back, err := a.server.o.Sealer.Seal(browser+id, returnField, []byte(t.ReturnTo))
	if err != nil {
		return fmt.Errorf("%w: %w", session.ErrSealed, err)
	}
	_, err = a.server.runKey(ctx, a.put, a.server.keys.attempts(browser), id, sealed, back, session.MaxAttempts,
		session.AttemptLife.Milliseconds(), session.AttemptMemory.Milliseconds(), a.server.offset())
	return err
}

// TakeAttempt implements [session.Attempts].
func (a *Attempts) TakeAttempt(ctx context.Context, browser, state string) (session.TakenAttempt, error) {
	hash, id := opaque(browser), opaque(state)
	reply, err := a.server.runKey(ctx, a.take, a.server.keys.attempts(hash), id, rand.Text(),
		session.AttemptLife.Milliseconds(), a.server.offset())
	if err != nil {
		return session.TakenAttempt{}, err
	}
	parts, ok := reply.([]any)
	if !ok || len(parts) != 2 {
		return session.TakenAttempt{}, unavailable(a.take.doing, errReply)
	}
	attempt, _ := parts[0].(string)
	back, _ := parts[1].(string)
	var taken session.TakenAttempt
	if back != "" {
		plain, err := a.server.o.Sealer.Open(hash+id, returnField, []byte(back))
		if err != nil {
			return session.TakenAttempt{}, fmt.Errorf("%w: %w", session.ErrSealed, err)
		}
		taken.ReturnTo = string(plain)
	}
	if attempt != "" {
		taken.Attempt, err = a.open(hash+id, browser, state, attempt)
	}
	return taken, err
}

func (a *Attempts) open(id, browser, state, sealed string) (*session.Attempt, error) {
	plain, err := a.server.o.Sealer.Open(id, attemptField, []byte(sealed))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", session.ErrSealed, err)
	}
	var t storedAttempt
	if err := json.Unmarshal(plain, &t); err != nil {
		return nil, fmt.Errorf("%w: attempt: %w", session.ErrSealed, err)
	}
	return &session.Attempt{
		State: state, Browser: browser, Kind: t.Kind, Created: t.Created, Provider: t.Provider,
		Nonce: session.Secret(t.Nonce), Verifier: session.Secret(t.Verifier), ReturnTo: t.ReturnTo,
		AuthRequest: session.AuthRequest(t.storedAuthRequest),
		PromptNone:  t.PromptNone, Again: t.Again, Replaces: t.Replaces, LogoutURL: session.Secret(t.LogoutURL),
	}, nil
}

// opaque names a value without giving it away: 16 bytes of its SHA-256.
func opaque(value string) string {
	sum := sha256.Sum256([]byte(value))
	return base64.RawURLEncoding.EncodeToString(sum[:16])
}
