package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"slices"

	"github.com/spf13/cobra"

	"sessiongate/configs"
	"sessiongate/session/users"
)

// addJSON gives a command --json: one object on standard output, and everything else on standard
// error. The command ends with answer.
func addJSON(cmd *cobra.Command) *cobra.Command {
	cmd.Flags().Bool("json", false, "write one JSON object to standard output, and everything else to standard error")
	return cmd
}

// wantsJSON reports whether a command was asked for JSON.
func wantsJSON(cmd *cobra.Command) bool {
	asked, err := cmd.Flags().GetBool("json")
	return err == nil && asked
}

// answer ends a command: it writes what was found as text or, with --json, as one object, to which
// the problems are added where something failed. found is a struct; text may be nil if everything
// was written already. Return what it returns.
func answer(cmd *cobra.Command, found any, text func(out io.Writer) error, failed error) error {
	if !wantsJSON(cmd) {
		if text != nil {
			failed = errors.Join(failed, text(cmd.OutOrStdout()))
		}
		return failed
	}
	if err := writeObject(cmd.OutOrStdout(), found, failed); err != nil {
		return errors.Join(failed, err)
	}
	if failed == nil {
		return nil
	}
	return &answeredError{failed}
}

// answeredError is an error that standard output has in its object already.
type answeredError struct{ error }

// Unwrap returns what failed.
func (e *answeredError) Unwrap() error { return e.error }

// writeObject writes an object with what was found and, after a failure, the problems.
func writeObject(out io.Writer, found any, failed error) error {
	if failed == nil {
		return encode(out, found)
	}
	var first, second bytes.Buffer
	list := struct {
		Problems []problem `json:"problems"`
	}{problemsOf(failed)}
	if err := errors.Join(encode(&first, found), encode(&second, list)); err != nil {
		return err
	}
	fields := bytes.TrimSuffix(bytes.TrimSpace(first.Bytes()), []byte("}"))
	if len(bytes.TrimSpace(fields)) > 1 {
		fields = append(bytes.TrimSpace(fields), ',')
	}
	_, err := out.Write(slices.Concat(bytes.TrimSpace(fields), bytes.TrimPrefix(second.Bytes(), []byte("{"))))
	return err
}

func encode(out io.Writer, value any) error {
	e := json.NewEncoder(out)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(value)
}

// problem is one thing that is wrong, for programs. What does not apply is left out.
type problem struct {
	File   string `json:"file,omitempty"`
	Line   int    `json:"line,omitempty"`   // from 1
	Column int    `json:"column,omitempty"` // from 1
	Path   string `json:"path,omitempty"`   // the key, such as routes[2].path
	What   string `json:"what"`
	Fix    string `json:"fix,omitempty"`
}

// problemsOf is what an error says.
func problemsOf(err error) []problem {
	var wrong *configs.Problems
	if errors.As(err, &wrong) {
		return configProblems(wrong.List)
	}
	var file *users.FileError
	if errors.As(err, &file) && len(file.Mistakes) > 0 {
		return userProblems(file)
	}
	var away *unreachableError
	if errors.As(err, &away) && len(away.each) > 0 {
		return away.each
	}
	return []problem{{What: err.Error(), Fix: adviceFor(err)}}
}

// configProblems are problems, or warnings, of a configuration.
func configProblems(list []configs.Problem) []problem {
	all := make([]problem, 0, len(list))
	for _, p := range list {
		all = append(all, problem{p.File, p.Line, p.Col, p.Path, p.What, p.Fix})
	}
	return all
}

func userProblems(wrong *users.FileError) (list []problem) {
	for _, m := range wrong.Mistakes {
		list = append(list, problem{File: wrong.File, Line: m.Line, Column: m.Column, Path: m.Key, What: m.What})
	}
	return list
}
