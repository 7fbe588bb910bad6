package web

import (
	"embed"
	"io/fs"
)

//go:embed demo
var demoFiles embed.FS

// Demo returns the files of the demo app, index.html at the root. It expects to be served at "/" of
// the gateway's origin, under DemoCSP, next to /auth/ and the demo API at /api/. Safe for
// concurrent use.
func Demo() fs.FS {
	sub, err := fs.Sub(demoFiles, "demo")
	if err != nil {
		return demoFiles // fs.Sub refuses only malformed names, and this one is a constant
	}
	return sub
}
