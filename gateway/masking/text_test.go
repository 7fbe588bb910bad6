package masking_test

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"testing"
	"testing/iotest"

	"sessiongate/gateway/masking"
)

// carries is a judge of a session with a token of any shape, and of JWTs that begin with eyJtok.
type carries struct {
	own
	token string
}

func (c carries) Own() string { return c.token }

// tokens of the usual shapes.
const (
	jwtToken   = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhZGEifQ.c2lnbmF0dXJlLW9mLXRoZS10b2tlbg"
	hexToken   = "9944b09199c62bcf9418ad846dd0e4bbdfc6ee4b"
	sanctum    = "17|laravel_sanctum_Z0abcDEF1234"
	base64Text = "q8/Zr+aBcDeFgHiJ0123456789+/xyz=="
)

// The session's own token goes wherever it stands, in whatever notation, and nothing else does.
func TestOwnTokenInTextOfAnyKind(t *testing.T) {
	for name, row := range map[string]struct{ token, body string }{ // « and » are around what goes
		"Django's page":           {jwtToken, "<td>HTTP_AUTHORIZATION</td><td><pre>&#x27;Bearer «" + jwtToken + "»&#x27;</pre>"},
		"a script":                {jwtToken, "var t='«" + jwtToken + "»';"},
		"an echo in JSON":         {jwtToken, `{"echo":"Bearer «` + jwtToken + `»","cookie":null}`},
		"an address":              {jwtToken, `{"file":"https://files.example.com/a?token=«` + jwtToken + `»&x=1"}`},
		"behind %3D":              {jwtToken, `x%3D«` + jwtToken + `»%26`},
		"twice":                   {hexToken, "«" + hexToken + "»«" + hexToken + "»"},
		"in hex":                  {hexToken, `{"h":{"authorization":"Token «` + hexToken + `»"}}`},
		"under a name that is no": {sanctum, `{"plain":"«` + sanctum + `»"}`},
		"Sanctum's text":          {sanctum, "«" + sanctum + "»\n"},
		"percent-encoded":         {sanctum, "t=«17%7Claravel_sanctum_Z0abcDEF1234»&"},
		"in HTML":                 {sanctum, "<b>«17&#124;laravel_sanctum_Z0abcDEF1234»</b>"},
		"\\/":                     {base64Text, `{"t":"a «q8\/Zr+aBcDeFgHiJ0123456789+\/xyz==»"}`},
		"\\u":                     {base64Text, `{"t":"a «q8/Zr\u002BaBcDeFgHiJ0123456789\u002b/xyz\u003d\u003d»"}`},
		"encoded":                 {base64Text, `/x?t=«q8%2FZr%2BaBcDeFgHiJ0123456789%2b%2fxyz%3d%3D»#`},
		"Go's templates":          {base64Text, `<i title="«q8/Zr&#43;aBcDeFgHiJ0123456789&#43;/xyz==»">`},
		"JavaScript":              {base64Text, `'«q8\x2FZr\u002BaBcDeFgHiJ0123456789+/xyz\x3d=»'`},
		"half of it":              {hexToken, hexToken[:30] + "-" + hexToken[10:]},
		"too short to be sure":    {"good", `good goods`},
		"other JWTs":              {hexToken, `{"a":"Bearer eyJoth.eyJ.x","b":"Bearer «eyJtok.eyJ.x»","c":"/?jwt=«eyJtok.a.b»&d"} eyJtok.a`},
		"an end of a sentence":    {"", "It is «eyJtok.a.b». And eyJ. And eyJ.a.b.eyJ «eyJtok.c.d»\neyJtok"},
		"an event":                {jwtToken, "data: Bearer «" + jwtToken + "»\n\n"},
		"XML":                     {jwtToken, "<t>«" + jwtToken + "»</t>"},
		"no signature":            {"", "<«eyJtok.eyJ.»>"},
	} {
		body := strings.NewReplacer("«", "", "»", "").Replace(row.body)
		want, rest := "", row.body
		for rest != "" {
			before, after, _ := strings.Cut(rest, "«")
			token, after, _ := strings.Cut(after, "»")
			want += before + fmt.Sprintf("%-*.*s", len(token), len(token), "session")
			rest = after
		}
		r := compile(t, options)
		for _, k := range []masking.Kind{masking.Never, masking.Sniff, masking.JSON, masking.Lines, masking.Events} {
			for split, src := range map[string]io.Reader{
				"whole": strings.NewReader(body), "byte by byte": iotest.OneByteReader(strings.NewReader(body)),
				"with its end": iotest.DataErrReader(strings.NewReader(body)),
			} {
				m := masking.NewReader(io.NopCloser(src), r, k, carries{token: row.token})
				data, err := io.ReadAll(m)
				if got := string(data); err != nil || got != want || (m.Masked() > 0) != (got != body) {
					t.Errorf("%s, kind %d, %s:\n %s\ngot\n %s\nwant\n %s\n%d, %v", name, k, split, body, got, want, m.Masked(), err)
				}
			}
		}
	}
}

// Only what may still become a token waits, and no longer than it may.
func TestTextFlows(t *testing.T) {
	for _, row := range []struct{ token, piece, passed string }{
		{jwtToken, "data: hello\n\n", "data: hello\n\n"},
		{jwtToken, "The", "Th"},
		{jwtToken, "They", "Th"},
		{jwtToken, "Bearer " + jwtToken[:20], "Bearer "},
		{jwtToken, "Bearer " + jwtToken[:30] + " ", "Bearer " + jwtToken[:30] + " "},
		{hexToken, "a 99", "a "},
		{hexToken, "a 998", "a 998"},
		{sanctum, "a 17", "a "},
		{sanctum, "a 17&#12", "a "},
		{sanctum, "a 17&#125", "a 17&#125"},
		{"", strings.Repeat("eyJ", 6<<10), strings.Repeat("eyJ", 6<<10)},
	} {
		in, out := io.Pipe()
		m := masking.NewReader(in, compile(t, options), masking.Sniff, carries{token: row.token})
		go func() { _, _ = io.WriteString(out, row.piece); out.CloseWithError(errors.New("cut")) }()
		if data, err := io.ReadAll(m); string(data) != row.passed || err == nil {
			t.Errorf("%s: passed on %q, want %q, %v", row.piece, data, row.passed, err)
		}
		_ = m.Close()
	}
}

// JSON that no browser would read, but a script could.
func TestOtherCharacterSets(t *testing.T) {
	r := compile(t, options)
	for name, row := range map[string]struct {
		kind, body string
		refused    bool
	}{
		"said":        {"application/json; charset=UTF-16LE", `{}`, true},
		"in quotes":   {`application/json; charset="utf-32"`, `{}`, true},
		"utf-8":       {"application/json; charset=UTF-8", `{}`, false},
		"in quotes, ": {`application/json; charset="utf-8"; x=y`, `{}`, false},
		"latin":       {"application/problem+json;charset=iso-8859-1", `{}`, false},
		"seen":        {"application/json", "{\x00\"\x00", true},
		"big endian":  {"application/json", "\x00{\x00\"", true},
		"marked":      {"application/json", "\xff\xfe{\x00", true},
		"utf-32":      {"application/json", "\x00\x00\x00{", true},
		"short":       {"application/json", "1", false},
		"empty":       {"application/json", "", false},
		"a download":  {"text/csv; charset=utf-16", "\xff\xfea\x00", false},
	} {
		h := http.Header{"Content-Type": {row.kind}}
		plain, _, err := masking.Plain(h, io.NopCloser(iotest.OneByteReader(strings.NewReader(row.body))))
		if err == nil {
			m := masking.NewReader(plain, r, masking.KindOf(h), own{})
			if err = m.Begin(); err == nil {
				if data, err := io.ReadAll(m); string(data) != row.body || err != nil {
					t.Errorf("%s: %q %v", name, data, err)
				}
			} else if data, err := io.ReadAll(m); len(data) > 0 || !errors.Is(err, masking.ErrUnreadable) {
				t.Errorf("%s: then %q %v", name, data, err)
			}
		}
		if errors.Is(err, masking.ErrUnreadable) != row.refused {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A refresh token is known by its name in any answer, if it looks like one.
func TestRefreshTokensUnderTheirName(t *testing.T) {
	const word = "-CWcfe536lxLBnJZy5T8Mmp6"
	blank := `"session"` + strings.Repeat(" ", len(word)-7)
	for body, want := range map[string]string{
		`{"data":{"auth_login":{"refresh_token":"` + word + `"}}}`: `{"data":{"auth_login":{"refresh_token":` + blank + `}}}`,
		`{"x":{"refreshToken":"` + word + `"}}`:                    `{"x":{"refreshToken":` + blank + `}}`,
		`{"x":{"renewal_refresh_token":"` + word + `"}}`:           `{"x":{"renewal_refresh_token":` + blank + `}}`,
		`{"x":{"token":"` + word + `"}}`:                           `{"x":{"token":"` + word + `"}}`,
		`{"x":{"refresh_token":"` + word[:19] + `"}}`:              `{"x":{"refresh_token":"` + word[:19] + `"}}`,
		`{"x":{"refresh_token":"The refresh token is over"}}`:      `{"x":{"refresh_token":"The refresh token is over"}}`,
	} {
		r := compile(t, masking.Options{Fields: []string{"token", "a.renewal_refresh_token"}, Placeholder: "session"})
		if got := read(t, r, masking.JSON, strings.NewReader(body)); got != want {
			t.Errorf("%s became %s", body, got)
		}
	}
}

// Where an API answers a login with the bare token, a body that looks like one is one.
func TestBareTokens(t *testing.T) {
	for _, row := range []struct {
		fields     string
		body, want string
	}{
		{".", sanctum, fmt.Sprintf("%-*s", len(sanctum), "session")},
		{".", " " + sanctum + "\r\n", " " + fmt.Sprintf("%-*s", len(sanctum), "session") + "\r\n"},
		{".", "pong", "pong"},
		{".", "Everything is in order here", "Everything is in order here"},
		{".", "<b>" + sanctum, "<b>" + sanctum},
		{".", strings.Repeat("x", 20<<10), strings.Repeat("x", 20<<10)},
		{"token", sanctum, sanctum},
	} {
		r := compile(t, masking.Options{Fields: []string{row.fields}, Placeholder: "session"})
		for _, src := range []io.Reader{strings.NewReader(row.body), iotest.OneByteReader(strings.NewReader(row.body)), iotest.DataErrReader(strings.NewReader(row.body))} {
			if got := read(t, r, masking.Sniff, src); got != row.want {
				t.Errorf("%s: %.60q became %.60q", row.fields, row.body, got)
			}
		}
	}
}

func TestTokensInAnyField(t *testing.T) {
	r := compile(t, options)
	for name, row := range map[string]struct {
		line, want string
	}{
		"Authorization":    {"Bearer " + jwtToken, ""},
		"X-Jwt":            {"eyJtok.a.b", ""},
		"X-Livekit":        {"eyJoth.a.b", "eyJoth.a.b"},
		"Set-Cookie":       {"access=" + jwtToken + "; Path=/", ""},
		"Location":         {"/app#t=" + jwtToken + "&x=1", "/app#t=session&x=1"},
		"Link":             {"</x?t=" + jwtToken + `>; rel="next"`, `</x?t=session>; rel="next"`},
		"Refresh":          {"0; url=/x?t=" + jwtToken, "0; url=/x?t=session"},
		"Content-Location": {"/x?id=0123456789abcdefghij", "/x?id=0123456789abcdefghij"},
	} {
		h := http.Header{name: {row.line, "other"}}
		n := r.StripTokens(h, carries{token: jwtToken})
		want := []string{row.want, "other"}
		if row.want == "" {
			want = want[1:]
		}
		if fmt.Sprint(h[name]) != fmt.Sprint(want) || (n == 1) != (row.line != row.want) {
			t.Errorf("%s: %v, want %v, took %d", name, h, want, n)
		}
		h = http.Header{name: {row.line}}
		if r.StripTokens(h, carries{token: jwtToken}); row.want == "" && len(h) > 0 {
			t.Errorf("%s stays: %v", name, h)
		}
	}
	for from, to := range map[string]string{
		"/app#access_token=" + jwtToken + "&refresh_token=0123456789abcdefghij&x=0123456789abcdefghij": "/app#access_token=session&refresh_token=session&x=0123456789abcdefghij",
		"/?a=tok56789012345678901&tok56789012345678901":                                                "/?a=session&tok56789012345678901",
		"/?refresh_token=&x": "/?refresh_token=&x",
	} {
		h := http.Header{"Location": {from}, "Set-Cookie": {"a=b", "refreshToken=0123456789abcdefghij; Path=/", "x=tok56789012345678901", "csrftoken=0123456789abcdefghij"}}
		if r.StripTokens(h, carries{token: jwtToken}); h.Get("Location") != to || fmt.Sprint(h["Set-Cookie"]) != "[a=b csrftoken=0123456789abcdefghij]" {
			t.Errorf("%s became %v", from, h)
		}
	}
	h := http.Header{"X-Token": {sanctum}, "X-Other": {"17%7Claravel_sanctum_Z0abcDEF1234"}, "X-Empty": {}}
	if n := r.StripTokens(h, carries{token: sanctum}); n != 2 || len(h) != 1 {
		t.Errorf("%v", h)
	}
}

// A script in gzip goes on byte by byte, or breaks off in front of the end of a token.
func TestPackedScripts(t *testing.T) {
	r := compile(t, options)
	for name, row := range map[string]struct {
		text  string
		level int
		leaks bool
	}{
		"clean":   {strings.Repeat("var x = 'a bundle';\n", 5000), 6, false},
		"stored":  {strings.Repeat("var x = 'a bundle';\n", 5000), 0, false},
		"empty":   {"", 6, false},
		"a token": {strings.Repeat("var x = 'a bundle';\n", 5000) + "t='" + jwtToken + "'" + strings.Repeat("var x = 'a bundle';\n", 5000), 6, true},
		"random":  {random(200 << 10), 6, false},
		"at once": {jwtToken, 6, true},
	} {
		var b bytes.Buffer
		z, _ := gzip.NewWriterLevel(&b, row.level)
		_, _ = io.WriteString(z, row.text)
		_ = z.Close()
		for split, src := range map[string]io.Reader{
			"whole": bytes.NewReader(b.Bytes()), "in pieces": &pieces{b.Bytes(), rand.New(rand.NewPCG(1, 2))}, "with its end": iotest.DataErrReader(bytes.NewReader(b.Bytes())),
		} {
			m := masking.NewPacked(io.NopCloser(src), r, carries{token: jwtToken})
			data, err := io.ReadAll(m)
			if !row.leaks && (err != nil || !bytes.Equal(data, b.Bytes()) || m.Masked() > 0) {
				t.Errorf("%s, %s: %d of %d bytes, %v", name, split, len(data), b.Len(), err)
			}
			if row.leaks {
				g, _ := gzip.NewReader(bytes.NewReader(data))
				text := []byte{}
				if g != nil {
					text, _ = io.ReadAll(g)
				}
				if err == nil || m.Masked() != 1 || bytes.Contains(text, []byte(jwtToken[:60])) {
					t.Errorf("%s, %s: %v, …%s", name, split, err, text[max(0, len(text)-200):])
				}
			}
			_ = m.Close()
		}
		cut := masking.NewPacked(io.NopCloser(bytes.NewReader(b.Bytes()[:b.Len()-9])), r, carries{})
		if _, err := io.ReadAll(cut); err == nil {
			t.Errorf("%s: an end that is missing is not seen", name)
		}
	}
	if _, err := io.ReadAll(masking.NewPacked(io.NopCloser(strings.NewReader("no gzip, but "+jwtToken)), r, carries{})); err == nil {
		t.Error("what is no gzip passes")
	}
}

func random(n int) string {
	g, b := rand.New(rand.NewPCG(4, 2)), make([]byte, n)
	for i := range b {
		b[i] = byte(g.Uint32())
	}
	return string(b)
}

// public is a judge that takes nothing in pages for a token.
type public struct{ own }

func (public) InPage([]byte) bool { return false }

func TestPagesMayHaveJWTs(t *testing.T) {
	r := compile(t, options)
	for body, masked := range map[string]bool{"var key='eyJtok.a.b'": false, " <p>eyJtok.a.b</p>": false, `{"a":"key eyJtok.a.b"}`: true, `["eyJtok.a.b"]`: true} {
		for _, src := range []io.Reader{strings.NewReader(body), iotest.OneByteReader(strings.NewReader(body))} {
			m := masking.NewReader(io.NopCloser(src), r, masking.Sniff, public{})
			if data, err := io.ReadAll(m); (string(data) != body) != masked || err != nil {
				t.Errorf("%s became %s, %v", body, data, err)
			}
		}
	}
}
