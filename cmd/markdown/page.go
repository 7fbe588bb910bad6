// Package markdown is for tests: what a Markdown page of the repository consists of, so that they
// can run its blocks, follow its links, and try what it says in code. It reads the part of
// CommonMark that our pages use, as GitHub shows it: fences, code spans, links, headings and their
// anchors.
package markdown

import (
	"io/fs"
	"os"
	"regexp"
	"strings"
)

// Page is one file.
type Page struct {
	Path   string // from the folder that Pages was given
	Lines  int
	Blocks []Block
	Prose  []Line // what is no block, in order
}

// Line is one line of prose.
type Line struct {
	Number int // from 1
	Text   string
}

// Pages reads every page below root, but for those that others wrote.
func Pages(root string) ([]Page, error) {
	var pages []Page
	files := os.DirFS(root)
	err := fs.WalkDir(files, ".", func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && (entry.Name() == "node_modules" || entry.Name() == ".git" || entry.Name() == "testdata"):
			return fs.SkipDir
		case entry.IsDir() || !strings.HasSuffix(path, ".md"):
			return nil
		}
		text, err := fs.ReadFile(files, path)
		pages = append(pages, Parse(path, string(text)))
		return err
	})
	return pages, err
}

// Parse reads one page. It never fails: a fence without an end is a block that is Open.
func Parse(path, text string) Page {
	p := Page{Path: path}
	var open *fence
	for line := range strings.Lines(text) {
		p.Lines++
		line = strings.TrimRight(line, "\r\n")
		if open == nil {
			if open = opening(line); open == nil {
				p.Prose = append(p.Prose, Line{p.Lines, line})
				continue
			}
			p.Blocks = append(p.Blocks, Block{Page: path, Line: p.Lines, Info: open.info, Open: true})
			continue
		}
		b := &p.Blocks[len(p.Blocks)-1]
		if open.closedBy(line) {
			open, b.Open = nil, false
			continue
		}
		b.Text += open.inside(line) + "\n"
	}
	return p
}

// Heading is a title of a section.
type Heading struct {
	Line   int
	Level  int
	Text   string
	Anchor string // what follows # in a link to it
}

var atx = regexp.MustCompile(`^ {0,3}(#{1,6})(?:[ \t]+(.*?))?(?:[ \t]+#+)?[ \t]*$`)

// Headings lists the page's titles with the anchors that GitHub gives them.
func (p *Page) Headings() []Heading {
	var list []Heading
	times := make(map[string]int)
	for _, line := range p.Prose {
		m := atx.FindStringSubmatch(line.Text)
		if m == nil {
			continue
		}
		list = append(list, Heading{line.Number, len(m[1]), m[2], numbered(anchor(m[2]), times)})
	}
	return list
}
