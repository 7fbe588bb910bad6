package masking

import (
	"net/http"
	"strings"
)

// Kind is how a body is read.
type Kind uint8

// The kinds of body.
const (
	Never  Kind = iota // no JSON
	Sniff              // JSON if it begins as JSON: scripts read whatever they get
	JSON               // values, one after another
	Lines              // the same, where no string goes over the end of a line
	Events             // Server-Sent Events, where an empty line ends what stands before it
)

// KindOf reads Content-Type.
func KindOf(h http.Header) Kind {
	kind := mediaType(h)
	switch {
	case kind == "text/event-stream":
		return Events
	case strings.HasPrefix(kind, "multipart/"), strings.Contains(kind, "ndjson"), strings.Contains(kind, "jsonl"),
		strings.Contains(kind, "json-seq"), strings.Contains(kind, "stream+json"):
		return Lines
	case strings.HasSuffix(kind, "/json"), strings.HasSuffix(kind, "+json"):
		return JSON
	case isCode(kind), isAsset(kind):
		return Never
	}
	return Sniff
}

// IsCode reports whether a response says of itself that it is a script or a style.
func IsCode(h http.Header) bool { return isCode(mediaType(h)) }

func isCode(kind string) bool {
	switch kind {
	case "text/css", "text/javascript", "application/javascript", "application/x-javascript":
		return true
	}
	return false
}

// IsAsset reports whether a response says of itself that it is an image, a font, sound, video, or a
// program. No API has a token in one.
func IsAsset(h http.Header) bool { return isAsset(mediaType(h)) }

func isAsset(kind string) bool {
	switch major, _, _ := strings.Cut(kind, "/"); major {
	case "image", "font", "audio", "video":
		return true
	}
	return kind == "application/wasm"
}

// mediaType is the type without its parameters, in lower case. Where there are several fields a
// browser may believe any of them: then it is none.
func mediaType(h http.Header) string {
	lines := h["Content-Type"]
	if len(lines) != 1 {
		return ""
	}
	kind, _, _ := strings.Cut(lines[0], ";")
	return strings.ToLower(strings.TrimSpace(kind))
}
