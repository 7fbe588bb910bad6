package setup_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"sessiongate/cmd/sessiongate/setup"
	"sessiongate/configs"
	"sessiongate/session/seal"
	"sessiongate/session/token"
)

// script is a person who answers in order. What was said and asked is kept.
type script struct {
	answers []string
	said    []string
	secrets int
}

func (s *script) next(prompt string) (string, error) {
	s.said = append(s.said, prompt)
	if len(s.answers) == 0 {
		return "", setup.ErrGone
	}
	first := s.answers[0]
	s.answers = s.answers[1:]
	return first, nil
}

func (s *script) Line(_ context.Context, prompt, fallback string) (string, error) {
	text, err := s.next(prompt + " [" + fallback + "]")
	if text == "" {
		text = fallback
	}
	return text, err
}

func (s *script) Secret(_ context.Context, prompt string) (string, error) {
	s.secrets++
	return s.next(prompt)
}

func (s *script) Say(text string) { s.said = append(s.said, text) }

// keys makes keys as the command does.
func keys(dir string) error {
	signing, err := token.GenerateSigningKey(token.EdDSA)
	for name, data := range map[string][]byte{
		"cookie.key": []byte(seal.GenerateKey()), "seal.key": []byte(seal.GenerateKey()), "signing.pem": signing,
	} {
		err = errors.Join(err, os.WriteFile(filepath.Join(dir, name), data, 0o600))
	}
	return err
}

func noEnv(string) (string, bool) { return "", false }

func options(t *testing.T, given ...string) setup.Options {
	t.Helper()
	o := setup.Options{Dir: filepath.Join(t.TempDir(), "gate"), Given: map[string]string{}, Keys: keys, Env: noEnv}
	for i := 0; i < len(given); i += 2 {
		o.Given[given[i]] = given[i+1]
	}
	return o
}

// A person is asked for what no flag says, what is wrong is asked again, and empty lines are
// defaults.
func TestQuestions(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	for name, row := range map[string]struct {
		given   []string
		answers []string
		said    []string // somewhere, in any order
		text    []string // in the file
	}{
		"nothing but defaults": {
			answers: []string{"", "", "", ""},
			said:    []string{"Provider [local]", "[http://localhost:9000]", "[http://localhost:5173]", "[http://localhost:8080]"},
			text:    []string{"kind: local", "embedded: true", "public_url: http://localhost:8080 ", "\n  listen: localhost:8080 "},
		},
		"a vendor at once": {
			answers: []string{"keycloak", "https://id.test", "app", "", "", "", ""},
			said:    []string{"Client secret (empty: from the environment, OIDC_CLIENT_SECRET)"},
			text:    []string{"issuer: https://id.test\n", "client_id: app\n", "client_secret: ${OIDC_CLIENT_SECRET} "},
		},
		"a vendor by way of its kind": {
			answers: []string{"oidc", "gogle", "google", "", "app", "s3cret", "", "", ""},
			said:    []string{`  "gogle" is not known; write google? (none fits: other)`, "[https://accounts.google.com]"},
			text:    []string{"issuer: https://accounts.google.com\n", "client_secret_file: keys/client-secret"},
		},
		"another token API": {
			answers: []string{"tokenapi", "", "http://localhost:7000/", folder, "http://gate.localhost:3000"},
			text:    []string{"base_url: http://localhost:7000 ", `upstreams: ["http://localhost:7000"]`, "static: " + folder, "  listen: localhost:3000                   # this machine alone; in a container \":3000\"\n"},
		},
		"a preset by way of its kind": {
			answers: []string{"tokenapi", "strapi", "", "", ""},
			text:    []string{"preset: strapi", "base_url: http://localhost:1337\n"},
		},
		"a word of a preset's name": {
			answers: []string{"tokenapi", "express", "spring", "other", "", "", "http://127.0.0.1:8088"},
			said:    []string{`"express" is not known; write node-express-boilerplate? (none`, `"spring" is not known; write one of `, `tokenapi (none fits: other)`},
			text:    []string{"listen: \"127.0.0.1:8088\""},
		},
		"an address in public": {
			given:   []string{"provider", "local"},
			answers: []string{"", "", "app.test", "https://app.test/", "localhost", ""},
			said:    []string{`write https://app.test`, `(the value) is not the URL of a Redis; write redis://localhost:6379`, "Redis, which keeps the sessions [redis://localhost:6379]"},
			text:    []string{"public_url: https://app.test ", "# what the browser sees", "tls: {cert_file", "trusted_proxies: [", "redis: redis://localhost:6379\n"},
		},
		"the port of the app": {
			given:   []string{"provider", "local", "upstream", "http://localhost:8080"},
			answers: []string{"", "", "http://localhost:9090", "http://localhost:8081"},
			said:    []string{"the gateway needs a port of its own; write http://localhost:8081", "is the port of the gateway's own metrics"},
			text:    []string{"public_url: http://localhost:8081", "listen: localhost:8081 "},
		},
		"flags alone": {
			given: []string{"provider", "local", "upstream", "http://a.test", "app", "http://b.test", "public-url", "http://localhost:80801"[:21]},
			text:  []string{`upstreams: ["http://a.test"]`},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			person := &script{answers: row.answers}
			o := options(t, row.given...)
			o.Terminal = person
			r, err := setup.Run(t.Context(), o)
			if err != nil || len(person.answers) > 0 {
				t.Fatalf("%v, left %q of\n%s", err, person.answers, strings.Join(person.said, "\n"))
			}
			for _, text := range row.said {
				if !strings.Contains(strings.Join(person.said, "\n"), text) {
					t.Errorf("never said %q:\n%s", text, strings.Join(person.said, "\n"))
				}
			}
			data, err := os.ReadFile(filepath.Join(o.Dir, "sessiongate.yaml"))
			for _, text := range row.text {
				if !strings.Contains(string(data), text) {
					t.Errorf("%v, no %q in\n%s", err, text, data)
				}
			}
			if string(data) != r.Text {
				t.Error("another text was returned")
			}
		})
	}
}

// A wrong flag is not asked about: whoever wrote it wrote a script perhaps.
func TestWrongFlagAtTerminal(t *testing.T) {
	t.Parallel()
	o := options(t, "provider", "local", "upstream", "nonsense")
	o.Terminal = &script{answers: []string{"", "", "", ""}}
	var usage *setup.UsageError
	if _, err := setup.Run(t.Context(), o); !errors.As(err, &usage) {
		t.Error(err)
	}
}

// Whoever goes away, at whichever question, leaves nothing behind.
func TestGoneAway(t *testing.T) {
	t.Parallel()
	answers := []string{"oidc", "", "https://id.test", "app", "secret", "", "", "https://app.test", ""}
	for n := range answers {
		o := options(t)
		o.Terminal = &script{answers: slices.Clone(answers[:n])}
		if _, err := setup.Run(t.Context(), o); !errors.Is(err, setup.ErrGone) {
			t.Errorf("after %d answers: %v", n, err)
		}
		if _, err := os.Stat(o.Dir); err == nil {
			t.Errorf("after %d answers: the folder is there", n)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	o := options(t)
	if _, err := setup.Run(ctx, o); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if _, err := os.Stat(o.Dir); err == nil {
		t.Error("the folder is there")
	}
}

// A secret that is there is used, and nobody is asked for it.
func TestKeepsClientSecret(t *testing.T) {
	t.Parallel()
	o := options(t, "provider", "okta", "issuer", "https://id.test", "client-id", "x")
	if err := os.MkdirAll(filepath.Join(o.Dir, "keys"), 0o700); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(o.Dir, "keys/client-secret")
	if err := os.WriteFile(path, []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	person := &script{answers: []string{"", "", ""}}
	o.Terminal = person
	r, err := setup.Run(t.Context(), o)
	if err != nil || person.secrets != 0 || len(r.Unset) != 0 || !strings.Contains(r.Text, "client_secret_file: keys/client-secret") {
		t.Fatalf("%v %d %v", err, person.secrets, r)
	}
	if data, err := os.ReadFile(path); err != nil || string(data) != "mine" {
		t.Errorf("%q %v", data, err)
	}
}

// Somebody else's file that appears meanwhile stays, and what was made so far goes.
func TestFasterSomebody(t *testing.T) {
	t.Parallel()
	o := options(t)
	path := filepath.Join(o.Dir, "sessiongate.yaml")
	o.Keys = func(dir string) error { return errors.Join(keys(dir), os.WriteFile(path, []byte("theirs"), 0o600)) }
	if _, err := setup.Run(t.Context(), o); err == nil || !strings.Contains(err.Error(), "exists") {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(o.Dir)
	if err != nil || len(entries) != 1 {
		t.Errorf("%v %v", entries, err)
	}
	if data, err := os.ReadFile(path); err != nil || string(data) != "theirs" {
		t.Errorf("%q %v", data, err)
	}
}

// Nothing that is printed of a result has a secret in it.
func TestResultIsSilent(t *testing.T) {
	t.Parallel()
	o := options(t, "provider", "oidc", "issuer", "https://id.test", "client-id", "x", "redis", "redis://:canary-1@localhost")
	o.Terminal = &script{answers: []string{"canary-2", "", "", ""}}
	r, err := setup.Run(t.Context(), o)
	if err != nil || strings.Contains(fmt.Sprintf("%+v %#v", r, *r), "canary") {
		t.Errorf("%v %+v", err, r)
	}
	local, err := setup.Run(t.Context(), options(t))
	if err != nil || local.Password.Empty() || strings.Contains(fmt.Sprintf("%+v %#v", local, *local), local.Password.Reveal()) {
		t.Errorf("%v %+v", err, local)
	}
	loaded, err := configs.Load(filepath.Join(o.Dir, "sessiongate.yaml"), noEnv)
	if err != nil || loaded.Config.Providers[0].OIDC.ClientSecret.Reveal() != "canary-2" {
		t.Error(err)
	}
}
