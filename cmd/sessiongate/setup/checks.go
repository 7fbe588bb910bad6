package setup

import (
	"net"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"sessiongate/configs"
)

// maxAnswer bounds an answer: no address and no name is longer.
const maxAnswer = 2048

// odd tells what no answer may have.
func odd(text string) string {
	switch {
	case text == "":
		return "is empty"
	case len(text) > maxAnswer:
		return "is longer than 2048 bytes"
	case !utf8.ValidString(text):
		return "is not UTF-8"
	case strings.ContainsFunc(text, unicode.IsControl):
		return "has a control character or a line break"
	case strings.TrimSpace(text) != text:
		return "has blanks around it"
	}
	return ""
}

// mayHoldPassword tells whether an answer may be a URL with a password in it.
func mayHoldPassword(text string) bool { return strings.Contains(text, "@") }

var barePort = regexp.MustCompile(`^:?[0-9]{1,5}$`)

var bareHost = regexp.MustCompile(`^[A-Za-z0-9.-]+(:[0-9]+)?(/.*)?$`)

// address takes the URL of a server, with a base path perhaps.
func address(text string) (string, *fault) {
	u, err := url.Parse(text)
	switch {
	case barePort.MatchString(text):
		return "", &fault{"is a port alone", "http://localhost:" + strings.TrimPrefix(text, ":")}
	case (err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "") && bareHost.MatchString(text):
		return "", &fault{"has no http:// or https:// in front", likelyScheme(text) + text}
	case err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "":
		return "", &fault{what: "is not an http or https URL"}
	case u.User != nil:
		return "", &fault{what: "has a user name or a password in it"}
	case u.RawQuery != "" || u.ForceQuery || strings.Contains(text, "#"):
		return "", &fault{what: "has a query or a fragment"}
	}
	return strings.TrimSuffix(text, "/"), nil
}

// likelyScheme is https:// for what looks like a host of the internet.
func likelyScheme(text string) string {
	host, _, _ := strings.Cut(text, "/")
	if strings.Contains(host, ".") && !strings.Contains(host, ":") && !configs.LoopbackURL("http://"+host) {
		return "https://"
	}
	return "http://"
}

// origin takes the address that browsers use.
func origin(text string) (string, *fault) {
	text, wrong := address(text)
	if wrong != nil {
		return "", wrong
	}
	if what := configs.PublicURLFault(text); what != "" {
		return "", &fault{what: what}
	}
	return text, nil
}

// appFolder takes the URL of a development server, or a folder, which is then meant from dir.
func appFolder(dir string) func(string) (string, *fault) {
	return func(text string) (string, *fault) {
		if strings.Contains(text, "://") || hostPort(text) {
			return address(text)
		}
		info, err := os.Stat(text)
		switch {
		case err != nil && barePort.MatchString(text):
			return address(text)
		case err != nil:
			return "", &fault{what: "is neither a URL nor a folder that is there"}
		case !info.IsDir():
			return "", &fault{what: "is a file, and a folder is wanted", write: filepath.Dir(text)}
		}
		return relativeTo(dir, text), nil
	}
}

// hostPort tells a server's address without http:// from the name of a folder.
func hostPort(text string) bool {
	_, port, err := net.SplitHostPort(text)
	_, err2 := strconv.ParseUint(port, 10, 16)
	return err == nil && err2 == nil
}

// relativeTo is a path as a file in dir writes it: from there if it was not absolute. Where a link
// leads to dir or to the path, ".." means one folder to a shell and another to a program: then it is
// the whole path.
func relativeTo(dir, path string) string {
	if filepath.IsAbs(path) {
		return filepath.Clean(path)
	}
	from, err := filepath.Abs(dir)
	to, err2 := filepath.Abs(path)
	if err != nil || err2 != nil {
		return path
	}
	if linked(from) || linked(to) {
		return to
	}
	if relative, err := filepath.Rel(from, to); err == nil {
		if relative == string(configs.Demo) {
			return "./" + relative // alone it is the demo's app
		}
		return filepath.ToSlash(relative)
	}
	return to
}

// linked tells whether a link is on the way to a path, as far as that exists.
func linked(path string) bool {
	for at := path; ; at = filepath.Dir(at) {
		if _, err := os.Lstat(at); err == nil {
			straight, err := filepath.EvalSymlinks(at)
			return err != nil || straight != at
		}
		if at == filepath.Dir(at) {
			return false
		}
	}
}

// anyText takes what is nothing but a name.
func anyText(text string) (string, *fault) { return text, nil }

// redisURL takes the URL of a Redis. A password in it is either ${NAME}, or taken out of it later.
func redisURL(text string) (string, *fault) {
	r, ok := splitRedis(text)
	if !ok {
		return "", &fault{what: "is not the URL of a Redis"}
	}
	u, err := url.Parse(r.url)
	if err != nil || u.Hostname() == "" || u.RawQuery != "" || u.Fragment != "" {
		return "", &fault{what: "is not the URL of a Redis"}
	}
	if port, err := strconv.ParseUint(u.Port(), 10, 16); u.Port() != "" && (err != nil || port == 0) {
		return "", &fault{what: "has a port that is not 1 to 65535"}
	}
	password := r.password.Reveal()
	switch {
	case strings.Contains(r.user, "$"), strings.Contains(password, "${"):
		return "", &fault{"has ${NAME} as something else than the whole password", "redis://:${REDIS_PASSWORD}@localhost:6379"}
	case r.user != "" && password+r.reference == "":
		return "", &fault{"has a user and no password, or a password without a colon before it", "redis://:PASSWORD@localhost:6379"}
	case password != "" && odd(password) != "":
		return "", &fault{what: "has a password that a line of a file cannot hold: a line break, or blanks around it"}
	}
	return text, nil
}

// redisAccess is the URL of a Redis without its password, and the password.
type redisAccess struct {
	url       string
	user      string
	password  configs.Secret // what is to be written to a file
	reference string         // or ${NAME}
}

var (
	redisParts = regexp.MustCompile(`^(rediss?://)(?:([^:@/]*)(?::([^@/]*))?@)?([^@]+)$`)
	envRef     = regexp.MustCompile(`^\$\{[A-Za-z_][A-Za-z0-9_]*\}$`)
)

func splitRedis(text string) (redisAccess, bool) {
	m := redisParts.FindStringSubmatch(text)
	if m == nil {
		return redisAccess{}, false
	}
	r := redisAccess{url: m[1] + m[4], user: m[2]}
	if envRef.MatchString(m[3]) {
		r.reference = m[3]
		return r, true
	}
	user, err := url.PathUnescape(m[2])
	password, err2 := url.PathUnescape(m[3])
	r.user = user
	if m[3] != "" {
		r.password = configs.NewSecret(password)
	}
	return r, err == nil && err2 == nil
}
