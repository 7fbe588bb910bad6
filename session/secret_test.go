package session_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"sessiongate/session"
)

const canary = "canary-7f3a"

// hidingPlaces are values that hold the canary or the secret of h, each by its name.
func hidingPlaces(h session.Handle) map[string]any {
	s := session.Secret(canary)
	tokens := session.Tokens{Access: s, Refresh: s, ID: s, Keep: session.Kept{"csrf": canary}}
	record := session.Record{ID: h.ID(), Tokens: tokens}
	point := session.ReadPoint{Track: session.NewTrack(h.ID()), Began: time.Now()}
	now := time.UnixMilli(1_800_000_000_000)
	signedIn := session.NewSession(point, now, h, &record, time.Hour)
	return map[string]any{
		"secret":          s,
		"secrets":         []session.Secret{s, s},
		"handle":          h,
		"tokens":          tokens,
		"record":          record,
		"session":         signedIn,
		"login's session": session.LoginDone{Session: signedIn},
		"token pair":      session.TokenPair{Session: signedIn, Access: s, Refresh: s},
		"client's tokens": session.TokenClientRefresh{Refresh: s, Access: s},
		"bearer":          session.NewBearer(canary, session.NewSession(point, now, h, &record, time.Hour), time.Hour),
		"credentials":     session.Credentials{Username: "ada", Password: s},
		"password login":  session.Login{Username: "ada", Password: s},
		"refresh":         session.Refresh{SessionID: h.ID(), Tokens: tokens},
		"grant":           session.Grant{Tokens: tokens},
		"commit":          session.Commit{Tokens: tokens},
		"attempt":         session.Attempt{Nonce: s, Verifier: s, LogoutURL: s},
		"response":        session.Response{Code: s},
		"came back":       session.LoginReturn{Response: session.Response{Code: s}},
	}
}

// TestSecretsPrintNothing, by any verb, in any wrapping and through any logger.
func TestSecretsPrintNothing(t *testing.T) {
	h := session.NewHandle(session.Browser)
	secret := h.Payload()[:32]
	shown := []string{
		canary, fmt.Sprintf("%x", canary), fmt.Sprintf("%X", canary), fmt.Sprintf("% x", canary),
		numbers([]byte(canary)), base64.StdEncoding.EncodeToString([]byte(canary)),
		string(secret), fmt.Sprintf("%x", secret), fmt.Sprintf("%X", secret), numbers(secret),
		base64.StdEncoding.EncodeToString(secret), base64.RawURLEncoding.EncodeToString(secret),
		strings.Trim(fmt.Sprintf("%#v", secret), "[]byte{}"),
	}
	for name, v := range hidingPlaces(h) {
		for _, wrapped := range []any{v, &v, []any{v}, map[string]any{"a": v}, struct{ V any }{v}} {
			for how, text := range printed(wrapped) {
				for _, hidden := range shown {
					if strings.Contains(text, hidden) {
						t.Errorf("%s by %s in a %T: %s", name, how, wrapped, text)
					}
				}
			}
		}
	}
}

// numbers are the bytes as fmt prints a slice of them.
func numbers(b []byte) string { return strings.Trim(fmt.Sprintf("%d", b), "[]") }

// printed is what becomes of a value in all the ways in which one is written down.
func printed(v any) map[string]string {
	all := make(map[string]string)
	for _, verb := range []string{
		"%v", "%+v", "%#v", "%s", "%q", "%#q", "%x", "%X", "%d", "%t", "%o", "%08b", "% x", "%#x", "%c", "%U", "%e",
	} {
		all[verb] = fmt.Sprintf(verb, v)
	}
	all["error"] = fmt.Errorf("wrapped: %v", v).Error()
	if text, err := json.Marshal(v); err == nil {
		all["json"] = string(text)
	}
	if text, err := xml.Marshal(v); err == nil {
		all["xml"] = string(text)
	}
	for how, handler := range map[string]func(*bytes.Buffer) slog.Handler{
		"slog text": func(b *bytes.Buffer) slog.Handler { return slog.NewTextHandler(b, nil) },
		"slog json": func(b *bytes.Buffer) slog.Handler { return slog.NewJSONHandler(b, nil) },
	} {
		var out bytes.Buffer
		log := slog.New(handler(&out)).With(slog.Any("with", v))
		log.LogAttrs(context.Background(), slog.LevelInfo, "m", slog.Any("v", v), slog.Group("g", slog.Any("v", v)))
		all[how] = out.String()
	}
	return all
}

// What is hidden is there all the same, and what takes its place says so.
func TestSecretReveals(t *testing.T) {
	s := session.Secret(canary)
	if s.Reveal() != canary {
		t.Errorf("%q", s.Reveal())
	}
	all := printed(s)
	all["String"], all["GoString"] = s.String(), s.GoString()
	for how, text := range all {
		if !strings.Contains(text, "[redacted]") {
			t.Errorf("%s does not say that something is left out: %s", how, text)
		}
	}
	h := session.NewHandle(session.Browser)
	for name, want := range map[string]string{
		"session": "session " + string(h.ID()), "bearer": "bearer of session " + string(h.ID()), "handle": "handle [redacted]",
	} {
		v := hidingPlaces(h)[name]
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%d"} {
			if got := fmt.Sprintf(verb, v); got != want {
				t.Errorf("%s by %s: %q, want %q", name, verb, got, want)
			}
		}
	}
}
