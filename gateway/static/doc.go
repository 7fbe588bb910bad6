// Package static serves a built single-page application from a folder. [Folder.Serve] returns an
// error for what it does not serve, and the caller answers.
//
// # Decisions
//
// A navigation whose path names no file gets index.html, because the paths of a single-page
// application are places inside it. A fetch of such a path gets a 404: a page would hide the
// mistake.
//
// An ETag is a hash of the file's content (header.go). Replicas must agree on it, and many builds
// give all files the same time. A browser may keep a file without asking only if the file's name
// contains a hash of its content. That is guessed from the name, narrowly: a wrong guess would keep
// an old file for a year.
//
// The content type depends on the extension alone. If it were guessed from the content, an upload
// that looks like a page would become one.
package static
