// Package setup is what `sessiongate init` does: it picks the shipped file of a provider, puts the
// answers of flags and questions into it, makes keys and a first user, and writes all of it or
// nothing. What exists is kept.
package setup
