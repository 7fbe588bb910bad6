package configs

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"strconv"
	"strings"
)

// maxSecret bounds a file with a secret. An RSA key of 8192 bits takes a tenth of it.
const maxSecret = 64 << 10

// resolve makes a path of the file one that can be opened from here.
func (r *reader) resolve(path string) string {
	if path == "" || filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(r.dir, path)
}

// secrets reads the files of a section's `x_file` keys into the fields of `x`.
func (r *reader) secrets(fields []field, path string) {
	for _, f := range fields {
		if f.value.Type() != reflect.TypeFor[Secret]() {
			continue
		}
		file := join(path, f.name+"_file")
		switch inline := r.wrote(join(path, f.name)); {
		case !r.wrote(file) || r.broken[file]:
		case inline:
			r.breaks(file, "stands beside "+f.name, "write one of them")
		default:
			f.value.Set(reflect.ValueOf(r.secretFile(file, Path(pathOf(fields, f.name+"_file")))))
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

// secretFile reads a secret and drops the newline at its end. A fault is reported under path, and the secret is empty.
func (r *reader) secretFile(path string, file Path) Secret {
	if !r.privateFile(path, file) {
		return Secret{}
	}
	secret, err := ReadSecret(file)
	if err != nil {
		r.breaks(path, "cannot be read: "+reason(err), "write the path of a file that this user may read")
		return Secret{}
	}
	if secret.Empty() {
		r.breaks(path, r.fileName(path, file)+" is empty", "put the secret into it")
	}
	return secret
}

// ReadSecret reads the secret in a file as the configuration does: the text without the newline at its end, at most
// 64 KiB. Whether it is empty is for the caller to judge.
func ReadSecret(file Path) (Secret, error) {
	data, err := readBounded(string(file), maxSecret)
	if err != nil {
		return Secret{}, err
	}
	return NewSecret(strings.TrimSuffix(strings.TrimSuffix(string(data), "\n"), "\r")), nil
}

// privateFile checks that a file with a secret is there and not readable by everyone.
func (r *reader) privateFile(path string, file Path) bool {
	mode, ok := r.present(path, file, false)
	if !ok {
		return false
	}
	if mode.Perm()&0o004 != 0 && runtime.GOOS != "windows" { // there the mode says nothing about who may read
		r.breaks(path, r.fileName(path, file)+" can be read by everyone", "run chmod o-r "+strings.Trim(r.fileName(path, file), `"`))
		return false
	}
	return true
}

// fileName quotes the name of a file, as it stands in the configuration if part of it came from the environment.
func (r *reader) fileName(path string, file Path) string {
	if at := r.place(path); at.fromEnv {
		return strconv.Quote(at.raw)
	}
	return strconv.Quote(string(file))
}

// present checks that a file or a folder is there.
func (r *reader) present(path string, file Path, folder bool) (fs.FileMode, bool) {
	info, err := os.Stat(string(file))
	switch {
	case err != nil:
		r.breaks(path, r.fileName(path, file)+": "+reason(err), "write the path of what is there")
	case folder && !info.IsDir():
		r.breaks(path, r.fileName(path, file)+" is not a folder", "write the path of a folder")
	case !folder && !info.Mode().IsRegular():
		r.breaks(path, r.fileName(path, file)+" is not a file", "write the path of a file")
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

var errTooLong = errors.New("the file is too large")

func readBounded(file string, most int64) ([]byte, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, most+1))
	if err == nil && int64(len(data)) > most {
		return nil, errTooLong
	}
	return data, err
}

// namedFiles checks every other file and folder that the configuration names.
func (r *reader) namedFiles(c *Config) {
	if t := c.Server.TLS; t != nil {
		r.named("server.tls.cert_file", t.CertFile, false)
		if t.KeyFile != "" {
			r.privateFile("server.tls.key_file", t.KeyFile)
		}
	}
	if redis := c.Store.Redis; redis != nil && redis.TLS != nil {
		r.named("store.redis.tls.ca_file", redis.TLS.CAFile, false)
		r.named("store.redis.tls.cert_file", redis.TLS.CertFile, false)
		if redis.TLS.KeyFile != "" {
			r.privateFile("store.redis.tls.key_file", redis.TLS.KeyFile)
		}
	}
	for i := range c.Providers {
		if local := c.Providers[i].Local; local != nil && local.Users.File != "" {
			r.privateFile(index("providers", i)+".users.file", local.Users.File)
		}
		if api := c.Providers[i].TokenAPI; api != nil {
			r.tokenAPIFiles(index("providers", i), api)
		}
		if oidc := c.Providers[i].OIDC; oidc != nil && oidc.TLS != nil {
			r.named(index("providers", i)+".tls.ca_file", oidc.TLS.CAFile, false)
		}
	}
	for i := range c.Routes {
		if app := c.Routes[i].Static; app != Demo {
			r.named(index("routes", i)+".static", Path(app), true)
		}
		if t := c.Routes[i].UpstreamTLS; t != nil {
			path := index("routes", i) + ".upstream_tls"
			r.named(path+".ca_file", t.CAFile, false)
			r.named(path+".cert_file", t.CertFile, false)
			if t.KeyFile != "" {
				r.privateFile(path+".key_file", t.KeyFile)
			}
		}
	}
}

func (r *reader) named(path string, file Path, folder bool) {
	if file != "" {
		r.present(path, file, folder)
	}
}

// tokenAPIFiles checks the files of a token API that hold no secret; the others are read with their sections.
func (r *reader) tokenAPIFiles(path string, t *TokenAPIProvider) {
	if t.TLS != nil {
		r.named(path+".tls.ca_file", t.TLS.CAFile, false)
	}
	if t.Verify != nil {
		r.named(path+".verify.public_key_file", t.Verify.PublicKeyFile, false)
	}
}
