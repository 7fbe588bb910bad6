package users

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

const recheckInterval = time.Second

// File is a YAML users file:
//
//	users:
//	  - name: ada
//	    password: "$argon2id$v=19$m=19456,t=2,p=1$…"
//	    roles: [user]
//	    scopes: [read]
//	    display_name: Ada Lovelace
//	    subject: u-1        # stable ID; default: the name
//	    disabled: false
//	    claims: {team: engines}
//
// The file is read again when it changes; that is looked at when a question is asked, at most once
// a second. A broken new version does not replace the last good one, and neither does one that lost
// users and looks like an accident; see doubt. The file must not be readable or writable by
// everybody. File is safe for concurrent use, also by several processes on one machine.
type File struct {
	path    string
	hasher  *Hasher
	now     func() time.Time
	onError func(error)

	current  atomic.Pointer[directory]
	readOnly atomic.Bool // a write failed; not tried again for rehashing until the file changes

	mu      sync.Mutex // guards what follows
	checked time.Time
	stamp   fs.FileInfo // of the version last read, good or broken
	inForce reading     // what current came from
	waiting *reading    // fewer users than in force, to be read once more; nil: none
	err     error
}

// FileOptions has the optional parts of OpenFile.
type FileOptions struct {
	// Now nil means time.Now.
	Now func() time.Time
	// OnError is called once when a changed file cannot be used, when one without half of the users
	// is first seen and when it is used after all, and when a better hash cannot be written back.
	// It must not block and must not call the File. nil: nothing is called.
	OnError func(error)
}

// OpenFile reads the users file. It fails when the file cannot be read, is open to everybody, or
// has any mistake in it; the error is a *FileError, which lists all mistakes with their places and
// never contains a password or a hash.
func OpenFile(path string, hasher *Hasher, o FileOptions) (*File, error) {
	f := &File{path: path, hasher: hasher, now: o.Now, onError: o.OnError}
	if f.now == nil {
		f.now = time.Now
	}
	if f.onError == nil {
		f.onError = func(error) {}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.reload(true); err != nil {
		return nil, err
	}
	return f, nil
}

// Reload reads the file now and believes it whatever it lost: it is for an operator's command. A
// broken file changes nothing; the error is that of [OpenFile].
func (f *File) Reload() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.reload(true)
}

// Authenticate checks a password. Errors: ErrBadCredentials, ErrBusy. When the stored hash is
// of another scheme, form or strength than today's, a success also writes a new hash to the file;
// that never makes the login fail, and the user's credential stays the same.
func (f *File) Authenticate(ctx context.Context, name, password string) (User, error) {
	r, err := f.fresh().authenticate(ctx, f.hasher, name, password)
	if err != nil {
		return User{}, err
	}
	if f.hasher.NeedsRehash(string(r.hash)) && !f.readOnly.Load() {
		f.rehash(ctx, r, password)
	}
	return r.proven(), nil
}

// Lookup finds a user by name, also a disabled one, or returns ErrUnknown.
func (f *File) Lookup(_ context.Context, name string) (User, error) {
	r, err := f.fresh().lookup(name)
	if err != nil {
		return User{}, err
	}
	return r.proven(), nil
}

// LookupSubject finds a user by subject, also a disabled one, or returns ErrUnknown.
func (f *File) LookupSubject(_ context.Context, subject string) (User, error) {
	r, err := f.fresh().lookupSubject(subject)
	if err != nil {
		return User{}, err
	}
	return r.proven(), nil
}

// List returns all users in the order of the file.
func (f *File) List() []User { return f.fresh().list() }

// Err returns why the newest version of the file is not in use, or nil.
func (f *File) Err() error {
	f.fresh()
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.err
}

// fresh returns the users, after a look at the file if a second has passed. Only one caller looks;
// the others go on with what there is.
func (f *File) fresh() *directory {
	if f.mu.TryLock() {
		now := f.now()
		if age := now.Sub(f.checked); age >= recheckInterval || age < 0 {
			f.checked = now
			f.recheck()
		}
		f.mu.Unlock()
	}
	return f.current.Load()
}

func (f *File) recheck() {
	info, err := os.Stat(f.path)
	if err == nil && sameVersion(info, f.stamp) && f.waiting == nil {
		return
	}
	before := f.err
	if err := f.reload(false); err != nil && !errors.Is(err, errSettling) && (before == nil || before.Error() != err.Error()) {
		f.onError(err)
	}
}

func sameVersion(a, b fs.FileInfo) bool {
	return b != nil && os.SameFile(a, b) && a.Size() == b.Size() && a.ModTime().Equal(b.ModTime()) && a.Mode() == b.Mode()
}

// reload reads the file whatever its age; the caller holds mu. On error the users in force stay.
// Without trust a version that lost users is doubted first.
func (f *File) reload(trust bool) error {
	data, info, err := readUsersFile(f.path)
	var doc *document
	if err == nil {
		doc, err = parseUsers(data)
	}
	f.stamp, f.checked = info, f.now()
	last := f.waiting
	f.waiting = nil
	if err == nil && !trust {
		err = f.doubt(newReading(data, info, doc), last)
	}
	if err != nil {
		f.err = inFile(f.path, err)
		return f.err
	}
	f.adopt(doc, newReading(data, info, doc), trust)
	return nil
}

func (f *File) adopt(doc *document, r reading, trust bool) {
	if lost := f.inForce.users - r.users; !trust && halved(f.inForce.users, r.users) {
		f.onError(fmt.Errorf("users file %s: read twice the same, so it is used: %d users from now on, %d fewer", f.path, r.users, lost))
	}
	f.err, f.inForce = nil, r
	f.readOnly.Store(false)
	f.current.Store(&doc.users)
}

// readUsersFile returns the content with the description of the very file it came from.
func readUsersFile(path string) ([]byte, fs.FileInfo, error) {
	// Before it is opened: a pipe would wait for its other end.
	if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() {
		return nil, info, errors.New("is no file that can be edited: a folder, a pipe or a device")
	}
	file, err := os.Open(path)
	if err != nil {
		return nil, nil, pathless(err)
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return nil, nil, pathless(err)
	}
	if info.Mode().Perm()&0o006 != 0 {
		return nil, info, fmt.Errorf("mode %#o lets everybody on this machine at the password hashes: chmod o-rw %s", info.Mode().Perm(), path)
	}
	data, err := io.ReadAll(io.LimitReader(file, maxFileBytes+1))
	if err != nil {
		return nil, info, pathless(err)
	}
	return data, info, nil
}

// pathless drops the path that callers name already.
func pathless(err error) error {
	var pathErr *fs.PathError
	if errors.As(err, &pathErr) {
		return fmt.Errorf("%s: %w", pathErr.Op, pathErr.Err)
	}
	return err
}
