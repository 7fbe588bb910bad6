package setup

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"sessiongate/configs"
	"sessiongate/session/users"
)

// staging is a folder in which everything is made.
type staging struct {
	temp   string
	names  []string // of the files in it, as the configuration names them
	result *Result
}

// stage makes every file that is not there yet, and holds the configuration against the rules.
func (t target) stage(ctx context.Context, a *answers, temp string) (*staging, error) {
	s := &staging{temp: temp, result: &Result{}}
	for _, step := range []func() error{
		func() error { return t.stageKeys(s, a) },
		func() error { return t.stageSecrets(s, a) },
		func() error { return t.stageUser(ctx, s, a) },
		func() error { return t.stageConfig(s, a) },
	} {
		if err := step(); err != nil {
			return nil, err
		}
	}
	return s, nil
}

func (s *staging) path(name string) string { return filepath.Join(s.temp, filepath.FromSlash(name)) }

// add notes a file that is staged or there.
func (s *staging) add(t target, name string) {
	kept := t.has(name)
	if !kept {
		s.names = append(s.names, name)
	}
	s.result.Files = append(s.result.Files, File{Path: t.path(name), Kept: kept})
}

// stageKeys makes the keys that the configuration names.
func (t target) stageKeys(s *staging, a *answers) error {
	folder := s.path(keysFolder)
	if err := os.Mkdir(folder, 0o700); err != nil {
		return fmt.Errorf("init: %w", err)
	}
	if err := t.keys(folder); err != nil {
		return err
	}
	draft := configs.NewDraft(a.file.text)
	for _, path := range keyPaths() {
		if draft.Has(path) {
			s.add(t, draft.Value(path))
		}
	}
	// Whoever adds all files of the app to its version control does not mean these.
	if err := os.WriteFile(s.path(ignoreFile), []byte("*\n"), 0o600); err != nil {
		return fmt.Errorf("init: %w", err)
	}
	s.add(t, ignoreFile)
	return nil
}

// stageSecrets writes the secrets that were typed, each into a file that only its owner reads.
func (t target) stageSecrets(s *staging, a *answers) error {
	r, _ := splitRedis(a.redis)
	for _, f := range []struct {
		name   string
		secret configs.Secret
	}{{secretFile, a.secret}, {passwordFile, r.password}} {
		if f.secret.Empty() {
			continue
		}
		if err := os.WriteFile(s.path(f.name), []byte(f.secret.Reveal()+"\n"), 0o600); err != nil {
			return fmt.Errorf("init: %w", err)
		}
		s.add(t, f.name)
	}
	return nil
}

// stageUser makes the first user of a users file that is not there yet.
func (t target) stageUser(ctx context.Context, s *staging, a *answers) error {
	if !configs.NewDraft(a.file.text).Has("providers[0].users.file") {
		return nil
	}
	defer s.add(t, usersFile)
	hasher := users.NewHasher(users.HasherOptions{})
	if t.has(usersFile) {
		_, err := users.OpenFile(t.path(usersFile), hasher, users.FileOptions{})
		return err
	}
	path := s.path(usersFile)
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		return fmt.Errorf("init: %w", err)
	}
	file, err := users.OpenFile(path, hasher, users.FileOptions{})
	if err != nil {
		return err
	}
	password := newPassword()
	s.result.User, s.result.Password = firstUserName, configs.NewSecret(password)
	return file.Add(ctx, users.User{Name: firstUserName, Roles: []string{"admin"}}, password)
}

// newPassword is 100 random bits in groups that can be typed.
func newPassword() string {
	text := strings.ToLower(rand.Text())
	return text[:5] + "-" + text[5:10] + "-" + text[10:15] + "-" + text[15:20]
}

// stageConfig writes the configuration, after the same one with the files where they are staged has
// passed every check.
func (t target) stageConfig(s *staging, a *answers) error {
	hasSecret := !a.secret.Empty() || t.has(secretFile)
	trial, err := compose(a, func(name string) string { return t.readable(s, name) }, hasSecret)
	if err != nil {
		return fmt.Errorf("init: %w", err)
	}
	env := standIn{env: t.env}
	loaded, err := configs.LoadBytes(t.path(configFile), []byte(trial), env.lookup)
	if err != nil {
		return t.aboutAnswers(err)
	}
	r := s.result
	r.Exists = t.has(configFile)
	r.Text, err = compose(a, func(name string) string { return name }, hasSecret)
	if err != nil {
		return fmt.Errorf("init: %w", err)
	}
	r.Provider, r.URL = loaded.Config.Providers[0].Name, loaded.Config.Server.PublicURL
	r.Warnings, r.Unset, r.Register, r.Edits = loaded.Warnings, env.unset, registered(&loaded.Config), leftover(r.Text)
	s.names = append(s.names, configFile) // there was none: if there is one by now, moving fails
	r.Files = append(r.Files, File{Path: t.path(configFile), Kept: t.has(configFile)})
	if err := os.WriteFile(s.path(configFile), []byte(r.Text), 0o644); err != nil { //nolint:gosec // it holds no secret
		return fmt.Errorf("init: %w", err)
	}
	return nil
}

// aboutAnswers turns problems of the configuration into what is wrong on the command line, where
// they come from there. Of the others, the lines go: that file was not written.
func (t target) aboutAnswers(err error) error {
	var problems *configs.Problems
	if !errors.As(err, &problems) {
		return err
	}
	for i := range problems.List {
		p := &problems.List[i]
		if flag, answered := flagOf(p.Path); answered {
			return &UsageError{"--" + flag + " " + p.What + "; " + p.Fix}
		}
		p.File, p.Line, p.Col = t.dir, 0, 0
	}
	return problems
}

// flagOf is the flag whose answer stands at a path of the configuration.
func flagOf(path string) (flag string, answered bool) {
	for _, pair := range [][2]string{
		{"server.public_url", "public-url"},
		{"store.redis", "redis"},
		{"providers[0].issuer", "issuer"},
		{"providers[0].client_id", "client-id"},
		{"providers[0].base_url", "base-url"},
		{"routes[0].upstreams", "upstream"},
		{"routes[1].upstreams", "app"},
		{"routes[1].static", "app"},
	} {
		if strings.HasPrefix(path, pair[0]) {
			return pair[1], true
		}
	}
	return "", false
}

// readable is where a file can be read before anything was moved.
func (t target) readable(s *staging, name string) string {
	path := s.path(name)
	if t.has(name) {
		path = t.path(name)
	}
	if whole, err := filepath.Abs(path); err == nil {
		return whole
	}
	return path
}

// standIn gives variables of the environment that are not set a value that loads, so that a
// configuration can be judged before its secrets are there.
type standIn struct {
	env   func(string) (string, bool)
	unset []string
}

func (s *standIn) lookup(name string) (string, bool) {
	if value, set := s.env(name); set && value != "" {
		return value, true
	}
	s.unset = append(s.unset, name)
	if strings.Contains(name, "DATABASE") {
		return "postgres://app@localhost:5432/app", true
	}
	return "unset", true
}
