package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"sessiongate/cmd/markdown"
	"sessiongate/session/testserver"
)

// compileVue compiles single-file components as a bundler does.
const compileVue = `import { readFileSync } from "node:fs";
import { parse, compileScript, compileTemplate } from "vue/compiler-sfc";
for (const filename of process.argv.slice(2)) {
	const { descriptor, errors } = parse(readFileSync(filename, "utf8"), { filename });
	if (errors.length) throw errors[0];
	const script = compileScript(descriptor, { id: "x" });
	const made = compileTemplate({ source: descriptor.template.content, filename, id: "x", compilerOptions: { bindingMetadata: script.bindings } });
	if (made.errors.length) throw made.errors[0];
}`

// TestMarkdownExamples compiles what the pages show of apps: with React as files of the example, as
// strict as that is.
func TestMarkdownExamples(t *testing.T) {
	t.Parallel()
	example, run := clientExample(t)
	files := map[string][]string{}
	for _, language := range []string{"tsx", "vue"} {
		eachBlock(t, language, func(b *markdown.Block) {
			name := fmt.Sprintf("page%d.%s", len(files[language]), language)
			files[language] = append(files[language], name)
			t.Logf("%s is %s", name, b)
			if err := os.WriteFile(filepath.Join(example, name), []byte(b.Text), 0o600); err != nil {
				t.Fatal(err)
			}
		})
	}
	if len(files["tsx"]) == 0 || len(files["vue"]) == 0 {
		t.Fatalf("the pages show no app: %v", files)
	}
	run(example, "npx", "tsc", "--noEmit")
	run(example, "npm", "install", "--no-save", "--no-audit", "--no-fund", "vue@3.5.45")
	if err := os.WriteFile(filepath.Join(example, "compile.mjs"), []byte(compileVue), 0o600); err != nil {
		t.Fatal(err)
	}
	run(example, "node", append([]string{"compile.mjs"}, files["vue"]...)...)
}

// TestMarkdownInPage runs scripts of the pages in a page behind a gateway, for somebody who is signed
// in: none throws.
func TestMarkdownInPage(t *testing.T) {
	t.Parallel()
	tab, dir := testserver.Chromium(t), t.TempDir()
	var blocks []*markdown.Block
	eachBlock(t, "js", func(b *markdown.Block) {
		if how, _ := heldBy(b); how == "page" {
			blocks = append(blocks, b)
		}
	})
	if len(blocks) == 0 {
		t.Fatal("there is none")
	}
	for i, b := range blocks {
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("block%d.js", i)), []byte(b.Text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for name, text := range map[string]string{"index.html": "<!doctype html><title>page</title>", "favicon.ico": ""} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	_, origin := onItsOwnOrigin(t, options{routes: fmt.Sprintf("  - {path: /, static: %q, session: none}", dir)})
	signInInBrowser(tab, origin, "ada", "lovelace-1843")
	testserver.WaitFor(tab, `document.title === "page"`)
	for i, b := range blocks {
		testserver.Navigate(tab, origin+"/")
		if wrong := testserver.Eval[string](tab, fmt.Sprintf(`import("/block%d.js").then(() => "", String)`, i)); wrong != "" {
			t.Errorf("%s: %s\n%s", b, wrong, b.Text)
		}
	}
	if errs := testserver.ConsoleErrors(tab); len(errs) > 0 {
		t.Errorf("console: %q", errs)
	}
}
