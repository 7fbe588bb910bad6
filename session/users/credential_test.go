package users_test

import (
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/bcrypt"

	"sessiongate/session/users"
)

func TestPasswordChanged(t *testing.T) {
	for name, tt := range map[string]struct {
		before, after string
		want          bool
	}{
		"the same":           {"habc", "habc", false},
		"another hash":       {"habc", "habd", true},
		"another column":     {"cabc", "cabd", true},
		"not known before":   {"", "habc", false},
		"not known any more": {"habc", "", false},
		"from another place": {"habc", "cabd", false},
	} {
		if got := users.PasswordChanged(tt.before, tt.after); got != tt.want {
			t.Errorf("%s: %t", name, got)
		}
	}
}

func TestCredentialOfARow(t *testing.T) {
	usual := []string{"name", "password_hash"}
	of := func(names []string, values ...string) string {
		t.Helper()
		row := make([][]byte, len(values))
		for i, v := range values {
			if v != "NULL" {
				row[i] = []byte(v)
			}
		}
		credential, err := users.CredentialOfRow(names, row)
		if err != nil {
			t.Fatal(err)
		}
		return credential
	}
	one, other := bcryptOf(t, "one"), bcryptOf(t, "one")
	if a := of(usual, "ada", one); len(a) != 23 || strings.Contains(one, a[1:]) || a != of(usual, "bob", one+" ") {
		t.Errorf("credential %q of a hash", a)
	}
	changes := map[string][2]string{
		"another salt":   {of(usual, "ada", one), of(usual, "ada", other)},
		"made unusable":  {of(usual, "ada", one), of(usual, "ada", "!uYRXtYY0srRlnUvYl7Kvk7a5qO5ns7vsR8rjM5O3")},
		"another scheme": {of(usual, "ada", one), of(usual, "ada", written()["Django scrypt"].hash)},
	}
	names := append(usual, "credential")
	changes["another time"] = [2]string{of(names, "ada", one, "17"), of(names, "ada", one, "18")}
	changes["the first time"] = [2]string{of(names, "ada", one, "NULL"), of(names, "ada", one, "18")}
	changes["NULL in letters"] = [2]string{of(names, "ada", one, "NULL"), of(names, "ada", one, "null")}
	for name, pair := range changes {
		if !users.PasswordChanged(pair[0], pair[1]) {
			t.Errorf("%s is no change: %q", name, pair)
		}
	}
	for name, pair := range map[string][2]string{
		"a prefix in one query":      {of(usual, "ada", one), of(usual, "ada", "{bcrypt}"+one)},
		"no hash in the other query": {of(usual, "ada", one), of(usual, "ada", "NULL")},
		"nothing in the other query": {of(usual, "ada", one), of(usual, "ada", "")},
		"a word in the other query":  {of(usual, "ada", one), of(usual, "ada", "unused")},
		"a sign in the other query":  {of(usual, "ada", one), of(usual, "ada", "!")},
		"a column in one query":      {of(usual, "ada", one), of(names, "ada", one, "17")},
		"hashed anew":                {of(names, "ada", one, "17"), of(names, "ada", other, "17")},
	} {
		if users.PasswordChanged(pair[0], pair[1]) {
			t.Errorf("%s is a change: %q", name, pair)
		}
	}
}

// TestCredentialOutlivesABetterHash: the login that writes it, other sessions of the user, and
// machines whose copy of the file has the former hash, all see one password.
func TestCredentialOutlivesABetterHash(t *testing.T) {
	now := &clock{}
	text := "users:\n  - {name: ada, password: '" + bcryptOf(t, "legacy") + "'}\n"
	path := write(t, text)
	f, elsewhere := open(t, path, users.FileOptions{Now: now.Now}), open(t, write(t, text), users.FileOptions{Now: now.Now})
	credential := func(f *users.File) string {
		t.Helper()
		now.tick()
		u, err := f.LookupSubject(t.Context(), "ada")
		if err != nil || u.Credential == "" {
			t.Fatalf("%+v, %v", u, err)
		}
		return u.Credential
	}
	before := credential(f)
	for range 2 {
		u, err := f.Authenticate(t.Context(), "ada", "legacy")
		if err != nil || u.Credential != before {
			t.Errorf("the login has %q, want %q; %v", u.Credential, before, err)
		}
	}
	if !strings.Contains(read(t, path), "$argon2id$") {
		t.Fatal("no better hash was written")
	}
	if a, b := credential(f), credential(elsewhere); a != before || b != before {
		t.Errorf("credentials %q here and %q elsewhere, want %q", a, b, before)
	}
	if newHasher().NeedsRehash(strings.Split(read(t, path), "'")[1]) {
		t.Error("the better hash needs a better one")
	}
	if err := f.SetPassword(t.Context(), "ada", "legacy"); err != nil {
		t.Fatal(err)
	}
	if !users.PasswordChanged(before, credential(f)) {
		t.Error("a new hash by command is no change")
	}
}

// TestDoubtedFileChangesNoPassword: what is not believed about the users is not believed about their
// passwords.
func TestDoubtedFileChangesNoPassword(t *testing.T) {
	now := &clock{}
	hash := func(password string) string {
		h, err := bcrypt.GenerateFromPassword([]byte(password), bcrypt.MinCost)
		if err != nil {
			t.Fatal(err)
		}
		return string(h)
	}
	list := func(names, password string) string {
		text := "users:\n"
		for _, name := range names {
			text += "  - {name: " + string(name) + ", password: '" + hash(password) + "'}\n"
		}
		return text
	}
	path := write(t, list("abcd", "one"))
	f := open(t, path, users.FileOptions{Now: now.Now, OnError: func(error) {}})
	credential := func() string {
		t.Helper()
		u, err := f.LookupSubject(t.Context(), "a")
		if err != nil {
			t.Fatal(err)
		}
		return u.Credential
	}
	before := credential()
	for what, broken := range map[string]string{"half of them": list("a", "two"), "cut": list("abcd", "two")[:80], "none": "users: []\n"} {
		rewrite(t, path, broken)
		now.tick()
		if got := credential(); got != before {
			t.Errorf("%s: another credential", what)
		}
	}
	rewrite(t, path, list("abcd", "two"))
	now.nanos.Add(int64(time.Second))
	if got := credential(); !users.PasswordChanged(before, got) {
		t.Error("a whole file with other passwords changed none")
	}
}
