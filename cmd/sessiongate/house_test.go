package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"unicode"
)

// A type with more methods than maxMethods or more fields than maxFields is a package
// that happens to be a type: every method sees every field, and nothing can be tested
// without all of it.
const (
	maxMethods = 20
	maxFields  = 12
)

// exemptTypes are large for a reason: they are values that somebody fills in or reads, not
// owners of state.
const exemptTypes = `
cmd/bench gatewayConfig: what a configuration file is written from
cmd/bench options: the flags
cmd/bench row: one line of a report
cmd/bench setting: what a report says of its machine
cmd/bench summary: one line of a report
cmd/chaos result: one line of a report
configs OIDCProvider: a section of the configuration file
configs Route: a section of the configuration file
configs Server: a section of the configuration file
configs TokenAPIProvider: a section of the configuration file
gateway Options: options
gateway/app Options: options
gateway/app Options: options
gateway/endpoints Options: options
gateway/exchange Exchange: one request, recycled as one value
gateway/http1/client Request: one request, recycled as one value
gateway/proxy forwarding: one request, recycled as one value
session Attempt: one sign-in at a provider, as it is stored
session Session: one session, as requests see it
session State: one session, as it is stored
session/manager Options: options
session/oidc Options: options
session/oidc/oidctest Behaviour: what a test changes about a provider
session/redisstore Options: options
session/tokenclient Options: options
session/tokenapi Endpoint: options
session/tokenapi Options: options
web LoginPage: a page that somebody fills in
`

// size counts what a type consists of.
type size struct{ methods, fields int }

// TestNoTypeIsAPackage holds named types to their limits.
func TestNoTypeIsAPackage(t *testing.T) {
	exempt, sizes := tableOf(exemptTypes), typeSizes(t)
	if len(sizes) < 300 {
		t.Fatalf("only %d types seen: the rule would hold of nothing", len(sizes))
	}
	for name, is := range sizes {
		large := is.methods > maxMethods || is.fields > maxFields
		_, may := exempt[name]
		switch {
		case large && !may:
			t.Errorf("%s has %d methods and %d fields, more than %d and %d", name, is.methods, is.fields, maxMethods, maxFields)
		case may && !large:
			t.Errorf("%s is small: delete its row", name)
		}
		delete(exempt, name)
	}
	for name := range exempt {
		t.Errorf("%s is exempt and does not exist", name)
	}
}

// tableOf reads lines of "name: value".
func tableOf(text string) map[string]string {
	table := make(map[string]string)
	for line := range strings.Lines(text) {
		if name, value, ok := strings.Cut(strings.TrimSpace(line), ": "); ok {
			table[name] = value
		}
	}
	return table
}

// typeSizes counts for every named type of the module, tests aside.
func typeSizes(t *testing.T) map[string]size {
	t.Helper()
	sizes := make(map[string]size)
	eachFile(t, ".go", func(path string) {
		if strings.HasSuffix(path, "_test.go") {
			return
		}
		file, err := parser.ParseFile(token.NewFileSet(), filepath.Join("../..", path), nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range file.Decls {
			countDecl(sizes, filepath.ToSlash(filepath.Dir(path)), d)
		}
	})
	return sizes
}

func countDecl(sizes map[string]size, folder string, d ast.Decl) {
	add := func(name string, n size) {
		before := sizes[folder+" "+name]
		sizes[folder+" "+name] = size{before.methods + n.methods, before.fields + n.fields}
	}
	switch d := d.(type) {
	case *ast.FuncDecl:
		if d.Recv != nil && len(d.Recv.List) == 1 {
			add(receiverName(d.Recv.List[0].Type), size{methods: 1})
		}
	case *ast.GenDecl:
		for _, spec := range d.Specs {
			if s, ok := spec.(*ast.TypeSpec); ok {
				add(s.Name.Name, size{fields: fieldCount(s.Type)})
			}
		}
	}
}

// receiverName is the type's name, without the star and type parameters.
func receiverName(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.StarExpr:
		return receiverName(e.X)
	case *ast.IndexExpr:
		return receiverName(e.X)
	case *ast.IndexListExpr:
		return receiverName(e.X)
	case *ast.Ident:
		return e.Name
	}
	return ""
}

func fieldCount(e ast.Expr) (n int) {
	s, ok := e.(*ast.StructType)
	if !ok {
		return 0
	}
	for _, f := range s.Fields.List {
		n += max(1, len(f.Names)) // an embedded one has no name
	}
	return n
}

// goneWords are those that a reader would have to look up, and references to documents
// that are not in the repository. The glossary of package session has the words in their
// place. A number is how many are still left; it only goes down.
const goneWords = `
Abandonment
Adopt
assembled
attemptBody
AttemptDepart
AttemptSignOut
bearerCache
BindingUA
BrowserBinding
Carried
carrier
clientConn
CloseLinks
cookieClient
crossWantHeader
crowded
DefaultCSP
defend
departed
Departure
DESIGN
dividable
downstream
endAgain
errGaveWay
explicitClient
explicitFlow
explicitWorld
flying
forceEvery
foundOver
glance
glimpse
goBackground
HEIRLESS
Hygiene
Inbound
insist
InvalidToken
inWords
Keeper
lacking
legtest
Lives
lookAt
markOver
memo
memos
MostAttempts
mostClaimValues
mostConnections
mostCookies
mostPasswordLine
NewBrowserBinding
nudge
Onward 1
onward
openManager
Outbound
passedOn
peek
peruse
presentable
proxy/leg
relist
Relisted
renewInBackground
renewLeased
repack
Resolution
RowConverge
RowCurrent
RowReuse
RowRotate
runDurably
sameness
secretPart
seedrow
sessionCap
settleEnd
settleFailure
shareOpenly
skipLines
spendLeased
StartSignOut
stillWaits
tuneMemory
TurnBackoff
TurnBusy
TurnDone
TurnOver
TurnResult
TurnTaken
underWay
w.(*exchange)
WatchBearer
`

// TestWordsThatAreGone looks for them in code, scripts, workflows and documents.
func TestWordsThatAreGone(t *testing.T) {
	allowed := make(map[string]int)
	var phrases []string // what is more than one word
	for line := range strings.Lines(strings.TrimSpace(goneWords)) {
		word, count, _ := strings.Cut(strings.TrimSpace(line), " ")
		allowed[word], _ = strconv.Atoi(count)
		if strings.ContainsFunc(word, endsWord) {
			phrases = append(phrases, word)
		}
	}
	found := make(map[string][]string)
	eachLine(t, []string{".go", ".lua", ".yml", ".md"}, func(place, content string) {
		for word := range strings.FieldsFuncSeq(content, endsWord) {
			if _, gone := allowed[word]; gone {
				found[word] = append(found[word], place)
			}
		}
		for _, phrase := range phrases {
			if strings.Contains(content, phrase) {
				found[phrase] = append(found[phrase], place)
			}
		}
	})
	for w, places := range found {
		if len(places) > allowed[w] {
			t.Errorf("%q stands in %d lines, not in %d: %s", w, len(places), allowed[w], strings.Join(places, " "))
		}
	}
}

// endsWord reports whether a character belongs to no word.
func endsWord(r rune) bool { return r != '_' && !unicode.IsLetter(r) && !unicode.IsDigit(r) }

// eachLine calls f for each line of the files with these suffixes, but for this one.
func eachLine(t *testing.T, suffixes []string, f func(place, content string)) {
	t.Helper()
	for _, suffix := range suffixes {
		eachFile(t, suffix, func(path string) {
			if filepath.Base(path) == "house_test.go" {
				return
			}
			text, err := os.ReadFile(filepath.Join("../..", path))
			if err != nil {
				t.Fatal(err)
			}
			line := 0
			for content := range strings.Lines(string(text)) {
				line++
				f(path+":"+strconv.Itoa(line), content)
			}
		})
	}
}

// TestNamedFilesExist holds comments and documents to the files that there are: whoever
// follows a name has to find something.
func TestNamedFilesExist(t *testing.T) {
	exists := make(map[string]bool)
	for _, suffix := range []string{".go", ".lua"} {
		eachFile(t, suffix, func(path string) { exists[filepath.Base(path)] = true })
	}
	comment := map[string]string{".go": "//", ".lua": "--", ".md": ""}
	name := regexp.MustCompile(`[\w-]+\.(?:go|lua)\b`)
	seen := 0
	for suffix, mark := range comment {
		eachFile(t, suffix, func(path string) {
			text, err := os.ReadFile(filepath.Join("../..", path))
			if err != nil {
				t.Fatal(err)
			}
			line := 0
			for content := range strings.Lines(string(text)) {
				line++
				_, said, _ := strings.Cut(content, mark)
				if mark == "" {
					said = content
				}
				for _, file := range name.FindAllString(said, -1) {
					if seen++; !exists[file] {
						t.Errorf("%s:%d names %s, which does not exist", path, line, file)
					}
				}
			}
		})
	}
	if seen < 50 {
		t.Fatalf("only %d names seen: the rule would hold of nothing", seen)
	}
}

// TestMapIsComplete holds CONTRIBUTING's map to the tree: it names every package, and
// each function that it names is in the file that it links.
func TestMapIsComplete(t *testing.T) {
	page, err := os.ReadFile("../../.github/CONTRIBUTING.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(page), "\n## How it is built\n")
	for _, p := range listPackages(t) {
		if name := strings.TrimPrefix(p.ImportPath, "sessiongate/"); !strings.Contains(section, "`"+name+"`") {
			t.Errorf("%s has no row", name)
		}
	}
	place := regexp.MustCompile("`([A-Za-z.]+)` (?:in `[A-Za-z]+`, |in )\\[[^]]*\\]\\(([^)]+)\\)")
	places := place.FindAllStringSubmatch(section, -1)
	if len(places) < 10 {
		t.Fatalf("only %d places named: the rule would hold of nothing", len(places))
	}
	for _, m := range places {
		text, err := os.ReadFile(filepath.Join("../../.github", m[2]))
		if err != nil {
			t.Error(err)
		}
		name := m[1][strings.LastIndex(m[1], ".")+1:]
		if !regexp.MustCompile(`\b` + name + `\(`).Match(text) {
			t.Errorf("%s is not in %s", m[1], m[2])
		}
	}
}

// eachFile calls f for every file of the module with that suffix, by its path from the
// module's root. Hidden folders but .github and .ci, and testdata, are left out.
func eachFile(t *testing.T, suffix string, f func(path string)) {
	t.Helper()
	root := filepath.Join("..", "..")
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := d.Name()
		if d.IsDir() {
			hidden := strings.HasPrefix(name, ".") && name != ".." && name != ".github" && name != ".ci"
			if hidden || name == "testdata" || name == "node_modules" {
				return fs.SkipDir
			}
			return nil
		}
		if strings.HasSuffix(name, suffix) {
			rel, err := filepath.Rel(root, path)
			if err != nil {
				return err
			}
			f(rel)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
