package setup_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sessiongate/cmd/sessiongate/setup"
)

// What is wrong with a Redis is said without the text: the password may stand anywhere in it. What
// would be written in another meaning than it was given is refused.
func TestWrongRedisIsNotRepeated(t *testing.T) {
	t.Parallel()
	for text, says := range map[string]string{
		"redis://h?password=canary":     "is not the URL",
		"h:6379,password=canary":        "is not the URL",
		"redis://:canary":               "is not the URL",
		"redis://h:canary":              "is not the URL",
		"redis://canary@h":              "a password without a colon",
		"redis://${canary}@h":           "something else than the whole password",
		"redis://:x${REDIS_PW}canary@h": "something else than the whole password",
		"redis://:can%0Aary@h":          "a line of a file cannot hold",
		"redis://:%20canary@h":          "a line of a file cannot hold",
		"redis://:canary@h:99999":       "has a port that is not 1 to 65535; write --redis redis://",
	} {
		o := options(t, "redis", text)
		var usage *setup.UsageError
		if _, err := setup.Run(t.Context(), o); !errors.As(err, &usage) || !strings.Contains(err.Error(), says) || strings.Contains(err.Error(), "canary") {
			t.Errorf("%s: %v, want %q", text, err, says)
		}
	}
}

// A folder that a link leads to has another parent for a shell that went there than for a program
// that has its path, so the app's folder is a whole path.
func TestAppBesideLink(t *testing.T) {
	t.Chdir(t.TempDir())
	for _, dir := range []string{"app", "far/away/gate"} {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink("far/away/gate", "link"); err != nil {
		t.Fatal(err)
	}
	whole, err := filepath.Abs("app")
	if err != nil {
		t.Fatal(err)
	}
	for dir, want := range map[string]string{"link": "static: " + whole, "gate": "static: ../app"} {
		o := options(t, "app", "app")
		o.Dir = dir
		if r, err := setup.Run(t.Context(), o); err != nil || !strings.Contains(r.Text, want+"\n") {
			t.Errorf("%s: %v, want %s in\n%v", dir, err, want, r)
		}
	}
}
