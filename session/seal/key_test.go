package seal_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"sessiongate/session/seal"
)

func TestParseKeyAcceptsGeneratedKeys(t *testing.T) {
	seen := map[string]bool{}
	for range 2000 {
		line := seal.GenerateKey()
		if seen[line] {
			t.Fatal("the same key was generated twice")
		}
		seen[line] = true
		for _, written := range []string{line, line + "\n", line + "=\r\n", "  " + line + "="} {
			secret, err := seal.ParseKey([]byte(written))
			if err != nil {
				t.Fatalf("generated key refused: %v", err)
			}
			if base64.RawURLEncoding.EncodeToString(secret) != line {
				t.Fatal("key does not decode to what was written")
			}
		}
	}
}

func TestParseKeyRefuses(t *testing.T) {
	encode := base64.RawURLEncoding.EncodeToString
	counting := make([]byte, seal.KeySize)
	odd := make([]byte, seal.KeySize)
	for i := range counting {
		counting[i], odd[i] = byte(i), byte(2*i+1)
	}
	good := seal.GenerateKey()
	tests := map[string]struct{ line, want string }{
		"nothing":              {"", "empty"},
		"only a line end":      {"\n", "empty"},
		"two lines":            {good + "\n" + good, "more than one line"},
		"standard alphabet":    {"+" + good[1:], "not base64url"},
		"other characters":     {"!" + good[1:], "not base64url"},
		"line break inside":    {good[:20] + "\r" + good[20:], "more than one line"},
		"31 bytes":             {encode(bytes.Repeat([]byte{7, 99}, 16)[:31]), "31 bytes"},
		"33 bytes":             {encode(bytes.Repeat([]byte{7, 99, 3}, 11)), "33 bytes"},
		"too much padding":     {good + "==", "not base64url"},
		"loose trailing bits":  {good[:42] + "B", "not base64url"},
		"all zero":             {encode(make([]byte, 32)), "not look random"},
		"all equal":            {encode(bytes.Repeat([]byte{0x5a}, 32)), "not look random"},
		"counting":             {encode(counting), "not look random"},
		"counting by two":      {encode(odd), "not look random"},
		"short block repeated": {encode(bytes.Repeat([]byte{9, 200, 31, 77, 140, 5, 66, 254}, 4)), "not look random"},
		"text":                 {encode([]byte("correct horse battery staple 42!")), "not look random"},
		"placeholder":          {"CHANGE_ME_CHANGE_ME_CHANGE_ME_CHANGE_ME_CHA", "not look random"},
		"placeholder in front": {"change-me" + good[9:], "not look random"},
		"alphabet":             {"abcdefghijklmnopqrstuvwxyz0123456789ABCDEFA", "not look random"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := seal.ParseKey([]byte(tt.line))
			if err == nil {
				t.Fatal("accepted")
			}
			if !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %q does not say %q", err, tt.want)
			}
			if text := strings.TrimSpace(tt.line); len(text) > 8 && strings.Contains(err.Error(), text[:8]) {
				t.Errorf("error %q shows the value", err)
			}
		})
	}
}

func FuzzParseKey(f *testing.F) {
	f.Add([]byte(seal.GenerateKey()))
	f.Add([]byte("CHANGE_ME"))
	f.Add([]byte("\r\n=\x00"))
	f.Fuzz(func(t *testing.T, line []byte) {
		secret, err := seal.ParseKey(line)
		if err == nil && len(secret) != seal.KeySize {
			t.Fatalf("accepted %d bytes", len(secret))
		}
	})
}

func TestKeyNeverShowsItsSecret(t *testing.T) {
	secret := bytes.Repeat([]byte("secretbytes!"), 3)[:32]
	asNumbers := fmt.Sprintf("%d", secret[:4])
	key := seal.Key{ID: "c1", Secret: secret}
	var out bytes.Buffer
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x"} {
		fmt.Fprintf(&out, verb+" "+verb+"\n", key, []*seal.Key{&key})
		fmt.Fprintf(&out, verb+"\n", struct{ K seal.Key }{key})
	}
	slog.New(slog.NewTextHandler(&out, nil)).Info("x", slog.Any("key", key), slog.Any("keys", []seal.Key{key}))
	slog.New(slog.NewJSONHandler(&out, nil)).Info("x", slog.Any("key", key), slog.Any("keys", []seal.Key{key}))
	if err := json.NewEncoder(&out).Encode(key); err != nil {
		t.Fatal(err)
	}
	for _, shown := range []string{"secretbytes", fmt.Sprintf("%x", secret[:6]), strings.Trim(asNumbers, "[]"), base64.StdEncoding.EncodeToString(secret[:6])} {
		if strings.Contains(out.String(), shown) {
			t.Errorf("%q appears in\n%s", shown, out.String())
		}
	}
}
