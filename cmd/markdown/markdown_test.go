package markdown

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestBlocks(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name, page string
		want       []Block // without their page
	}{
		{"plain", "a\n```sh run\nls\n```\nb\n", []Block{{Line: 2, Info: "sh run", Text: "ls\n"}}},
		{"tildes", "~~~ yaml\na: 1\n~~~\n", []Block{{Line: 1, Info: "yaml", Text: "a: 1\n"}}},
		{"no language", "```\nx\n```\n", []Block{{Line: 1, Text: "x\n"}}},
		{"empty", "```sh\n```\n", []Block{{Line: 1, Info: "sh"}}},
		{"two", "```a\n1\n```\n```b\n2\n```\n", []Block{{Line: 1, Info: "a", Text: "1\n"}, {Line: 4, Info: "b", Text: "2\n"}}},
		{"in a list", "1. x\n\n   ```js\n   a {\n     b\n  c\n   ```\n", []Block{{Line: 3, Info: "js", Text: "a {\n  b\nc\n"}}},
		{"a longer one around", "````md\n```sh\nls\n```\n````\n", []Block{{Line: 1, Info: "md", Text: "```sh\nls\n```\n"}}},
		{"another kind around", "~~~md\n```sh\nls\n```\n~~~\n", []Block{{Line: 1, Info: "md", Text: "```sh\nls\n```\n"}}},
		{"closed by a longer one", "```a\nx\n`````\ny\n", []Block{{Line: 1, Info: "a", Text: "x\n"}}},
		{"a fence with words closes nothing", "```a\n```b\n```\n", []Block{{Line: 1, Info: "a", Text: "```b\n"}}},
		{"code far in closes nothing", "```a\n        ```\n```\n", []Block{{Line: 1, Info: "a", Text: "        ```\n"}}},
		{"a span of code", "```not a block``` x\n", nil},
		{"two backticks", "``\nx\n``\n", nil},
		{"without an end", "```sh\nls", []Block{{Line: 1, Info: "sh", Text: "ls\n", Open: true}}},
		{"from Windows", "```sh\r\nls\r\n```\r\n", []Block{{Line: 1, Info: "sh", Text: "ls\n"}}},
		{"tildes may have backticks", "~~~a `b`\nx\n~~~\n", []Block{{Line: 1, Info: "a `b`", Text: "x\n"}}},
	} {
		for i := range row.want {
			row.want[i].Page = "p"
		}
		if got := Parse("p", row.page).Blocks; !slices.Equal(got, row.want) {
			t.Errorf("%s:\n%+v, want\n%+v", row.name, got, row.want)
		}
	}
}

func TestWords(t *testing.T) {
	t.Parallel()
	for info, want := range map[string]map[string]string{
		"":       {},
		"sh":     {},
		"sh run": {"run": ""},
		"sh  run=background ready=http://localhost:1/x?a=b": {"run": "background", "ready": "http://localhost:1/x?a=b"},
		"yaml file=a/b.yaml": {"file": "a/b.yaml"},
	} {
		b := Block{Info: info}
		if got := b.Words(); !maps.Equal(got, want) {
			t.Errorf("%q: %v, want %v", info, got, want)
		}
	}
}

func TestCodes(t *testing.T) {
	t.Parallel()
	for page, want := range map[string][]string{
		"a `b` c ``d`e`` f":            {"b", "d`e"},
		"over `two\n  lines`, `x`":     {"two lines", "x"},
		"| `a\\|b` | `c` |\n| `d` |":   {"a|b", "c", "d"},
		"one ` alone\n\nand `another`": {"another"},
		"an escaped \\` and `code`":    {"code"},
		"# title `a`\ntext `b`":        {"a", "b"},
		"```\n`no`\n```\n`yes`":        {"yes"},
		"`a\n\nb` c`":                  {"c"},
		"```` a ` b ```` x":            {"a ` b"},
		"- item `a`\n- item `b\n  c`":  {"a", "b c"},
	} {
		var got []string
		p := Parse("p", page)
		for _, c := range p.Codes() {
			got = append(got, c.Text)
		}
		if !slices.Equal(got, want) {
			t.Errorf("%q: %q, want %q", page, got, want)
		}
	}
}

func TestLinks(t *testing.T) {
	t.Parallel()
	for page, want := range map[string][]string{
		"[a](b.md) and ![c](d.png)":            {"b.md", "d.png"},
		"[a `x`](b.md#c)":                      {"b.md#c"},
		"`[a](no.md)`":                         nil,
		"```\n[a](no.md)\n```":                 nil,
		"[over\nlines](b.md)":                  {"b.md"},
		`[a](b.md "title")`:                    {"b.md"},
		"[a][x]\n\n[x]: b.md":                  {"b.md"},
		`<picture><source srcset="a.png">`:     {"a.png"},
		`<a href="x#y"><img alt="" src="z"/>`:  {"x#y", "z"},
		"<https://example.com>":                nil,
		"| [a](b) | [c](d) |":                  {"b", "d"},
		"[![a](b.svg)](c.md)":                  {"b.svg", "c.md"},
		"a [list](of)(things) [x] (no) `](no)": {"of", "no"},
	} {
		var got []string
		p := Parse("p", page)
		for _, l := range p.Links() {
			got = append(got, l.Target)
		}
		if !slices.Equal(got, want) {
			t.Errorf("%q: %q, want %q", page, got, want)
		}
	}
}

func TestHeadings(t *testing.T) {
	t.Parallel()
	const page = "# One two\n## `GET /x`: what's_new?\n### A [link](x) – and “more”\n## Ein Maß für Äpfel\n#no title\n" +
		"## Same\n## Same\n## Same-1\n## Closed ##\n```\n# no\n```\n    # no\n##\n## v1.2.3 / 4\n"
	want := []string{
		"one-two", "get-x-whats_new", "a-link--and-more", "ein-maß-für-äpfel", "same", "same-1", "same-1-1", "closed", "", "v123--4",
	}
	var got []string
	p := Parse("p", page)
	for _, h := range p.Headings() {
		got = append(got, h.Anchor)
	}
	if !slices.Equal(got, want) {
		t.Errorf("%q, want\n%q", got, want)
	}
}

// TestPages: pages that others wrote are not ours to hold.
func TestPages(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	for _, name := range []string{"a.md", "b/c.md", ".github/d.md", "node_modules/x/no.md", ".git/no.md", "b/testdata/no.md", "b/c.go"} {
		if err := os.MkdirAll(filepath.Join(root, filepath.Dir(name)), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(root, name), []byte("x\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	pages, err := Pages(root)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, p := range pages {
		names = append(names, p.Path)
	}
	if want := []string{".github/d.md", "a.md", "b/c.md"}; !slices.Equal(names, want) {
		t.Errorf("%q, want %q", names, want)
	}
}

// FuzzParse: whatever a page holds, each of its lines is prose, a fence, or in a block.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		"a\n```sh run\nls\n```\n", "~~~\n```\n~~~", "  ```a\n x\n```", "# a\n`b`\n[c](d)\n", "````\n```\n", "`", "\\", "| `a\\|", "```\r\n",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		p := Parse("p", text)
		lines := len(p.Prose)
		for _, b := range p.Blocks {
			lines += 1 + strings.Count(b.Text, "\n")
			if !b.Open {
				lines++
			}
			if b.Words() == nil || strings.Contains(b.Language(), " ") {
				t.Errorf("%q", b.Info)
			}
		}
		if lines != p.Lines {
			t.Errorf("%d lines of %d", lines, p.Lines)
		}
		for _, c := range p.Codes() {
			if c.Line < 1 || c.Line > p.Lines {
				t.Errorf("code in line %d", c.Line)
			}
		}
		p.Links()
		seen := make(map[string]bool)
		for _, h := range p.Headings() {
			if h.Anchor != "" && seen[h.Anchor] {
				t.Errorf("%q twice", h.Anchor)
			}
			seen[h.Anchor] = true
		}
	})
}
