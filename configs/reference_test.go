package configs_test

import (
	"encoding/base64"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
	"golang.org/x/crypto/argon2"

	"sessiongate/configs"
)

// reference puts the files of a folder in the place of those that the shipped reference names.
func reference(dir string) string {
	return strings.NewReplacer("/run/secrets/", dir+"/", "/srv/app", dir+"/app").Replace(configs.Reference)
}

func TestReferenceLoadsAndShowsTheDefaults(t *testing.T) {
	dir := folder(t)
	loaded := load(t, dir, reference(dir), noEnv)
	if len(loaded.Warnings) > 0 {
		t.Errorf("warnings %v", loaded.Warnings)
	}
	got, want := loaded.Config, configs.Default()
	want.Server.PublicURL = got.Server.PublicURL
	for name, pair := range map[string][2]any{
		"server": {got.Server, want.Server}, "log": {got.Log, want.Log}, "session": {got.Session, want.Session}, "pages": {got.Pages, want.Pages},
		"explicit_tokens": {got.ExplicitTokens, want.ExplicitTokens}, "cross_origin": {got.CrossOrigin, want.CrossOrigin},
		"rate_limits": {got.RateLimits, want.RateLimits},
	} {
		if !reflect.DeepEqual(pair[0], pair[1]) {
			t.Errorf("%s: the reference shows %+v, the default is %+v", name, pair[0], pair[1])
		}
	}
	c := load(t, dir, working, noEnv).Config
	if !reflect.DeepEqual(got.Store, c.Store) {
		t.Errorf("store: the reference shows %+v, the default is %+v", got.Store, c.Store)
	}
	if a, b := got.Providers[0].Local, c.Providers[0].Local; *a != *b {
		t.Errorf("provider: the reference shows %+v, the default is %+v", a, b)
	}
	a, b := got.Routes[0], c.Routes[0]
	b.Path, b.StripPrefix = a.Path, a.StripPrefix
	if !reflect.DeepEqual(a, b) {
		t.Errorf("route: the reference shows %+v, the default is %+v", a, b)
	}
}

// Every key of the structs stands in the reference, switched off with a # where need be, and no
// other does.
func TestReferenceHasEveryKey(t *testing.T) {
	text := regexp.MustCompile(`(?m)^( *)#([a-z_]+:)`).ReplaceAllString(configs.Reference, "$1$2")
	file, err := parser.ParseBytes([]byte(text), 0)
	if err != nil {
		t.Fatal(err)
	}
	written := make(map[string]bool)
	writtenKeys(file.Docs[0].Body, "", written)
	known := make(map[string]bool)
	structKeys(reflect.TypeFor[configs.Config](), "", known)
	for key := range known {
		if !written[key] {
			t.Errorf("%s is not in the reference", key)
		}
	}
	for key := range written {
		if !known[key] {
			t.Errorf("%s is in the reference and no key", key)
		}
	}
}

func writtenKeys(n ast.Node, path string, keys map[string]bool) {
	switch n := n.(type) {
	case *ast.MappingNode:
		for _, line := range n.Values {
			key := strings.TrimPrefix(path+"."+line.Key.GetToken().Value, ".")
			keys[key] = true
			writtenKeys(line.Value, key, keys)
		}
	case *ast.SequenceNode:
		for _, entry := range n.Values {
			writtenKeys(entry, path, keys)
		}
	}
}

func structKeys(t reflect.Type, path string, keys map[string]bool) {
	for t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice {
		t = t.Elem()
	}
	if t.Kind() != reflect.Struct {
		return
	}
	for i := range t.NumField() {
		name, option, _ := strings.Cut(t.Field(i).Tag.Get("yaml"), ",")
		key := strings.TrimPrefix(path+"."+name, ".")
		switch {
		case name == "-":
		case option == "inline", strings.HasPrefix(option, "kind="):
			structKeys(t.Field(i).Type, path, keys)
		case name != "":
			keys[key] = true
			structKeys(t.Field(i).Type, key, keys)
		}
	}
}

// The passwords that the demo tells everyone are the ones in its file.
func TestDemoUsers(t *testing.T) {
	line := regexp.MustCompile(`password: "\$argon2id\$v=19\$m=19456,t=2,p=1\$([^$]+)\$([^"]+)"`)
	found := line.FindAllStringSubmatch(configs.DemoUsers, -1)
	passwords := []string{"lovelace-1843", "hopper-1952"}
	if len(found) != len(passwords) {
		t.Fatalf("%d users, want %d", len(found), len(passwords))
	}
	for i, match := range found {
		salt, err1 := base64.RawStdEncoding.DecodeString(match[1])
		hash, err2 := base64.RawStdEncoding.DecodeString(match[2])
		if err1 != nil || err2 != nil || !slices.Equal(hash, argon2.IDKey([]byte(passwords[i]), salt, 2, 19456, 1, 32)) {
			t.Errorf("user %d does not have the password %s", i, passwords[i])
		}
	}
}

func TestLoadOfWhatIsNoFile(t *testing.T) {
	dir := t.TempDir()
	huge := filepath.Join(dir, "huge.yaml")
	if err := os.WriteFile(huge, make([]byte, 2<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		filepath.Join(dir, "none.yaml"): "no such file or directory",
		dir:                             "it is a folder",
		huge:                            "larger than 1 MiB",
	} {
		if _, err := configs.Load(path, noEnv); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", path, err)
		}
	}
}
