package main

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"sessiongate/cmd/markdown"
)

// TestPagesLinkToSomething: every link that stays in the repository leads to a file, and to a title
// in it.
func TestPagesLinkToSomething(t *testing.T) {
	t.Parallel()
	list := pages(t)
	anchors := make(map[string][]string)
	for _, p := range list {
		for _, h := range p.Headings() {
			anchors[p.Path] = append(anchors[p.Path], h.Anchor)
		}
	}
	seen := 0
	for _, p := range list {
		for _, link := range p.Links() {
			if elsewhere.MatchString(link.Target) {
				continue
			}
			seen++
			if wrong := brokenLink(p.Path, link.Target, anchors); wrong != "" {
				t.Errorf("%s:%d: %s: %s", p.Path, link.Line, link.Target, wrong)
			}
		}
	}
	if seen < 40 {
		t.Errorf("only %d links seen: the rule would hold of nothing", seen)
	}
}

var elsewhere = regexp.MustCompile(`^[a-z]+:`)

// brokenLink says what is wrong with a link of a page.
func brokenLink(page, target string, anchors map[string][]string) string {
	file, title, titled := strings.Cut(target, "#")
	path := page
	if file != "" {
		path = filepath.Join(filepath.Dir(page), file)
	}
	switch info, err := os.Stat(filepath.Join("../..", path)); {
	case strings.HasPrefix(file, "/"):
		return "write it from this page's folder"
	case strings.HasPrefix(path, ".."):
		return "it leads out of the repository"
	case err != nil:
		return "there is no such file"
	case titled && (info.IsDir() || filepath.Ext(path) != ".md"):
		return "only pages have titles"
	case titled && !slices.Contains(anchors[path], title):
		return "no title there makes that address"
	}
	return ""
}

func TestBrokenLink(t *testing.T) {
	t.Parallel()
	anchors := map[string][]string{"README.md": {"one"}, ".github/CONTRIBUTING.md": {"two"}}
	for link, want := range map[string]string{
		"README.md #one":                                 "",
		"README.md .github/CONTRIBUTING.md#two":          "",
		".github/CONTRIBUTING.md ../README.md#one":       "",
		"README.md cmd":                                  "",
		"README.md #two":                                 "no title",
		"README.md nosuch.md":                            "no such file",
		".github/CONTRIBUTING.md README.md":              "no such file",
		"README.md ../outside.md":                        "out of the repository",
		"README.md /README.md":                           "this page's folder",
		"README.md go.mod#L3":                            "only pages",
		"README.md .github/CONTRIBUTING.md#Two":          "no title",
		".github/CONTRIBUTING.md decisions/nosuch.md#x":  "no such file",
		".github/CONTRIBUTING.md ../.github#how-it-goes": "only pages",
	} {
		page, target, _ := strings.Cut(link, " ")
		if got := brokenLink(page, target, anchors); want == "" && got != "" || !strings.Contains(got, want) {
			t.Errorf("%s: %q, want %q", link, got, want)
		}
	}
}

// TestREADMEIsShort: whoever wants to know whether this is something for them reads one page, on any
// screen. Tables and blocks scroll, pictures shrink; prose does neither.
func TestREADMEIsShort(t *testing.T) {
	t.Parallel()
	const maxLines, maxColumns = 180, 100
	text, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	p := markdown.Parse("README.md", string(text))
	if p.Lines > maxLines {
		t.Errorf("README.md has %d lines, more than %d", p.Lines, maxLines)
	}
	for _, line := range p.Prose {
		text := strings.TrimSpace(line.Text)
		scrolls := strings.HasPrefix(text, "|") || strings.HasPrefix(text, "<picture>")
		if n := utf8.RuneCountInString(line.Text); n > maxColumns && !scrolls {
			t.Errorf("README.md:%d has %d columns, more than %d", line.Number, n, maxColumns)
		}
	}
}

// TestContractIsWritten holds gateway/README.md to the problem codes that there are. client_gone is
// only ever logged.
func TestContractIsWritten(t *testing.T) {
	t.Parallel()
	contract, err := os.ReadFile("testdata/contract.txt")
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(contract), "[problem codes]\n")
	section, _, _ = strings.Cut(section, "\n\n")
	codes := slices.DeleteFunc(strings.Fields(section), func(code string) bool { return code == "client_gone" })
	page, err := os.ReadFile("../../gateway/README.md")
	if err != nil {
		t.Fatal(err)
	}
	var written []string
	for _, row := range regexp.MustCompile(`(?m)^\| \d{3} \| ([^|]*) \|`).FindAllStringSubmatch(string(page), -1) {
		for code := range strings.SplitSeq(row[1], ", ") {
			written = append(written, strings.Trim(code, "`"))
		}
	}
	slices.Sort(written)
	if !slices.Equal(written, codes) {
		t.Errorf("gateway/README.md has\n%s\nand there are\n%s", written, codes)
	}
}
