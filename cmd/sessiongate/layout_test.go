package main

import (
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// allowedImports says which of our packages each package may import, outside tests: one
// line for each, * for any. What is not listed here may import nothing of ours. The arrows
// go one way: commands know everything, the gateway knows sessions, sessions know nobody.
const allowedImports = `
cmd/sessiongate: *
cmd/sessiongate/demoapi: session/token
cmd/sessiongate/program: *
cmd/sessiongate/setup: configs session/users
cmd/bench: *
cmd/chaos: cmd/rig
gateway: session gateway/app gateway/capture gateway/endpoints gateway/exchange gateway/limits gateway/problem gateway/proxy gateway/routing gateway/streams gateway/telemetry web session/ratelimit
gateway/app: session gateway/capture gateway/crossorigin gateway/exchange gateway/masking gateway/problem gateway/proxy gateway/routing gateway/static gateway/streams gateway/telemetry
gateway/capture: session gateway/exchange gateway/limits gateway/masking gateway/problem gateway/routing
gateway/crossorigin: session gateway/problem
gateway/endpoints: session gateway/crossorigin gateway/exchange gateway/limits gateway/problem web
gateway/exchange: session gateway/crossorigin gateway/problem gateway/routing gateway/streams gateway/telemetry web web/messages
gateway/limits: session gateway/problem session/ratelimit
gateway/problem: session gateway/proxy gateway/static
gateway/streams: session
gateway/telemetry: session
gateway/proxy: gateway/routing gateway/http1/client
gateway/masking:
gateway/routing: gateway/masking
gateway/static: gateway/routing
session/manager: session session/recovery session/refresh session/resolve session/signin session/task session/termination session/tokenclient session/tracker session/watch
session/recovery: session session/task session/tracker
session/termination: session session/task session/tracker
session/refresh: session session/task session/tracker
session/watch: session session/task session/tracker
session/resolve: session session/refresh session/task session/tracker
session/signin: session session/task session/tracker
session/tokenclient: session session/resolve session/task session/tracker
session/ratelimit: session
session/tracker: session
session/redisstore: session session/seal session/ratelimit
session/token: session/seal
session/local: session session/seal session/token session/users
session/tokenapi: session session/seal session/token session/users
session/oidc: session session/seal session/token session/users
session/oidc/oidctest: *
session/sessiontest: session
session/storetest: session session/ratelimit session/sessiontest
session/testserver:
web: web/messages
configs: web web/messages
`

// allowed reads allowedImports.
func allowed() map[string][]string {
	rules := make(map[string][]string)
	for line := range strings.Lines(allowedImports) {
		if name, imports, ok := strings.Cut(line, ":"); ok {
			rules[name] = strings.Fields(imports)
		}
	}
	return rules
}

// confined names foreign modules that only one package may know.
func confined() map[string]string {
	return map[string]string{
		"github.com/labstack/echo":       "gateway/endpoints",
		"github.com/redis/go-redis":      "session/redisstore",
		"github.com/jackc/pgx":           "session/users",
		"github.com/go-sql-driver/mysql": "session/users",
	}
}

type listedPackage struct {
	ImportPath string
	Imports    []string
	Doc        string
	Name       string
}

// listPackages asks the go command, so that build tags and generated files are
// seen as it sees them.
func listPackages(t *testing.T) []listedPackage {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "go", "list", "-json", "sessiongate/...").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	var list []listedPackage
	for d := json.NewDecoder(strings.NewReader(string(out))); d.More(); {
		var p listedPackage
		if err := d.Decode(&p); err != nil {
			t.Fatal(err)
		}
		list = append(list, p)
	}
	return list
}

func TestImportDirection(t *testing.T) {
	rules := allowed()
	packages := listPackages(t)
	if len(packages) < 10 {
		t.Fatalf("only %d packages listed: the rule would hold of nothing", len(packages))
	}
	for _, p := range packages {
		name := strings.TrimPrefix(p.ImportPath, "sessiongate/")
		for _, imported := range p.Imports {
			ours, isOurs := strings.CutPrefix(imported, "sessiongate/")
			if isOurs && !slices.Contains(rules[name], ours) && !slices.Contains(rules[name], "*") {
				t.Errorf("%s imports %s, which allowedImports does not say", name, ours)
			}
			for module, only := range confined() {
				if strings.HasPrefix(imported, module) && name != only {
					t.Errorf("%s imports %s, which only %s may know", name, imported, only)
				}
			}
		}
	}
}

func TestEveryPackageTellsItsStory(t *testing.T) {
	for _, p := range listPackages(t) {
		if len(p.Doc) < 40 {
			t.Errorf("%s has no package comment worth the name: %q", p.ImportPath, p.Doc)
		}
	}
}

// TestShape holds the tree to its shape: depth of folders, names of packages,
// no init functions.
func TestShape(t *testing.T) {
	banned := []string{"util", "utils", "common", "helpers", "models", "misc"}
	files := 0
	err := filepath.WalkDir("../..", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := d.Name()
		if d.IsDir() {
			if strings.HasPrefix(name, ".") && name != ".." || name == "testdata" || name == "node_modules" {
				return fs.SkipDir
			}
			if slices.Contains(banned, name) {
				t.Errorf("%s: no package has such a name", path)
			}
			if depth := strings.Count(strings.TrimPrefix(path, "../../"), "/") + 1; path != "../.." && depth > 3 {
				t.Errorf("%s lies deeper than three folders", path)
			}
			return nil
		}
		if !strings.HasSuffix(name, ".go") {
			return nil
		}
		files++
		src, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		if obj := findInit(src); obj {
			t.Errorf("%s has an init function", path)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if files < 50 {
		t.Fatalf("only %d files seen", files)
	}
}

func findInit(src *ast.File) bool {
	return slices.ContainsFunc(src.Decls, func(d ast.Decl) bool {
		f, ok := d.(*ast.FuncDecl)
		return ok && f.Recv == nil && f.Name.Name == "init"
	})
}
