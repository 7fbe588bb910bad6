package users

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// Database reads users from the app's own PostgreSQL, MySQL or MariaDB, with queries the operator
// writes. It never writes: a session is read-only, and a hash stays as it is.
//
// A query takes one value, written $1 for PostgreSQL and ? for the two others, where it may stand
// several times. It answers with at most one row, whose columns go by name:
//
//	password_hash  argon2id, bcrypt, or as Django, Spring or Werkzeug writes it; NULL, empty, or
//	               Django's mark of an unusable password: no sign-in by password. Required
//	name           as it is spelt in the table; what was typed may differ in case. Required
//	subject        the stable ID in tokens. Default: the name
//	roles, scopes  an array, a JSON array, or text with commas. NULL: none
//	disabled       a boolean. NULL: false
//	display_name   text
//	credential     changes when the password does, and at no other time: a number of the app's own, or
//	               the time of the last change, as a number too, since the text of a time follows
//	               settings of the server. Default: password_hash
//
// Any other column is a mistake, and so is a second row. Query is asked for the
// typed name; QueryBySubject for the subject of a session that is refreshed. The
// latter may be left out where the name is the subject. What is matched, and
// whether case counts, is the query's business.
//
// Safe for concurrent use.
type Database struct {
	server  userServer
	hasher  *Hasher
	options DatabaseOptions
	seen    seenHashes

	witnesses witnesses
}

// userServer is the database itself. Its errors are ready to be shown: they name what the operator
// needs, and neither the account nor the value that was asked for. It is safe for concurrent use.
type userServer interface {
	// ask runs a query for one key and returns what it answers with.
	ask(ctx context.Context, query, key string) (answer, error)
	// columns says what a query would answer with, without any row of it. It is an error if the query
	// takes no value.
	columns(ctx context.Context, query string) ([]string, error)
	close()
}

// answer is the first row of a query, each value in text, nil for NULL.
type answer struct {
	names []string
	row   [][]byte // nil: there is none
	more  bool     // than one row
}

// DatabaseOptions say where users are and how to ask for them.
type DatabaseOptions struct {
	// URL is a connection string: postgres://user:password@host/name, or the same with mysql or
	// mariadb, and then at most tls (true, false, skip-verify), tls_ca (a file) and socket (a path) as
	// parameters. It is a secret. Required.
	URL string
	// Query finds a user by the typed name. Required.
	Query string
	// QueryBySubject finds a user by subject. Empty: Query, and the subject is the name.
	QueryBySubject string
	// Timeout bounds one query, connecting included. Default 3 s.
	Timeout time.Duration
	// MaxConns bounds the connections. Default 4.
	MaxConns int
	// OnError is called when a user's row cannot be used, for instance because of a malformed hash.
	// It must not block. nil: nothing is called.
	OnError func(error)
}

const (
	defaultQuestion = 3 * time.Second
	defaultConns    = 4
	maxIdleConn     = 5 * time.Minute
)

// OpenDatabase checks the options. It does not connect: that happens with the first query, so
// that the gateway starts without the database. Close it when done. No error contains any part of
// the URL.
func OpenDatabase(hasher *Hasher, o DatabaseOptions) (*Database, error) {
	if o.URL == "" || o.Query == "" {
		return nil, errors.New("users database: a URL and a query are needed")
	}
	if o.Timeout <= 0 {
		o.Timeout = defaultQuestion
	}
	if o.MaxConns <= 0 {
		o.MaxConns = defaultConns
	}
	if o.OnError == nil {
		o.OnError = func(error) {}
	}
	server, err := openServer(o)
	if err != nil {
		return nil, err
	}
	return &Database{server: server, hasher: hasher, options: o}, nil
}

func openServer(o DatabaseOptions) (userServer, error) {
	scheme, _, _ := strings.Cut(o.URL, "://")
	switch scheme {
	case "mysql", "mariadb":
		return openMySQL(o)
	}
	return openPostgres(o)
}

// Close closes every connection.
func (d *Database) Close() { d.server.close() }

// Authenticate checks a password. Errors: ErrBadCredentials, ErrBusy, and any other when the
// database gave no usable answer.
func (d *Database) Authenticate(ctx context.Context, name, password string) (User, error) {
	r, err := d.named(ctx, name)
	switch {
	case errors.Is(err, ErrUnknown), err == nil && (r.hash == "" || unusable(string(r.hash))):
		return User{}, d.seen.refuse(ctx, d.hasher, password)
	case err != nil:
		return User{}, err
	}
	if _, err := parseHash(string(r.hash)); err != nil {
		d.options.OnError(fmt.Errorf("users database: password_hash of %q %w", r.user.Subject, err))
		return User{}, d.seen.refuse(ctx, d.hasher, password)
	}
	err = d.hasher.Verify(ctx, string(r.hash), password)
	switch {
	case errors.Is(err, ErrMismatch), err == nil && r.user.Disabled:
		return User{}, ErrBadCredentials
	case err != nil:
		return User{}, err
	}
	d.witnesses.note(r.user.Subject)
	return r.user, nil
}

// Lookup finds a user by name, also a disabled one, or returns ErrUnknown.
func (d *Database) Lookup(ctx context.Context, name string) (User, error) {
	r, err := d.named(ctx, name)
	return r.user, err
}

// named asks for a name in each of its spellings, whether or not one is found: the clock would
// tell. Two users that answer to one name are a fault.
func (d *Database) named(ctx context.Context, name string) (record, error) {
	found, outcome := record{}, ErrUnknown
	for _, spelling := range NameSpellings(name) {
		if !askable(spelling) {
			continue
		}
		r, err := d.ask(ctx, d.options.Query, spelling)
		switch {
		case errors.Is(err, ErrUnknown):
		case err != nil:
			return record{}, err
		case outcome == nil && r.user.Subject != found.user.Subject:
			return record{}, fmt.Errorf("users database: the names %+q and %+q are the same (RFC 8265) and belong to two users",
				found.user.Name, r.user.Name)
		default:
			found, outcome = r, nil
		}
	}
	return found, outcome
}

// LookupSubject finds a user by subject, also a disabled one, or returns ErrUnknown. A table that
// suddenly finds nobody is a fault, and no reason to take anybody for removed.
func (d *Database) LookupSubject(ctx context.Context, subject string) (User, error) {
	u, err := d.bySubject(ctx, subject)
	if errors.Is(err, ErrUnknown) && askable(subject) {
		u, err = d.missing(ctx, subject)
	}
	if err == nil {
		d.witnesses.note(subject)
	}
	return u, err
}

func (d *Database) bySubject(ctx context.Context, subject string) (User, error) {
	query := d.options.QueryBySubject
	if query == "" {
		query = d.options.Query
	}
	u, err := d.lookup(ctx, query, subject)
	if err == nil && u.Subject != subject {
		return User{}, errors.New("users database: the query by subject answers with another subject")
	}
	return u, err
}

func (d *Database) lookup(ctx context.Context, query, key string) (User, error) {
	if !askable(key) {
		return User{}, ErrUnknown
	}
	r, err := d.ask(ctx, query, key)
	return r.user, err
}

// askable keeps what a database cannot even be asked away from it: it would be
// an error there, and nobody's fault but the asker's.
func askable(key string) bool {
	return key != "" && len(key) <= maxNameBytes && utf8.ValidString(key) && !strings.ContainsRune(key, 0)
}

// ask runs a query for one user.
func (d *Database) ask(ctx context.Context, query, key string) (record, error) {
	ctx, cancel := context.WithTimeout(ctx, d.options.Timeout)
	defer cancel()
	a, err := d.server.ask(ctx, query, key)
	if err != nil {
		return record{}, fmt.Errorf("users database: %w", err)
	}
	switch err := checkColumns(a.names); {
	case err != nil: // even without a row: a mistake should not wait for its first user
		return record{}, fmt.Errorf("users database: %w", err)
	case a.row == nil:
		return record{}, ErrUnknown
	}
	r, err := readRow(a.names, a.row)
	if err != nil {
		return record{}, fmt.Errorf("users database: %w", err)
	}
	if a.more {
		return record{}, errors.New("users database: the query returns more than one row for one user")
	}
	if _, err := parseHash(string(r.hash)); err == nil {
		d.seen.note(r.user.Subject, r.hash)
	}
	return r, d.checkSubject(r.user)
}

// checkSubject refuses a row that a refresh would not find again: the session
// would end at its first refresh, as if its user had been removed.
func (d *Database) checkSubject(u User) error {
	if d.options.QueryBySubject == "" && u.Subject != u.Name {
		return errors.New("users database: the query returns a subject that is not the name, so query_by_subject is needed")
	}
	return nil
}

// Probe asks the server whether it would run the queries, without asking for any user.
func (d *Database) Probe(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, d.options.Timeout)
	defer cancel()
	credentials := make(map[bool]bool) // whether a query has the column
	for _, q := range []struct{ name, text string }{{"query", d.options.Query}, {"query_by_subject", d.options.QueryBySubject}} {
		if q.text == "" {
			continue
		}
		names, err := d.server.columns(ctx, q.text)
		if err == nil {
			err = checkColumns(names)
		}
		if err != nil {
			return fmt.Errorf("users database: %s: %w", q.name, err)
		}
		credentials[slices.Contains(names, credentialColumn)] = true
	}
	if len(credentials) > 1 {
		return errors.New("users database: one of query and query_by_subject has a column credential, and the other has none")
	}
	return nil
}
