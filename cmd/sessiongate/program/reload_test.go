package program

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

// TestPageNamesWhatNeedsARestart: configs/README.md has the keys that a reload leaves alone.
func TestPageNamesWhatNeedsARestart(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../../configs/README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, text, _ := strings.Cut(string(page), "These want a restart")
	text, _, _ = strings.Cut(text, ". So ")
	source, err := os.ReadFile("reload.go")
	if err != nil {
		t.Fatal(err)
	}
	keys := regexp.MustCompile(`(?m)^\t\t\{"([a-z_.0-9]+)", `).FindAllStringSubmatch(string(source), -1)
	for _, key := range keys {
		if !strings.Contains(text, "`"+key[1]+"`") {
			t.Errorf("the page does not name %s", key[1])
		}
	}
	if named := strings.Count(text, "`") / 2; named != len(keys) || named < 15 {
		t.Errorf("the page names %d keys, and a reload leaves %d alone", named, len(keys))
	}
}
