package e2e

import (
	"cmp"
	"encoding/json"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"sessiongate/cmd/markdown"
	"sessiongate/session/testserver"
	"sessiongate/web"
)

// markdownPages reads every page of the repository.
func markdownPages(t *testing.T) []markdown.Page {
	t.Helper()
	pages, err := markdown.Pages("../../..")
	if err != nil {
		t.Fatal(err)
	}
	if len(pages) < 10 {
		t.Fatalf("only %d pages found: the rules would hold of nothing", len(pages))
	}
	return pages
}

// eachBlock calls f for every block in a language.
func eachBlock(t *testing.T, language string, f func(b *markdown.Block)) {
	t.Helper()
	for _, p := range markdownPages(t) {
		for i := range p.Blocks {
			if p.Blocks[i].Language() == language {
				f(&p.Blocks[i])
			}
		}
	}
}

// blockRule says how blocks of a language are held to the code, by words after the language: one of
// how (none if there are none), and any of also.
type blockRule struct{ how, also []string }

func blockRules() map[string]blockRule {
	return map[string]blockRule{
		// TestMarkdownCommands types run; run=background serves until another block wants its
		// address, from when ready=URL answers; with=NAME,… is what must be there, see standIns.
		// TestPagesDeploy reads compose and deploy.
		"sh": {[]string{"run", "compose", "deploy"}, []string{"ready", "with"}},
		// What the block before it says, where … stands for anything; or a picture.
		"text": {[]string{"output", "picture"}, nil},
		// Loaded by TestREADME of configs; with file=NAME also a file for the commands after it.
		"yaml": {nil, []string{"file"}},
		// TestMarkdownScripts: check is for the parser, test runs by itself. TestMarkdownInPage has page.
		"js":   {[]string{"check", "test", "page"}, nil},
		"json": {[]string{"check"}, nil},
		// TestMarkdownExamples: as a file of an app that has React, or Vue.
		"tsx": {[]string{"example"}, nil},
		"vue": {[]string{"example"}, nil},
	}
}

// heldBy is the word that says how the block is held, and what is wrong with its words.
func heldBy(b *markdown.Block) (how, wrong string) {
	rule, known := blockRules()[b.Language()]
	if !known {
		return "", "no test knows this language"
	}
	for word := range b.Words() {
		switch {
		case slices.Contains(rule.how, word) && how == "":
			how = word
		case !slices.Contains(rule.also, word):
			return "", "no test knows " + word + " here"
		}
	}
	background := b.Words()["run"] == "background"
	switch {
	case b.Open:
		return how, "it has no end"
	case how == "" && len(rule.how) > 0:
		return how, "write behind the language how a test holds it: " + strings.Join(rule.how, ", ")
	case background != (b.Words()["ready"] != ""):
		return how, "run=background goes with ready=URL"
	case how == "run" && regexp.MustCompile(`(?m)&\s*$`).MatchString(b.Text):
		return how, "what goes on in the background is a block of its own: run=background ready=URL"
	}
	return how, ""
}

// TestMarkdownBlocks: a block that no test runs or loads could rot.
func TestMarkdownBlocks(t *testing.T) {
	t.Parallel()
	for _, p := range markdownPages(t) {
		for i := range p.Blocks {
			if _, wrong := heldBy(&p.Blocks[i]); wrong != "" {
				t.Errorf("%s: %s\n```%s\n%s```", &p.Blocks[i], wrong, p.Blocks[i].Info, p.Blocks[i].Text)
			}
		}
	}
}

// TestMarkdownRules tries what TestMarkdownBlocks refuses.
func TestMarkdownRules(t *testing.T) {
	t.Parallel()
	for info, want := range map[string]string{
		"sh run": "", "sh run=background ready=http://localhost:8080/": "", "sh run with=curl": "", "sh compose": "", "yaml": "", "yaml file=a.yaml": "",
		"js check": "", "text output": "",
		"":                                   "no test knows this language",
		"ruby":                               "no test knows this language",
		"sh":                                 "how a test holds it",
		"sh run deploy":                      "no test knows",
		"sh runs":                            "no test knows runs",
		"sh run=background":                  "ready=URL",
		"sh run ready=http://localhost:8080": "run=background",
		"yaml run":                           "no test knows run",
		"js":                                 "how a test holds it",
	} {
		b := markdown.Block{Info: info, Text: "x\n"}
		if _, got := heldBy(&b); want == "" && got != "" || !strings.Contains(got, want) {
			t.Errorf("%q: %q, want %q", info, got, want)
		}
	}
	if _, got := heldBy(&markdown.Block{Info: "sh run", Text: "a &\nb\n"}); got == "" {
		t.Error("a block leaves something running")
	}
	if _, got := heldBy(&markdown.Block{Info: "sh run", Open: true}); got == "" {
		t.Error("a block without an end")
	}
}

// TestMarkdownImports: what the pages import of the client package is there, in blocks that need a
// build to run, too.
func TestMarkdownImports(t *testing.T) {
	t.Parallel()
	imported := regexp.MustCompile(`import \{([^}]*)\} from "sessiongate-client(?:/([a-z]+))?"`)
	names := 0
	for _, p := range markdownPages(t) {
		for i := range p.Blocks {
			b := &p.Blocks[i]
			for _, m := range imported.FindAllStringSubmatch(b.Text, -1) {
				source, err := fs.ReadFile(web.ClientPackage(), cmp.Or(m[2], "core")+".js")
				if err != nil {
					t.Errorf("%s: %v", b, err)
					continue
				}
				for name := range strings.SplitSeq(m[1], ",") {
					name = strings.TrimSpace(name)
					names++
					if !regexp.MustCompile(`(?m)^export [^=]*\b` + name + `\b`).Match(source) {
						t.Errorf("%s: sessiongate-client/%s exports no %q", b, m[2], name)
					}
				}
			}
		}
	}
	if names < 10 {
		t.Errorf("only %d imports found", names)
	}
}

func TestMarkdownScripts(t *testing.T) {
	t.Parallel()
	node := testserver.Need(t, "node")
	eachBlock(t, "js", func(b *markdown.Block) {
		dir, how := t.TempDir(), "--check"
		if held, _ := heldBy(b); held == "test" {
			how = "--test" // it runs by itself
			if err := os.CopyFS(filepath.Join(dir, "node_modules", "sessiongate-client"), web.ClientPackage()); err != nil {
				t.Fatal(err)
			}
		}
		file := filepath.Join(dir, "block.mjs")
		if err := os.WriteFile(file, []byte(b.Text), 0o600); err != nil {
			t.Fatal(err)
		}
		cmd := exec.CommandContext(t.Context(), node, how, file)
		cmd.Dir = dir
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("%s: %v\n%s\n%s", b, err, out, b.Text)
		}
	})
	eachBlock(t, "json", func(b *markdown.Block) {
		if !json.Valid([]byte(b.Text)) {
			t.Errorf("%s: this is not JSON\n%s", b, b.Text)
		}
	})
}
