package web

import (
	"embed"
	"io/fs"
)

// clientFiles are client.js, for pages without a build step, and the package for those with one.
//
//go:embed client.js client.d.ts client/package.json client/README.md client/*.js client/*.d.ts
var clientFiles embed.FS

// ClientPackage returns the files of the client package, sessiongate-client, without folders.
func ClientPackage() fs.FS {
	files, err := fs.Sub(clientFiles, "client")
	if err != nil {
		panic(err) // "client" is a valid path
	}
	return files
}

// ClientScripts returns what pages load from the gateway, by its path below the gateway's prefix:
// client.js, and of the package what runs in a browser, both with their types. Each call returns a
// copy.
func ClientScripts() map[string][]byte {
	scripts := make(map[string][]byte)
	for _, name := range []string{"client", "client/core", "client/types", "client/react", "client/vue"} {
		for _, ending := range []string{".js", ".d.ts"} {
			if body, err := clientFiles.ReadFile(name + ending); err == nil {
				scripts[name+ending] = body
			}
		}
	}
	return scripts
}
