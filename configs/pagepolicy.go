package configs

import (
	"bytes"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/net/html"
)

// maxPage is how much of a page is looked at.
const maxPage = 1 << 20

// checkPagePolicy warns of a static app whose page needs what the default Content-Security-Policy
// blocks: a browser says so in its console alone, and the app stays blank or without its fonts.
func checkPagePolicy(c *checker, path string, r *Route) {
	if r.Static == "" || r.Static == Demo || r.CSP != "" || ownPolicy(r.ResponseHeaders) || c.anyBroken(path+".static", "server.public_url") {
		return
	}
	page, err := os.Open(filepath.Join(r.Static.String(), "index.html"))
	if err != nil {
		return // there is none, or it cannot be read: that is no matter of the policy
	}
	defer page.Close()
	if line, what := firstBlocked(io.LimitReader(page, maxPage), c.config.Server.PublicURL); what != "" {
		c.warn(path+".static", "index.html:"+strconv.Itoa(line)+" has "+what+", which the default Content-Security-Policy blocks: "+
			`do without it (files of the app are fine), or write csp: with a policy that allows it, or csp: none for no policy`)
	}
}

// ownPolicy tells whether the route's header rules see to the policy.
func ownPolicy(h *ResponseHeaders) bool {
	const name = "Content-Security-Policy"
	return h != nil && (slices.ContainsFunc(h.Remove, func(text string) bool { return strings.EqualFold(text, name) }) ||
		slices.ContainsFunc(h.Set, func(line string) bool {
			set, _, _ := HeaderLine(line)
			return strings.EqualFold(set, name)
		}))
}

// firstBlocked finds the first thing in a page of the origin that the default policy of package
// static blocks, and its line.
func firstBlocked(page io.Reader, origin string) (line int, what string) {
	z := html.NewTokenizer(page)
	for line = 1; ; {
		kind := z.Next()
		if kind == html.ErrorToken {
			return 0, ""
		}
		lines := bytes.Count(z.Raw(), []byte("\n")) // before Token, which may change what is there
		if kind == html.StartTagToken || kind == html.SelfClosingTagToken {
			tag := z.Token()
			if what = blockedTag(tag, origin); what != "" {
				return line, what
			}
			line += lines
			if (tag.Data == "script" && runs(tag) && attribute(tag, "src") == "" || tag.Data == "style") && z.Next() == html.TextToken {
				if len(bytes.TrimSpace(z.Raw())) > 0 {
					return line, "an inline " + tag.Data
				}
				lines = bytes.Count(z.Raw(), []byte("\n"))
			} else {
				lines = 0
			}
		}
		line += lines
	}
}

// blockedTag says what of a tag itself is blocked.
func blockedTag(tag html.Token, origin string) string {
	for _, a := range tag.Attr {
		switch {
		case a.Key == "style" && strings.TrimSpace(a.Val) != "":
			return "an inline style"
		case len(a.Key) < 30 && strings.HasPrefix(a.Key, "on") && plainKey.MatchString(a.Key):
			return "an inline event handler (" + a.Key + ")"
		case strings.HasPrefix(strings.ToLower(strings.TrimSpace(a.Val)), "javascript:") && (a.Key == "href" || a.Key == "action"):
			return "a javascript: address"
		}
	}
	switch source := attribute(tag, "src"); tag.Data {
	case "base":
		if attribute(tag, "href") != "" {
			return "<base>"
		}
	case "object", "embed":
		return "<" + tag.Data + ">"
	case "img":
		if !strings.HasPrefix(strings.ToLower(source), "data:") {
			return foreign(tag, source, origin)
		}
	case "script", "iframe", "audio", "video", "source", "track":
		return foreign(tag, source, origin)
	case "form":
		return foreign(tag, attribute(tag, "action"), origin)
	case "link":
		return blockedLink(tag, origin)
	}
	return ""
}

// blockedLink knows which links load something. Icons may be data: addresses.
func blockedLink(tag html.Token, origin string) string {
	address := attribute(tag, "href")
	for _, relation := range strings.Fields(strings.ToLower(attribute(tag, "rel"))) {
		switch relation {
		case "icon", "apple-touch-icon":
			if strings.HasPrefix(strings.ToLower(address), "data:") {
				return ""
			}
			return foreign(tag, address, origin)
		case "stylesheet", "modulepreload", "preload", "prefetch", "manifest":
			return foreign(tag, address, origin)
		}
	}
	return ""
}

// foreign says where a tag loads from, if that is not the page's own origin.
func foreign(tag html.Token, address, origin string) string {
	own, err := url.Parse(origin)
	if err != nil {
		return ""
	}
	to, err := own.Parse(strings.TrimSpace(address))
	switch {
	case err != nil || to.Scheme == own.Scheme && to.Host == own.Host:
		return ""
	case to.Host == "" || !hostShape.MatchString(to.Hostname()):
		return "<" + tag.Data + "> from another origin"
	}
	return "<" + tag.Data + "> from " + to.Scheme + "://" + to.Host
}

// runs tells a script from data in a script's place. Import maps count as scripts.
func runs(script html.Token) bool {
	kind := strings.ToLower(strings.TrimSpace(attribute(script, "type")))
	return slices.Contains([]string{"", "module", "importmap", "speculationrules"}, kind) ||
		strings.HasSuffix(kind, "/javascript") || strings.HasSuffix(kind, "/ecmascript")
}

func attribute(tag html.Token, name string) string {
	for _, a := range tag.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}
