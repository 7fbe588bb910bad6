package messages_test

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"sessiongate/web/messages"
)

func set(t *testing.T, names []string, own ...*messages.Catalogue) *messages.Set {
	t.Helper()
	s, err := messages.NewSet(names, own)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func catalogue(t *testing.T, name, text string) *messages.Catalogue {
	t.Helper()
	c, faults := messages.Parse(name, []byte(text))
	if len(faults) > 0 {
		t.Fatal(faults)
	}
	return c
}

// Every language in the binary has every text, with the same placeholders, and says it itself.
func TestCatalogues(t *testing.T) {
	all := set(t, messages.BuiltIn()).All()
	keys := messages.English().Keys()
	if len(keys) < 150 {
		t.Fatalf("only %d texts: the rule would hold of nothing", len(keys))
	}
	places := regexp.MustCompile(`\{[a-z_]+\}`)
	for _, l := range all[1:] {
		c := messages.Of(l.Tag())
		if !slices.Equal(c.Keys(), keys) {
			t.Errorf("%s does not have the keys of English: lacks %v", l.Tag(), c.Lacks())
		}
		same := 0
		for _, key := range keys {
			a, b := all[0].Template(key, nil), l.Template(key, nil)
			want, got := places.FindAllString(a, -1), places.FindAllString(b, -1)
			slices.Sort(want)
			slices.Sort(got)
			if !slices.Equal(slices.Compact(want), slices.Compact(got)) {
				t.Errorf("%s %s: places %v, want %v", l.Tag(), key, got, want)
			}
			if a == b {
				same++
			}
		}
		if same > 12 { // (number), short months, and the like
			t.Errorf("%s: %d texts are as in English", l.Tag(), same)
		}
	}
}

// People read no names of keys, header fields, networks or statuses.
func TestNoDeveloperWords(t *testing.T) {
	words := regexp.MustCompile(`(?i)[a-z]_[a-z]|https?:|/[0-9]{2}\b|x-[a-z]+-|\b(cors|csrf|cidr|http|url|uri|json|api|header|token|proxy|upstream|backend|gateway|server\.|origin|oidc|oauth|redis|query|payload|timeout|null|undefined|post request)\b`)
	for _, l := range set(t, messages.BuiltIn()).All() {
		for _, key := range messages.English().Keys() {
			text := regexp.MustCompile(`\{[a-z_]+\}`).ReplaceAllString(l.Template(key, nil), "")
			if bad := words.FindString(text); bad != "" {
				t.Errorf("%s %s: %q in %q", l.Tag(), key, bad, text)
			}
		}
	}
}

func TestChoose(t *testing.T) {
	s := set(t, []string{"en", "de", "pt-BR", "ar"}, catalogue(t, "pt-BR.yaml", "button.sign_in: Entrar"), catalogue(t, "ar.yaml", "button.sign_in: x"))
	for _, row := range []struct{ ui, accept, want string }{
		{"", "", "en"},
		{"", "de", "de"},
		{"", "de-AT,de;q=0.9,en;q=0.8", "de"},
		{"", "fr,de;q=0.5", "de"},
		{"", "fr", "en"},
		{"", "en;q=0.1,de;q=0.9", "de"},
		{"", "*", "en"},
		{"", "de;q=0,en", "en"},
		{"", "pt", "pt-BR"},
		{"de", "en", "de"},
		{"fr de-CH", "en", "de"},
		{"fr", "de", "de"}, // what is asked for is not there
		{"", "ar-EG", "ar"},
		{"../../etc", "de", "de"},
		{"<script>", "%%%;;q=", "en"},
		{strings.Repeat("de ", 200), "en", "en"},
		{"", strings.Repeat("de,", 500), "en"},
	} {
		l := s.All()[s.Choose(row.ui, row.accept)]
		if l.Tag() != row.want {
			t.Errorf("%.20q %.20q: %s, want %s", row.ui, row.accept, l.Tag(), row.want)
		}
		if want := map[bool]string{true: "rtl", false: "ltr"}[row.want == "ar"]; l.Direction() != want {
			t.Errorf("%s is written %s", l.Tag(), l.Direction())
		}
	}
}

func TestPlurals(t *testing.T) {
	polish := catalogue(t, "pl.yaml", "ago.minutes.one: minutę temu\nago.minutes.few: \"{n} minuty temu\"\nago.minutes.many: \"{n} minut temu\"\nago.minutes.other: \"{n} minuty temu\"\n")
	all := set(t, []string{"en", "pl"}, polish).All()
	for _, row := range []struct {
		language, n int
		want        string
	}{
		{0, 1, "1 minute ago"},
		{0, 0, "0 minutes ago"},
		{0, 21, "21 minutes ago"},
		{1, 1, "minutę temu"},
		{1, 3, "3 minuty temu"},
		{1, 5, "5 minut temu"},
		{1, 22, "22 minuty temu"},
	} {
		if got := all[row.language].Text("ago.minutes", messages.Args{"n": row.n}); got != row.want {
			t.Errorf("%d: %q, want %q", row.n, got, row.want)
		}
	}
	if got := all[1].Text("ago.hours", messages.Args{"n": 2}); got != "2 hours ago" {
		t.Errorf("without a text of its own: %q", got)
	}
	if got := all[1].Text("no.such", nil); got != "no.such" || all[1].Has("no.such") || !all[1].Has("login.title") {
		t.Errorf("a key that is not there: %q", got)
	}
}

// An operator's text goes before the built-in one; the rest stays.
func TestOwnTexts(t *testing.T) {
	l := set(t, []string{"de"}, catalogue(t, "messages/de.yaml", "login.username: Personalnummer\n")).All()[0]
	if l.Text("login.username", nil) != "Personalnummer" || l.Text("login.password", nil) != "Passwort" {
		t.Error("not as the operator and the binary say it")
	}
	if _, err := messages.NewSet([]string{"en", "fr"}, nil); err == nil {
		t.Error("a language without texts")
	}
}

// A fault in a file is found with its line, its key and what to write instead.
func TestParseFaults(t *testing.T) {
	for name, row := range map[string]struct{ file, text, want string }{
		"unknown key":  {"de.yaml", "# x\nlogin.usrname: x\n", "de.yaml:2: login.usrname: is no text of the pages; write login.username, or remove it"},
		"placeholder":  {"de.yaml", "login.title: \"Bei {page}\"\n", "de.yaml:1: login.title: {page} is nothing that is filled in here; write {site}"},
		"no place":     {"de.yaml", "login.password: \"{x}\"\n", "remove it"},
		"no text":      {"de.yaml", "login.password:\n", "has no text"},
		"a number":     {"de.yaml", "login.password: 5\n", "has no text"},
		"a section":    {"de.yaml", "login:\n  password: x\n", "has no text"},
		"empty":        {"de.yaml", "login.password: \"\"\n", "is empty"},
		"a list":       {"de.yaml", "- a\n", "does not hold keys"},
		"twice":        {"de.yaml", "login.password: a\nlogin.password: b\n", "twice"},
		"no YAML":      {"de.yaml", "a: [\n", "is not YAML"},
		"no language":  {"words.yaml", "", "call it fr.yaml"},
		"too long":     {"de.yaml", "login.password: " + strings.Repeat("x", 3000), "longer than 2 KiB"},
		"too large":    {"de.yaml", strings.Repeat("#\n", 200000), "larger than 256 KiB"},
		"plural, none": {"pl.yaml", "login.password.few: x\n", "is no text"},
	} {
		c, faults := messages.Parse(row.file, []byte(row.text))
		if c != nil || len(faults) == 0 || !strings.Contains(faults[0].Error(), row.want) {
			t.Errorf("%s: %v, want %s", name, faults, row.want)
		}
	}
	if c, faults := messages.Parse("fr.yaml", []byte("# nothing yet\n")); len(faults) > 0 || len(c.Lacks()) < 100 {
		t.Errorf("an empty file: %v", faults)
	}
}

func FuzzParse(f *testing.F) {
	f.Add("login.title: \"Bei {site}\"\nago.minutes.few: x")
	f.Add("a: &x [*x]\n<<: {}")
	f.Fuzz(func(t *testing.T, text string) {
		c, faults := messages.Parse("de.yaml", []byte(text))
		if (c == nil) != (len(faults) > 0) {
			t.Fatal("neither texts nor faults, or both")
		}
	})
}
