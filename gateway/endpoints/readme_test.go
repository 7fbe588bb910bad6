package endpoints

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestREADMEHasEveryEndpoint holds the tables of the HTTP contract to the router. HEAD goes with
// GET, and the client package's files are said to lie below /auth/client/.
func TestREADMEHasEveryEndpoint(t *testing.T) {
	page, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	written := make(map[string]bool)
	for _, m := range regexp.MustCompile("`((?:GET|POST|DELETE) /[^`?]+)[^`]*`").FindAllStringSubmatch(string(page), -1) {
		written[m[1]] = true
	}
	d := newDesk(t, &services{}, func(o *Options) { o.KeySet, o.Metadata = []byte("{}"), []byte("{}") })
	parameter := regexp.MustCompile(`:(\w+)`)
	routes := 0
	for _, r := range d.echo.Routes() {
		if r.Method == "HEAD" || strings.HasPrefix(r.Path, "/auth/client") && r.Path != "/auth/client.js" {
			continue
		}
		routes++
		name := r.Method + " " + parameter.ReplaceAllString(r.Path, "{$1}")
		if !written[name] {
			t.Errorf("%s is not in README.md", name)
		}
		delete(written, name)
	}
	if routes < 20 {
		t.Errorf("only %d routes seen", routes)
	}
	var gone []string
	for name := range written {
		gone = append(gone, name)
	}
	if slices.Sort(gone); len(gone) > 0 {
		t.Errorf("README.md has endpoints that are not there: %q", gone)
	}
}
