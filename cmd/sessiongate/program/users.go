package program

import (
	"context"
	"log/slog"

	"sessiongate/configs"
	"sessiongate/session/local"
	"sessiongate/session/users"
	"sessiongate/web"
)

// users opens what a local provider checks passwords against.
func (p *providers) users(name string, c *configs.LocalProvider, hasher *users.Hasher) (local.Users, error) {
	if c.Users.Demo {
		if p.demo == "" {
			p.demo = name
		}
		return demoAccounts(hasher)
	}
	complain := func(err error) { p.log.Warn("users", slog.String("error", err.Error())) }
	if c.Users.Database.Empty() {
		return p.usersFile(c.Users.File.String(), hasher, users.FileOptions{Now: p.now, OnError: complain})
	}
	d, err := users.OpenDatabase(hasher, users.DatabaseOptions{
		URL: c.Users.Database.Reveal(), Query: c.Users.Query, QueryBySubject: c.Users.QueryBySubject, OnError: complain,
	})
	if err != nil {
		return nil, err
	}
	p.databases = append(p.databases, d)
	return d, nil
}

func (p *providers) usersFile(path string, hasher *users.Hasher, o users.FileOptions) (*users.File, error) {
	f, err := users.OpenFile(path, hasher, o)
	if err != nil {
		return nil, err
	}
	if len(f.List()) == 0 {
		p.log.Warn("the users file has no users: nobody can sign in, and sessions of its users end at their next refresh",
			slog.String("file", path))
	}
	p.userFiles = append(p.userFiles, f)
	return f, nil
}

// DemoUsers are the two users of the demo, as its login page shows them.
func DemoUsers() []web.DemoUser {
	return []web.DemoUser{
		{Name: "ada", Password: "lovelace-1843", Note: "a plain user"},
		{Name: "grace", Password: "hopper-1952", Note: "an admin"},
	}
}

func demoAccounts(hasher *users.Hasher) (*users.Static, error) {
	roles := map[string][]string{"ada": {"user"}, "grace": {"user", "admin"}}
	names := map[string]string{"ada": "Ada Lovelace", "grace": "Grace Hopper"}
	var accounts []users.Account
	for _, u := range DemoUsers() {
		accounts = append(accounts, users.Account{
			User:     users.User{Name: u.Name, DisplayName: names[u.Name], Roles: roles[u.Name]},
			Password: u.Password,
		})
	}
	return users.NewStatic(context.Background(), hasher, accounts...)
}
