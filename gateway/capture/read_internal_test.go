package capture

import (
	"bytes"
	"compress/gzip"
	"compress/zlib"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"sessiongate/gateway/masking"
)

// coded compresses a text in one of the ways.
func coded(t *testing.T, coding, text string) []byte {
	t.Helper()
	var b bytes.Buffer
	var w io.WriteCloser
	switch coding {
	case "gzip", "x-gzip":
		w = gzip.NewWriter(&b)
	case "deflate":
		w = zlib.NewWriter(&b)
	default:
		return []byte(text)
	}
	_, _ = io.WriteString(w, text)
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// body counts its closes, and fails at its end with err.
type body struct {
	io.Reader
	closed int
}

func (b *body) Close() error { b.closed++; return nil }

// TestReadJSON: what is read whole, what goes by, and what is not passed on.
func TestReadJSON(t *testing.T) {
	const doc = `{"access_token":"x"}`
	large := `{"x":"` + strings.Repeat("x", maxAnswer) + `"}`
	for name, row := range map[string]struct {
		kind, coding, text string
		status             int
		want               string // JSON that was read
		err                error
	}{
		"json":                 {"application/json; charset=utf-8", "", doc, 200, doc, nil},
		"its own type":         {"application/vnd.api+json", "", doc, 201, doc, nil},
		"gzip":                 {"application/json", "gzip", doc, 200, doc, nil},
		"x-gzip":               {"application/json", "x-gzip", doc, 200, doc, nil},
		"deflate":              {"application/json", "deflate", doc, 200, doc, nil},
		"identity":             {"application/json", "identity", doc, 200, doc, nil},
		"no type":              {"", "", doc, 200, doc, nil},
		"php's html":           {"text/html", "", doc, 200, doc, nil},
		"byte order mark":      {"application/json", "", "\ufeff" + doc, 200, doc, nil},
		"br":                   {"application/json", "br", doc, 200, "", masking.ErrUnreadable},
		"zstd":                 {"text/plain", "zstd", doc, 200, "", masking.ErrUnreadable},
		"two codings":          {"application/json", "gzip, br", doc, 200, "", masking.ErrUnreadable},
		"broken":               {"application/json", "", `{"access_token":"x"`, 200, "", errBroken},
		"two documents":        {"application/json", "", doc + doc, 200, "", errBroken},
		"too deep":             {"application/json", "", strings.Repeat("[", 100_000) + strings.Repeat("]", 100_000), 200, "", errBroken},
		"too large":            {"application/json", "", large, 200, "", errLarge},
		"too large, a bomb":    {"application/json", "gzip", large, 200, "", errLarge},
		"gzip that is none":    {"application/json", "not", doc, 200, "", masking.ErrUnreadable},
		"a page":               {"text/html", "", "<p>hello</p>", 200, "", nil},
		"a page, compressed":   {"text/html", "gzip", "<p>hello</p>", 200, "", nil},
		"a large page":         {"text/html", "", "<p>" + large, 200, "", nil},
		"events":               {"text/event-stream", "", "data: {}\n\n", 200, "", nil},
		"a part":               {"application/json", "", doc, 206, "", nil},
		"a picture, br":        {"image/png", "br", "png", 200, "", nil},
		"no content":           {"application/json", "", "", 204, "", nil},
		"json with nothing":    {"application/json", "", " ", 200, "", errBroken},
		"newlines, one a line": {"application/x-ndjson", "", doc + "\n" + doc, 200, "", nil},
	} {
		t.Run(name, func(t *testing.T) {
			data := coded(t, row.coding, row.text)
			src := &body{Reader: bytes.NewReader(data)}
			res := &http.Response{StatusCode: row.status, Header: http.Header{"Etag": {"1"}}, Body: src, ContentLength: int64(len(data))}
			res.Header.Set("Content-Length", strconv.Itoa(len(data)))
			if row.kind != "" {
				res.Header.Set("Content-Type", row.kind)
			}
			if row.coding != "" {
				res.Header.Set("Content-Encoding", row.coding)
			}
			got, err := readJSON(res, "POST", time.Minute)
			if !errors.Is(err, row.err) || string(got) != row.want {
				t.Fatalf("%q, %v", got, err)
			}
			if err != nil {
				return
			}
			whole, err := io.ReadAll(res.Body)
			wantCoding := row.coding == "br" || row.coding == "identity"
			if string(whole) != row.text && row.coding != "br" || err != nil || (res.Header.Get("Content-Encoding") != "") != wantCoding {
				t.Errorf("the body is %d bytes, want %d (%v); %v", len(whole), len(row.text), err, res.Header)
			}
			if n := res.Header.Get("Content-Length"); n != "" && n != strconv.Itoa(len(whole)) {
				t.Errorf("Content-Length %s", n)
			}
			if res.Body.Close(); src.closed != 1 {
				t.Errorf("closed %d times", src.closed)
			}
		})
	}
}

// TestReadBrokenOff: an answer that does not end, and one that ends too soon.
func TestReadBrokenOff(t *testing.T) {
	pr, pw := io.Pipe()
	defer pw.Close()
	res := &http.Response{StatusCode: 200, Header: http.Header{"Content-Type": {"application/json"}}, Body: pr, ContentLength: -1}
	if _, err := readJSON(res, "POST", time.Millisecond); !errors.Is(err, errAborted) {
		t.Errorf("for ever: %v", err)
	}
	cut := coded(t, "gzip", `{"a":"b"}`)
	for name, row := range map[string]struct {
		coding string
		data   []byte
	}{"gzip": {"gzip", cut[:len(cut)-6]}, "no gzip": {"gzip", []byte("plain")}, "no deflate": {"deflate", []byte("x")}} {
		res := &http.Response{StatusCode: 200, Body: &body{Reader: bytes.NewReader(row.data)}, ContentLength: 10}
		res.Header = http.Header{"Content-Type": {"application/json"}, "Content-Encoding": {row.coding}}
		if _, err := readJSON(res, "POST", time.Minute); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}
