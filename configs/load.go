package configs

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
)

// Loaded is a configuration that passed every check.
type Loaded struct {
	Config   Config
	Warnings []Problem // what works and is probably not meant
	report   *report
}

// Wrote tells whether the file has a key, such as session.grace: what was written holds, a default
// gives way.
func (l *Loaded) Wrote(path string) bool { return l.report.wrote(path) }

// Load reads, completes and checks a configuration file and the files with secrets it names. env
// looks up a variable of the environment, as os.LookupEnv does. Nothing is changed and nothing but
// files is touched.
//
// The error is *Problems if something is wrong with what is written.
func Load(path string, env func(string) (string, bool)) (*Loaded, error) {
	info, err := os.Stat(path)
	switch {
	case err == nil && info.IsDir():
		err = errors.New("it is a folder")
	case err == nil && !info.Mode().IsRegular():
		err = errors.New("it is not a file")
	}
	if err != nil {
		return nil, &Problems{List: []Problem{{File: path, What: "cannot be read: " + reason(err), Fix: "write --config with the path of a file"}}}
	}
	data, err := readBounded(path, maxFile)
	if errors.Is(err, errTooLong) {
		data, err = make([]byte, maxFile+1), nil // LoadBytes says it
	}
	if err != nil {
		return nil, &Problems{List: []Problem{{File: path, What: "cannot be read: " + reason(err), Fix: "write --config with the path of a file"}}}
	}
	return LoadBytes(path, data, env)
}

// LoadBytes is Load for a file that was read already. name stands in the problems, and relative
// paths are meant from its folder.
func LoadBytes(name string, data []byte, env func(string) (string, bool)) (*Loaded, error) {
	r := newReader(newReport(name), filepath.Dir(name), env)
	config := Default()
	if root := r.parse(data); root != nil {
		r.value(root, reflect.ValueOf(&config).Elem(), "")
		r.finish(&config)
	}
	sortProblems(r.problems)
	sortProblems(r.warnings)
	if len(r.problems) > 0 {
		return nil, &Problems{List: r.problems}
	}
	config.from = r.report
	return &Loaded{Config: config, Warnings: r.warnings, report: r.report}, nil
}

// Locate gives an error about the configuration, whose text begins with a key, the place of that
// key. It is for what comes up when the configuration is put to work.
func (l *Loaded) Locate(err error) Problem {
	p := Problem{File: l.report.file, What: err.Error()}
	for { // a key of a section, and one below it
		text, what, found := strings.Cut(p.What, ": ")
		key, name, named := strings.Cut(text, " ") // as in "providers[0] local: …"
		key = join(p.Path, key)
		if !found || !l.report.wrote(key) {
			return p
		}
		at := l.report.position(key)
		p.Line, p.Col, p.Path, p.What = at.line, at.col, key, what
		if named {
			p.What = name + ": " + what
			return p
		}
	}
}

// checker holds what was read against the rules. The rules themselves are functions, one per
// section and in the file of the section; they report through it.
type checker struct {
	*report
	config *Config
}

// problem reports a value that could be read and is wrong. Of one that could not, enough was said.
func (c *checker) problem(path, what, fix string) {
	if !c.anyBroken(path) {
		c.report.problem(path, what, fix)
	}
}

// loopback tells whether the browser sees the gateway on its own machine. An origin that cannot be
// read counts as that: it is reported, and nothing else follows from it.
func (c *checker) loopback() bool {
	u, what := parseOrigin(c.config.Server.PublicURL)
	return what != "" || loopbackHost(u.Hostname())
}

// finish goes from what is written to a complete configuration: files, derived values, checks.
func (r *reader) finish(config *Config) {
	if r.broken[""] {
		return // not even a section: everything else would be noise
	}
	r.files.read(config)
	c := &checker{report: r.report, config: config}
	derive(c)
	check(c)
}

// derive completes what follows from other keys, in the order in which it follows.
func derive(c *checker) {
	expandRedisURL(c)
	deriveSession(c)
	deriveProviders(c)
	deriveGrace(c)
	deriveRoutes(c)
}
