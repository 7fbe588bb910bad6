package static

import (
	"io/fs"
	"net/http"
	"strconv"
	"strings"
)

// encodings are the forms of a file that a build may have left beside it, best first.
func encodings() [2]struct{ coding, ext string } {
	return [2]struct{ coding, ext string }{{"br", ".br"}, {"gzip", ".gz"}}
}

// negotiate opens the form of a file that the client likes and the build has made: NAME.br,
// NAME.gz, or NAME itself. varies tells that another client might get another form, which caches
// must know. A form must be no older than the file, or a build that forgot to make it again would
// serve yesterday's page.
func (f *Folder) negotiate(r *http.Request, name string, plain fs.FileInfo) (file fs.File, stored, coding string, varies bool) {
	for _, e := range encodings() {
		info, err := fs.Stat(f.files, name+e.ext)
		if err != nil || !info.Mode().IsRegular() || info.ModTime().Before(plain.ModTime()) {
			continue
		}
		varies = true
		if !accepts(r.Header["Accept-Encoding"], e.coding) {
			continue
		}
		if file, err = f.files.Open(name + e.ext); err == nil {
			return file, name + e.ext, e.coding, true
		}
	}
	return nil, name, "", varies
}

// accepts reports whether Accept-Encoding (RFC 9110 §12.5.3) names a coding, or * stands for it,
// and does not weigh it with nothing.
func accepts(lines []string, coding string) bool {
	star := false
	for _, line := range lines {
		for part := range strings.SplitSeq(line, ",") {
			name, params, _ := strings.Cut(part, ";")
			name = strings.TrimSpace(name)
			switch {
			case strings.EqualFold(name, coding):
				return weight(params) > 0
			case name == "*":
				star = weight(params) > 0
			}
		}
	}
	return star
}

// weight reads "q=0.5"; what is not a weight counts in full.
func weight(params string) float64 {
	name, value, found := strings.Cut(strings.TrimSpace(params), "=")
	if !found || !strings.EqualFold(strings.TrimSpace(name), "q") {
		return 1
	}
	q, err := strconv.ParseFloat(strings.TrimSpace(value), 64)
	if err != nil {
		return 0
	}
	return q
}
