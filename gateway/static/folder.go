package static

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"path"
	"strings"
	"sync"

	"sessiongate/gateway/routing"
)

// ErrNotFound says that the path names no file: answer 404.
var ErrNotFound = errors.New("no such file")

// ErrMethodNotAllowed says that the method is neither GET nor HEAD: answer 405. The Allow header is
// set already.
var ErrMethodNotAllowed = errors.New("method not allowed on a file")

// defaultCSP is the Content-Security-Policy of HTML pages that have no other: everything from the
// application's own origin, no inline script, no plugins, no frames around it.
const defaultCSP = "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; form-action 'self'; " +
	"frame-ancestors 'none'"

// Options are what a [Folder] needs beside its files. The zero value is usable.
type Options struct {
	// CSP is the Content-Security-Policy of pages. Empty allows everything from the application's
	// own origin, no inline script, no plugins and no frames around the page; "none" sends no such
	// header.
	CSP string
}

// Folder serves a built single-page app from a folder. It is safe for concurrent use.
//
//   - GET and HEAD only.
//   - A path names a file. Directories are never listed; one asked for with a final slash answers
//     with its index.html.
//   - A path that names no file gets the app's index.html, if the request is a navigation (Accept
//     has text/html, and Sec-Fetch-Mode is navigate where the browser sends it) and its last
//     segment has no dot: /orders/7 is a place inside the app, /missing.js and a fetch of /api/typo
//     are mistakes. All else is [ErrNotFound].
//   - Names that begin with a dot are never served, in any segment.
//   - index.html and all that has no hash in its name is revalidated on each use (ETag, 304); files
//     with a hash are kept for a year. A form of the file that the build has compressed (NAME.br,
//     NAME.gz) is sent to whoever takes it. Ranges and conditions are http.ServeContent's.
type Folder struct {
	files fs.FS
	csp   string
	tags  sync.Map // name -> fileTag; as many as there are files
}

// Open opens a folder for [New]. No path and no symbolic link leads out of it (os.Root). Close it
// when it is no longer served.
func Open(dir string) (*os.Root, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("open static folder: %w", err)
	}
	return root, nil
}

// New serves files, which for a folder on disk is Open(dir).FS().
func New(files fs.FS, o Options) (*Folder, error) {
	if files == nil {
		return nil, errors.New("new static folder: the files must be set")
	}
	return &Folder{files: files, csp: cmp.Or(o.CSP, defaultCSP)}, nil
}

// Serve answers r with a file. t is what [routing.Table.Match] returned for r; its path is the one
// inside the folder. An error ([ErrNotFound], [ErrMethodNotAllowed]) means that nothing has been
// written; its text is for logs.
func (f *Folder) Serve(w http.ResponseWriter, r *http.Request, t routing.Target) error {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		return fmt.Errorf("%w: %s", ErrMethodNotAllowed, r.Method)
	}
	asked, err := url.PathUnescape(t.Path)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrNotFound, err)
	}
	name, err := fileName(asked)
	if err == nil {
		err = f.send(w, r, name)
	}
	if err != nil && !errors.Is(err, fs.ErrInvalid) && isNavigation(r, asked) {
		err = f.send(w, r, "index.html")
	}
	if err != nil {
		return fmt.Errorf("%w: %w", ErrNotFound, err)
	}
	return nil
}

// fileName turns the path of a request, without escapes, into a name for fs.FS.
func fileName(p string) (string, error) {
	name := strings.TrimPrefix(path.Clean("/"+p), "/")
	if strings.HasSuffix(p, "/") {
		name = path.Join(name, "index.html")
	}
	if !fs.ValidPath(name) || strings.ContainsAny(name, "\\\x00") || strings.Contains("/"+name, "/.") {
		return "", fs.ErrInvalid
	}
	return name, nil
}

// isNavigation reports whether the browser is opening a page, not fetching a file for one.
func isNavigation(r *http.Request, p string) bool {
	if mode := r.Header.Get("Sec-Fetch-Mode"); mode != "" && mode != "navigate" {
		return false
	}
	last := p[strings.LastIndexByte(p, '/')+1:]
	return !strings.Contains(last, ".") && acceptsHTML(r.Header["Accept"])
}

func acceptsHTML(lines []string) bool {
	for _, line := range lines {
		for part := range strings.SplitSeq(line, ",") {
			kind, params, _ := strings.Cut(part, ";")
			refused := strings.HasPrefix(strings.ReplaceAll(params, " ", "")+".", "q=0.") && !strings.ContainsAny(params, "123456789")
			if strings.EqualFold(strings.TrimSpace(kind), "text/html") && !refused {
				return true
			}
		}
	}
	return false
}

// send writes the file of that name. An error means that nothing was written.
func (f *Folder) send(w http.ResponseWriter, r *http.Request, name string) error {
	file, err := f.files.Open(name)
	if err != nil {
		return err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() {
		return fmt.Errorf("%s: %w", name, fs.ErrNotExist)
	}
	stored, coding := name, ""
	h := w.Header()
	packed, packedName, packedCoding, varies := f.negotiate(r, name, info)
	if varies {
		h.Add("Vary", "Accept-Encoding")
	}
	if packed != nil {
		defer packed.Close()
		if info, err = packed.Stat(); err != nil {
			return err
		}
		file, stored, coding = packed, packedName, packedCoding
	}
	content, err := seekable(file)
	if err != nil {
		return err
	}
	tag, err := f.tag(stored, info, content)
	if err != nil {
		return err
	}
	f.describe(h, name, tag)
	if coding != "" {
		h.Set("Content-Encoding", coding) // ranges are then of the encoded form (RFC 9110 §14.2)
	}
	http.ServeContent(w, r, name, info.ModTime(), content)
	return nil
}

// seekable returns the file itself where it can seek (disk and embed can), else its content.
func seekable(file fs.File) (io.ReadSeeker, error) {
	if rs, ok := file.(io.ReadSeeker); ok {
		return rs, nil
	}
	content, err := io.ReadAll(file)
	return bytes.NewReader(content), err
}
