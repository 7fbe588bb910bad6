package markdown

import (
	"regexp"
	"strconv"
	"strings"
	"unicode"
)

// Code is a span of code in the prose.
type Code struct {
	Line int // where its paragraph begins
	Text string
}

// Codes lists the spans of code, in order.
func (p *Page) Codes() []Code {
	var list []Code
	for _, para := range p.paragraphs() {
		for _, s := range spans(para.Text) {
			text := strings.Join(strings.Fields(s.text(para.Text)), " ")
			list = append(list, Code{para.Number, text})
		}
	}
	return list
}

// Link is a place that the page sends its reader to, or a picture that it shows.
type Link struct {
	Line   int // where its paragraph begins
	Target string
}

var (
	inlineLink = regexp.MustCompile(`\]\(\s*<?([^)\s>]+)>?(?:\s+"[^"]*")?\s*\)`)
	referred   = regexp.MustCompile(`(?m)^ {0,3}\[[^\]]+\]:\s+<?([^\s>]+)`)
	attribute  = regexp.MustCompile(`<(?:a|img|source)\b[^>]*?\b(?:href|src|srcset)="([^"]*)"`)
)

// Links lists them, those in HTML too.
func (p *Page) Links() []Link {
	var list []Link
	for _, para := range p.paragraphs() {
		said := withoutCode(para.Text)
		for _, form := range []*regexp.Regexp{inlineLink, referred, attribute} {
			for _, m := range form.FindAllStringSubmatch(said, -1) {
				list = append(list, Link{para.Number, m[1]})
			}
		}
	}
	return list
}

// paragraphs joins lines that belong together: a span of code may go on in the next line. A row of
// a table and a title stand alone.
func (p *Page) paragraphs() []Line {
	var list []Line
	last := -1 // the line before, if it may go on
	for _, line := range p.Prose {
		text := strings.TrimSpace(line.Text)
		switch {
		case text == "":
			last = -1
		case strings.HasPrefix(text, "|"):
			list = append(list, Line{line.Number, strings.ReplaceAll(text, `\|`, "|")})
			last = -1
		case atx.MatchString(line.Text):
			list = append(list, Line{line.Number, text})
			last = -1
		case last == line.Number-1 && last > 0:
			list[len(list)-1].Text += "\n" + text
			last = line.Number
		default:
			list = append(list, Line{line.Number, text})
			last = line.Number
		}
	}
	return list
}

// span is a run of code: from the first backtick to behind the last one, ticks of them on each side.
type span struct{ from, to, ticks int }

func (s span) text(in string) string { return in[s.from+s.ticks : s.to-s.ticks] }

// spans finds them. Backticks that nothing closes are text.
func spans(text string) (list []span) {
	for at := 0; at < len(text); {
		if text[at] == '\\' {
			at += 2
			continue
		}
		if text[at] != '`' {
			at++
			continue
		}
		n := ticks(text, at)
		end := closing(text, at+n, n)
		if end < 0 {
			at += n
			continue
		}
		list = append(list, span{at, end + n, n})
		at = end + n
	}
	return list
}

// ticks counts the backticks at a place.
func ticks(text string, at int) int {
	return len(text[at:]) - len(strings.TrimLeft(text[at:], "`"))
}

// closing finds the next run of exactly n backticks; -1: there is none.
func closing(text string, from, n int) int {
	for at := from; at < len(text); {
		if text[at] != '`' {
			at++
			continue
		}
		is := ticks(text, at)
		if is == n {
			return at
		}
		at += is
	}
	return -1
}

// withoutCode is the text with its spans of code left out.
func withoutCode(text string) string {
	var b strings.Builder
	from := 0
	for _, s := range spans(text) {
		b.WriteString(text[from:s.from])
		from = s.to
	}
	return b.String() + text[from:]
}

var linkText = regexp.MustCompile(`!?\[([^\]]*)\]\([^)]*\)`)

// anchor is a title as GitHub makes an address of it: small letters, digits, - and _; a blank
// becomes a -, all else goes.
func anchor(title string) string {
	title = linkText.ReplaceAllString(title, "$1")
	return strings.Map(func(r rune) rune {
		switch {
		case r == ' ':
			return '-'
		case r == '-', r == '_', unicode.IsLetter(r), unicode.IsDigit(r), unicode.IsMark(r):
			return unicode.ToLower(r)
		}
		return -1
	}, title)
}

// numbered tells titles that read the same apart: the second is x-1.
func numbered(name string, times map[string]int) string {
	n := times[name]
	times[name] = n + 1
	if n == 0 {
		return name
	}
	name += "-" + strconv.Itoa(n)
	times[name]++
	return name
}
