package web_test

import (
	"io/fs"
	"regexp"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"sessiongate/web"
)

func demoFile(t *testing.T, name string) string {
	t.Helper()
	b, err := fs.ReadFile(web.Demo(), name)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func demoScripts(t *testing.T) map[string]string {
	t.Helper()
	names, err := fs.Glob(web.Demo(), "*.js")
	if err != nil || len(names) == 0 {
		t.Fatalf("scripts %v, error %v", names, err)
	}
	scripts := map[string]string{}
	for _, name := range names {
		scripts[name] = demoFile(t, name)
	}
	return scripts
}

// The policy is default-src 'self' with nothing inline: the page may only name its own files.
func TestDemoPageWorksUnderItsPolicy(t *testing.T) {
	doc := parse(t, demoFile(t, "index.html"))
	one(t, doc, "title")
	for _, tag := range []string{"link", "img", "script"} {
		for _, n := range all(doc, tag) {
			src := attr(n, "src") + attr(n, "href")
			if !strings.HasPrefix(src, "/") {
				t.Errorf("<%s> loads %q", tag, src)
				continue
			}
			demoFile(t, src[1:])
			if n.FirstChild != nil {
				t.Errorf("<%s> has inline content", tag)
			}
		}
	}
	walk(doc, func(n *html.Node) {
		for _, a := range n.Attr {
			if a.Key == "style" || strings.HasPrefix(a.Key, "on") {
				t.Errorf("<%s> has the attribute %s", n.Data, a.Key)
			}
			if isTarget(a.Key) && !isLocal(a.Val) {
				t.Errorf("<%s %s=%q> leads away", n.Data, a.Key, a.Val)
			}
		}
	})
	if len(all(doc, "style")) != 0 {
		t.Error("inline stylesheet")
	}
}

// Every id a script asks for must be in the page: a miss would stop the app at its first line.
func TestDemoScriptsFindTheirElements(t *testing.T) {
	doc := parse(t, demoFile(t, "index.html"))
	ids := regexp.MustCompile(`(?:\$|press)\("([^"]+)"`)
	for name, code := range demoScripts(t) {
		for _, m := range ids.FindAllStringSubmatch(code, -1) {
			if n := len(byAttr(doc, "id", m[1])); n != 1 {
				t.Errorf("%s: %d elements with id %q", name, n, m[1])
			}
		}
	}
}

func TestDemoScriptsImportWhatExists(t *testing.T) {
	imports := regexp.MustCompile(`import \{([^}]*)\} from "\./([^"]+)"`)
	scripts := demoScripts(t)
	for name, code := range scripts {
		for _, m := range imports.FindAllStringSubmatch(code, -1) {
			for _, symbol := range strings.Split(m[1], ",") {
				exported := regexp.MustCompile(`export (?:async )?(?:function|const) ` + regexp.QuoteMeta(strings.TrimSpace(symbol)) + `[ (]`)
				if !exported.MatchString(scripts[m[2]]) {
					t.Errorf("%s: %s does not export %s", name, m[2], symbol)
				}
			}
		}
	}
}

// The demo shows foreign text (problems, echoes, stream messages): only as text, and it stores
// nothing.
func TestDemoScriptsStayHarmless(t *testing.T) {
	forbidden := regexp.MustCompile(`innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function|setItem|document\.cookie\s*=|` +
		"[\"'`](?:https?:)?//")
	for name, code := range demoScripts(t) {
		if bad := forbidden.FindString(code); bad != "" {
			t.Errorf("%s: %s", name, bad)
		}
	}
}

func TestStylesheetsLoadNothing(t *testing.T) {
	loads := regexp.MustCompile(`(?i)url\(|@import|https?:|expression\(`)
	for name, css := range stylesheets(t) {
		if bad := loads.FindString(css); bad != "" {
			t.Errorf("%s: %s", name, bad)
		}
	}
}
