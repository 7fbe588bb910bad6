package users_test

import (
	"errors"
	"strings"
	"testing"

	"sessiongate/session/users"
)

// written are hashes as other software writes them, with their passwords. Those of Django but
// scrypt's, and Werkzeug's PBKDF2, come from Django 3.2 and Werkzeug 2.2 with fewer iterations than
// usual; Django's scrypt is from its own tests; those of "password" are the examples in Spring's
// documentation. The others follow these programs' sources and were made with Python's hashlib and
// argon2-cffi.
func written() map[string]struct{ hash, password string } {
	const umlaut = "p\u00e4ssword"
	return map[string]struct{ hash, password string }{
		"Django pbkdf2_sha256": {"pbkdf2_sha256$1000$XpXlRh0r2cGfSaLt$NRH+WFCTQnwfItjITqHKVY7b6Zo6LclkTHSsk66Z2pA=", umlaut},
		"Django, as set up":    {"pbkdf2_sha256$260000$LTWXJsfVQYeKervMhvWJJd$eSvIpKguXoWVF06got3JWbEWKAoehWj8grg/eaLaxNM=", umlaut},
		"Django pbkdf2_sha1":   {"pbkdf2_sha1$1000$seasalt2$9Osd52COip5Jo/Hp74A8NPJ1h/U=", umlaut},
		"Django argon2":        {"argon2$argon2id$v=19$m=1024,t=2,p=2$cTF3MmUzcjR0NXk2dTdpOG85cDBhQQ$UswbG10oOxl7fRfA3eLsdA", umlaut},
		"Django bcrypt_sha256": {"bcrypt_sha256$$2b$04$PFjKn4Eguh6Yklt1GJCyVeJhqzhVJ98hkks6KYXCOXiA1hJz.FOoe", strings.Repeat("x", 80)},
		"Django bcrypt":        {"bcrypt$$2b$04$ZSZGgsbLgePu/h7mHLYwkOeqRgU108Gngk2Bh8Mdi5BsggDNIjpRe", umlaut},
		"Django scrypt": {
			"scrypt$16384$seasalt$8$5$ECMIUp+LMxMSK8xB/IVyba+KYGTI7FTnet025q/1f/vBAVnnP3hdYqJuRi+mJn6ji6ze3Fbb7JEFPKGpuEf5vw==",
			"l\u00e8tmein",
		},
		"Werkzeug sha256": {"pbkdf2:sha256:1000$3NvzvEPLtakRiut3$abb84ac29a7023cc3b814c985f11f74d66447643771a79c864fea5c5b848a7ce", umlaut},
		"Werkzeug sha1":   {"pbkdf2:sha1:1000$yF7zHQwU52Ne3iEm$02bb752aa4cc6330227fb5afcbdc7dfa549203a1", umlaut},
		"Werkzeug sha512": {
			"pbkdf2:sha512:1000$ACkn2bSn5srXEnUu$dbb7a1f79241f04897c105cb089b26ab18667899b50844c9024fdd0f9cc6d9e3" +
				"19d988b49f941ba286b769f11774639f19b309ac4c27e1df3f97e27ca01049fb", umlaut,
		},
		"Werkzeug scrypt": {
			"scrypt:1024:8:1$aB3dE5gH7jK9mN1p$d08a7f7ae0c4083da181a92d8a3b3e8dc73343b067588803c6d52a63af0a1d0d" +
				"7e2c699007ee3825a549f1f6fcbc32c8983283755d3c86c46e2778f834c9bdaf", umlaut,
		},
		"Spring bcrypt": {"{bcrypt}$2a$10$dXJ3SW6G7P50lGmMkkmwe.20cQQubK3.HZWzG3YB1tlRy.fqvM/BG", "password"},
		"Spring pbkdf2": {"{pbkdf2}5d923b44a6d129f3ddf3e3c8d29412723dcbde72445e8ef6bf3b508fbf17fa4ed4d6b99ca763d8dc", "password"},
		"Spring scrypt": {
			"{scrypt}$e0801$8bWJaSu2IKSn9Z9kM+TPXfOc/9bdYSrN1oD9qfVThWEwdRTnO7re7Ei+fUZRJ68k9lTyuTeUp4of4g24hHnazw==" +
				"$OAOec05+bXxvuu/1qZ6NUR+xQYvYv7BeL1QxwRpY5Pc=", "password",
		},
		"Spring pbkdf2, today's": {
			"{pbkdf2@SpringSecurity_v5_8}000102030405060708090a0b0c0d0e0fdeef2303ba2adb21b82a404d8e134a3a4f761600350d104cc479c14368466f34",
			umlaut,
		},
		"Spring argon2": {
			"{argon2@SpringSecurity_v5_8}$argon2id$v=19$m=16384,t=2,p=1$kErjJYrEkMNQcniC3Sv8Uw$0YpuG1p8VTs08TY1rL0G/NXw1y9N+6COAk3XxA6FlZo",
			umlaut,
		},
	}
}

func TestVerifyWhatOthersWrite(t *testing.T) {
	hasher := newHasher()
	for name, tt := range written() {
		t.Run(name, func(t *testing.T) {
			if err := hasher.Verify(t.Context(), tt.hash, tt.password); err != nil {
				t.Errorf("the password: %v", err)
			}
			for _, wrong := range []string{tt.password + "x", ""} {
				if err := hasher.Verify(t.Context(), tt.hash, wrong); !errors.Is(err, users.ErrMismatch) {
					t.Errorf("%q: %v, want a mismatch", wrong, err)
				}
			}
			if !hasher.NeedsRehash(tt.hash) {
				t.Error("is taken for today's")
			}
		})
	}
}

// TestOthersHashPasswordsAsTyped: an accent that was hashed in two characters is no accent in one.
func TestOthersHashPasswordsAsTyped(t *testing.T) {
	hasher := newHasher()
	for name, tt := range written() {
		apart := strings.NewReplacer("\u00e4", "a\u0308", "\u00e8", "e\u0300").Replace(tt.password)
		if apart == tt.password {
			continue
		}
		if err := hasher.Verify(t.Context(), tt.hash, apart); !errors.Is(err, users.ErrMismatch) {
			t.Errorf("%s: %v, want a mismatch", name, err)
		}
	}
}

func TestVerifyRefusesWhatOthersWrite(t *testing.T) {
	sum := strings.Repeat("A", 42) + "8="
	hasher := newHasher()
	for name, tt := range map[string]struct{ hash, says string }{
		"plain text of Spring":      {"{noop}hunter2", "plain text ({noop})"},
		"a digest of Spring":        {"{MD5}5f4dcc3b5aa765d61d8327deb882cf99", "guessed too fast"},
		"another encoder of Spring": {"{mine}hunter2", "is not a password hash"},
		"no id":                     {"{hunter2", "is not a password hash"},
		"a digest of Django":        {"md5$salt$5f4dcc3b5aa765d61d8327deb882cf99", "guessed too fast"},
		"a digest of Werkzeug":      {"sha256$tF44vlFaem3g5ZSM$23e2813a60d70c5fb29b8d01ad79565fabf3112348e3ed35664561185cadc58f", "guessed too fast"},
		"nobody's password":         {"!uYRXtYY0srRlnUvYl7Kvk7a5qO5ns7vsR8rjM5O3", "is not a password hash"},
		"no hash at all":            {"scrypted", "is not a password hash"},
		"too long":                  {"pbkdf2_sha256$1$" + strings.Repeat("s", 1024) + "$" + sum, "is not a password hash"},
		"argon2i of Django":         {"argon2$argon2i$v=19$m=512,t=2,p=2$c29tZXNhbHQ$wWKIMhR9lyDFvRz9YTZweHKfbftvj+qf", "only argon2id"},
		"no argon2 of Django":       {"argon2$$2b$04$ZSZGgsbLgePu/h7mHLYwkOeqRgU108Gngk2Bh8Mdi5BsggDNIjpR", "is not a password hash"},
		"cut bcrypt":                {"bcrypt_sha256$$2b$04$PFjKn4Eguh6Yklt1", "malformed"},
		"strong bcrypt":             {"{bcrypt}$2a$15$dXJ3SW6G7P50lGmMkkmwe.20cQQubK3.HZWzG3YB1tlRy.fqvM/BG", "bcrypt cost 15"},
		"no iterations":             {"pbkdf2_sha256$0$salt$" + sum, "malformed"},
		"signed iterations":         {"pbkdf2_sha256$+10$salt$" + sum, "malformed"},
		"many iterations":           {"pbkdf2_sha256$4000001$salt$" + sum, "at most 4000000 iterations"},
		"many iterations, twice":    {"pbkdf2_sha1$2000001$salt$" + sum, "at most 4000000 iterations"},
		"no salt":                   {"pbkdf2_sha256$10$$" + sum, "malformed"},
		"another digest":            {"pbkdf2:md5:1000$salt$" + strings.Repeat("ab", 16), "malformed"},
		"iterations left out":       {"pbkdf2:sha256$salt$" + strings.Repeat("ab", 32), "malformed"},
		"broken base64":             {"pbkdf2_sha256$10$salt$" + sum[:20] + "\n" + sum[20:], "malformed"},
		"short sum":                 {"pbkdf2_sha256$10$salt$AAAA", "malformed"},
		"cost not a power of two":   {"scrypt:1000:8:1$salt$" + strings.Repeat("ab", 64), "malformed"},
		"too much memory":           {"scrypt:524288:8:1$salt$" + strings.Repeat("ab", 64), "too much work"},
		"too many lanes":            {"scrypt$2$salt$1$33$" + sum, "too much work"},
		"the largest cost there is": {"{scrypt}$ffff0801$" + sum + "$" + sum, "too much work"},
		"no block size":             {"{scrypt}$e0001$" + sum + "$" + sum, "malformed"},
		"short pbkdf2 of Spring":    {"{pbkdf2}5d923b44a6d129f3", "malformed"},
		"other settings of Spring":  {"{pbkdf2@SpringSecurity_v5_8}" + strings.Repeat("ab", 80), "malformed"},
	} {
		err := hasher.Verify(t.Context(), tt.hash, "hunter2")
		if err == nil || errors.Is(err, users.ErrMismatch) || !strings.Contains(err.Error(), tt.says) {
			t.Errorf("%s: %v, want %q", name, err, tt.says)
			continue
		}
		if strings.Contains(err.Error(), "hunter2") || strings.Contains(err.Error(), "salt") {
			t.Errorf("%s: the error %q holds a part of the hash", name, err)
		}
	}
}

// TestUnknownNamesCostWhatForeignHashesCost: the scheme and its settings decide, not the salt.
func TestUnknownNamesCostWhatForeignHashesCost(t *testing.T) {
	w := written()
	for _, usual := range []string{"Django pbkdf2_sha256", "Django scrypt", "Werkzeug sha512", "Spring argon2", "Django bcrypt_sha256"} {
		var seen users.SeenHashes
		seen.Note("a", hashOf(t, "x"))
		seen.Note("b", w[usual].hash)
		seen.Note("c", strings.Replace(w[usual].hash, "Rh0r2c", "2c0rRh", 1))
		if seen.Decoy() == "" || !strings.HasPrefix(seen.Decoy(), w[usual].hash[:10]) {
			t.Errorf("%s: the decoy is %.20s", usual, seen.Decoy())
		}
	}
}

// TestUsersFileTakesOthersHashes: the first sign-in makes them today's.
func TestUsersFileTakesOthersHashes(t *testing.T) {
	hash := written()["Django pbkdf2_sha256"]
	path := write(t, "users:\n  - {name: ada, password: '"+hash.hash+"'}\n")
	f := open(t, path, users.FileOptions{})
	for range 2 {
		if _, err := f.Authenticate(t.Context(), "ada", hash.password); err != nil {
			t.Fatal(err)
		}
	}
	if text := read(t, path); strings.Contains(text, "pbkdf2") || !strings.Contains(text, "$argon2id$") {
		t.Errorf("the file is now\n%s", text)
	}
}
