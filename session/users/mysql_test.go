package users_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"sessiongate/session/testserver"
	"sessiongate/session/users"
)

const (
	mySQLColumns   = "SELECT id AS subject, login AS name, secret AS password_hash, `groups` AS roles, locked AS disabled, shown AS display_name FROM people WHERE "
	mySQLByLogin   = mySQLColumns + "login = ?"
	mySQLBySubject = mySQLColumns + "id = ?"
)

// mySQLPeople is an application's own table, with booleans of both kinds.
func mySQLPeople(t *testing.T) *testserver.MariaDBServer {
	t.Helper()
	server := testserver.MariaDB(t)
	server.SQL(fmt.Sprintf(`
CREATE TABLE people (id int PRIMARY KEY, login varchar(100) UNIQUE, email varchar(100), secret varchar(255), `+"`groups`"+` json,
  locked bit(1), active tinyint(1), shown varchar(100), number bigint unsigned, changed timestamp NULL);
INSERT INTO people VALUES
  (1, 'ada', 'ada@example.com', '%[1]s', '["user"]', b'0', 1, 'Ada Lovelace', 18446744073709551615, '2026-01-02 03:04:05'),
  (2, 'grace', 'grace@example.com', '%[2]s', '["user", "admin"]', NULL, 1, '', 0, NULL),
  (3, 'mallory', 'mallory@example.com', '%[1]s', NULL, b'1', 0, '', 0, NULL),
  (4, 'sso', 'sso@example.com', NULL, '[]', b'0', 1, '', 0, NULL),
  (5, 'plain', 'plain@example.com', 'not a hash', '[]', b'0', 1, '', 0, NULL);
CREATE USER gate@'%%' IDENTIFIED BY 'gate-pass@word/?#';
GRANT SELECT, UPDATE ON app.people TO gate@'%%';`, hashOf(t, "lovelace-1843"), bcryptOf(t, "hopper-1952")))
	return server
}

const gatePassword = "gate-pass@word/?#" // what a URL has to write in %XX

func openMySQL(t *testing.T, o users.DatabaseOptions) *users.Database {
	t.Helper()
	if o.Query == "" {
		o.Query, o.QueryBySubject = mySQLByLogin, mySQLBySubject
	}
	return openDatabase(t, o)
}

func TestMySQL(t *testing.T) {
	server := mySQLPeople(t)
	t.Run("sign-in", func(t *testing.T) { testMySQLSignIn(t, server) })
	t.Run("lookup", func(t *testing.T) { testMySQLLookup(t, server) })
	t.Run("columns", func(t *testing.T) { testMySQLColumns(t, server) })
	t.Run("credential", func(t *testing.T) { testMySQLCredential(t, server) })
	t.Run("mistakes", func(t *testing.T) { testMySQLMistakes(t, server) })
	t.Run("what the connection may not do", func(t *testing.T) { testMySQLReadOnly(t, server) })
	t.Run("TLS", func(t *testing.T) { testMySQLTLS(t, server) })
	t.Run("limits", func(t *testing.T) { testMySQLLimits(t, server) })
	t.Run("outage", func(t *testing.T) { testMySQLOutage(t, server) }) // last: it stops the server
}

func testMySQLSignIn(t *testing.T, server *testserver.MariaDBServer) {
	var reported []error
	d := openMySQL(t, users.DatabaseOptions{
		URL: server.URL("gate", gatePassword), OnError: func(err error) { reported = append(reported, err) },
	})
	checkSignIns(t, d, []signInRow{
		{"ada", "lovelace-1843", "1"},
		{"grace", "hopper-1952", "2"},
		{"ada", "hopper-1952", ""},
		{"nobody", "lovelace-1843", ""},
		{"mallory", "lovelace-1843", ""}, // disabled
		{"sso", "lovelace-1843", ""},     // has no password
		{"plain", "not a hash", ""},      // the table holds plain text
		{"", "lovelace-1843", ""},
		{"ada\x00", "lovelace-1843", ""},
		{"ada\xff", "lovelace-1843", ""},
		{"' OR 1=1 -- ", "lovelace-1843", ""},
		{`\' OR 1=1 -- `, "lovelace-1843", ""},
	})
	if len(reported) != 1 {
		t.Errorf("reported %v, want the unusable hash once", reported)
	}
}

func testMySQLLookup(t *testing.T, server *testserver.MariaDBServer) {
	d := openMySQL(t, users.DatabaseOptions{URL: server.URL()})
	checkSubjects(t, d)
	// To MySQL this is the number 1, and no subject of ours: a fault, which ends no session.
	if _, err := d.LookupSubject(t.Context(), "1one"); err == nil || errors.Is(err, users.ErrUnknown) {
		t.Errorf("a subject that is another's number: %v", err)
	}
	either := openMySQL(t, users.DatabaseOptions{
		URL: server.URL(), Query: mySQLColumns + "login = ? OR email = ? /* why? */", QueryBySubject: mySQLBySubject,
	})
	for _, name := range []string{"ada", "ada@example.com"} {
		if u, err := either.Authenticate(t.Context(), name, "lovelace-1843"); err != nil || u.Subject != "1" {
			t.Errorf("two question marks, %s: %+v, %v", name, u, err)
		}
	}
	if err := either.Probe(t.Context()); err != nil {
		t.Errorf("probe of two question marks: %v", err)
	}
}

func testMySQLColumns(t *testing.T, server *testserver.MariaDBServer) {
	for expression, want := range map[string][]string{
		"`groups`":             {"user"},
		"'user, poet'":         {"user", "poet"},
		"''":                   nil,
		"NULL":                 nil,
		"number":               {"18446744073709551615"},
		"1.50":                 {"1.50"},
		"JSON_ARRAY('a', 'b')": {"a", "b"},
		"changed":              {"2026-01-02 03:04:05"},
	} {
		query := "SELECT login AS name, secret AS password_hash, " + expression + " AS roles FROM people WHERE login = ?"
		d := openMySQL(t, users.DatabaseOptions{URL: server.URL(), Query: query})
		u, err := d.LookupSubject(t.Context(), "ada")
		if err != nil || !slices.Equal(u.Roles, want) || u.Subject != "ada" {
			t.Errorf("roles from %s: %q, %v; want %q", expression, u.Roles, err, want)
		}
	}
	for expression, want := range map[string]bool{"locked": true, "NOT active": true, "active": false, "false": false, "'true'": true} {
		query := "SELECT login AS name, secret AS password_hash, " + expression + " AS disabled FROM people WHERE login = ?"
		d := openMySQL(t, users.DatabaseOptions{URL: server.URL(), Query: query})
		if u, err := d.LookupSubject(t.Context(), "mallory"); err != nil || u.Disabled != want {
			t.Errorf("disabled from %s: %t, %v", expression, u.Disabled, err)
		}
	}
}

func testMySQLCredential(t *testing.T, server *testserver.MariaDBServer) {
	d := openMySQL(t, users.DatabaseOptions{URL: server.URL()})
	by := "SELECT login AS name, secret AS password_hash, UNIX_TIMESTAMP(changed) AS credential FROM people WHERE login = ?"
	column := openMySQL(t, users.DatabaseOptions{URL: server.URL(), Query: by})
	of := func(d *users.Database, subject string) string {
		t.Helper()
		u, err := d.LookupSubject(t.Context(), subject)
		if err != nil || u.Credential == "" {
			t.Fatalf("%+v, %v", u, err)
		}
		return u.Credential
	}
	hash, time := of(d, "2"), of(column, "grace")
	signedIn, err := d.Authenticate(t.Context(), "grace", "hopper-1952")
	if err != nil || signedIn.Credential != hash {
		t.Errorf("the sign-in has %q, the lookup %q; %v", signedIn.Credential, hash, err)
	}
	server.SQL("UPDATE people SET secret = '" + bcryptOf(t, "hopper-1952") + "' WHERE id = 2")
	if !users.PasswordChanged(hash, of(d, "2")) || users.PasswordChanged(time, of(column, "grace")) {
		t.Error("hashed anew: a change by the hash, and none by the column")
	}
	server.SQL("UPDATE people SET changed = '2026-01-02 03:04:06' WHERE id = 2")
	if !users.PasswordChanged(time, of(column, "grace")) {
		t.Error("another time in the column is no change")
	}
	mixed := openMySQL(t, users.DatabaseOptions{URL: server.URL(), Query: by, QueryBySubject: "SELECT login AS name, secret AS password_hash FROM people WHERE login = ?"})
	if err := mixed.Probe(t.Context()); err == nil || !strings.Contains(err.Error(), "column credential") {
		t.Errorf("a column in one query: %v", err)
	}
}

func testMySQLMistakes(t *testing.T, server *testserver.MariaDBServer) {
	const from = " FROM people WHERE login = ?"
	for query, want := range map[string]string{
		"SELECT login AS name, secret AS password_hash" + from:                        "",
		"SELECT login AS name, secret AS password_hash" + from + " LIMIT 1;\n":        "",
		"SELECT login AS name, secret AS password_hash" + from + " -- by name":        "",
		"SELECT login AS name, secrets AS password_hash" + from:                       "Unknown column 'secrets'",
		"SELECT login AS name, secret AS password_hash FROM persons WHERE login = ?":  "persons",
		"SELEKT login AS name, secret AS password_hash" + from:                        "SQLSTATE 42000",
		"SELECT login AS name" + from:                                                 "password_hash",
		"SELECT login AS name, secret AS password_hash, email" + from:                 "column \"email\" means nothing here",
		"SELECT login AS name, secret AS password_hash, login AS name" + from:         "Duplicate column name 'name'",
		"SELECT login AS name, secret AS password_hash FROM people WHERE login = '?'": "write ?",
	} {
		d := openMySQL(t, users.DatabaseOptions{URL: server.URL(), Query: query})
		err := d.Probe(t.Context())
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("probe of %s: %v, want %q", query, err, want)
		}
		if _, err := d.LookupSubject(t.Context(), "ada"); (err == nil) != (want == "") || errors.Is(err, users.ErrUnknown) {
			t.Errorf("%s: %v", query, err)
		}
	}
	for query, want := range map[string]string{
		"SELECT 'ada' AS name, secret AS password_hash FROM people WHERE ? <> ''":             "more than one row",
		"SELECT id AS subject, login AS name, secret AS password_hash" + from:                 "query_by_subject",
		"SELECT login AS name, secret AS password_hash, 'perhaps' AS disabled" + from:         "column disabled",
		"SELECT login AS name, secret AS password_hash, '[1, 2]' AS roles" + from:             "column roles",
		"SELECT CONCAT(login, '\n') AS name, secret AS password_hash" + from:                  "name",
		"SELECT login AS name, User AS password_hash FROM mysql.user, people WHERE login = ?": "the account may not read",
	} {
		d := openMySQL(t, users.DatabaseOptions{URL: server.URL("gate", gatePassword), Query: query})
		_, err := d.Authenticate(t.Context(), "ada", "lovelace-1843")
		if err == nil || errors.Is(err, users.ErrBadCredentials) || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "gate") {
			t.Errorf("%s: %v, want %q", query, err, want)
		}
	}
}

func testMySQLReadOnly(t *testing.T, server *testserver.MariaDBServer) {
	for query, want := range map[string]string{
		"UPDATE people SET shown = 'x' WHERE login = ?":                                                            "SQLSTATE 25006",
		"SELECT login AS name, secret AS password_hash FROM people WHERE login = ?; DELETE FROM people":            "SQLSTATE 42000",
		"LOAD DATA LOCAL INFILE '/etc/hostname' INTO TABLE people (login) SET shown = ?":                           "",
		"SELECT login AS name, secret AS password_hash FROM people WHERE login = ? INTO OUTFILE '/tmp/never-ever'": "",
	} {
		d := openMySQL(t, users.DatabaseOptions{URL: server.URL(), Query: query})
		if _, err := d.Authenticate(t.Context(), "ada", "lovelace-1843"); err == nil || errors.Is(err, users.ErrBadCredentials) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", query, err, want)
		}
	}
	if n := server.SQL("SELECT COUNT(*) FROM people WHERE shown <> 'x'"); n != "5" {
		t.Errorf("%s rows are as they were", n)
	}
}

func testMySQLTLS(t *testing.T, server *testserver.MariaDBServer) {
	const query = "SELECT login AS name, secret AS password_hash, VARIABLE_VALUE AS display_name FROM people, information_schema.SESSION_STATUS " +
		"WHERE VARIABLE_NAME = 'Ssl_cipher' AND login = ?"
	for params, want := range map[string]struct {
		encrypted bool
		fault     string
	}{
		"":                                    {},
		"?tls=false":                          {},
		"?tls=skip-verify":                    {encrypted: true},
		"?tls=true&tls_ca=" + server.CAFile(): {encrypted: true},
		"?tls=true":                           {fault: "certificate"},
	} {
		d := openMySQL(t, users.DatabaseOptions{URL: server.URL() + params, Query: query})
		u, err := d.LookupSubject(t.Context(), "ada")
		if (err != nil) != (want.fault != "") || err != nil && !strings.Contains(err.Error(), want.fault) || (u.DisplayName != "") != want.encrypted {
			t.Errorf("%q: cipher %q, %v", params, u.DisplayName, err)
		}
	}
	server.SQL("CREATE USER local@localhost IDENTIFIED BY 'local'; GRANT SELECT ON app.people TO local@localhost")
	d := openMySQL(t, users.DatabaseOptions{URL: "mysql://local:local@/app?socket=" + server.Socket()})
	if _, err := d.LookupSubject(t.Context(), "1"); err != nil {
		t.Errorf("by socket: %v", err)
	}
}

func testMySQLLimits(t *testing.T, server *testserver.MariaDBServer) {
	const slow = "SELECT login AS name, secret AS password_hash, SLEEP(60) AS display_name FROM people WHERE login = ?"
	d := openMySQL(t, users.DatabaseOptions{URL: server.URL(), Query: slow, Timeout: 300 * time.Millisecond})
	running := func() string {
		return server.SQL("SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE INFO LIKE '%SLEEP(60)%' AND ID <> CONNECTION_ID()")
	}
	checkLimits(t, d, running)
}

func testMySQLOutage(t *testing.T, server *testserver.MariaDBServer) {
	d := openMySQL(t, users.DatabaseOptions{URL: server.URL("gate", gatePassword)})
	wrong := openMySQL(t, users.DatabaseOptions{URL: server.URL("gate", "hunter2-hunter2")})
	_, refused := wrong.Authenticate(t.Context(), "ada", "lovelace-1843")
	if refused == nil || !strings.Contains(refused.Error(), "error 1045, SQLSTATE 28000") {
		t.Errorf("another password of the account: %v", refused)
	}
	checkOutage(t, server, d, refused, gatePassword, "hunter2", "gate", "mariadb://", "127.0.0.1")
}
