package configs_test

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"sessiongate/configs"
)

// Whatever the bytes: no panic, an error that lists at least one problem and one line for each, and
// a configuration that passes prints as one that passes too.
func FuzzLoad(f *testing.F) {
	for _, seed := range []string{configs.Minimal, configs.Compose, configs.Reference, configs.DemoUsers, working, "a: &x [*x]", "{[", "? a\n: b", "a: |\n  b\n", "- - -", "\"\\u0000\": 1", "a: ${", "a: !!binary x"} {
		f.Add([]byte(seed))
	}
	for _, row := range mistakes() {
		if text := row.file; len(text) < 1000 {
			f.Add([]byte(text))
		}
		f.Add([]byte(strings.Replace(working, row.old, row.new, 1)))
	}
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, data []byte) {
		name := filepath.Join(dir, "gw.yaml")
		loaded, err := configs.LoadBytes(name, data, noEnv)
		var list *configs.Problems
		switch {
		case err == nil:
			if _, err := configs.LoadBytes(name, loaded.Config.Marshal(), noEnv); err != nil {
				t.Errorf("passes, and printed does not:\n%v\n%s", err, loaded.Config.Marshal())
			}
		case !errors.As(err, &list) || len(list.List) == 0:
			t.Errorf("error %T without a problem", err)
		default:
			if lines := strings.Count(err.Error(), "\n") + 1; lines != min(len(list.List), 101) {
				t.Errorf("%d problems on %d lines:\n%v", len(list.List), lines, err)
			}
		}
	})
}
