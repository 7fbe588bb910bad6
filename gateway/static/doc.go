// Package static serves a built single-page application from a folder. It knows paths and files,
// and nothing of sessions and error pages: [Folder.Serve] returns what it does not serve, and the
// caller answers.
//
// # Decisions
//
// A folder serves what it has, and index.html to a navigation that names no file, because the paths
// of a single-page application are places inside it. A fetch of a path that is not there is a
// mistake, and a page instead of a 404 would hide it.
//
// Replicas must agree on a file's ETag, and many builds give all files one time: so the ETag is a
// hash of the content (header.go). Only a name that holds a content hash lets a browser keep a file
// without asking; a wrong guess would keep an old file for a year, so the guess is narrow.
//
// The content type goes by the extension alone. Guessing by content would make a page of an upload
// that looks like one.
package static
