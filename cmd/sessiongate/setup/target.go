package setup

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// target is the folder that is set up.
type target struct {
	dir  string
	env  func(string) (string, bool)
	keys func(dir string) error
}

// ErrExists says that there is a configuration already. Nothing was changed.
var ErrExists = errors.New("is there already, and nothing was changed")

func (t target) path(name string) string { return filepath.Join(t.dir, filepath.FromSlash(name)) }

// has tells whether something of that name is there, whatever it is.
func (t target) has(name string) bool {
	_, err := os.Lstat(t.path(name))
	return err == nil
}

// free fails where there is a configuration, or a file in the place of the folder.
func (t target) free() error {
	if info, err := os.Stat(t.dir); err == nil && !info.IsDir() {
		return &UsageError{"--dir " + quoteText(t.dir) + " is a file; write the path of a folder"}
	}
	if t.has(configFile) {
		return fmt.Errorf("init: %s %w", t.path(configFile), ErrExists)
	}
	return nil
}

// rehearse makes everything in a folder of its own, to see that it loads, and removes it.
func (t target) rehearse(ctx context.Context, a *answers) (*Result, error) {
	temp, err := os.MkdirTemp("", "sessiongate-init-")
	if err != nil {
		return nil, fmt.Errorf("init: %w", err)
	}
	defer os.RemoveAll(temp)
	staged, err := t.stage(ctx, a, temp)
	if err != nil {
		return nil, err
	}
	return staged.result, nil
}

// write makes everything in a folder beside the files, sees that it loads, and moves it to where it
// belongs, the configuration last.
func (t target) write(ctx context.Context, a *answers) (result *Result, err error) {
	undo, err := makeFolders(t.dir)
	if err != nil {
		return nil, fmt.Errorf("init: %w", err)
	}
	temp, err := os.MkdirTemp(t.dir, ".sessiongate-init-") // mode 0700
	if err != nil {
		undo()
		return nil, fmt.Errorf("init: cannot write into %s: %w", t.dir, reason(err))
	}
	staged, err := t.stage(ctx, a, temp)
	if err == nil {
		err = staged.place(t)
	}
	err = errors.Join(err, os.RemoveAll(temp))
	if err != nil {
		undo()
		return nil, err
	}
	return staged.result, nil
}

// makeFolders makes a folder and those above it. undo removes those that it made, if they are empty.
func makeFolders(dir string) (undo func(), err error) {
	var made []string
	for at := dir; ; at = filepath.Dir(at) {
		if _, err := os.Stat(at); err == nil || !errors.Is(err, fs.ErrNotExist) {
			break
		}
		made = append(made, at)
	}
	undo = func() {
		for _, folder := range made {
			_ = os.Remove(folder) // not empty: it is somebody's
		}
	}
	if err := os.MkdirAll(dir, 0o755); err != nil { //nolint:gosec // what is secret has a folder of its own
		undo()
		return nil, err
	}
	return undo, nil
}

func reason(err error) error {
	var fault *fs.PathError
	if errors.As(err, &fault) {
		return fault.Err
	}
	return err
}

// place moves the staged files to where they belong, and takes them back if one cannot be.
func (s *staging) place(t target) (err error) {
	var made []string
	defer func() {
		if err != nil {
			for i := len(made) - 1; i >= 0; i-- {
				_ = os.Remove(made[i])
			}
		}
	}()
	for _, name := range s.names {
		to := t.path(name)
		if folder := filepath.Dir(to); folder != t.dir {
			err := os.Mkdir(folder, 0o700)
			if err == nil {
				made = append(made, folder)
			} else if !errors.Is(err, fs.ErrExist) {
				return fmt.Errorf("init: %w", err)
			}
		}
		if err := os.Link(s.path(name), to); err != nil { // fails if somebody else was faster
			return fmt.Errorf("init: %s: %w", to, linkReason(err))
		}
		made = append(made, to)
	}
	return nil
}

func linkReason(err error) error {
	var fault *os.LinkError
	if errors.As(err, &fault) {
		return fault.Err
	}
	return err
}
