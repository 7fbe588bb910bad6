package users_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/bcrypt"

	"sessiongate/session/users"
)

func newHasher() *users.Hasher { return users.NewHasher(users.HasherOptions{}) }

func bcryptOf(t testing.TB, password string) string {
	t.Helper()
	hash, err := bcrypt.GenerateFromPassword([]byte(password), bcrypt.MinCost)
	if err != nil {
		t.Fatal(err)
	}
	return string(hash)
}

func hashOf(t testing.TB, password string) string {
	t.Helper()
	hash, err := newHasher().Hash(t.Context(), password)
	if err != nil {
		t.Fatal(err)
	}
	return hash
}

// small is argon2id of "password" by the reference command line tool:
// echo -n password | argon2 somesalt -id -t 2 -k 256 -p 1 -l 32.
const small = "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4"

func TestVerify(t *testing.T) {
	own := hashOf(t, "correct horse")
	tests := map[string]struct {
		hash, password string
		want           error
	}{
		"own hash":                    {own, "correct horse", nil},
		"wrong":                       {own, "correct horsf", users.ErrMismatch},
		"empty":                       {own, "", users.ErrMismatch},
		"1025 bytes":                  {own, strings.Repeat("x", 1025), users.ErrMismatch},
		"reference implementation":    {small, "password", nil},
		"reference, wrong":            {small, "Password", users.ErrMismatch},
		"bcrypt":                      {bcryptOf(t, "legacy"), "legacy", nil},
		"bcrypt, wrong":               {bcryptOf(t, "legacy"), "Legacy", users.ErrMismatch},
		"bcrypt $2y$":                 {"$2y$" + bcryptOf(t, "legacy")[4:], "legacy", nil},
		"bcrypt, 72 bytes":            {bcryptOf(t, strings.Repeat("a", 72)), strings.Repeat("a", 72), nil},
		"bcrypt, 73 bytes, cut equal": {bcryptOf(t, strings.Repeat("a", 72)), strings.Repeat("a", 73), users.ErrMismatch},
		"composed":                    {hashOf(t, "caf\u00e9"), "cafe\u0301", nil},
		"decomposed":                  {hashOf(t, "cafe\u0301"), "caf\u00e9", nil},
		"bcrypt is not normalised":    {bcryptOf(t, "caf\u00e9"), "cafe\u0301", users.ErrMismatch},
		"not UTF-8":                   {hashOf(t, "\xff\xfe"), "\xff\xfe", nil},
	}
	hasher := newHasher()
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if err := hasher.Verify(t.Context(), tt.hash, tt.password); !errors.Is(err, tt.want) || tt.want == nil && err != nil {
				t.Errorf("Verify: %v, want %v", err, tt.want)
			}
		})
	}
}

func TestVerifyRefusesHashes(t *testing.T) {
	good := bcryptOf(t, "x")
	hasher := newHasher()
	for name, hash := range map[string]string{
		"empty":            "",
		"plain text":       "hunter2",
		"argon2i":          strings.Replace(small, "argon2id", "argon2i", 1),
		"old version":      strings.Replace(small, "v=19", "v=16", 1),
		"too much memory":  strings.Replace(small, "m=256", "m=262145", 1),
		"too many passes":  strings.Replace(small, "t=2", "t=11", 1),
		"too many lanes":   strings.Replace(small, "p=1", "p=9", 1),
		"no pass":          strings.Replace(small, "t=2", "t=0", 1),
		"no lane":          strings.Replace(small, "p=1", "p=0", 1),
		"memory below 8p":  strings.Replace(small, "m=256", "m=7", 1),
		"negative":         strings.Replace(small, "t=2", "t=-2", 1),
		"leading zero":     strings.Replace(small, "t=2", "t=02", 1),
		"overflow":         strings.Replace(small, "m=256", "m=4294967552", 1),
		"other order":      strings.Replace(small, "m=256,t=2", "t=2,m=256", 1),
		"short salt":       strings.Replace(small, "c29tZXNhbHQ", "c29t", 1),
		"short sum":        small[:len(small)-30],
		"line break":       small + "\n",
		"more fields":      small + "$x",
		"bcrypt cost 15":   strings.Replace(good, "$04$", "$15$", 1),
		"bcrypt cut":       good[:59],
		"bcrypt long":      good + "a",
		"bcrypt alphabet":  good[:59] + "!",
		"bcrypt no number": strings.Replace(good, "$04$", "$xx$", 1),
	} {
		err := hasher.Verify(t.Context(), hash, "password")
		if err == nil || errors.Is(err, users.ErrMismatch) || errors.Is(err, users.ErrBusy) {
			t.Errorf("%s: %v", name, err)
		} else if len(hash) > 20 && strings.Contains(err.Error(), hash[len(hash)-20:]) {
			t.Errorf("%s: error %q shows the hash", name, err)
		}
	}
}

func TestHash(t *testing.T) {
	first, second := hashOf(t, "x"), hashOf(t, "x")
	if first == second {
		t.Error("the same salt twice")
	}
	if !strings.HasPrefix(first, "$argon2id$v=19$m=19456,t=2,p=1$") {
		t.Errorf("parameters of %s", first)
	}
	for _, password := range []string{"", strings.Repeat("x", 1025)} {
		if _, err := newHasher().Hash(t.Context(), password); !errors.Is(err, users.ErrPassword) {
			t.Errorf("%d bytes: %v", len(password), err)
		}
	}
}

func TestNeedsRehash(t *testing.T) {
	hasher := newHasher()
	for name, tt := range map[string]struct {
		hash string
		want bool
	}{
		"own": {hashOf(t, "x"), false}, "bcrypt": {bcryptOf(t, "x"), true}, "other parameters": {small, true}, "garbage": {"x", true},
	} {
		if got := hasher.NeedsRehash(tt.hash); got != tt.want {
			t.Errorf("%s: %t", name, got)
		}
	}
}

// With the budget taken by a hash in progress, everybody else gets ErrBusy after MaxWait, known
// user or not.
func TestBusy(t *testing.T) {
	hasher := users.NewHasher(users.HasherOptions{Slots: 1, MaxWait: 20 * time.Millisecond})
	// Seconds of work, and more memory than the budget: it takes all of it.
	slow := strings.Replace(small, "m=256,t=2", "m=131072,t=10", 1)
	done := make(chan error, 1)
	go func() { done <- hasher.Verify(context.Background(), slow, "x") }()
	var verify error
	for !errors.Is(verify, users.ErrBusy) {
		verify = hasher.Verify(t.Context(), small, "password")
		if verify != nil && !errors.Is(verify, users.ErrBusy) {
			t.Fatal(verify)
		}
	}
	dummy := hasher.Dummy(t.Context(), "password")
	_, hash := hasher.Hash(t.Context(), "password")
	select {
	case err := <-done:
		t.Fatalf("the slow hash ended too early to say anything: %v", err)
	default:
	}
	if !errors.Is(dummy, users.ErrBusy) || !errors.Is(hash, users.ErrBusy) {
		t.Errorf("Dummy: %v; Hash: %v", dummy, hash)
	}
	if err := <-done; !errors.Is(err, users.ErrMismatch) {
		t.Errorf("slow hash: %v", err)
	}
	if err := hasher.Verify(t.Context(), small, "password"); err != nil {
		t.Errorf("afterwards: %v", err)
	}
}

func TestCancelledLoginIsBusyNotWrong(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for name, err := range map[string]error{
		"Verify": newHasher().Verify(ctx, small, "password"),
		"Dummy":  newHasher().Dummy(ctx, "password"),
	} {
		if err != nil && (!errors.Is(err, users.ErrBusy) || errors.Is(err, users.ErrMismatch)) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func FuzzHash(f *testing.F) {
	hasher := newHasher()
	f.Add(small)
	f.Add("$2b$04$aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa")
	f.Add("$argon2id$v=19$m=,t=,p=$$")
	for _, tt := range written() {
		f.Add(tt.hash)
	}
	f.Add("{scrypt}$ffffffff$AA==$AA==")
	f.Add("scrypt:4294967295:4294967295:4294967295$a$" + strings.Repeat("ab", 64))
	f.Fuzz(func(t *testing.T, hash string) {
		_ = hasher.NeedsRehash(hash) // parses and must neither panic nor compute
	})
}
