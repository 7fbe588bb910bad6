package users

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// errChanged means that somebody else gave the user another hash meanwhile.
var errChanged = errors.New("the user was changed meanwhile")

// Add appends a user, with the name in its normal form. Subject "" means the name. Errors:
// ErrExists, ErrPassword, ErrBusy, a name that RFC 8265 refuses, and whatever keeps the file from
// being written.
func (f *File) Add(ctx context.Context, user User, password string) error {
	var err error
	if user.Name, err = enforceName(user.Name); err != nil {
		return err
	}
	if user.Subject == "" {
		user.Subject = user.Name
	}
	if err := checkUser(user); err != nil {
		return err
	}
	hash, err := f.hasher.Hash(ctx, password)
	if err != nil {
		return fmt.Errorf("user %q: %w", user.Name, err)
	}
	return f.edit(func(text string, doc *document) (string, directory, error) {
		want := doc.users.copy()
		if !want.add(record{user: user, hash: passwordHash(hash)}) {
			return "", directory{}, fmt.Errorf("user %q: %w", user.Name, ErrExists)
		}
		text, err := appendUser(text, doc, user, hash)
		return text, want, err
	})
}

// SetPassword replaces a user's password hash. Errors: ErrUnknown, ErrPassword, ErrBusy, and
// whatever keeps the file from being written.
func (f *File) SetPassword(ctx context.Context, name, password string) error {
	hash, err := f.hasher.Hash(ctx, password)
	if err != nil {
		return fmt.Errorf("user %q: %w", name, err)
	}
	return f.replaceHash(name, "", hash)
}

// SetDisabled shuts a user out, or lets him in again. Errors: ErrUnknown, and whatever keeps the
// file from being written.
func (f *File) SetDisabled(name string, disabled bool) error {
	return f.edit(func(text string, doc *document) (string, directory, error) {
		r, known := doc.users.find(name)
		if !known {
			return "", directory{}, fmt.Errorf("user %q: %w", name, ErrUnknown)
		}
		if r.user.Disabled == disabled {
			return text, doc.users, nil
		}
		place, hash := doc.entries[NormalizeName(name)], string(r.hash)
		r.user.Disabled = disabled
		text, err := setDisabled(text, place, hash, disabled)
		return text, doc.users.with(r), err
	})
}

// rehash stores a hash of today's kind after a successful login with an old one. Whatever goes
// wrong is reported and forgotten: the login has succeeded.
func (f *File) rehash(ctx context.Context, r record, password string) {
	hash, err := f.hasher.hashAfter(ctx, r.hash, password)
	if err != nil {
		return // busy: the next login tries again
	}
	err = f.replaceHash(r.user.Name, r.hash, hash)
	if err != nil && !errors.Is(err, errChanged) && !errors.Is(err, ErrUnknown) {
		f.readOnly.Store(true)
		f.onError(fmt.Errorf("better password hash for user %q is not kept: %w", r.user.Name, err))
	}
}

// replaceHash writes hash in place of old; old "" stands for any.
func (f *File) replaceHash(name string, old passwordHash, hash string) error {
	return f.edit(func(text string, doc *document) (string, directory, error) {
		r, known := doc.users.find(name)
		if old != "" && len(doc.users.names) < len(f.current.Load().names) {
			return "", directory{}, errChanged // somebody may be writing it: a login must not write in between
		}
		if !known {
			return "", directory{}, fmt.Errorf("user %q: %w", name, ErrUnknown)
		}
		if old != "" && r.hash != old {
			return "", directory{}, fmt.Errorf("user %q: %w", name, errChanged)
		}
		text, err := replaceHash(text, doc.entries[NormalizeName(name)], string(r.hash), hash)
		r.hash = passwordHash(hash)
		return text, doc.users.with(r), err
	})
}

// edit changes the file under a lock shared with other processes. change gets the text as it is now
// and returns the new text and the users it must contain. The new text is parsed again and compared
// before anything is written: the text is spliced so that comments and order survive, and a splice
// that hit the wrong place must never reach the disk.
func (f *File) edit(change func(text string, doc *document) (string, directory, error)) error {
	path, err := filepath.EvalSymlinks(f.path) // replace what a link points to, not the link
	if err != nil {
		return fmt.Errorf("users file: %w", err)
	}
	unlock, err := lockFolder(filepath.Dir(path))
	if err != nil {
		return fmt.Errorf("users file %s: lock: %w", f.path, err)
	}
	defer unlock()
	if err := editFile(path, change); err != nil {
		if wrong := inFile(f.path, err); len(wrong.Mistakes) > 0 {
			return wrong
		}
		return fmt.Errorf("users file %s: %w", f.path, err)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.reload(false)
}

func editFile(path string, change func(text string, doc *document) (string, directory, error)) error {
	data, info, err := readUsersFile(path)
	if err != nil {
		return err
	}
	doc, err := parseUsers(data)
	if err != nil {
		return err
	}
	text, want, err := change(string(data), doc)
	if err != nil || text == string(data) {
		return err
	}
	got, err := parseUsers([]byte(text))
	if err != nil || !sameUsers(got.users, want) {
		return errors.New("cannot be changed here without touching something else: edit it by hand")
	}
	return replaceFile(path, []byte(text), info)
}

// replaceFile puts data in the place of the file in one step, with its mode and owner.
func replaceFile(path string, data []byte, info os.FileInfo) (err error) {
	temp, err := os.CreateTemp(filepath.Dir(path), ".users-*")
	if err != nil {
		return pathless(err)
	}
	defer func() {
		if err != nil {
			_ = os.Remove(temp.Name())
		}
	}()
	if err := fill(temp, data, info); err != nil {
		_ = temp.Close()
		return pathless(err)
	}
	if err := temp.Close(); err != nil {
		return pathless(err)
	}
	if err := os.Rename(temp.Name(), path); err != nil {
		return err
	}
	return syncFolder(filepath.Dir(path))
}

func fill(temp *os.File, data []byte, info os.FileInfo) error {
	if err := keepOwner(temp, info); err != nil {
		return err
	}
	if err := temp.Chmod(info.Mode().Perm()); err != nil {
		return err
	}
	if _, err := temp.Write(data); err != nil {
		return err
	}
	return temp.Sync()
}

// copy lets users be added or changed without touching d.
func (d *directory) copy() directory {
	var c directory
	for _, name := range d.names {
		c.add(d.byName[name])
	}
	return c
}

// with returns d with one user changed; name and subject are as before.
func (d *directory) with(r record) directory {
	c := d.copy()
	c.byName[NormalizeName(r.user.Name)], c.bySubject[r.user.Subject] = r, r
	return c
}

// sameUsers compares without regard to what a file cannot tell apart: no list and an empty one,
// kinds of numbers.
func sameUsers(a, b directory) bool {
	if len(a.names) != len(b.names) {
		return false
	}
	for i, name := range a.names {
		left, leftOK := a.byName[name].plain()
		right, rightOK := b.byName[b.names[i]].plain()
		if !leftOK || !rightOK || left != right {
			return false
		}
	}
	return true
}

func (r record) plain() (string, bool) {
	r.user.Roles, r.user.Scopes = append([]string{}, r.user.Roles...), append([]string{}, r.user.Scopes...)
	if len(r.user.Claims) == 0 {
		r.user.Claims = nil
	}
	text, err := json.Marshal(r.user)
	return string(r.hash) + string(text), err == nil
}
