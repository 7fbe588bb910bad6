package web_test

import (
	"strings"
	"testing"

	"golang.org/x/net/html"
)

func parse(t *testing.T, page string) *html.Node {
	t.Helper()
	if !strings.HasPrefix(page, "<!doctype html>") || !strings.HasSuffix(page, "</html>\n") {
		t.Fatalf("not a complete document:\n%s", page)
	}
	doc, err := html.Parse(strings.NewReader(page))
	if err != nil {
		t.Fatal(err)
	}
	return doc
}

func walk(n *html.Node, visit func(*html.Node)) {
	if n.Type == html.ElementNode {
		visit(n)
	}
	for c := n.FirstChild; c != nil; c = c.NextSibling {
		walk(c, visit)
	}
}

func all(n *html.Node, tag string) (found []*html.Node) {
	walk(n, func(e *html.Node) {
		if e.Data == tag {
			found = append(found, e)
		}
	})
	return found
}

func one(t *testing.T, n *html.Node, tag string) *html.Node {
	t.Helper()
	found := all(n, tag)
	if len(found) != 1 {
		t.Fatalf("%d <%s>, want 1", len(found), tag)
	}
	return found[0]
}

func byAttr(n *html.Node, key, value string) (found []*html.Node) {
	walk(n, func(e *html.Node) {
		if attr(e, key) == value {
			found = append(found, e)
		}
	})
	return found
}

func attr(n *html.Node, key string) string {
	for _, a := range n.Attr {
		if a.Key == key {
			return a.Val
		}
	}
	return ""
}

func elements(n *html.Node) (count int) {
	walk(n, func(*html.Node) { count++ })
	return count
}

// text is what a reader sees, with white space folded.
func text(n *html.Node) string {
	var b strings.Builder
	var add func(*html.Node)
	add = func(n *html.Node) {
		if n.Type == html.TextNode {
			b.WriteString(n.Data)
		}
		for c := n.FirstChild; c != nil; c = c.NextSibling {
			add(c)
		}
	}
	add(n)
	return strings.Join(strings.Fields(b.String()), " ")
}
