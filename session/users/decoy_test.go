package users_test

import (
	"strings"
	"testing"

	"golang.org/x/crypto/bcrypt"

	"sessiongate/session/users"
)

// TestUnknownNamesCostWhatMostUsersCost, whatever kinds of hashes there are.
func TestUnknownNamesCostWhatMostUsersCost(t *testing.T) {
	legacy := func(cost int) string {
		hash, err := bcrypt.GenerateFromPassword([]byte("password"), cost)
		if err != nil {
			t.Fatal(err)
		}
		return string(hash)
	}
	ours := hashOf(t, "password")
	for name, tt := range map[string]struct {
		hashes []string
		want   string // how the decoy begins
	}{
		"nobody":              {nil, ""},
		"ours":                {[]string{ours, ours}, "$argon2id$v=19$m=19456,t=2,p=1$"},
		"bcrypt":              {[]string{legacy(5), ours, legacy(5)}, "$2a$05$"},
		"the more usual cost": {[]string{legacy(4), legacy(5), strings.Replace(legacy(5), "$2a$", "$2y$", 1), ours}, "$2"},
		"mostly ours":         {[]string{legacy(5), ours, legacy(4), ours}, "$argon2id$"},
	} {
		t.Run(name, func(t *testing.T) {
			text := "users: []\n"
			if len(tt.hashes) > 0 {
				text = "users:\n"
			}
			var seen users.SeenHashes
			for i, hash := range tt.hashes {
				user := string(rune('a' + i))
				text += "  - {name: " + user + ", password: '" + hash + "'}\n"
				for range 3 { // signing in often makes nobody count more
					seen.Note(user, hash)
				}
			}
			f := open(t, write(t, text), users.FileOptions{})
			for source, decoy := range map[string]string{"file": f.Decoy(), "table": seen.Decoy()} {
				if !strings.HasPrefix(decoy, tt.want) || tt.want == "" && decoy != "" {
					t.Errorf("%s: decoy %.30q, want %q", source, decoy, tt.want)
				}
			}
		})
	}
}

func TestDecoyFollowsAChangedHash(t *testing.T) {
	var seen users.SeenHashes
	seen.Note("a", bcryptOf(t, "x"))
	seen.Note("a", hashOf(t, "x"))
	if decoy := seen.Decoy(); !strings.HasPrefix(decoy, "$argon2id$") {
		t.Errorf("decoy %.10q", decoy)
	}
}
