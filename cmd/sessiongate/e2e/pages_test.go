package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Looks and words of the pages follow a reload, and a fault in them changes nothing.
func TestPagesFollowAReload(t *testing.T) {
	t.Parallel()
	s, g, write := reloadable(t, options{})
	page := func() string {
		_, body, err := plainGet(g, "/auth/login")
		if err != nil {
			t.Fatal(err)
		}
		return body
	}
	if body := page(); !strings.Contains(body, "<h1>Sign in to localhost:8080</h1>") {
		t.Errorf("without a section pages: %s", body)
	}
	for name, text := range map[string]string{
		"logo.svg": `<svg xmlns="http://www.w3.org/2000/svg"/>`, "own.css": "main { color: red }", "words/en.yaml": "login.username: Staff number\n",
		"words/fr.yaml": "button.sign_in: Connexion\n",
	} {
		file := filepath.Join(s.dir, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	const good = "pages: {name: Example, logo: logo.svg, accent: \"#aa0000\", stylesheet: own.css, messages: words, languages: [en, fr], home: /home, footer: Example Ltd}\n"
	write(s.config(options{}) + good)
	b := s.browser()
	for i := range 2 {
		body := page()
		for _, want := range []string{"<h1>Sign in to Example</h1>", "Staff number", "--accent: #aa0000", "main { color: red }", "Example Ltd", "/auth/pages/"} {
			if !strings.Contains(body, want) {
				t.Errorf("round %d: no %q", i, want)
			}
		}
		if a := b.get("/nothing", navigating("none"), header("Accept-Language", "fr")); !strings.Contains(a.body, `href="/home"`) || a.header.Get("Content-Language") != "fr" {
			t.Errorf("an error page: %s", a)
		}
		_, path, _ := strings.Cut(body, `src="`)
		path, _, _ = strings.Cut(path, `"`)
		if code, logo, err := plainGet(g, path); err != nil || code != 200 || !strings.HasPrefix(logo, "<svg") {
			t.Errorf("the logo at %s: %d", path, code)
		}
		write(s.config(options{}) + "pages: {accent: red}\n")
	}
	if !strings.Contains(s.logs.String(), "is not a colour") {
		t.Error("the log does not say what is wrong")
	}
}
