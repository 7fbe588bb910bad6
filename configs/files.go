package configs

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"reflect"
	"regexp"
	"runtime"
	"strconv"
	"strings"
)

// maxSecret bounds a file with a secret. An RSA key of 8192 bits takes a tenth of it.
const maxSecret = 64 << 10

// files reads the files with secrets, and looks at the others that the configuration names.
type files struct{ *report }

// secrets reads the files of a section's `x_file` keys into the fields of `x`.
func (f files) secrets(fields []field, path string) {
	for _, x := range fields {
		if x.value.Type() != reflect.TypeFor[Secret]() {
			continue
		}
		file := join(path, x.name+"_file")
		switch inline := f.wrote(join(path, x.name)); {
		case !f.wrote(file) || f.broken[file]:
		case inline:
			f.breaks(file, "stands beside "+x.name, "write one of them")
		default:
			x.value.Set(reflect.ValueOf(f.secretFile(file, Path(pathOf(fields, x.name+"_file")))))
		}
	}
}

func pathOf(fields []field, name string) string {
	for _, f := range fields {
		if f.name == name {
			return f.value.String()
		}
	}
	return ""
}

// secretFile reads a secret and drops the newline at its end. A fault is reported under path, and
// the secret is empty.
func (f files) secretFile(path string, file Path) Secret {
	if !f.privateFile(path, file) {
		return Secret{}
	}
	secret, err := ReadSecret(file)
	if err != nil {
		f.breaks(path, "cannot be read: "+reason(err), "write the path of a file that this user may read")
		return Secret{}
	}
	if secret.Empty() {
		f.breaks(path, f.fileName(path, file)+" is empty", "put the secret into it")
	}
	return secret
}

// ReadSecret reads the secret in a file as the configuration does: the text without the newline at
// its end, at most 64 KiB. Whether it is empty is for the caller to judge.
func ReadSecret(file Path) (Secret, error) {
	data, err := readBounded(string(file), maxSecret)
	if err != nil {
		return Secret{}, err
	}
	return NewSecret(strings.TrimSuffix(strings.TrimSuffix(string(data), "\n"), "\r")), nil
}

// privateFile checks that a file with a secret is there and not readable by everyone.
func (f files) privateFile(path string, file Path) bool {
	mode, ok := f.present(path, file, false)
	if !ok {
		return false
	}
	if mode.Perm()&0o004 != 0 && runtime.GOOS != "windows" { // there the mode says nothing about who may read
		f.breaks(path, f.fileName(path, file)+" can be read by everyone", "run chmod o-r "+strings.Trim(f.fileName(path, file), `"`))
		return false
	}
	return true
}

// fileName quotes the name of a file, as it stands in the configuration if part of it came from the
// environment.
func (f files) fileName(path string, file Path) string {
	if at := f.position(path); at.fromEnv {
		return strconv.Quote(at.raw)
	}
	return strconv.Quote(string(file))
}

// present checks that a file or a folder is there.
func (f files) present(path string, file Path, folder bool) (fs.FileMode, bool) {
	info, err := os.Stat(string(file))
	switch {
	case err != nil:
		f.breaks(path, f.fileName(path, file)+": "+reason(err), "write the path of what is there")
	case folder && !info.IsDir():
		f.breaks(path, f.fileName(path, file)+" is not a folder", "write the path of a folder")
	case !folder && !info.Mode().IsRegular():
		f.breaks(path, f.fileName(path, file)+" is not a file", "write the path of a file")
	default:
		return info.Mode(), true
	}
	return 0, false
}

// reason is what the system says, without repeating the path.
func reason(err error) string {
	var fault *fs.PathError
	if errors.As(err, &fault) {
		return fault.Err.Error()
	}
	return err.Error()
}

// missing reports a file that is not there and that a command makes.
func (f files) missing(path string, file Path, command string) bool {
	if _, err := os.Stat(string(file)); !errors.Is(err, fs.ErrNotExist) || f.position(path).fromEnv || !shellPath.MatchString(string(file)) {
		return false
	}
	f.breaks(path, f.fileName(path, file)+" is not there", "run `"+command+"`, or write the path of what is there")
	f.tryLast(command)
	return true
}

// shellPath is a path that means itself in a shell.
var shellPath = regexp.MustCompile(`^[A-Za-z0-9/._][A-Za-z0-9/._@%+=:-]*$`)

// named checks that a file, or folder, is there if the key names one.
func (f files) named(path string, file Path, folder bool) {
	if file != "" {
		f.present(path, file, folder)
	}
}

// pair checks a certificate's file and that of its private key.
func (f files) pair(path string, cert, key Path) {
	f.named(path+".cert_file", cert, false)
	if key != "" {
		f.privateFile(path+".key_file", key)
	}
}

// read looks at every file of a configuration that its sections did not read themselves.
func (f files) read(c *Config) {
	readKeyFiles(f, &c.Keys)
	serverFiles(f, &c.Server)
	storeFiles(f, &c.Store)
	pagesFiles(f, &c.Pages)
	for i := range c.Providers {
		providerFiles(f, index("providers", i), &c.Providers[i])
	}
	for i := range c.Routes {
		routeFiles(f, index("routes", i), &c.Routes[i])
	}
}

var errTooLong = errors.New("the file is too large")

func readBounded(file string, limit int64) ([]byte, error) {
	opened, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer opened.Close()
	data, err := io.ReadAll(io.LimitReader(opened, limit+1))
	if err == nil && int64(len(data)) > limit {
		return nil, errTooLong
	}
	return data, err
}
