package users_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"sessiongate/session/users"
)

type clock struct{ nanos atomic.Int64 }

func (c *clock) Now() time.Time { return time.Unix(0, c.nanos.Load()) }
func (c *clock) tick()          { c.nanos.Add(int64(time.Second)) }

func write(t testing.TB, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "users.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// rewrite replaces the file as an editor would, so that its identity changes whatever the clock's
// grain.
func rewrite(t testing.TB, path, text string) {
	t.Helper()
	if err := os.WriteFile(path+".new", []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		t.Fatal(err)
	}
}

func read(t testing.TB, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func open(t testing.TB, path string, o users.FileOptions) *users.File {
	t.Helper()
	f, err := users.OpenFile(path, newHasher(), o)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func TestAuthenticate(t *testing.T) {
	f := open(t, write(t, `
users:
  - name: ada
    password: "`+small+`"
    roles: [user, admin]
    scopes: [read]
    display_name: Ada Lovelace
    subject: u-1
    claims: {team: engines, level: 3}
  - {name: gone, password: "`+hashOf(t, "password")+`", disabled: true}
`), users.FileOptions{})
	// small needs a rehash; keep the file as it is for this test.
	user, err := f.Authenticate(t.Context(), "ada", "password")
	if err != nil {
		t.Fatal(err)
	}
	if user.Subject != "u-1" || strings.Join(user.Roles, " ") != "user admin" || user.DisplayName != "Ada Lovelace" ||
		user.Claims["team"] != "engines" || user.Scopes[0] != "read" || user.Disabled {
		t.Errorf("user %+v", user)
	}
	user.Roles[0], user.Claims["team"] = "root", "root"
	if again, _ := f.Lookup(t.Context(), "ada"); again.Roles[0] != "user" || again.Claims["team"] != "engines" {
		t.Errorf("a caller changed the kept user: %+v", again)
	}
	var texts []string
	for _, attempt := range [][2]string{{"ada", "wrong"}, {"nobody", "password"}, {"gone", "password"}, {"gone", "wrong"}, {"Ada", "password"}, {"", ""}} {
		_, err := f.Authenticate(t.Context(), attempt[0], attempt[1])
		if !errors.Is(err, users.ErrBadCredentials) {
			t.Errorf("%q: %v", attempt, err)
			continue
		}
		texts = append(texts, err.Error())
	}
	for _, text := range texts {
		if text != texts[0] {
			t.Errorf("the errors differ: %q and %q", texts[0], text)
		}
	}
	if gone, err := f.LookupSubject(t.Context(), "gone"); err != nil || !gone.Disabled {
		t.Errorf("a disabled user must be visible to a refresh: %+v, %v", gone, err)
	}
	if _, err := f.LookupSubject(t.Context(), "ada"); !errors.Is(err, users.ErrUnknown) {
		t.Errorf("the name is not the subject: %v", err)
	}
}

func TestOpenFileRefuses(t *testing.T) {
	hash := `password: "` + small + `"`
	for name, tt := range map[string]struct{ text, want string }{
		"unknown top key":      {"people: []\n", `:1:1: unknown key "people"`},
		"unknown key":          {"users:\n  - name: a\n    " + hash + "\n    role: [x]\n", ":4:5: users[0].role: unknown key"},
		"plain text":           {"users:\n  - name: a\n    password: hunter2-secret\n", ":3:15: users[0].password: is not a password hash"},
		"plain number":         {"users:\n  - name: a\n    password: 77001122\n", ":3:15: users[0].password: is not a password hash"},
		"bad hash":             {"users:\n  - name: a\n    password: \"" + small[:60] + "\"\n", ":3:15: users[0].password: is a malformed"},
		"no password":          {"users:\n  - name: a\n", "password is missing"},
		"no name":              {"users:\n  - " + hash + "\n", "name must have"},
		"name is a number":     {"users:\n  - name: 7\n    " + hash + "\n", ":2:11: users[0].name: must be text"},
		"control character":    {"users:\n  - name: \"a\\nb\"\n    " + hash + "\n", "name must have"},
		"duplicate name":       {"users:\n  - {name: a, " + hash + "}\n  - {name: a, " + hash + "}\n", ":3:6: users[1]: "},
		"duplicate subject":    {"users:\n  - {name: a, " + hash + "}\n  - {name: b, subject: a, " + hash + "}\n", "is used by another user"},
		"duplicate key":        {"users:\n  - name: a\n    " + hash + "\n    " + hash + "\n", ":4:5: "},
		"roles as text":        {"users:\n  - {name: a, " + hash + ", roles: admin}\n", "users[0].roles: must be a list"},
		"disabled as text":     {"users:\n  - {name: a, " + hash + ", disabled: \"yes\"}\n", "users[0].disabled: must be true or false"},
		"claims as a list":     {"users:\n  - {name: a, " + hash + ", claims: [x]}\n", "users[0].claims: must hold"},
		"users is a map":       {"users: {a: b}\n", ":1:9: users: must be a list"},
		"user is text":         {"users: [a]\n", ":1:9: users[0]: must hold"},
		"not YAML":             {"users: [\n  - \"" + small + "\n", "not valid YAML"},
		"two documents":        {"users: []\n---\nusers: []\n", "more than one YAML document"},
		"alias":                {"users:\n  - &a {name: a, " + hash + "}\n  - *a\n", "must hold keys"},
		"not UTF-8":            {"users: [\"\xff\"]\n", "UTF-8"},
		"two problems at once": {"users:\n  - name: 7\n    " + hash + "\n  - name: b\n    password: x\n", ":5:15: users[1].password: is not"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := users.OpenFile(write(t, tt.text), newHasher(), users.FileOptions{})
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Fatalf("error %v does not say %q", err, tt.want)
			}
			for _, secret := range []string{"hunter2", "77001122", "c29tZXNhbHQ"} {
				if strings.Contains(err.Error(), secret) {
					t.Errorf("error shows %q: %v", secret, err)
				}
			}
		})
	}
	open(t, write(t, ""), users.FileOptions{})
	open(t, write(t, "# nobody yet\nusers:\n"), users.FileOptions{})
}

func TestFileOpenToEverybodyIsRefused(t *testing.T) {
	for _, mode := range []os.FileMode{0o644, 0o604, 0o602} {
		path := write(t, "users: []\n")
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		if _, err := users.OpenFile(path, newHasher(), users.FileOptions{}); err == nil || !strings.Contains(err.Error(), "chmod") {
			t.Errorf("mode %o: %v", mode, err)
		}
	}
	path := write(t, "users: []\n")
	if err := os.Chmod(path, 0o640); err != nil {
		t.Fatal(err)
	}
	open(t, path, users.FileOptions{})
	if _, err := users.OpenFile(filepath.Join(t.TempDir(), "none"), newHasher(), users.FileOptions{}); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("missing file: %v", err)
	}
}

func TestFileIsReadAgain(t *testing.T) {
	now, reports := &clock{}, []error{}
	user := func(name string) string { return "users:\n  - {name: " + name + ", password: \"" + small + "\"}\n" }
	path := write(t, user("one"))
	f := open(t, path, users.FileOptions{Now: now.Now, OnError: func(err error) { reports = append(reports, err) }})
	known := func(name string) bool { _, err := f.Lookup(t.Context(), name); return err == nil }

	rewrite(t, path, user("two"))
	if !known("one") {
		t.Error("looked at the file within the second")
	}
	now.tick()
	if known("one") || !known("two") {
		t.Error("the new version is not in force")
	}
	rewrite(t, path, "users: [")
	for range 3 {
		now.tick()
		if !known("two") {
			t.Error("a broken version took the good one away")
		}
	}
	if len(reports) != 1 || f.Err() == nil {
		t.Errorf("reports %v, Err %v: want one report", reports, f.Err())
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	now.tick()
	if !known("two") {
		t.Error("a missing file took the good version away")
	}
	rewrite(t, path, user("three"))
	now.tick()
	if !known("three") || f.Err() != nil {
		t.Errorf("not recovered: %v", f.Err())
	}
}

// listed is a users file with these names.
func listed(names ...string) string {
	text := "users:\n"
	for _, name := range names {
		text += "  - {name: " + name + ", password: \"" + small + "\"}\n"
	}
	return text
}

// TestFileThatLostUsers: whoever is missing is signed out for good, so a file
// that an accident made shorter must not count.
func TestFileThatLostUsers(t *testing.T) {
	full := listed("a", "b", "c", "d", "e")
	cut := listed("a", "b", "c", "d")
	for name, tt := range map[string]struct {
		text    string
		readAs  []int // users after each look, a second apart
		reports int
		why     string
	}{
		"empty file":                       {"", []int{5, 5, 5, 5}, 1, "has no users any more"},
		"empty list":                       {"users: []\n", []int{5, 5, 5, 5}, 1, "SIGHUP"},
		"only a comment":                   {"# staff\n", []int{5, 5, 5, 5}, 1, "has no users any more"},
		"half and more is gone":            {listed("a", "b"), []int{5, 2, 2}, 2, "has 2 users instead of 5"},
		"one is gone":                      {cut, []int{5, 4, 4}, 0, ""},
		"cut at the end of an entry":       {strings.TrimSuffix(cut, "\n"), []int{5, 5, 5}, 1, "ends in the middle of a line"},
		"cut within an entry":              {full[:len(full)-20], []int{5, 5}, 1, "not valid YAML"},
		"as many as before":                {listed("v", "w", "x", "y", "z"), []int{5}, 0, ""},
		"more than before, without an end": {strings.TrimSuffix(listed("a", "b", "c", "d", "e", "f"), "\n"), []int{6}, 0, ""},
	} {
		t.Run(name, func(t *testing.T) {
			now, reports := &clock{}, []error{}
			path := write(t, full)
			f := open(t, path, users.FileOptions{Now: now.Now, OnError: func(err error) { reports = append(reports, err) }})
			rewrite(t, path, tt.text)
			for i, want := range tt.readAs {
				now.tick()
				if got := len(f.List()); got != want {
					t.Errorf("look %d finds %d users, want %d", i+1, got, want)
				}
			}
			if len(reports) != tt.reports || tt.why != "" && !strings.Contains(reports[0].Error(), tt.why) {
				t.Errorf("reports %v, want %d, the first with %q", reports, tt.reports, tt.why)
			}
			rewrite(t, path, full)
			for range 2 {
				now.tick()
				f.List()
			}
			if len(f.List()) != 5 || f.Err() != nil {
				t.Errorf("mended: %d users, %v", len(f.List()), f.Err())
			}
		})
	}
}

// TestShorterFileMustStayTheSame: what is still being written reads differently
// each time.
func TestShorterFileMustStayTheSame(t *testing.T) {
	now := &clock{}
	path := write(t, listed("a", "b", "c", "d", "e", "f"))
	f := open(t, path, users.FileOptions{Now: now.Now})
	for _, text := range []string{listed("a"), listed("a", "b"), listed("a"), listed("a", "b", "c", "d", "e"), listed("a")} {
		rewrite(t, path, text)
		now.tick()
		if got := len(f.List()); got != 6 {
			t.Fatalf("%d users after a reading of its own", got)
		}
	}
	now.tick()
	if got := len(f.List()); got != 1 {
		t.Errorf("%d users after two equal readings, want 1", got)
	}
}

// TestShorterFileOfOld is believed at once: nobody is writing it any more.
func TestShorterFileOfOld(t *testing.T) {
	now := &clock{}
	path := write(t, listed("a", "b", "c"))
	f := open(t, path, users.FileOptions{Now: now.Now})
	rewrite(t, path, listed("a", "b"))
	if err := os.Chtimes(path, time.Time{}, now.Now()); err != nil {
		t.Fatal(err)
	}
	now.tick()
	if got := len(f.List()); got != 2 {
		t.Errorf("%d users, want 2", got)
	}
}

// TestReloadByCommand takes even an empty list.
func TestReloadByCommand(t *testing.T) {
	path := write(t, listed("a", "b", "c"))
	f := open(t, path, users.FileOptions{})
	for _, names := range [][]string{{"a"}, {}} {
		rewrite(t, path, strings.TrimSuffix(listed(names...), "\n"))
		if err := f.Reload(); err != nil || len(f.List()) != len(names) || f.Err() != nil {
			t.Errorf("%d users, %v", len(f.List()), err)
		}
	}
	rewrite(t, path, "users: [")
	if err := f.Reload(); err == nil {
		t.Error("a broken file was taken")
	}
}

// TestLoginDoesNotWriteAShorterFile: a better hash can wait until whoever writes
// the file is done.
func TestLoginDoesNotWriteAShorterFile(t *testing.T) {
	now := &clock{}
	entry := func(name string) string {
		return "  - {name: " + name + ", password: '" + bcryptOf(t, "legacy") + "'}\n"
	}
	path := write(t, "users:\n"+entry("a")+entry("b")+entry("c"))
	f := open(t, path, users.FileOptions{Now: now.Now})
	half := "users:\n" + entry("a") + entry("b")
	if err := os.WriteFile(path, []byte(half), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := f.Authenticate(t.Context(), "b", "legacy"); err != nil {
		t.Fatal(err)
	}
	if read(t, path) != half {
		t.Error("a login wrote into a file that had become shorter")
	}
}

func TestLoginRehashes(t *testing.T) {
	old := bcryptOf(t, "legacy")
	before := "# staff\nusers:\n  - name: ada # the first\n    password: '" + old + "' # old\n    roles: [user]\n" +
		"  - {name: grace, password: " + old + ", roles: [admin]}\n"
	path := write(t, before)
	if err := os.Chmod(path, 0o640); err != nil {
		t.Fatal(err)
	}
	f := open(t, path, users.FileOptions{OnError: func(err error) { t.Error(err) }})
	if _, err := f.Authenticate(t.Context(), "ada", "wrong"); !errors.Is(err, users.ErrBadCredentials) || read(t, path) != before {
		t.Fatalf("a failed login changed the file, or: %v", err)
	}
	for _, name := range []string{"grace", "ada"} {
		if _, err := f.Authenticate(t.Context(), name, "legacy"); err != nil {
			t.Fatal(err)
		}
	}
	after := read(t, path)
	if strings.Contains(after, old) || strings.Count(after, "$argon2id$") != 2 {
		t.Errorf("hashes were not replaced:\n%s", after)
	}
	for _, kept := range []string{"# staff\n", "name: ada # the first\n", "' # old\n", "  - {name: grace, password: \"$argon2id$", ", roles: [admin]}\n"} {
		if !strings.Contains(after, kept) {
			t.Errorf("%q is gone:\n%s", kept, after)
		}
	}
	if info, _ := os.Stat(path); info.Mode().Perm() != 0o640 {
		t.Errorf("mode %o", info.Mode().Perm())
	}
	if _, err := f.Authenticate(t.Context(), "ada", "legacy"); err != nil || read(t, path) != after {
		t.Errorf("second login: %v, or the file changed again", err)
	}
	if left, _ := filepath.Glob(filepath.Join(filepath.Dir(path), ".users-*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

// The login succeeds although the better hash cannot be kept: here the file became a shape the
// editor will not touch.
func TestRehashNeverFailsTheLogin(t *testing.T) {
	old := bcryptOf(t, "legacy")
	var reports int
	now := &clock{}
	path := write(t, "users:\n  - {name: ada, password: \""+strings.Replace(old, "$2a$", "\\u00242a$", 1)+"\"}\n")
	f := open(t, path, users.FileOptions{Now: now.Now, OnError: func(error) { reports++ }})
	for range 3 {
		if _, err := f.Authenticate(t.Context(), "ada", "legacy"); err != nil {
			t.Fatal(err)
		}
	}
	if reports != 1 {
		t.Errorf("%d reports, want 1", reports)
	}
}

func TestEdit(t *testing.T) {
	for name, text := range map[string]string{
		"no file content": "",
		"empty list":      "# staff\nusers: []\n",
		"null":            "users:\n# end\n",
		"block":           "# staff\nusers:\n  - name: zoë # \"ÿ\"\n    password: \"" + small + "\"\n    roles: [user]\n\n  # the last\n  - name: bob\n    password: >-\n      " + small + "\n",
		"not indented":    "users:\n- name: bob\n  password: " + small + "\n",
		"no line end":     "users:\n  - {\"name\": \"bob\", \"password\": \"" + small + "\"}",
		"CRLF":            "users:\r\n  - name: bob\r\n    password: \"" + small + "\"\r\n    disabled: false\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			path := write(t, text)
			f := open(t, path, users.FileOptions{})
			added := users.User{
				Name: `é: "odd" #1`, Subject: "s-9", Roles: []string{"a", "b,c"}, Scopes: []string{"read"},
				DisplayName: "Odd: One", Claims: map[string]any{"n": 3, "deep": map[string]any{"x": []any{"y"}}},
			}
			if err := f.Add(t.Context(), added, "first password"); err != nil {
				t.Fatal(err)
			}
			if err := f.Add(t.Context(), users.User{Name: added.Name}, "x"); !errors.Is(err, users.ErrExists) {
				t.Errorf("added twice: %v", err)
			}
			if err := f.SetPassword(t.Context(), added.Name, "second password"); err != nil {
				t.Fatal(err)
			}
			for _, disabled := range []bool{true, true, false, true} {
				if err := f.SetDisabled(added.Name, disabled); err != nil {
					t.Fatal(err)
				}
			}
			again := open(t, path, users.FileOptions{})
			list := again.List()
			got := list[len(list)-1]
			if !got.Disabled || got.Name != added.Name || got.Subject != "s-9" || got.Roles[1] != "b,c" || got.DisplayName != "Odd: One" {
				t.Errorf("added user reads back as %+v", got)
			}
			if err := f.SetDisabled(added.Name, false); err != nil {
				t.Fatal(err)
			}
			if _, err := f.Authenticate(t.Context(), added.Name, "second password"); err != nil {
				t.Error(err)
			}
			if _, err := f.Lookup(t.Context(), "bob"); err == nil {
				if err := f.SetDisabled("bob", true); err != nil {
					t.Error(err)
				}
				if bob, _ := f.Lookup(t.Context(), "bob"); !bob.Disabled {
					t.Error("bob is not disabled")
				}
			}
			for _, comment := range []string{"# staff", "# the last", "# \"ÿ\""} {
				if strings.Contains(text, comment) && !strings.Contains(read(t, path), comment) {
					t.Errorf("%q is gone:\n%s", comment, read(t, path))
				}
			}
		})
	}
}

func TestEditRefuses(t *testing.T) {
	flow := "users: [{name: a, password: \"" + small + "\"}]\n"
	path := write(t, flow)
	f := open(t, path, users.FileOptions{})
	if err := f.Add(t.Context(), users.User{Name: "b"}, "x"); err == nil || !strings.Contains(err.Error(), "by hand") {
		t.Errorf("Add to a flow list: %v", err)
	}
	for name, err := range map[string]error{
		"unknown password": f.SetPassword(t.Context(), "nobody", "x"),
		"unknown disabled": f.SetDisabled("nobody", true),
	} {
		if !errors.Is(err, users.ErrUnknown) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := f.SetPassword(t.Context(), "a", ""); !errors.Is(err, users.ErrPassword) {
		t.Errorf("empty password: %v", err)
	}
	if err := f.Add(t.Context(), users.User{Name: "a\n- name: root"}, "x"); err == nil {
		t.Error("a name with a line break was added")
	}
	if read(t, path) != flow {
		t.Errorf("a refused change reached the file:\n%s", read(t, path))
	}
}

// Several writers, each with its own view of the file as separate processes have, lose nothing.
func TestConcurrentEdits(t *testing.T) {
	path := write(t, "users: []\n")
	var wg sync.WaitGroup
	const writers = 6
	for i := range writers {
		wg.Go(func() {
			f, err := users.OpenFile(path, newHasher(), users.FileOptions{})
			if err != nil {
				t.Error(err)
				return
			}
			if err := f.Add(t.Context(), users.User{Name: string(rune('a' + i))}, "password"); err != nil {
				t.Error(err)
			}
			_ = f.List()
		})
	}
	wg.Wait()
	if n := len(open(t, path, users.FileOptions{}).List()); n != writers {
		t.Errorf("%d users, want %d:\n%s", n, writers, read(t, path))
	}
}

func TestEditFollowsSymlinks(t *testing.T) {
	path := write(t, "users: []\n")
	link := filepath.Join(t.TempDir(), "link.yaml")
	if err := os.Symlink(path, link); err != nil {
		t.Skip(err)
	}
	if err := open(t, link, users.FileOptions{}).Add(t.Context(), users.User{Name: "a"}, "x"); err != nil {
		t.Fatal(err)
	}
	if info, _ := os.Lstat(link); info.Mode()&os.ModeSymlink == 0 {
		t.Error("the link was replaced by a file")
	}
	if !strings.Contains(read(t, path), `name: "a"`) {
		t.Error("the target was not changed")
	}
}

func TestStatic(t *testing.T) {
	s, err := users.NewStatic(t.Context(), newHasher(), users.Account{User: users.User{Name: "ada"}, Password: "lovelace"},
		users.Account{User: users.User{Name: "gone", Subject: "g", Disabled: true}, Password: "x"})
	if err != nil {
		t.Fatal(err)
	}
	if user, err := s.Authenticate(t.Context(), "ada", "lovelace"); err != nil || user.Subject != "ada" {
		t.Errorf("%+v, %v", user, err)
	}
	for _, pair := range [][2]string{{"ada", "x"}, {"gone", "x"}, {"nobody", "x"}} {
		if _, err := s.Authenticate(t.Context(), pair[0], pair[1]); !errors.Is(err, users.ErrBadCredentials) {
			t.Errorf("%v: %v", pair, err)
		}
	}
	if user, err := s.LookupSubject(t.Context(), "g"); err != nil || !user.Disabled {
		t.Errorf("%+v, %v", user, err)
	}
	if _, err := s.Lookup(t.Context(), "nobody"); !errors.Is(err, users.ErrUnknown) {
		t.Error(err)
	}
	ada := users.Account{User: users.User{Name: "ada"}, Password: "x"}
	if _, err := users.NewStatic(t.Context(), newHasher(), ada, ada); !errors.Is(err, users.ErrExists) {
		t.Error(err)
	}
}

func FuzzOpenFile(f *testing.F) {
	f.Add("users:\n  - {name: a, password: \"" + small + "\", claims: {a: [1, b]}}\n")
	f.Add("users: [{name: &x a, password: *x}]\n")
	f.Add("? - a\n: |\n  b\n<<: *c\n")
	dir := f.TempDir()
	hasher := newHasher()
	f.Fuzz(func(t *testing.T, text string) {
		path := filepath.Join(dir, "users.yaml")
		rewrite(t, path, text)
		file, err := users.OpenFile(path, hasher, users.FileOptions{})
		if err != nil {
			return
		}
		for _, user := range file.List() {
			if user.Name == "" || user.Subject == "" {
				t.Fatalf("accepted %+v", user)
			}
		}
	})
}
