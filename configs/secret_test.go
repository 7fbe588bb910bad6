package configs_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"

	"sessiongate/configs"
)

func TestSecretShowsItselfToNobody(t *testing.T) {
	secret := configs.NewSecret("canary")
	hidden := struct{ s configs.Secret }{secret}
	var log bytes.Buffer
	slog.New(slog.NewJSONHandler(&log, nil)).Info("x", slog.Any("secret", secret), slog.Any("in", struct{ S configs.Secret }{secret}))
	asJSON, err := json.Marshal(map[string]any{"s": secret})
	if err != nil {
		t.Fatal(err)
	}
	asYAML, err := yaml.Marshal(map[string]any{"s": secret})
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{
		fmt.Sprint(secret), fmt.Sprintf("%v %+v %#v %s %q %x %d", secret, secret, secret, secret, secret, secret, secret),
		fmt.Sprintf("%v %+v %#v", hidden, hidden, &hidden), secret.String(), secret.GoString(),
		log.String(), string(asJSON), string(asYAML),
	} {
		if strings.Contains(text, "canary") || strings.Contains(text, "63616e617279") {
			t.Errorf("shows the secret: %s", text)
		}
	}
	if secret.Reveal() != "canary" || (configs.Secret{}).Reveal() != "" || !(configs.Secret{}).Empty() {
		t.Error("Reveal or Empty is wrong")
	}
}

func TestSecretFiles(t *testing.T) {
	text := strings.Replace(working, `addresses: ["redis:6379"]`, `addresses: ["redis:6379"], password_file: pw`, 1)
	for name, row := range map[string]struct {
		content string
		mode    os.FileMode
		want    string
	}{
		"as it is":       {"canary", 0o640, ""},
		"newline":        {"canary\n", 0o600, ""},
		"windows":        {"canary\r\n", 0o600, ""},
		"empty":          {"\n", 0o600, `store.redis.password_file: "pw" is empty; put the secret into it`},
		"world-readable": {"canary", 0o644, `store.redis.password_file: "pw" can be read by everyone; run chmod o-r pw`},
		"huge":           {strings.Repeat("canary", 20_000), 0o600, "store.redis.password_file: cannot be read: the file is too large; write the path of a file that this user may read"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := folder(t)
			write(t, filepath.Join(dir, "pw"), row.content, row.mode)
			if row.want != "" {
				if got := problems(t, dir, text, noEnv); got != "gw.yaml:2:59: "+row.want {
					t.Errorf("got  %s\nwant %s", got, row.want)
				}
				return
			}
			if got := load(t, dir, text, noEnv).Config.Store.Redis.Password.Reveal(); got != "canary" {
				t.Errorf("read %q", got)
			}
		})
	}
}

func TestWorldReadableFilesAreRefused(t *testing.T) {
	for _, name := range []string{"cookie.key", "seal.key", "signing.pem", "users.yaml"} {
		dir := folder(t)
		if err := os.Chmod(filepath.Join(dir, name), 0o604); err != nil {
			t.Fatal(err)
		}
		if got := problems(t, dir, working, noEnv); !strings.HasSuffix(got, "run chmod o-r "+name) || strings.Contains(got, "\n") {
			t.Errorf("%s: %s", name, got)
		}
	}
}

func TestPoorKeysAreRefused(t *testing.T) {
	encode := func(key []byte) string { return base64.RawURLEncoding.EncodeToString(key) }
	ascending := make([]byte, 32)
	for i := range ascending {
		ascending[i] = byte(i)
	}
	for name, row := range map[string]struct{ text, want string }{
		"short":       {encode([]byte("0123456789abcdef")), "not 32 bytes long"},
		"long":        {encode(make([]byte, 33)), "not 32 bytes long"},
		"zero":        {encode(make([]byte, 32)), "not random"},
		"ascending":   {encode(ascending), "not random"},
		"words":       {encode([]byte("change-me-change-me-change-me-32")), "not random"},
		"plain words": {"change me", "one line of base64url"},
		"two lines":   {encode(ascending) + "\n" + encode(ascending), "one line of base64url"},
		"loose bits":  {strings.Repeat("A", 42) + "B", "one line of base64url"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := folder(t)
			write(t, filepath.Join(dir, "cookie.key"), row.text, 0o600)
			got := problems(t, dir, working, noEnv)
			if !strings.Contains(got, "keys.cookie[0].file") || !strings.Contains(got, row.want) || strings.Contains(got, row.text) {
				t.Errorf("got %s", got)
			}
		})
	}
	dir := folder(t)
	write(t, filepath.Join(dir, "cookie.key"), randomKey(t)+"=\n", 0o600)
	load(t, dir, working, noEnv)
}

func TestSigningKeys(t *testing.T) {
	const hex = "c0ffee00d15ea5e5b16b00b5deadbeefc0ffee00d15ea5e5b16b00b5deadbeef"
	for name, row := range map[string]struct{ text, alg, want string }{
		"EdDSA":        {privatePEM(t, "EdDSA"), "", "EdDSA"},
		"Ed25519":      {privatePEM(t, "EdDSA"), "Ed25519", "Ed25519"},
		"ES256":        {privatePEM(t, "ES256"), "ES256", "ES256"},
		"RS256":        {privatePEM(t, "RS256"), "", "RS256"},
		"HS256":        {hex, "HS256", "HS256"},
		"P-384":        {privatePEM(t, "ES384"), "", "other than P-256"},
		"short RSA":    {privatePEM(t, "RS1024"), "", "shorter than 2048 bits"},
		"short secret": {"c0ffee00d15ea5e5", "HS256", "shorter than 32 bytes"},
		"placeholder":  {"your-secret-key-here-0123456789-abc", "HS256", "not random"},
		"no alg":       {hex, "", "does not hold a PEM private key"},
		"certificate":  {"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "", "PKCS#8"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := folder(t)
			write(t, filepath.Join(dir, "signing.pem"), row.text, 0o600)
			text := working
			if row.alg != "" {
				text = strings.Replace(working, "signing.pem}", "signing.pem, alg: "+row.alg+"}", 1)
			}
			if strings.HasPrefix(name, row.want) {
				if got := load(t, dir, text, noEnv).Config.Keys.Signing[0].Alg; got != row.want {
					t.Errorf("alg %q", got)
				}
				return
			}
			got := problems(t, dir, text, noEnv)
			if !strings.Contains(got, "keys.signing[0].file: ") || !strings.Contains(got, row.want) || strings.Contains(got, row.text) {
				t.Errorf("got %s", got)
			}
		})
	}
}
