package masking

import (
	"compress/gzip"
	"compress/zlib"
	"errors"
	"io"
	"net/http"
	"strings"
)

// ErrUnreadable is a body of which nobody can tell whether tokens are in it.
var ErrUnreadable = errors.New("the answer is compressed, or has a character set, that cannot be undone here")

// strange reports whether a response says that its JSON has another character set than those in which
// ASCII is what it is in UTF-8. RFC 8259 §8.1 knows only that one.
func strange(h http.Header) bool {
	switch KindOf(h) {
	case Never, Sniff:
		return false
	case JSON, Lines, Events:
	}
	_, parameters, _ := strings.Cut(h["Content-Type"][0], ";")
	_, charset, named := strings.Cut(strings.ToLower(parameters), "charset=")
	charset = strings.TrimLeft(charset, ` "'`)
	for _, known := range []string{"utf-8", "utf8", "us-ascii", "ascii", "iso-8859-", "latin", "windows-125"} {
		if strings.HasPrefix(charset, known) {
			return false
		}
	}
	return named
}

// Plain undoes the coding of a body that came compressed although nobody asked for it, and takes
// out of the header what is no longer true. coded says whether there was one. What cannot be undone
// is ErrUnreadable.
//
// JSON in another character set than UTF-8 cannot be searched either.
func Plain(h http.Header, body io.ReadCloser) (plain io.ReadCloser, coded bool, err error) {
	if strange(h) {
		return nil, false, ErrUnreadable
	}
	open := opener(nil)
	switch coding := strings.ToLower(strings.TrimSpace(strings.Join(h["Content-Encoding"], ","))); coding {
	case "", "identity":
		return body, false, nil
	case "gzip", "x-gzip":
		open = func(r io.Reader) (io.Reader, error) { return gzip.NewReader(r) }
	case "deflate":
		open = func(r io.Reader) (io.Reader, error) { return zlib.NewReader(r) }
	default:
		return nil, true, ErrUnreadable
	}
	for _, name := range []string{"Content-Encoding", "Content-Length", "Etag"} {
		delete(h, name)
	}
	return &decoder{open: open, src: body}, true, nil
}

type opener func(io.Reader) (io.Reader, error)

// decoder begins with the first Read: the coding's own header may take its time.
type decoder struct {
	open  opener
	src   io.ReadCloser
	plain io.Reader
	err   error
}

// Read implements io.Reader.
func (d *decoder) Read(p []byte) (int, error) {
	if d.plain == nil && d.err == nil {
		if d.plain, d.err = d.open(d.src); errors.Is(d.err, io.EOF) {
			d.err = io.ErrUnexpectedEOF
		}
	}
	if d.err != nil {
		return 0, d.err
	}
	return d.plain.Read(p)
}

// Close implements io.Closer.
func (d *decoder) Close() error { return d.src.Close() }
