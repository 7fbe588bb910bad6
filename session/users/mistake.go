package users

import (
	"errors"
	"fmt"
	"strings"

	"github.com/goccy/go-yaml/ast"
)

// FileError is why a users file cannot be used.
type FileError struct {
	File     string
	Mistakes []Mistake // in what is written there; none: see Err
	Err      error
}

// Mistake is one mistake with its place. It never holds a password or a hash.
type Mistake struct {
	Line, Column int    // from 1
	Key          string // such as users[2].roles; empty for the file itself
	What         string
}

// Error has a line for each mistake, with its place in front.
func (e *FileError) Error() string {
	if len(e.Mistakes) == 0 {
		return fmt.Sprintf("users file %s: %v", e.File, e.Err)
	}
	lines := make([]string, 0, len(e.Mistakes))
	for _, m := range e.Mistakes {
		lines = append(lines, fmt.Sprintf("%s:%d:%d: %s", e.File, m.Line, m.Column, m))
	}
	return strings.Join(lines, "\n")
}

// Unwrap returns what is wrong with the file as a whole.
func (e *FileError) Unwrap() error { return e.Err }

// String is the mistake without its place.
func (m Mistake) String() string {
	if m.Key == "" {
		return m.What
	}
	return m.Key + ": " + m.What
}

// mistakes are those of a text that has no name yet.
type mistakes []Mistake

// Error implements error.
func (m mistakes) Error() string { return fmt.Sprint([]Mistake(m)) }

// inFile says which file it is about.
func inFile(file string, err error) *FileError {
	var list mistakes
	if errors.As(err, &list) {
		return &FileError{File: file, Mistakes: list}
	}
	return &FileError{File: file, Err: err}
}

// problem is a mistake at a node. key is what it is about; empty: the file.
func problem(node ast.Node, key, format string, args ...any) error {
	at := node.GetToken().Position
	if pairs, ok := node.(*ast.MappingNode); ok && len(pairs.Values) > 0 { // its own token is the colon
		at = pairs.Values[0].Key.GetToken().Position
	}
	return mistakes{{at.Line, max(at.Column, 1), key, fmt.Sprintf(format, args...)}}
}
