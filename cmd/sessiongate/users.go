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
func (g *assembled) users(name string, c *configs.LocalProvider, hasher *users.Hasher, w wiring) (local.Users, error) {
	if c.Users.Demo {
		if g.demo == "" {
			g.demo = name
		}
		return demoAccounts(hasher)
	}
	complain := func(err error) { g.log.Warn("users", slog.String("error", err.Error())) }
	if c.Users.Database.Empty() {
		return g.usersFile(c.Users.File.String(), hasher, users.FileOptions{Now: w.now, OnError: complain})
	}
	d, err := users.OpenDatabase(hasher, users.DatabaseOptions{
		URL: c.Users.Database.Reveal(), Query: c.Users.Query, QueryBySubject: c.Users.QueryBySubject, OnError: complain,
	})
	if err != nil {
		return nil, err
	}
	g.onClose(d.Close)
	g.databases = append(g.databases, d)
	return d, nil
}

func (g *assembled) usersFile(path string, hasher *users.Hasher, o users.FileOptions) (*users.File, error) {
	f, err := users.OpenFile(path, hasher, o)
	if err != nil {
		return nil, err
	}
	if len(f.List()) == 0 {
		g.log.Warn("the users file has no users: nobody can sign in, and sessions of its users end at their next refresh",
			slog.String("file", path))
	}
	g.userFiles = append(g.userFiles, f)
	return f, nil
}

// rereadUsers takes the users files as they are, whatever they lost: somebody
// asked for it.
func (g *assembled) rereadUsers() {
	for _, f := range g.userFiles {
		if err := f.Reload(); err != nil {
			g.log.Warn("users", slog.String("error", err.Error()))
			continue
		}
		g.log.Info("users file read", slog.Int("users", len(f.List())))
	}
}

// askDatabases says at the start what else the first sign-in would.
func (g *assembled) askDatabases(ctx context.Context) {
	for _, d := range g.databases {
		if err := d.Probe(ctx); err != nil {
			g.log.Warn("users", slog.String("error", err.Error()))
		}
	}
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
