package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"sessiongate/cmd/markdown"
)

// pages reads every Markdown page of the repository.
func pages(t *testing.T) []markdown.Page {
	t.Helper()
	list, err := markdown.Pages("../..")
	if err != nil {
		t.Fatal(err)
	}
	if len(list) < 10 {
		t.Fatalf("only %d pages seen: the rule would hold of nothing", len(list))
	}
	return list
}

// typed is a simple command of a page. One in the text may leave out what does not matter there.
type typed struct {
	place  string
	words  []string
	inText bool
}

func (c typed) String() string { return c.place + ": `" + strings.Join(c.words, " ") + "`" }

// typedOn lists the commands of a page: those in its text, and those of its blocks for a shell.
func typedOn(p *markdown.Page) (list []typed) {
	for _, code := range p.Codes() {
		for _, words := range simpleCommands(code.Text) {
			list = append(list, typed{fmt.Sprintf("%s:%d", p.Path, code.Line), words, true})
		}
	}
	for i := range p.Blocks {
		b := &p.Blocks[i]
		if b.Language() != "sh" {
			continue
		}
		for line := range strings.Lines(strings.ReplaceAll(b.Text, "\\\n", " ")) {
			for _, words := range simpleCommands(line) {
				list = append(list, typed{b.String(), words, false})
			}
		}
	}
	return list
}

var (
	assignment = regexp.MustCompile(`^[A-Za-z_]+=`)
	shellToken = regexp.MustCompile(`'[^']*'|"[^"]*"|\|\||&&|[|;&]|[<>]+\s*[^\s|;&]+|[^\s'"|;&<>]+|\s+`)
)

// simpleCommands takes a line apart as a shell does: at |, && and the like, without comments,
// redirections and assignments.
func simpleCommands(line string) (list [][]string) {
	var words []string
	word, began := "", false
	end := func() {
		before := len(words) == 0 && (assignment.MatchString(word) || word == "sudo")
		if began && !before {
			words = append(words, word)
		}
		word, began = "", false
	}
	for _, token := range shellToken.FindAllString(line, -1) {
		switch {
		case strings.TrimSpace(token) == "":
			end()
		case !began && token[0] == '#':
			return appendCommand(list, words)
		case strings.ContainsRune("|;&", rune(token[0])):
			end()
			list, words = appendCommand(list, words), nil
		case token[0] == '<' || token[0] == '>':
			end()
		case token[0] == '\'' || token[0] == '"':
			word, began = word+token[1:len(token)-1], true
		default:
			word, began = word+token, true
		}
	}
	end()
	return appendCommand(list, words)
}

func appendCommand(list [][]string, words []string) [][]string {
	if len(words) == 0 {
		return list
	}
	return append(list, words)
}

// ofOurs are the arguments of a command line of this program; nil: it is another's. Containers have
// it at /sessiongate.
func ofOurs(words []string) []string {
	after := func(mark string) []string {
		i := slices.Index(words, mark)
		for i >= 0 && i < len(words) {
			if words[i] == "sessiongate" || words[i] == "/sessiongate" {
				return words[i+1:]
			}
			i++
		}
		return nil
	}
	switch words[0] {
	case "sessiongate", "./sessiongate", "/usr/local/bin/sessiongate":
		return words[1:]
	case "go":
		if i := slices.Index(words, "./cmd/sessiongate"); i > 1 && words[1] == "run" {
			return words[i+1:]
		}
	case "docker", "docker-compose", "podman":
		return after("exec")
	case "kubectl":
		return after("--")
	}
	return nil
}

// accepts reports what this program would have against the arguments.
func accepts(args []string, inText bool) error {
	args = slices.DeleteFunc(slices.Clone(args), func(word string) bool { return word == "…" || word == "*" })
	root := command()
	addCompletion(root)
	root.InitDefaultHelpCmd()
	root.InitDefaultVersionFlag()
	cmd, rest, err := root.Find(args)
	if err != nil {
		return err
	}
	cmd.InitDefaultHelpFlag()
	if err := cmd.ParseFlags(rest); err != nil {
		if inText && strings.HasPrefix(err.Error(), "flag needs an argument") {
			return nil
		}
		return err
	}
	left := cmd.Flags().Args()
	if cmd.HasSubCommands() && len(left) > 0 {
		return fmt.Errorf("%s has no command %q", cmd.CommandPath(), left[0])
	}
	return errors.Join(cmd.ValidateFlagGroups(), completeness(cmd, left, inText))
}

// completeness is about what a command needs. In the text it need not be there.
func completeness(cmd *cobra.Command, left []string, inText bool) error {
	switch {
	case inText && len(left) == 0:
		return nil
	case inText:
		return cmd.ValidateArgs(left)
	}
	return errors.Join(cmd.ValidateArgs(left), cmd.ValidateRequiredFlags())
}

// TestPagesNameCommands: whatever of this program a page shows, in its text or in a block, the
// program has it: the command, its flags, and no more arguments than it takes.
func TestPagesNameCommands(t *testing.T) {
	t.Parallel()
	seen := 0
	for _, p := range pages(t) {
		for _, c := range typedOn(&p) {
			args := ofOurs(c.words)
			if args == nil || len(args) > 0 && !regexp.MustCompile(`^(-|[a-z])`).MatchString(args[0]) {
				continue // BroadcastChannel "sessiongate /auth/" is no command
			}
			seen++
			if err := accepts(args, c.inText); err != nil {
				t.Errorf("%s: %v", c, err)
			}
		}
	}
	if seen < 20 {
		t.Errorf("only %d commands seen: the rule would hold of nothing", seen)
	}
}

// TestPagesNameCommandsRefuses tries the test above.
func TestPagesNameCommandsRefuses(t *testing.T) {
	t.Parallel()
	for line, want := range map[string]string{
		"sessiongate serve --config x.yaml":                                 "",
		"sudo sessiongate check --config x.yaml --offline | less":           "",
		"A=b sessiongate version # --nosuch":                                "",
		"sessiongate users add ada --file 'a b.yaml' < password.txt":        "",
		"go run -v ./cmd/sessiongate demo --tls":                            "",
		"docker compose exec gateway /sessiongate sessions list --user ada": "",
		"kubectl -n sessiongate exec deploy/x -- sessiongate version":       "",
		"sessiongate --version":                                             "",
		"sessiongate nosuch":                                                "unknown command",
		"sessiongate serve --nosuch":                                        "unknown flag",
		"sessiongate keys nosuch":                                           "nosuch",
		"sessiongate version more":                                          "more",
		"true && sessiongate serve --nosuch":                                "unknown flag",
		"go run ./cmd/sessiongate demo --nosuch":                            "unknown flag",
		"docker compose exec -T gateway sessiongate nosuch":                 "unknown command",
		"sessiongate keys generate":                                         "required flag",
	} {
		var errs []error
		none := true
		for _, words := range simpleCommands(line) {
			if args := ofOurs(words); args != nil {
				none = false
				errs = append(errs, accepts(args, false))
			}
		}
		err := errors.Join(errs...)
		if none || (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", line, err, want)
		}
	}
	for _, line := range []string{"go install ./cmd/sessiongate", "kubectl -n sessiongate get pods", "systemctl reload sessiongate", "docker compose up sessiongate"} {
		if args := ofOurs(simpleCommands(line)[0]); args != nil {
			t.Errorf("%q is taken for a command of ours", line)
		}
	}
	if err := accepts([]string{"users", "add"}, true); err != nil {
		t.Errorf("in the text: %v", err)
	}
}

// TestPagesNameFlags: the flags that pages give to the benchmark, to the faults and to `go test` are
// there, and so are the tests and packages.
func TestPagesNameFlags(t *testing.T) {
	t.Parallel()
	seen := 0
	for _, p := range pages(t) {
		for _, c := range typedOn(&p) {
			if len(c.words) < 3 || c.words[0] != "go" {
				continue
			}
			switch folder := c.words[2]; {
			case c.words[1] == "test":
				seen++
				holdGoTest(t, c)
			case folder == "./cmd/bench" || folder == "./cmd/chaos":
				seen++
				holdFlags(t, c, filepath.Join("../..", folder))
			}
		}
	}
	if seen < 10 {
		t.Errorf("only %d commands seen: the rule would hold of nothing", seen)
	}
}

func holdFlags(t *testing.T, c typed, folder string) {
	t.Helper()
	source := sourceOf(t, folder, false)
	for _, word := range c.words {
		name, is := strings.CutPrefix(word, "--")
		name, _, _ = strings.Cut(name, "=")
		if is && name != "help" && !regexp.MustCompile(`Var\([^"\n]*"`+name+`"`).MatchString(source) {
			t.Errorf("%s: there is no --%s", c, name)
		}
	}
}

// holdGoTest looks for the packages that a test is run in, and for one whose name fits.
func holdGoTest(t *testing.T, c typed) {
	t.Helper()
	var source strings.Builder
	pattern := ""
	for i, word := range c.words {
		switch {
		case strings.HasPrefix(word, "./"):
			folder, whole := strings.CutSuffix(word, "/...")
			source.WriteString(sourceOf(t, filepath.Join("../..", folder), whole))
		case word == "-run" && i+1 < len(c.words):
			pattern = c.words[i+1]
		}
	}
	fits, err := regexp.Compile(pattern)
	if err != nil {
		t.Errorf("%s: %v", c, err)
		return
	}
	for _, m := range regexp.MustCompile(`(?m)^func (Test\w+)\(`).FindAllStringSubmatch(source.String(), -1) {
		if fits.MatchString(m[1]) {
			return
		}
	}
	t.Errorf("%s: no test there has such a name", c)
}

// sourceOf is the text of the Go files of a folder, or of a whole tree.
func sourceOf(t *testing.T, folder string, whole bool) string {
	t.Helper()
	var b strings.Builder
	eachFile(t, ".go", func(path string) {
		path = filepath.Join("../..", path)
		if dir := filepath.Dir(path); dir != filepath.Clean(folder) && (!whole || !strings.HasPrefix(path, filepath.Clean(folder)+"/")) {
			return
		}
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		b.Write(text)
	})
	if b.Len() == 0 {
		t.Errorf("there is no Go in %s", folder)
	}
	return b.String()
}
