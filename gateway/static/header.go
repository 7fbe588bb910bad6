package static

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"strings"
	"time"
)

// describe sets the headers of a file.
func (f *Folder) describe(h http.Header, name, tag string) {
	kind := contentType(name)
	h.Set("Content-Type", kind)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Etag", tag)
	h.Set("Cache-Control", cacheControl(name))
	if isDocument(kind) && f.csp != "none" {
		h.Set("Content-Security-Policy", f.csp)
	}
}

// isDocument reports whether a browser would run scripts in the file when it is opened by itself.
func isDocument(kind string) bool {
	kind, _, _ = strings.Cut(kind, ";")
	return kind == "text/html" || strings.HasSuffix(kind, "xml")
}

// maxHashed is the largest file whose ETag is made of its content.
const maxHashed = 8 << 20

// fileTag is an ETag and what the file looked like when it was made.
type fileTag struct {
	tag  string
	mod  time.Time
	size int64
}

// tag returns a strong ETag. It is a hash of the content, because replicas must agree on it and
// many builds give all files one constant time; it is made again when time or size change. Very
// large files go by time and size alone.
func (f *Folder) tag(name string, info fs.FileInfo, content io.ReadSeeker) (string, error) {
	mod, size := info.ModTime(), info.Size()
	if size > maxHashed && !mod.IsZero() {
		return fmt.Sprintf(`"%x-%x"`, mod.UnixNano(), size), nil
	}
	if known, ok := f.tags.Load(name); ok {
		if k := known.(fileTag); k.size == size && k.mod.Equal(mod) {
			return k.tag, nil
		}
	}
	hash := sha256.New()
	if _, err := io.Copy(hash, content); err != nil {
		return "", fmt.Errorf("hash %s: %w", name, err)
	}
	if _, err := content.Seek(0, io.SeekStart); err != nil {
		return "", fmt.Errorf("hash %s: %w", name, err)
	}
	tag := `"` + hex.EncodeToString(hash.Sum(nil)[:16]) + `"`
	f.tags.Store(name, fileTag{tag, mod, size})
	return tag, nil
}

func cacheControl(name string) string {
	if isHashed(name) {
		return "public, max-age=31536000, immutable"
	}
	return "no-cache"
}

// isHashed reports whether the build put a content hash into the file's name: name-HASH.ext or
// name.HASH.ext with at least eight characters. To be wrong here would nail an old file to browsers
// for a year, so a word must not pass: a hash has a digit, and it is hexadecimal or has a capital
// letter. A hash that is missed only costs a revalidation.
func isHashed(name string) bool {
	base, ext, _ := cutLast(path.Base(name), ".")
	if strings.EqualFold(ext, "html") {
		return false
	}
	if b, e, ok := cutLast(base, "."); ok && !looksHashed(e) && len(e) <= 4 {
		base = b // name-HASH.js.map, name-HASH.min.css
	}
	_, hash, ok := cutLast(base, "-.")
	return ok && looksHashed(hash)
}

func looksHashed(s string) bool {
	if len(s) < 8 || strings.Trim(s, "0123456789") == "" { // only digits: a date
		return false
	}
	var digit, upper, beyondHex bool
	for _, c := range s {
		switch {
		case '0' <= c && c <= '9':
			digit = true
		case 'A' <= c && c <= 'Z':
			upper = true
		case 'a' <= c && c <= 'f':
		case 'g' <= c && c <= 'z', c == '_':
			beyondHex = true
		default:
			return false
		}
	}
	return digit && (upper || !beyondHex)
}

// cutLast cuts s at the last of the given bytes.
func cutLast(s, seps string) (before, after string, found bool) {
	i := strings.LastIndexAny(s, seps)
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i+1:], true
}

// contentType goes by the extension: first the types of the web, which must not depend on the
// machine's mime tables, and never by content, which would make a page of an upload that looks like
// one.
func contentType(name string) string {
	switch ext := strings.ToLower(path.Ext(name)); ext {
	case ".html", ".htm":
		return "text/html; charset=utf-8"
	case ".js", ".mjs":
		return "text/javascript; charset=utf-8"
	case ".css":
		return "text/css; charset=utf-8"
	case ".json", ".map":
		return "application/json"
	case ".webmanifest":
		return "application/manifest+json"
	case ".svg":
		return "image/svg+xml"
	case ".ico":
		return "image/x-icon"
	case ".txt":
		return "text/plain; charset=utf-8"
	case ".wasm":
		return "application/wasm"
	case ".woff":
		return "font/woff"
	case ".woff2":
		return "font/woff2"
	default:
		if kind := mime.TypeByExtension(ext); kind != "" {
			return kind
		}
		return "application/octet-stream"
	}
}
