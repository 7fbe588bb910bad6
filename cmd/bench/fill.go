package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"sessiongate/session"
	"sessiongate/session/manager"
	"sessiongate/session/redisstore"
	"sessiongate/session/seal"
)

// writers is how many managers write sessions, and parallel how many each at a time: what is waited
// for is mostly Redis, which takes all that has come meanwhile in one go.
const (
	writers  = 8
	parallel = 40
)

// fill signs more users in, each with one session, without asking a gateway: the product's own
// manager and store write the sessions with the keys of the gateway of that name. Their cookies go
// to the end of the crowd. It takes all cores.
func fill(ctx context.Context, b *bench, name string, c *crowd, more int) error {
	b.say("writing %d sessions …", more)
	b.unpin()
	defer func() { b.unpin = pinSelf(ctx, b.pins.load) }()
	var list [writers]*manager.Manager
	for i := range list {
		m, closeStore, err := managerOf(b, name)
		if err != nil {
			return err
		}
		defer closeStore()
		list[i] = m
	}
	from := c.len()
	if c.width == 0 {
		cookie, err := newSession(ctx, list[0], from)
		if err != nil {
			return err
		}
		c.width, c.cookies = len(cookie), []byte(cookie)
		from, more = from+1, more-1
	}
	c.cookies = append(c.cookies, make([]byte, more*c.width)...)
	var next atomic.Int64
	next.Store(int64(from))
	var all sync.WaitGroup
	var failed atomic.Pointer[error]
	for i := range writers * parallel {
		all.Go(func() {
			if err := c.write(ctx, list[i%writers], &next, &failed); err != nil {
				failed.Store(&err)
			}
		})
	}
	all.Wait()
	if err := failed.Load(); err != nil {
		return *err
	}
	return nil
}

// write makes sessions and puts their cookies in their places, until the crowd is full or somebody
// has failed.
func (c *crowd) write(ctx context.Context, m *manager.Manager, next *atomic.Int64, failed *atomic.Pointer[error]) error {
	for failed.Load() == nil {
		i := int(next.Add(1)) - 1
		if i >= c.len() {
			return nil
		}
		cookie, err := newSession(ctx, m, i)
		if err != nil {
			return err
		}
		if len(cookie) != c.width {
			return errors.New("fill: cookies of different lengths")
		}
		copy(c.at(i), cookie)
	}
	return nil
}

// newSession signs user number i in and returns the cookie.
func newSession(ctx context.Context, m *manager.Manager, i int) (cookie string, err error) {
	s, err := m.Login(ctx, session.Login{Username: "u" + strconv.Itoa(i)})
	if err != nil {
		return "", fmt.Errorf("fill: %w", err)
	}
	value, _, ok := m.CookieValue(s)
	if !ok {
		return "", errors.New("fill: a new session without a cookie")
	}
	return sessionCookie + "=" + value, nil
}

// managerOf is one for the sessions of a gateway of that name.
func managerOf(b *bench, name string) (m *manager.Manager, closeStore func(), err error) {
	cookie, err1 := readKey(filepath.Join(b.dir, name, "cookie.key"))
	field, err2 := readKey(filepath.Join(b.dir, name, "seal.key"))
	if err := errors.Join(err1, err2); err != nil {
		return nil, nil, err
	}
	handles, err1 := seal.NewHandles("cookie", []seal.Key{{ID: "c1", Secret: cookie}}, nil)
	fields, err2 := seal.NewFields([]seal.Key{{ID: "s1", Secret: field}}, nil)
	if err := errors.Join(err1, err2); err != nil {
		return nil, nil, err
	}
	rules := session.Rules{Idle: 12 * time.Hour}
	store, err := redisstore.New(redisstore.Options{
		Addresses: []string{b.redis}, KeyPrefix: name + ":", Rules: rules, Sealer: fields, Timeout: 10 * time.Second,
	})
	if err != nil {
		return nil, nil, err
	}
	m, err = manager.New(manager.Options{
		Store: store, Cookies: handles, Providers: []session.Provider{anybody{}}, Rules: rules,
		Absolute: 14 * 24 * time.Hour, Grace: 30 * time.Second,
	})
	return m, func() { _ = store.Close() }, err
}

func readKey(file string) ([]byte, error) {
	text, err := os.ReadFile(file) //nolint:gosec // in our own folder
	if err != nil {
		return nil, err
	}
	return seal.ParseKey(bytes.TrimSpace(text))
}

// anybody lets everybody in, with tokens of the usual size that outlive the measurement.
type anybody struct{}

// Name implements [session.Provider]: that of the gateway's own.
func (anybody) Name() string { return "local" }

// Refresh implements [session.Provider].
func (anybody) Refresh(context.Context, session.Refresh) (session.Grant, error) {
	return session.Grant{}, errors.New("bench: a session of the crowd was refreshed")
}

// Login implements [session.PasswordProvider].
func (anybody) Login(_ context.Context, c session.Credentials) (session.Grant, error) {
	return session.Grant{
		Identity: session.Identity{Subject: c.Username, Name: c.Username, Provider: "local", Roles: []string{"user"}, AuthTime: c.Now},
		Tokens: session.Tokens{
			Access: session.Secret(strings.Repeat("a", 800)), Refresh: session.Secret(strings.Repeat("r", 60) + c.Username),
		},
		Lifetime: 12 * time.Hour,
	}, nil
}
