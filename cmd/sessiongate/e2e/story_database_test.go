package e2e

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/bcrypt"

	"sessiongate/session/testserver"
)

func bcryptOf(t *testing.T, password string) string {
	t.Helper()
	hash, err := bcrypt.GenerateFromPassword([]byte(password), bcrypt.MinCost)
	if err != nil {
		t.Fatal(err)
	}
	return string(hash)
}

// TestUsersFromTheAppsDatabase signs in the users of an app's own table, and
// notices what happens to them there.
func TestUsersFromTheAppsDatabase(t *testing.T) {
	server := testserver.Postgres(t)
	server.SQL(fmt.Sprintf(`
CREATE TABLE users (id uuid PRIMARY KEY, email text UNIQUE, password_hash text, roles text[], active boolean);
INSERT INTO users VALUES ('11111111-1111-1111-1111-111111111111', 'alice@example.com', '%s', '{user,admin}', true);
CREATE ROLE gate LOGIN PASSWORD 'gate-password';
GRANT SELECT ON users TO gate;`, bcryptOf(t, "password123")))
	t.Setenv("TEST_DATABASE_URL", server.URL("gate", "gate-password"))
	const columns = "SELECT id AS subject, email AS name, password_hash, roles, NOT active AS disabled FROM users WHERE "
	s := newEnvironment(t, options{extra: `
  - name: app
    kind: local
    audience: test
    users:
      database: ${TEST_DATABASE_URL}
      query: ` + columns + `email = $1
      query_by_subject: ` + columns + `id = $1`})
	b := s.browser()
	signIn := func(b *browser, password string) answer {
		return b.do("POST", "/auth/login", jsonBody(map[string]string{"provider": "app", "username": "alice@example.com", "password": password}))
	}
	if a := signIn(b, "wrong"); a.status != 401 || a.code() != "invalid_credentials" {
		t.Fatalf("wrong password: %s", a)
	}
	a := signIn(b, "password123")
	if a.status != 200 || !strings.Contains(a.body, `"sub":"11111111-1111-1111-1111-111111111111"`) {
		t.Fatalf("sign-in: %s", a)
	}
	b.ok("/api/admin/x")

	server.SQL("UPDATE users SET roles = '{user}'")
	s.clock.Advance(11 * time.Minute)
	if a := b.get("/api/admin/x"); a.status != 403 {
		t.Errorf("a role that was taken away, at the next refresh: %s", a)
	}

	server.Stop()
	if a := signIn(s.browser(), "password123"); a.status != 503 || a.code() != "provider_unavailable" {
		t.Errorf("sign-in while the database is down: %s", a)
	}
	s.clock.Advance(11 * time.Minute)
	if a := b.get("/api/x"); a.status != 503 || a.code() != "provider_unavailable" {
		t.Errorf("a due refresh while the database is down: %s", a)
	}
	server.Start()
	b.ok("/api/x")

	server.SQL("UPDATE users SET password_hash = '" + bcryptOf(t, "password456") + "'")
	b.ok("/api/x")
	s.clock.Advance(11 * time.Minute)
	if a := b.get("/api/x"); a.status != 401 || a.code() != "session_ended" || !strings.Contains(a.body, `"reason":"password_changed"`) {
		t.Errorf("another password at the next refresh: %s", a)
	}
	if a := signIn(b, "password456"); a.status != 200 {
		t.Fatalf("sign-in with the new password: %s", a)
	}

	server.SQL("UPDATE users SET active = false")
	s.clock.Advance(11 * time.Minute)
	if a := b.get("/api/x"); a.status != 401 || !strings.Contains(a.body, "user_disabled") {
		t.Errorf("a disabled user at the next refresh: %s", a)
	}
	if a := signIn(b, "password123"); a.status != 401 {
		t.Errorf("sign-in of a disabled user: %s", a)
	}
	if strings.Contains(s.logs.String(), "gate-password") || strings.Contains(s.logs.String(), "password123") {
		t.Error("a password is in the log")
	}
}

// TestUsersFromMySQL is the same with the other family of databases.
func TestUsersFromMySQL(t *testing.T) {
	server := testserver.MariaDB(t)
	server.SQL(`
CREATE TABLE auth_user (id int PRIMARY KEY, username varchar(150) UNIQUE, password varchar(128), is_active tinyint(1), is_staff tinyint(1));
INSERT INTO auth_user VALUES (7, 'alice', 'pbkdf2_sha256$1000$XpXlRh0r2cGfSaLt$NRH+WFCTQnwfItjITqHKVY7b6Zo6LclkTHSsk66Z2pA=', 1, 1);
CREATE USER gate@'%' IDENTIFIED BY 'gate-password';
GRANT SELECT ON app.auth_user TO gate@'%';`)
	t.Setenv("TEST_DATABASE_URL", server.URL("gate", "gate-password"))
	const columns = "SELECT id AS subject, username AS name, password AS password_hash, IF(is_staff, 'user,admin', 'user') AS roles, " +
		"NOT is_active AS disabled FROM auth_user WHERE "
	s := newEnvironment(t, options{extra: `
  - name: app
    kind: local
    audience: test
    users:
      database: ${TEST_DATABASE_URL}
      query: ` + columns + `username = ?
      query_by_subject: ` + columns + `id = ?`})
	b := s.browser()
	signIn := func(password string) answer {
		return b.do("POST", "/auth/login", jsonBody(map[string]string{"provider": "app", "username": "alice", "password": password}))
	}
	if a := signIn("wrong"); a.status != 401 || a.code() != "invalid_credentials" {
		t.Fatalf("wrong password: %s", a)
	}
	if a := signIn("p\u00e4ssword"); a.status != 200 || !strings.Contains(a.body, `"sub":"7"`) {
		t.Fatalf("sign-in: %s", a)
	}
	b.ok("/api/admin/x")
	s.clock.Advance(11 * time.Minute)
	b.ok("/api/admin/x")

	server.Stop()
	s.clock.Advance(11 * time.Minute)
	if a := b.get("/api/x"); a.status != 503 || a.code() != "provider_unavailable" {
		t.Errorf("a due refresh while the database is down: %s", a)
	}
	server.Start()
	b.ok("/api/x")

	server.SQL("UPDATE auth_user SET password = '" + bcryptOf(t, "password456") + "'")
	s.clock.Advance(11 * time.Minute)
	if a := b.get("/api/x"); a.status != 401 || !strings.Contains(a.body, `"reason":"password_changed"`) {
		t.Errorf("another password at the next refresh: %s", a)
	}
	if strings.Contains(s.logs.String(), "gate-password") || strings.Contains(s.logs.String(), "ssword456") {
		t.Error("a password is in the log")
	}
}
