package main

import (
	"context"
	"log/slog"

	"sessiongate/configs"
	"sessiongate/session/local"
	"sessiongate/session/users"
	"sessiongate/web"
)

// users opens what a local provider checks passwords against.
func (g *assembled) users(c *configs.LocalProvider, hasher *users.Hasher, w wiring) (local.Users, error) {
	if c.Users.Demo {
		g.demo = true
		return demoAccounts(hasher)
	}
	return users.OpenFile(c.Users.File.String(), hasher, users.FileOptions{
		Now: w.now,
		OnError: func(err error) { g.log.Warn("users file", slog.String("error", err.Error())) },
	})
}

// demoUsers are the two users of the demo, as its login page shows them.
func demoUsers() []web.DemoUser {
	return []web.DemoUser{
		{Name: "ada", Password: "lovelace-1843", Note: "a plain user"},
		{Name: "grace", Password: "hopper-1952", Note: "an admin"},
	}
}

func demoAccounts(hasher *users.Hasher) (*users.Static, error) {
	roles := map[string][]string{"ada": {"user"}, "grace": {"user", "admin"}}
	names := map[string]string{"ada": "Ada Lovelace", "grace": "Grace Hopper"}
	var accounts []users.Account
	for _, u := range demoUsers() {
		accounts = append(accounts, users.Account{
			User:     users.User{Name: u.Name, DisplayName: names[u.Name], Roles: roles[u.Name]},
			Password: u.Password,
		})
	}
	return users.NewStatic(context.Background(), hasher, accounts...)
}
