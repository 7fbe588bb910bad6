package users_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"sessiongate/session/testserver"
	"sessiongate/session/users"
)

func TestNormalizeName(t *testing.T) {
	for name, want := range map[string]string{
		"ada": "ada", "Ada": "Ada", "ada@example.com": "ada@example.com", "ada lovelace": "ada lovelace",
		"rene\u0301": "ren\u00e9", "ren\u00e9": "ren\u00e9", "\uff41da": "ada", "e\u0301:": "\u00e9:",
		"e\u0301 \U0001f600": "\u00e9 \U0001f600", // no user name by RFC 8265, but it may be in use
	} {
		if got := users.NormalizeName(name); got != want {
			t.Errorf("%+q is %+q, want %+q", name, got, want)
		}
	}
	if got := users.NameSpellings("rene\u0301"); !slices.Equal(got, []string{"ren\u00e9", "rene\u0301"}) {
		t.Errorf("spellings %+q", got)
	}
	if got := users.NameSpellings("ada"); !slices.Equal(got, []string{"ada"}) {
		t.Errorf("spellings %+q", got)
	}
}

// TestNamesByAnyKeyboard: an account is found however its accents are composed, and keeps its
// subject.
func TestNamesByAnyKeyboard(t *testing.T) {
	const composed, apart = "ren\u00e9", "rene\u0301"
	hash := hashOf(t, "password")
	for _, written := range []string{composed, apart} {
		path := write(t, "users:\n  - {name: \""+written+"\", password: \""+hash+"\"}\n")
		f := open(t, path, users.FileOptions{})
		for _, typed := range []string{composed, apart} {
			u, err := f.Authenticate(t.Context(), typed, "password")
			if err != nil || u.Subject != written || u.Name != written {
				t.Errorf("%+q for %+q: %+q, %v", typed, written, u.Subject, err)
			}
			if err := f.SetDisabled(typed, true); err != nil {
				t.Errorf("disable %+q for %+q: %v", typed, written, err)
			}
			if err := f.SetDisabled(typed, false); err != nil {
				t.Error(err)
			}
			if err := f.Add(t.Context(), users.User{Name: typed}, "another password"); !errors.Is(err, users.ErrExists) {
				t.Errorf("%+q beside %+q: %v", typed, written, err)
			}
		}
		if _, err := f.LookupSubject(t.Context(), written); err != nil {
			t.Errorf("the subject %+q: %v", written, err)
		}
	}
	f := open(t, write(t, "users: []\n"), users.FileOptions{})
	if err := f.Add(t.Context(), users.User{Name: apart}, "password"); err != nil || f.List()[0].Name != composed || f.List()[0].Subject != composed {
		t.Errorf("added as %+v, %v", f.List(), err)
	}
	for _, name := range []string{"a\u200db", "\U0001f600"} {
		if err := f.Add(t.Context(), users.User{Name: name}, "password"); err == nil || !strings.Contains(err.Error(), "RFC 8265") {
			t.Errorf("%+q was added: %v", name, err)
		}
	}
	_, err := users.OpenFile(write(t, "users:\n  - {name: \""+composed+"\", password: \""+hash+"\"}\n  - {name: \""+apart+"\", password: \""+hash+"\"}\n"),
		newHasher(), users.FileOptions{})
	if err == nil || !strings.Contains(err.Error(), `:3:`) || !strings.Contains(err.Error(), `"ren\u00e9"`) || !strings.Contains(err.Error(), `"rene\u0301"`) {
		t.Errorf("two names that are one: %v", err)
	}
}

func testDatabaseNames(t *testing.T, server *testserver.PostgresServer) {
	const composed, apart = "ren\u00e9", "rene\u0301"
	server.SQL("CREATE TABLE named AS SELECT * FROM people WHERE id = 1; GRANT SELECT ON named TO gate")
	d := openDatabase(t, users.DatabaseOptions{
		URL: server.URL("gate", "gate-password"), Query: strings.Replace(byLogin, "people", "named", 1),
		QueryBySubject: strings.Replace(bySubject, "people", "named", 1),
	})
	for _, written := range []string{composed, apart} {
		server.SQL("UPDATE named SET login = '" + written + "'")
		for _, typed := range []string{composed, apart} {
			if u, err := d.Authenticate(t.Context(), typed, "lovelace-1843"); err != nil || u.Subject != "1" {
				t.Errorf("%+q for %+q: %+v, %v", typed, written, u, err)
			}
		}
	}
	server.SQL("INSERT INTO named SELECT 9, '" + composed + "', secret, groups, locked, shown, tags FROM named")
	_, err := d.Authenticate(t.Context(), composed, "lovelace-1843")
	if err == nil || errors.Is(err, users.ErrBadCredentials) || !strings.Contains(err.Error(), `"rene\u0301"`) || !strings.Contains(err.Error(), `"ren\u00e9"`) {
		t.Errorf("two users with one name: %v", err)
	}
}

func FuzzNormalizeName(f *testing.F) {
	for _, seed := range []string{"ada", "rene\u0301", "\uff41 \u0623", "\U0001f600", "\xff", " "} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, name string) {
		normal := users.NormalizeName(name)
		if again := users.NormalizeName(normal); utf8.ValidString(name) && again != normal {
			t.Errorf("%+q is %+q, and that is %+q", name, normal, again)
		}
		for _, spelling := range users.NameSpellings(name) {
			if utf8.ValidString(name) && users.NormalizeName(spelling) != normal {
				t.Errorf("%+q is spelt %+q, which is another user", name, spelling)
			}
		}
	})
}
