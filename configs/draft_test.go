package configs_test

import (
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"

	"sessiongate/configs"
)

// hostile are answers that would be more than a value if somebody wrote them down as they are.
func hostile() []string {
	return []string{
		`plain`, ` `, `a b`, `"`, `'`, `\`, `a"b`, `a'b: c`, `x # y`, `#x`, `- a`, `[a, b]`, `{a: b}`, `a, b]`, `*a`, `&a b`, `!tag`, `|`, `>`, `%x`, `@x`, "`x",
		`? x`, `: x`, `x:`, `true`, `No`, `null`, `~`, `1`, `0x10`, `1e3`, `.5`, `.inf`, `.`, `..`, `-`, `---`, `...`, "a\nadmin: 0.0.0.0:1", "a\r\nb: c", "\t", "a\x00b",
		`${HOME}`, `${`, `$${X}`, `$$${X}`, `"${X}"`, `a${X`, `{{username}}`, `é`, "\u2028x", "\ufeffx", "\u0085", `https://a.test/b?c=d&e=f`, `C:\dir`, strings.Repeat("x: ", 50),
	}
}

// A text that is put into a shipped file is that text when it is read, and nothing else of the file
// changes.
func TestDraftSetsOneValue(t *testing.T) {
	t.Parallel()
	names, texts := configs.ProviderFiles()
	for _, name := range names {
		paths := scalarPaths(t, texts[name])
		if len(paths) < 10 {
			t.Fatalf("%s: only %v", name, paths)
		}
		values := hostile()
		if name != "local" && name != "oidc" { // all on two of them is enough: a draft is read at each change
			values = values[:3]
		}
		for _, path := range paths {
			for _, value := range values {
				d := configs.NewDraft(texts[name])
				d.Set(path, value)
				text, err := d.Text()
				if err != nil {
					t.Fatalf("%s: %v", name, err)
				}
				want := flatten(t, texts[name])
				want[path] = strings.ReplaceAll(value, "${", "$${")
				if got := flatten(t, text); !reflect.DeepEqual(got, want) {
					t.Fatalf("%s: %s = %q:\n%s", name, path, value, text)
				}
				if strings.Count(text, "#") != strings.Count(texts[name], "#")+strings.Count(value, "#") {
					t.Fatalf("%s: %s = %q changed comments:\n%s", name, path, value, text)
				}
			}
		}
	}
}

// flatten reads YAML into values by path.
func flatten(t *testing.T, text string) map[string]any {
	t.Helper()
	var tree any
	if err := yaml.Unmarshal([]byte(text), &tree); err != nil {
		t.Fatalf("%v:\n%s", err, text)
	}
	flat := make(map[string]any)
	var walk func(path string, v any)
	walk = func(path string, v any) {
		switch v := v.(type) {
		case map[string]any:
			for key, below := range v {
				walk(strings.TrimPrefix(path+"."+key, "."), below)
			}
		case []any:
			for i, below := range v {
				walk(fmt.Sprintf("%s[%d]", path, i), below)
			}
		default:
			flat[path] = v
		}
	}
	walk("", tree)
	return flat
}

func scalarPaths(t *testing.T, text string) (paths []string) {
	t.Helper()
	for path, value := range flatten(t, text) {
		if _, isText := value.(string); isText && !strings.Contains(path, ".query") { // those are on several lines
			paths = append(paths, path)
		}
	}
	return paths
}

const draft = `# One.
#
# Before the first start: do this,
# and that.
#
# Two.

server:
  public_url: http://localhost:8080        # what the browser sees
store:
  # about Redis
  redis:
    addresses: ["a:1", 'it''s', "q\"x"]    # where
    db: 1

# about keys
keys:
  cookie:
    - id: c1
      file: k
`

func TestDraft(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		change func(*configs.Draft)
		old    string
		fresh  string
	}{
		"longer value":  {func(d *configs.Draft) { d.Set("server.public_url", "http://localhost:80801") }, "8080        #", "80801       #"},
		"long value":    {func(d *configs.Draft) { d.Set("server.public_url", "http://a.localhost:8080/0123456789") }, "http://localhost:8080        #", "http://a.localhost:8080/0123456789 #"},
		"in brackets":   {func(d *configs.Draft) { d.Set("store.redis.addresses[1]", "b") }, `'it''s'`, `"b"`},
		"last":          {func(d *configs.Draft) { d.Set("store.redis.addresses[2]", "b") }, `"q\"x"]    #`, `"b"]    #`},
		"section":       {func(d *configs.Draft) { d.Replace("store.redis", "embedded: true") }, draft[strings.Index(draft, "  redis:"):strings.Index(draft, "\n# about keys")], "  embedded: true\n"},
		"key goes":      {func(d *configs.Draft) { d.Replace("store.redis") }, draft[strings.Index(draft, "  # about Redis"):strings.Index(draft, "\n# about keys")], ""},
		"last key goes": {func(d *configs.Draft) { d.Replace("keys") }, draft[strings.Index(draft, "# about keys"):], ""},
		"entry's key":   {func(d *configs.Draft) { d.Replace("keys.cookie[0].file", "file: x", "from: y") }, "      file: k\n", "      file: x\n      from: y\n"},
		"behind a key":  {func(d *configs.Draft) { d.Insert("server.public_url", "listen: x", "# y") }, "# what the browser sees\n", "# what the browser sees\n  listen: x\n  # y\n"},
		"behind a list": {func(d *configs.Draft) { d.Insert("store.redis", "more: x") }, "    db: 1\n", "    db: 1\n  more: x\n"},
		"comment":       {func(d *configs.Draft) { d.DropComment("Before the first start") }, "# Before the first start: do this,\n# and that.\n#\n", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := configs.NewDraft(draft)
			row.change(d)
			got, err := d.Text()
			if want := strings.Replace(draft, row.old, row.fresh, 1); err != nil || got != want || want == draft {
				t.Errorf("%v\n%s\nwant\n%s", err, got, want)
			}
		})
	}
}

// What a draft cannot do, it says, and goes on to do nothing.
func TestDraftFaults(t *testing.T) {
	t.Parallel()
	for want, change := range map[string]func(*configs.Draft){
		"server.nosuch is not there":                         func(d *configs.Draft) { d.Set("server.nosuch", "x") },
		"store.redis is not one value on one line":           func(d *configs.Draft) { d.Set("store.redis", "x") },
		"keys.cookie[0].id is the first key of an entry":     func(d *configs.Draft) { d.Replace("keys.cookie[0].id", "id: x") },
		"keys.cookie[1].id is not there":                     func(d *configs.Draft) { d.Replace("keys.cookie[1].id", "id: x") },
		"store.redis.addresses[0] is not there":              func(d *configs.Draft) { d.Replace("store.redis.addresses[0]", "x") },
		"keys.nosuch is not there":                           func(d *configs.Draft) { d.Insert("keys.nosuch", "x") },
		"KEYS is not there":                                  func(d *configs.Draft) { d.Set("KEYS", "x") },
		"store.redis.addresses is not one value on one line": func(d *configs.Draft) { d.Set("store.redis.addresses", "x") },
	} {
		d := configs.NewDraft(draft)
		change(d)
		d.Set("server.public_url", "changed")
		if text, err := d.Text(); err == nil || !strings.Contains(err.Error(), want) || text != draft {
			t.Errorf("%v, want %s", err, want)
		}
	}
	if d := configs.NewDraft("a: [\n"); d.Value("a") != "" {
		t.Error("a value")
	} else if _, err := d.Text(); err == nil {
		t.Error("no YAML, and no fault")
	}
}

func FuzzQuote(f *testing.F) {
	for _, text := range hostile() {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if strings.ToValidUTF8(text, "") != text {
			t.Skip()
		}
		d := configs.NewDraft("a:\n  - b: [\"x\", y, z] # c\n    d: x\n")
		d.Set("a[0].b[1]", text)
		d.Set("a[0].d", text)
		got, err := d.Text()
		want := strings.ReplaceAll(text, "${", "$${")
		if err != nil || d.Value("a[0].b[1]") != want || d.Value("a[0].d") != want || d.Value("a[0].b[2]") != "z" || len(flatten(t, got)) != 4 {
			t.Fatalf("%q: %v\n%s", text, err, got)
		}
	})
}
