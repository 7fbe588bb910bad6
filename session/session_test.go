package session_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"sessiongate/session"
)

func TestNewSchedule(t *testing.T) {
	for _, c := range []struct{ lifetime, grace, soft0, soft1, hard, wantGrace time.Duration }{
		{10 * time.Minute, 30 * time.Second, 510 * time.Second, 540 * time.Second, 595 * time.Second, 30 * time.Second},
		{time.Hour, 30 * time.Second, 51 * time.Minute, 54 * time.Minute, 3595 * time.Second, 30 * time.Second},
		{20 * time.Second, 30 * time.Second, 12500 * time.Millisecond, 15 * time.Second, 18 * time.Second, 5 * time.Second},
		{time.Second, 30 * time.Second, 625 * time.Millisecond, 750 * time.Millisecond, 900 * time.Millisecond, 250 * time.Millisecond},
		{0, 30 * time.Second, 0, 0, 0, 0},
		{-time.Hour, time.Second, 0, 0, 0, 0},
	} {
		for range 100 {
			s := session.NewSchedule(c.lifetime, c.grace)
			if s.Hard != c.hard || s.Grace != c.wantGrace || s.Soft < c.soft0 || s.Soft > c.soft1 || s.Soft > s.Hard || s.Lifetime != max(0, c.lifetime) {
				t.Fatalf("%s: %+v", c.lifetime, s)
			}
		}
	}
}

func TestBinding(t *testing.T) {
	same := [][2]string{
		{"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36", "Mozilla/5.0 (Windows NT 11.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.1.2 Safari/537.36"},
		{"Mozilla/5.0 (X11; Linux x86_64; rv:130.0) Gecko/20100101 Firefox/130.0", "Mozilla/5.0 (X11; Linux x86_64; rv:131.0) Gecko/20100101 Firefox/131.0"},
		{"curl/8.1", "curl/8.9.1"},
		{"", ""},
	}
	for _, c := range same {
		if session.BrowserClass(c[0]) != session.BrowserClass(c[1]) {
			t.Errorf("an update changes the binding: %q", c)
		}
	}
	var all []string
	for _, ua := range []string{
		same[0][0], same[1][0], "curl/8.1", "",
		"Mozilla/5.0 (X11; Linux x86_64) Chrome/140 Safari/537.36", "Mozilla/5.0 (X11; Linux x86_64) Chrome/140 Safari/537.36 Edg/140",
		"Mozilla/5.0 (Linux; Android 14) Chrome/140 Mobile Safari/537.36", "Mozilla/5.0 (Macintosh) Version/17 Safari/605",
		"Mozilla/5.0 (iPhone) CriOS/140 Safari/604", "Mozilla/5.0 (iPhone) FxiOS/130 Safari/604",
	} {
		all = append(all, session.BrowserClass(ua))
	}
	slices.Sort(all)
	if n := len(all); len(slices.Compact(all)) != n {
		t.Error("two browsers share a binding")
	}
}

// TestSecretsPrintNothing, by any verb and in any wrapping.
func TestSecretsPrintNothing(t *testing.T) {
	const canary = "canary-7f3a"
	h := session.NewHandle(session.Browser)
	secret := h.Payload()[:32]
	raw := string(secret)
	s := session.Secret(canary)
	type wrap struct {
		S session.Secret
		P *session.Secret
		T session.Tokens
		L []session.Secret
		H session.Handle
		C session.Credentials
	}
	x := wrap{s, &s, session.Tokens{Access: s, Refresh: s, ID: s}, []session.Secret{s}, h, session.Credentials{Password: s}}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%t", "%o", "%08b", "% x", "%c"} {
		for _, v := range []any{s, &s, x, &x, []any{x}, map[string]any{"a": x}, h, &h, fmt.Errorf("wrapped: %v", x)} {
			text := fmt.Sprintf(verb, v)
			for _, hidden := range []string{canary, fmt.Sprintf("%x", canary), fmt.Sprintf("%X", canary), raw, fmt.Sprintf("%x", raw), fmt.Sprintf("%d", secret)[1:40]} {
				if strings.Contains(text, hidden) {
					t.Errorf("%s of %T shows the secret: %s", verb, v, text)
				}
			}
		}
	}
}
