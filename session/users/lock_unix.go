//go:build unix

package users

import (
	"errors"
	"fmt"
	"os"
	"syscall"
)

// lockFolder takes an advisory lock on the folder of the users file, and waits for it. The file
// itself is replaced by every edit, so a lock on it would lock what is already gone; a lock file
// would have to be writable by every account that edits. The lock ends with the process that holds
// it.
func lockFolder(folder string) (unlock func(), err error) {
	dir, err := os.Open(folder)
	if err != nil {
		return nil, err
	}
	for {
		err = syscall.Flock(int(dir.Fd()), syscall.LOCK_EX)
		if !errors.Is(err, syscall.EINTR) {
			break
		}
	}
	if err != nil {
		_ = dir.Close()
		return nil, err
	}
	return func() { _ = dir.Close() }, nil
}

// keepOwner gives the new file the owner of the old one, or the gateway could not read what an
// administrator wrote.
func keepOwner(file *os.File, info os.FileInfo) error {
	old, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return nil
	}
	if err := file.Chown(int(old.Uid), int(old.Gid)); err != nil {
		return fmt.Errorf("keep the owner: %w", err)
	}
	return nil
}

// syncFolder makes a rename survive a crash.
func syncFolder(folder string) error {
	dir, err := os.Open(folder)
	if err != nil {
		return err
	}
	defer dir.Close()
	return dir.Sync()
}
