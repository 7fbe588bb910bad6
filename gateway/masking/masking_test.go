package masking_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
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

// own takes texts that begin with "tok" for tokens.
type own struct{}

func (own) IsToken(text []byte, _ bool) bool {
	return bytes.HasPrefix(text, []byte("tok")) || bytes.HasPrefix(text, []byte("eyJtok"))
}

func (o own) InPage(text []byte) bool { return o.IsToken(text, false) }

func (own) Own() string { return ownToken }

// ownToken has characters that every notation writes in another way.
const ownToken = "17|own_Secret-Z0+/=x"

var options = masking.Options{
	Fields: []string{
		"access_token", "data.refresh_token", "tokens.*.token", "list.1", "every.*", "https://example.com/claims.token", "deep.a.*.b.0",
	},
	Headers: []string{"x-access-token"}, Cookies: []string{"refresh"}, Parameters: []string{"token"}, Placeholder: "session",
}

func compile(t testing.TB, o masking.Options) *masking.Rules {
	t.Helper()
	r, err := masking.New(o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// pieces reads a body in pieces of any size.
type pieces struct {
	rest []byte
	rand *rand.Rand
}

func (p *pieces) Read(b []byte) (int, error) {
	n := min(len(p.rest), len(b), 1+p.rand.IntN(1+p.rand.IntN(400)))
	copy(b, p.rest[:n])
	p.rest = p.rest[n:]
	if len(p.rest) == 0 && p.rand.IntN(2) == 0 {
		return n, io.EOF
	}
	if n == 0 {
		return 0, io.EOF
	}
	return n, nil
}

func read(t testing.TB, r *masking.Rules, k masking.Kind, src io.Reader) string {
	t.Helper()
	m := masking.NewReader(io.NopCloser(src), r, k, own{})
	if err := m.Begin(); err != nil {
		return err.Error()
	}
	data, err := io.ReadAll(m)
	if err != nil {
		t.Fatal(err)
	}
	if err := m.Close(); err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func TestWhatIsMasked(t *testing.T) {
	for name, row := range map[string]struct{ body, want string }{
		"a login's answer":         {`{"access_token":"abcdefgh","token_type":"bearer"}`, `{"access_token":"session" ,"token_type":"bearer"}`},
		"shorter":                  {`{"access_token":"abc"}`, `{"access_token":"ses"}`},
		"empty":                    {`{"access_token":""}`, `{"access_token":""}`},
		"no text":                  {`{"access_token":null,"x":{"access_token":12345678}}`, `{"access_token":null,"x":{"access_token":12345678}}`},
		"deeper":                   {`{"data":{"refresh_token":"0123456789"}}`, `{"data":{"refresh_token":"session"   }}`},
		"elsewhere":                {`{"x":{"access_token":"tok45678"},"refresh_token":"push-token"}`, `{"x":{"access_token":"session" },"refresh_token":"push-token"}`},
		"every":                    {`{"tokens":[{"token":"a2345678"},{"token":"b2345678"}]}`, `{"tokens":[{"token":"session" },{"token":"session" }]}`},
		"every value":              {`{"tokens":{"x":{"token":"a2345678"}}}`, `{"tokens":{"x":{"token":"session" }}}`},
		"a position":               {`{"list":["aaaaaaaa","bbbbbbbb","cccccccc","tokccccc"]}`, `{"list":["aaaaaaaa","session" ,"cccccccc","session" ]}`},
		"a list":                   {`{"every":["aaaaaaaa",{"x":1},"bbbbbbbb"]}`, `{"every":["session" ,{"x":1},"session" ]}`},
		"a name with dots":         {`{"https://example.com/claims":{"token":"12345678"}}`, `{"https://example.com/claims":{"token":"session" }}`},
		"one name with dots":       {`{"data.refresh_token":"12345678"}`, `{"data.refresh_token":"session" }`},
		"escapes in the name":      {`{"access\u005ftoken" : "abcdefgh"}`, `{"access\u005ftoken" : "session" }`},
		"a slash":                  {`{"https:\/\/example.com\/claims":{"token":"12345678"}}`, `{"https:\/\/example.com\/claims":{"token":"session" }}`},
		"escapes in the value":     {`{"x":{"token":"\u0074ok\/"}}`, `{"x":{"token":"session"   }}`},
		"an escape is no end":      {`{"access_token":"abc\"def\\"}`, `{"access_token":"session"   }`},
		"twice":                    {`{"access_token":"aaaaaaaa","access_token":"bbbbbbbb"}`, `{"access_token":"session" ,"access_token":"session" }`},
		"a JWT under another name": {`{"jwt":"eyJtok","other":"eyJliv"}`, `{"jwt":"sessio","other":"eyJliv"}`},
		"a JWT in disguise":        {`{"jwt":"\u0065yJtok","x":"ab\ncd"}`, `{"jwt":"session"    ,"x":"ab\ncd"}`},
		"a mark in front":          {"\ufeff{\"access_token\":\"abcdefgh\"}", "\ufeff{\"access_token\":\"session\" }"},
		"lines":                    {"{\"access_token\":\"abcdefgh\"}\n{\"access_token\":\"abcdefgh\"}\n", "{\"access_token\":\"session\" }\n{\"access_token\":\"session\" }\n"},
		"a line in front":          {`)]}'` + "\n" + `{"access_token":"abcdefgh"}`, `)]}'` + "\n" + `{"access_token":"session" }`},
		"ends of lines in a token": {"{\"access_token\":\"abc\r\ndef\"}", "{\"access_token\":\"session\" }"},
		"broken off":               {`{"access_token":"abcdefghi`, `{"access_token":"session" `},
		"broken":                   {`}}]{"access_token":"abcdefgh"}`, `}}]{"access_token":"abcdefgh"}`},
		"a value that looks so":    {`{"a":"access_token","b":":","c":"tokenizer"}`, `{"a":"access_token","b":":","c":"tokenizer"}`},
		"a page":                   {`<p>"access_token":"abcdefgh"</p>`, `<p>"access_token":"abcdefgh"</p>`},
		"deep and back":            {`{"x":` + strings.Repeat("[", 40) + strings.Repeat("]", 40) + `,"access_token":"abcdefgh"}`, `{"x":` + strings.Repeat("[", 40) + strings.Repeat("]", 40) + `,"access_token":"session" }`},
		"far below":                {`{"deep":{"a":[{"b":["12345678","x"]}]}}`, `{"deep":{"a":[{"b":["session" ,"x"]}]}}`},
	} {
		r := compile(t, options)
		for split, src := range map[string]io.Reader{
			"whole": strings.NewReader(row.body), "byte by byte": iotest.OneByteReader(strings.NewReader(row.body)),
			"with its end": iotest.DataErrReader(strings.NewReader(row.body)),
		} {
			if got := read(t, r, masking.Sniff, src); got != row.want {
				t.Errorf("%s, %s:\n %s\ngot\n %s\nwant\n %s", name, split, row.body, got, row.want)
			}
		}
		body := []byte(row.body)
		r.Mask(body, masking.JSON, own{})
		if name != "a page" && name != "broken" && string(body) != row.want {
			t.Errorf("%s, at once: got\n %s\nwant\n %s", name, body, row.want)
		}
	}
}

func TestEventStreams(t *testing.T) {
	const body = "event: \"x\ndata: {\"access_token\":\"abcdefgh\"}\n\ndata: {\"a\":[\r\n\r\n: {\ndata: {\ndata: \"access_token\":\"abcdefgh\"\ndata: }}\n\n"
	want := strings.ReplaceAll(body, `"abcdefgh"`, `"session" `)
	want = strings.Replace(want, "\"session\" \ndata: }}", "\"abcdefgh\"\ndata: }}", 1) // one level down: not the very place
	for _, src := range []io.Reader{strings.NewReader(body), iotest.OneByteReader(strings.NewReader(body))} {
		if got := read(t, compile(t, options), masking.Events, src); got != want {
			t.Errorf("got\n%s\nwant\n%s", got, want)
		}
	}
}

// A piece goes on as soon as it is there, but for what may still become a token.
func TestNothingWaitsThatNeedNot(t *testing.T) {
	for _, row := range []struct{ piece, passed string }{
		{`{"a":1}` + "\n", `{"a":1}` + "\n"},
		{`{"a":"some text`, `{"a":"some text`},
		{`{"a":"x","acc`, `{"a":"x",`},
		{`{"a":"x","access_token"`, `{"a":"x","access_token"`},
		{`{"a":"x","access_token":"abc`, `{"a":"x","access_token":`},
		{`{"a":"x","access_token":"abcdefghijkl`, `{"a":"x","access_token":"session"    `},
		{`{"a":"x","push":{"token":"abc`, `{"a":"x","push":{"token":`},
		{`{"a":"eyJab`, `{"a":`},
		{`{"a":"eyK`, `{"a":"eyK`},
	} {
		in, out := io.Pipe()
		m := masking.NewReader(in, compile(t, options), masking.JSON, own{})
		go func() { _, _ = io.WriteString(out, row.piece); out.CloseWithError(errors.New("cut")) }()
		data, err := io.ReadAll(m)
		if string(data) != row.passed || err == nil {
			t.Errorf("%s: passed on %q, want %q, %v", row.piece, data, row.passed, err)
		}
	}
}

// What a hostile API sends is passed on in bounded memory.
func TestHugeAnswers(t *testing.T) {
	const size = 8 << 20
	for name, piece := range map[string]string{
		"nested": `[`, "objects": `{"a":`, "one string": `x`, "names": `{"access_token":"`, "escapes": `\u0061`, "quotes": `"`, "backslashes": `\`,
		"blanks": " ", "tokens": `"token":"abc",`,
	} {
		prefix := ""
		if name == "one string" || name == "escapes" {
			prefix = `{"x":{"access_token":"`
		}
		src := io.MultiReader(strings.NewReader(prefix), io.LimitReader(&repeat{piece: piece}, size))
		n, err := io.Copy(io.Discard, masking.NewReader(io.NopCloser(src), compile(t, options), masking.Sniff, own{}))
		if err != nil || n != size+int64(len(prefix)) {
			t.Errorf("%s: %d bytes, %v", name, n, err)
		}
	}
}

type repeat struct {
	piece string
	at    int
}

func (r *repeat) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = r.piece[r.at]
		r.at = (r.at + 1) % len(r.piece)
	}
	return len(p), nil
}

// A name that comes after much that was passed on unread is still known by its place.
func TestThePlaceIsKnownAfterAnyLength(t *testing.T) {
	for _, size := range []int{0, 1 << 10, 31 << 10, 32 << 10, 33 << 10, 100 << 10, 1 << 20} {
		var b bytes.Buffer
		b.WriteString(`{"items":[`)
		for i := 0; b.Len() < size; i++ {
			fmt.Fprintf(&b, `{"id":%d,"name":"Ada \"Lovelace\" \u00e9","nested":{"a":[1,2,{"b":"}]"}]}},`, i)
		}
		front := b.String() + `{}],`
		body := front + `"data":{"x":"y","refresh_token":"abcdefgh"},"z":{"refresh_token":"not-here"}}`
		want := front + `"data":{"x":"y","refresh_token":"session" },"z":{"refresh_token":"not-here"}}`
		if !json.Valid([]byte(body)) {
			t.Fatal("the test's own JSON")
		}
		got := read(t, compile(t, options), masking.JSON, &pieces{[]byte(body), rand.New(rand.NewPCG(1, uint64(size)))})
		if got != want {
			t.Errorf("%d: …%s", size, got[max(0, len(got)-100):])
		}
	}
}

func TestLongValues(t *testing.T) {
	r := compile(t, options)
	long := strings.Repeat("y", 40<<10)
	got := read(t, r, masking.JSON, strings.NewReader(`{"access_token":"`+long+`","x":{"token":"tok`+long+`"},"token":"tok"}`))
	if want := `{"access_token":"session"` + strings.Repeat(" ", len(long)-7) + `,"x":{"token":"tok` + long + `"},"token":"ses"}`; got != want {
		t.Errorf("%d bytes: %.60s … %s", len(got), got, got[len(got)-40:])
	}
}

// Names are found wherever they stand, whatever bytes they have.
func TestEveryNameIsFound(t *testing.T) {
	for _, name := range []string{"access", "refresh", "t", "at", "jwt", "accessToken", "_", "session.access", "é"} {
		r := compile(t, masking.Options{Fields: []string{"a." + name, "other.access"}, Placeholder: "session"})
		for n := range 40 {
			front := `{"p":"` + strings.Repeat("acces refres ", 3)[:n] + `","a":{"` + name + `":`
			body, want := front+`"secret-1"}}`, front+`"session" }}`
			if got := read(t, r, masking.JSON, strings.NewReader(body)); got != want {
				t.Fatalf("%s: %s became %s", name, body, got)
			}
		}
	}
}

func FuzzMask(f *testing.F) {
	for _, s := range []string{
		`{"access_token":"abc","data":{"refresh_token":"x"}}`, `[{"tokens":{"a":{"token":"\u0061"}}}]`, `{"list":[1,"b"],"every":[["tok"]]}`,
		`{"https://example.com/claims.token":"x","https:\/\/example.com\/claims":{"token":""}}`, `"eyJtok"`, `{"a":"\\\"","access_token":"\\"}`,
		`{"deep":{"a":{"*":{"b":["q"]}}},"eyJtok":"\ud83d\ude00"}`,
		`{"a":"Bearer ` + ownToken + `","b":"https://x/?t=17%7Cown_Secret-Z0%2b%2F%3dx&u=eyJtok.a.b"}`, `17&#124;own_Secret-Z0\u002b\/=x17|own_Sec`,
		`D%3DeyJeyJtok.eyJtok.c.d eyJ.eyJ.eyJtok.a.b.`, `{"x":{"refreshToken":"0123456789abcdefghij"}}`,
	} {
		f.Add([]byte(s), uint64(7))
	}
	r := compile(f, options)
	f.Fuzz(func(t *testing.T, body []byte, seed uint64) {
		if bytes.IndexByte(body[:min(2, len(body))], 0) >= 0 || bytes.HasPrefix(body, []byte("\xfe\xff")) || bytes.HasPrefix(body, []byte("\xff\xfe")) {
			if got := read(t, r, masking.JSON, &pieces{body, rand.New(rand.NewPCG(seed, 1))}); got != masking.ErrUnreadable.Error() {
				t.Fatalf("%q is passed on as %q", body, got)
			}
			return
		}
		want := bytes.Clone(body)
		valid := json.Valid(body)
		if valid {
			want = referText(refer(body, options, own{}), own{})
		} else {
			r.Mask(want, masking.JSON, own{})
		}
		got := read(t, r, masking.JSON, &pieces{body, rand.New(rand.NewPCG(seed, 1))})
		if got != string(want) {
			t.Fatalf("%q\n got %q\nwant %q", body, got, want)
		}
		if got, want := read(t, r, masking.Never, &pieces{body, rand.New(rand.NewPCG(seed, 3))}), referText(body, own{}); got != string(want) {
			t.Fatalf("as text, %q\n got %q\nwant %q", body, got, want)
		}
		if valid && !json.Valid([]byte(got)) || len(got) != len(body) {
			t.Fatalf("%q became %q", body, got)
		}
		for _, k := range []masking.Kind{masking.Sniff, masking.Lines, masking.Events} {
			if got := read(t, r, k, &pieces{body, rand.New(rand.NewPCG(seed, 2))}); len(got) != len(body) {
				t.Fatalf("kind %d: %q became %q", k, body, got)
			}
		}
	})
}

func jwt(header, claims string) string {
	e := base64.RawURLEncoding
	return e.EncodeToString([]byte(header)) + "." + e.EncodeToString([]byte(claims)) + ".c2ln"
}

func TestFamily(t *testing.T) {
	const hs, rs = `{"alg":"HS256"}`, `{"alg":"RS256","kid":"k1"}`
	for name, row := range map[string]struct {
		learned []string
		text    string
		named   bool
		want    bool
	}{
		"the API's iss":             {[]string{jwt(rs, `{"iss":"api","sub":"1"}`)}, jwt(hs, `{"iss":"api","typ":"refresh"}`), false, true},
		"after a scheme":            {[]string{jwt(rs, `{"iss":"api","sub":"1"}`)}, "Bearer " + jwt(hs, `{"iss":"api"}`), true, true},
		"LiveKit":                   {[]string{jwt(hs, `{"iss":"api","sub":"1"}`)}, jwt(hs, `{"iss":"APIxyz","sub":"1","video":{}}`), true, false},
		"iss is where it was asked": {[]string{jwt(hs, `{"iss":"http://api:8000/api/login","sub":"1"}`)}, jwt(hs, `{"iss":"https://app.example.com/api/register","sub":"2"}`), true, true},
		"another server":            {[]string{jwt(hs, `{"iss":"http://api:8000/api/login","sub":"1"}`)}, jwt(hs, `{"iss":"https://video.example.com/","sub":"2"}`), true, false},
		"without iss":               {[]string{jwt(hs, `{"sub":"1","exp":1}`)}, jwt(hs, `{"sub":"2","exp":2,"type":"refresh"}`), true, true},
		"another alg":               {[]string{jwt(hs, `{"sub":"1"}`)}, jwt(rs, `{"sub":"2"}`), true, false},
		"Stream":                    {[]string{jwt(hs, `{"sub":"1"}`)}, jwt(hs, `{"user_id":"1"}`), true, false},
		"Stream, under its name":    {[]string{jwt(hs, `{"user_id":1,"token_type":"access","jti":"x","exp":1}`)}, jwt(hs, `{"user_id":"1"}`), false, false},
		"a refresh token elsewhere": {[]string{jwt(hs, `{"user_id":1,"token_type":"access","jti":"x"}`)}, jwt(hs, `{"user_id":1,"token_type":"refresh","jti":"y","exp":9}`), false, true},
		"the API's are opaque":      {[]string{"0123456789"}, jwt(hs, `{"sub":"1"}`), true, false},
		"nothing known":             {nil, jwt(hs, `{"iss":"x"}`), true, true},
		"nothing known, elsewhere":  {nil, jwt(hs, `{"iss":"x"}`), false, true},
		"of the API, by its name":   {nil, jwt(hs, `{"iss":"http://api:8000/"}`), false, true},
		"no JWT":                    {nil, "eyJh.x.y", true, false},
		"no claims":                 {nil, "eyJhbGciOiJIUzI1NiJ9.bnVsbA.c2ln", true, false},
		"the keys changed":          {[]string{jwt(rs, `{"sub":"1"}`), jwt(`{"alg":"RS256","kid":"k2"}`, `{"sub":"1"}`)}, jwt(rs, `{"sub":"2"}`), true, true},
	} {
		f := masking.NewFamily([]string{"sub", "user_id"}, []string{"api", "app.example.com"}, nil)
		for _, l := range row.learned {
			f.Learn(l)
		}
		if got := f.Has([]byte(row.text), row.named); got != row.want {
			t.Errorf("%s: %v", name, got)
		}
		want := row.want && !strings.HasPrefix(name, "nothing known")
		if got := f.HasInPage([]byte(row.text)); !row.named && got != want {
			t.Errorf("%s, in a page: %v", name, got)
		}
	}
}

func TestHeaders(t *testing.T) {
	r := compile(t, options)
	h := http.Header{
		"X-Access-Token": {"secret"}, "Set-Cookie": {"refresh=secret; Path=/", "csrftoken=x", "refresh=; Max-Age=0"},
		"Location": {"/done?a=1&token=secret&b=2#token=secret&c=3"}, "Etag": {`"1"`}, "Content-Digest": {"sha-256=:x:"}, "Accept-Ranges": {"bytes"},
	}
	if n := r.Strip(h); n != 3 {
		t.Errorf("took %d", n)
	}
	masking.Forget(h)
	if got, want := fmt.Sprint(h), "map[Etag:[\"1\"] Location:[/done?a=1&b=2#c=3] Set-Cookie:[csrftoken=x]]"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	for from, to := range map[string]string{
		"/x?": "/x?", "/x#": "/x#", "": "", "?token=1": "", "#/done?token=1&x=2": "#/done?x=2", "/a?x=1?token=2": "/a?x=1", "#token=a": "",
		"/a?tok%65n=1": "/a", "/a?token": "/a", "/a?token=1#x": "/a#x", "/a?token=1&token=2&z=3": "/a?z=3", "0; url=/a#token=1": "0; url=/a",
	} {
		h := http.Header{"Location": {from}}
		if r.Strip(h); h["Location"][0] != to {
			t.Errorf("%q became %q, want %q", from, h["Location"][0], to)
		}
	}
}

func TestKinds(t *testing.T) {
	for kind, want := range map[string]masking.Kind{
		"application/json; charset=utf-8": masking.JSON, "application/problem+json": masking.JSON, "text/event-stream": masking.Events,
		"application/x-ndjson": masking.Lines, "multipart/mixed; boundary=-": masking.Lines, "text/html": masking.Sniff, "": masking.Sniff,
		"text/javascript": masking.Never, "IMAGE/png": masking.Never, "text/plain": masking.Sniff,
	} {
		h := http.Header{"Content-Type": {kind}}
		if got := masking.KindOf(h); got != want {
			t.Errorf("%s: %d, want %d", kind, got, want)
		}
	}
	if masking.KindOf(http.Header{"Content-Type": {"image/png", "application/json"}}) != masking.Sniff {
		t.Error("two types are none")
	}
}

func TestMistakes(t *testing.T) {
	for _, o := range []masking.Options{
		{Placeholder: ""},
		{Placeholder: `a"b`},
		{Placeholder: strings.Repeat("x", 65)},
		{Placeholder: "x", Fields: []string{"a..b"}},
		{Placeholder: "x", Fields: []string{strings.Repeat("a.", 20) + "a"}},
	} {
		if _, err := masking.New(o); err == nil {
			t.Errorf("%+v is accepted", o)
		}
	}
}

// TestRandomBodies holds bodies that are longer than the window to the reference.
func TestRandomBodies(t *testing.T) {
	r := compile(t, options)
	for seed := range uint64(150) {
		g := &generator{rand: rand.New(rand.NewPCG(seed, 3)), rare: seed%3 != 0, size: 100 + int(seed%5)*25<<10}
		for g.Len() < g.size {
			g.value(0)
		}
		body := g.Bytes()
		want := body
		for d, at := json.NewDecoder(bytes.NewReader(body)), int64(0); ; {
			var one json.RawMessage
			if d.Decode(&one) != nil {
				break
			}
			if at == 0 {
				want = nil
			}
			at = d.InputOffset()
			want = append(append(want, refer(one, options, own{})...), ' ')
		}
		want = referText(want, own{})
		for _, k := range []masking.Kind{masking.JSON, masking.Lines, masking.Events} {
			got := read(t, r, k, &pieces{body, g.rand})
			i := 0
			for i < len(got) && got[i] == want[i] {
				i++
			}
			if i < len(want) {
				t.Fatalf("seed %d, kind %d: %d bytes, first at %d: got …%.80s want …%.80s", seed, k, len(body), i, got[max(0, i-40):], want[max(0, i-40):])
			}
		}
	}
}

// generator writes random JSON in which the names and texts that matter turn up.
type generator struct {
	bytes.Buffer
	rand *rand.Rand
	rare bool
	size int
}

func (g *generator) value(depth int) {
	defer func() {
		if depth == 0 {
			g.WriteByte(' ')
		}
	}()
	switch n := g.rand.IntN(10); {
	case n < 4 && depth < 17 && g.Len() < g.size:
		g.WriteByte('{')
		for i := range g.rand.IntN(12) {
			if i > 0 {
				g.WriteByte(',')
			}
			g.text("access_token", "data", "refresh_token", "tokens", "token", "list", "every", "https:\\/\\/example.com\\/claims", "deep", "a", "b", "access\\u005ftoken")
			g.WriteByte(':')
			g.value(depth + 1)
		}
		g.WriteByte('}')
	case n < 7 && depth < 17 && g.Len() < g.size:
		g.WriteByte('[')
		for i := range g.rand.IntN(8) {
			if i > 0 {
				g.WriteByte(',')
			}
			g.value(depth + 1)
		}
		g.WriteByte(']')
	case n < 8:
		fmt.Fprint(g, g.rand.Int())
	default:
		g.text("tok"+strings.Repeat("x", g.rand.IntN(30)), "eyJtok.a.b", "Bearer "+ownToken, "/?t=17%7cown_Secret-Z0\\u002B\\/%3D", "x&#124;own_Sec",
			"17&#124;own_Secret-Z0&#43;&sol;&#x3D;x=eyJtok."+strings.Repeat("y", g.rand.IntN(9000))+".z", "Token eyJeyJtok.a.b.c.eyJ.eyJtok.d.e.", strings.Repeat("r", 40), "eyJxxx", "\\u0065yJtok", "}]\\\"", strings.Repeat("long ", g.rand.IntN(200)))
	}
}

func (g *generator) text(special ...string) {
	s := "plain \\u00e9 \\\\"
	if !g.rare || g.rand.IntN(40) == 0 {
		s = special[g.rand.IntN(len(special))]
	}
	g.WriteString(`"` + s + `"`)
}
