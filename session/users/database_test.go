package users_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/bcrypt"

	"sessiongate/session/testserver"
	"sessiongate/session/users"
)

const (
	byLogin   = `SELECT id AS subject, login AS name, secret AS password_hash, groups AS roles, locked AS disabled, shown AS display_name FROM people WHERE login = $1`
	bySubject = `SELECT id AS subject, login AS name, secret AS password_hash, groups AS roles, locked AS disabled, shown AS display_name FROM people WHERE id = $1`
)

// people is an application's own table, with hashes of both kinds.
func people(t *testing.T) *testserver.PostgresServer {
	t.Helper()
	server := testserver.Postgres(t)
	argon, err := users.NewHasher(users.HasherOptions{}).Hash(t.Context(), "lovelace-1843")
	if err != nil {
		t.Fatal(err)
	}
	old, err := bcrypt.GenerateFromPassword([]byte("hopper-1952"), bcrypt.MinCost)
	if err != nil {
		t.Fatal(err)
	}
	server.SQL(fmt.Sprintf(`
CREATE TABLE people (id int PRIMARY KEY, login text UNIQUE, secret char(100), groups text[], locked boolean, shown text, tags jsonb);
INSERT INTO people VALUES
  (1, 'ada', '%[1]s', '{user}', false, 'Ada Lovelace', '["user", "poet"]'),
  (2, 'grace', '%[2]s', '{user,admin}', NULL, '', '[]'),
  (3, 'mallory', '%[1]s', NULL, true, '', NULL),
  (4, 'sso', NULL, '{}', false, '', '[]'),
  (5, 'plain', 'not a hash', '{}', false, '', '[]'),
  (6, 'django', 'pbkdf2_sha256$1000$XpXlRh0r2cGfSaLt$NRH+WFCTQnwfItjITqHKVY7b6Zo6LclkTHSsk66Z2pA=', '{}', false, '', '[]'),
  (7, 'unusable', '!uYRXtYY0srRlnUvYl7Kvk7a5qO5ns7vsR8rjM5O3', '{}', false, '', '[]');
CREATE ROLE gate LOGIN PASSWORD 'gate-password';
GRANT SELECT, UPDATE ON people TO gate;`, argon, old))
	return server
}

func openDatabase(t *testing.T, o users.DatabaseOptions) *users.Database {
	t.Helper()
	if o.Query == "" {
		o.Query, o.QueryBySubject = byLogin, bySubject
	}
	d, err := users.OpenDatabase(users.NewHasher(users.HasherOptions{}), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(d.Close)
	return d
}

func TestDatabase(t *testing.T) {
	server := people(t)
	t.Run("sign-in", func(t *testing.T) { testDatabaseSignIn(t, server) })
	t.Run("lookup", func(t *testing.T) { testDatabaseLookup(t, server) })
	t.Run("lists", func(t *testing.T) { testDatabaseLists(t, server) })
	t.Run("mistakes", func(t *testing.T) { testDatabaseMistakes(t, server) })
	t.Run("a table that answers nothing", func(t *testing.T) { testDatabaseAnswersNothing(t, server) })
	t.Run("names", func(t *testing.T) { testDatabaseNames(t, server) })
	t.Run("limits", func(t *testing.T) { testDatabaseLimits(t, server) })
	t.Run("outage", func(t *testing.T) { testDatabaseOutage(t, server) }) // last: it stops the server
}

func testDatabaseSignIn(t *testing.T, server *testserver.PostgresServer) {
	var reported []error
	d := openDatabase(t, users.DatabaseOptions{
		URL: server.URL("gate", "gate-password"), OnError: func(err error) { reported = append(reported, err) },
	})
	checkSignIns(t, d, []signInRow{
		{"ada", "lovelace-1843", "1"},
		{"grace", "hopper-1952", "2"},
		{"ada", "hopper-1952", ""},
		{"nobody", "lovelace-1843", ""},
		{"mallory", "lovelace-1843", ""}, // disabled
		{"sso", "lovelace-1843", ""},     // has no password
		{"django", "p\u00e4ssword", "6"},
		{"django", "password", ""},
		{"unusable", "lovelace-1843", ""}, // has no password, as Django says it
		{"plain", "not a hash", ""},       // the table holds plain text
		{"", "lovelace-1843", ""},
		{"ada\x00", "lovelace-1843", ""}, // PostgreSQL knows no such text
		{"ada\xff", "lovelace-1843", ""},
		{"' OR true --", "lovelace-1843", ""},
	})
	if len(reported) != 1 || strings.Contains(reported[0].Error(), "not a hash,") {
		t.Errorf("reported %v, want the unusable hash once", reported)
	}
	if before := server.SQL("SELECT secret FROM people WHERE id = 2"); !strings.HasPrefix(before, "$2") {
		t.Errorf("the bcrypt hash was replaced by %.8s", before)
	}
}

func testDatabaseLookup(t *testing.T, server *testserver.PostgresServer) {
	d := openDatabase(t, users.DatabaseOptions{URL: server.URL()})
	checkSubjects(t, d)
	if u, err := d.Lookup(t.Context(), "grace"); err != nil || u.Subject != "2" {
		t.Errorf("grace is %+v, %v", u, err)
	}
	// Nonsense is a fault, not an unknown user: that would end a session.
	if _, err := d.LookupSubject(t.Context(), "one"); err == nil || errors.Is(err, users.ErrUnknown) || strings.Contains(err.Error(), "one") {
		t.Errorf("a subject that the column cannot hold: %v", err)
	}
}

func testDatabaseLists(t *testing.T, server *testserver.PostgresServer) {
	for expression, want := range map[string][]string{
		"groups":                             {"user"},
		"tags":                               {"user", "poet"},
		"'user, poet'":                       {"user", "poet"},
		"'user'":                             {"user"},
		"''":                                 nil,
		"NULL":                               nil,
		"NULL::text[]":                       nil,
		"ARRAY['a,b', 'c d']":                {"a,b", "c d"},
		"ARRAY['x']::varchar(9)[]":           {"x"},
		"'[]'::jsonb":                        nil,
		"array_to_json(ARRAY['one', 'two'])": {"one", "two"},
	} {
		query := "SELECT login AS name, secret AS password_hash, " + expression + " AS roles FROM people WHERE login = $1"
		d := openDatabase(t, users.DatabaseOptions{URL: server.URL(), Query: query})
		u, err := d.LookupSubject(t.Context(), "ada")
		if err != nil || !slices.Equal(u.Roles, want) || u.Subject != "ada" {
			t.Errorf("roles from %s: %v, %v; want %v", expression, u.Roles, err, want)
		}
	}
}

func testDatabaseMistakes(t *testing.T, server *testserver.PostgresServer) {
	const from = " FROM people WHERE login = $1"
	for query, want := range map[string]string{
		"SELECT login AS name" + from:                                               "no column password_hash",
		"SELECT secret AS password_hash" + from:                                     "no column name",
		"SELECT login AS name, secret AS password_hash, 'x' AS role" + from:         `column "role" means nothing`,
		"SELECT login AS name, secret AS password_hash, login AS name" + from:       "twice",
		"SELECT login AS name, secret AS password_hash FROM nowhere WHERE x = $1":   "nowhere",
		"SELECT login AS name, secret AS password_hash FROM people WHERE":           "SQLSTATE 42601",
		"SELECT login AS name, secret AS password_hash FROM people":                 "0 parameters",
		"SELECT login AS name, secret AS password_hash" + from + " OR shown = $2":   "2 parameters",
		"SELECT login AS name, secret AS password_hash FROM people WHERE id = 1/$1": "", // found when it runs
	} {
		d := openDatabase(t, users.DatabaseOptions{URL: server.URL(), Query: query})
		err := d.Probe(t.Context())
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("probe of %s: %v, want %q", query, err, want)
		}
		if _, err := d.Authenticate(t.Context(), "0", "x"); err == nil || errors.Is(err, users.ErrBadCredentials) {
			t.Errorf("%s: %v, want a fault", query, err)
		}
	}
	for query, want := range map[string]string{
		"SELECT 'ada' AS name, secret AS password_hash FROM people WHERE $1 <> ''":                        "more than one row",
		"SELECT id AS subject, login AS name, secret AS password_hash" + from:                             "query_by_subject",
		"SELECT login AS name, secret AS password_hash, 'perhaps' AS disabled" + from:                     "column disabled",
		"SELECT login AS name, secret AS password_hash, '[1, 2]' AS roles" + from:                         "column roles",
		"SELECT login AS name, secret AS password_hash, ARRAY['a', NULL] AS roles" + from:                 "column roles",
		"SELECT login || E'\\n' AS name, secret AS password_hash" + from:                                  "name",
		"UPDATE people SET shown = 'x' WHERE login = $1 RETURNING login AS name, secret AS password_hash": "25006",
	} {
		d := openDatabase(t, users.DatabaseOptions{URL: server.URL("gate", "gate-password"), Query: query})
		_, err := d.Authenticate(t.Context(), "ada", "lovelace-1843")
		if err == nil || errors.Is(err, users.ErrBadCredentials) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", query, err, want)
		}
	}
}

func testDatabaseLimits(t *testing.T, server *testserver.PostgresServer) {
	const slow = "SELECT login AS name, secret AS password_hash, pg_sleep(60)::text AS display_name FROM people WHERE login = $1"
	d := openDatabase(t, users.DatabaseOptions{URL: server.URL(), Query: slow, Timeout: 300 * time.Millisecond})
	running := func() string {
		return server.SQL("SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND query LIKE '%pg_sleep(60)%' AND pid <> pg_backend_pid()")
	}
	checkLimits(t, d, running)
}

func testDatabaseOutage(t *testing.T, server *testserver.PostgresServer) {
	d := openDatabase(t, users.DatabaseOptions{URL: server.URL("gate", "gate-password")})
	wrong := openDatabase(t, users.DatabaseOptions{URL: server.URL("gate", "hunter2-hunter2")})
	_, refused := wrong.Authenticate(t.Context(), "ada", "lovelace-1843")
	checkOutage(t, server, d, refused, "gate-password", "hunter2", "gate", "postgres://")
}

func TestOpenDatabaseRefusesNonsense(t *testing.T) {
	hasher := users.NewHasher(users.HasherOptions{})
	for name, o := range map[string]users.DatabaseOptions{
		"nothing":      {},
		"no query":     {URL: "postgres://gate:hunter2@db/app"},
		"no URL":       {Query: byLogin},
		"other scheme": {URL: "oracle://gate:hunter2@db/app", Query: byLogin},
		"bad port":     {URL: "postgres://gate:hunter2@db:port/app", Query: byLogin},
	} {
		_, err := users.OpenDatabase(hasher, o)
		if err == nil || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// testDatabaseAnswersNothing: a table that is restored, or hidden from us, removed nobody.
func testDatabaseAnswersNothing(t *testing.T, server *testserver.PostgresServer) {
	d := openDatabase(t, users.DatabaseOptions{URL: server.URL("gate", "gate-password")})
	lookup := func(subject, want string) {
		t.Helper()
		_, err := d.LookupSubject(t.Context(), subject)
		got := map[bool]string{true: "fault"}[err != nil]
		switch {
		case err == nil:
			got = "found"
		case errors.Is(err, users.ErrUnknown):
			got = "removed"
		}
		if got != want {
			t.Errorf("subject %s: %s (%v), want %s", subject, got, err, want)
		}
	}
	lookup("77", "fault") // nothing was ever found, so nothing tells
	lookup("1", "found")
	lookup("77", "removed")
	lookup("2", "found")
	server.SQL("ALTER TABLE people RENAME TO backup; CREATE TABLE people AS TABLE backup WITH NO DATA; GRANT SELECT ON people TO gate")
	for _, subject := range []string{"1", "2", "77"} {
		lookup(subject, "fault")
	}
	server.SQL("INSERT INTO people SELECT * FROM backup WHERE id <> 1")
	lookup("1", "removed")
	lookup("2", "found")
	server.SQL("DROP TABLE people; ALTER TABLE backup RENAME TO people")
	lookup("1", "found")
}
