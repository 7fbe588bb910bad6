package redisstore

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	_ "embed" // the scripts
	"encoding/base64"
	"encoding/json"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"

	"sessiongate/session"
)

//go:embed lua/attempt_put.lua
var attemptPutLua string

//go:embed lua/attempt_take.lua
var attemptTakeLua string

const (
	attemptField = "attempt"
	returnField  = "return"
)

// Attempts keeps login attempts. All those of one browser are one hash, named by
// a hash of the binding cookie: so they are capped and taken in one step, on one
// node, and a state without its browser finds nothing. It is safe for
// concurrent use.
type Attempts struct {
	store     *Store
	put, take script
}

var _ session.Attempts = (*Attempts)(nil)

// Attempts returns the login attempts kept on the store's server.
func (s *Store) Attempts() *Attempts {
	return &Attempts{
		store: s,
		put:   script{"put attempt", redis.NewScript(attemptPutLua)},
		take:  script{"take attempt", redis.NewScript(attemptTakeLua)},
	}
}

// storedAttempt is an attempt before sealing; its secrets are plain here.
type storedAttempt struct {
	Kind                      session.AttemptKind
	Created                   time.Time
	Provider, Nonce, Verifier string
	ReturnTo                  string
	Prompt, LoginHint         string         `json:",omitempty"`
	MaxAge                    *time.Duration `json:",omitempty"`
	ACR                       []string       `json:",omitempty"`
	Silent                    bool           `json:",omitempty"`
	Again                     bool           `json:",omitempty"`
	Replaces                  []session.ID   `json:",omitempty"`
	Onward                    string         `json:",omitempty"`
}

// PutAttempt implements [session.Attempts].
func (a *Attempts) PutAttempt(ctx context.Context, t session.Attempt) error {
	plain, err := json.Marshal(storedAttempt{
		Kind: t.Kind, Created: t.Created.UTC(), Provider: t.Provider, Nonce: t.Nonce.Reveal(), Verifier: t.Verifier.Reveal(), ReturnTo: t.ReturnTo,
		Prompt: t.AuthRequest.Prompt, LoginHint: t.AuthRequest.LoginHint, MaxAge: t.AuthRequest.MaxAge, ACR: t.AuthRequest.ACR,
		Silent: t.PromptNone, Again: t.Again, Replaces: t.Replaces, Onward: t.LogoutURL.Reveal(),
	})
	if err != nil {
		return fmt.Errorf("encode attempt: %w", err)
	}
	browser, id := opaque(t.Browser), opaque(t.State)
	sealed, err := a.store.o.Sealer.Seal(browser+id, attemptField, plain)
	if err != nil {
		return fmt.Errorf("%w: %w", session.ErrSealed, err)
	}
	back, err := a.store.o.Sealer.Seal(browser+id, returnField, []byte(t.ReturnTo))
	if err != nil {
		return fmt.Errorf("%w: %w", session.ErrSealed, err)
	}
	_, err = a.store.evalKey(ctx, a.put, a.key(browser), id, sealed, back, session.MostAttempts,
		session.AttemptLife.Milliseconds(), session.AttemptMemory.Milliseconds(), a.store.offset())
	return err
}

// TakeAttempt implements [session.Attempts].
func (a *Attempts) TakeAttempt(ctx context.Context, browser, state string) (session.TakenAttempt, error) {
	hash, id := opaque(browser), opaque(state)
	reply, err := a.store.evalKey(ctx, a.take, a.key(hash), id, rand.Text(),
		session.AttemptLife.Milliseconds(), a.store.offset())
	if err != nil {
		return session.TakenAttempt{}, err
	}
	parts, ok := reply.([]any)
	if !ok || len(parts) != 2 {
		return session.TakenAttempt{}, unavailable(a.take.name, errReply)
	}
	attempt, _ := parts[0].(string)
	back, _ := parts[1].(string)
	var taken session.TakenAttempt
	if back != "" {
		plain, err := a.store.o.Sealer.Open(hash+id, returnField, []byte(back))
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
	plain, err := a.store.o.Sealer.Open(id, attemptField, []byte(sealed))
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
		AuthRequest: session.AuthRequest{Prompt: t.Prompt, LoginHint: t.LoginHint, MaxAge: t.MaxAge, ACR: t.ACR},
		PromptNone:  t.Silent, Again: t.Again, Replaces: t.Replaces, LogoutURL: session.Secret(t.Onward),
	}, nil
}

func (a *Attempts) key(browser string) string { return a.store.o.KeyPrefix + "tx:{" + browser + "}" }

// opaque names a value without giving it away: 16 bytes of its SHA-256.
func opaque(value string) string {
	sum := sha256.Sum256([]byte(value))
	return base64.RawURLEncoding.EncodeToString(sum[:16])
}

// evalKey runs a script on a key that is not a session's.
func (s *Store) evalKey(ctx context.Context, sc script, key string, args ...any) (any, error) {
	ctx, cancel := context.WithTimeout(ctx, s.o.Timeout)
	defer cancel()
	reply, err := sc.Run(ctx, s.client, []string{key}, args...).Result()
	if err != nil {
		return nil, unavailable(sc.name, err)
	}
	return reply, nil
}
