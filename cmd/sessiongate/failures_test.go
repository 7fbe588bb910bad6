package main

import (
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// TestFailures: what a newcomer can do wrong ends with its status, nothing on standard output, and
// an error that says what to do about it, to the letter.
func TestFailures(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { taken.Close() })
	_, port, _ := net.SplitHostPort(taken.Addr().String())
	number, _ := strconv.Atoi(port)
	const (
		head   = "server: {public_url: http://localhost:8080, admin: \"\"}\n"
		routes = "routes: [{path: /, static: demo, session: none}]\n"
		store  = "store: {embedded: true}\n"
		keys   = "keys: {cookie: [{id: c, file: keys/cookie.key}]}\n"
	)
	provider := func(users string) string { return "providers: [{name: local, kind: local, users: " + users + "}]\n" }
	list := "users:\n  - name: ada\n    password: secret\n    roles: admin\n"
	for _, row := range []struct {
		line, text string // the command, and sessiongate.yaml
		status     int
		want       string // on standard error
	}{
		{"serve --config none.yaml", "", exitConfig, "none.yaml: cannot be read: no such file or directory; write --config with the path of a file\n"},
		{"serve --config .", "", exitConfig, ".: cannot be read: it is a folder; write --config with the path of a file\n"},
		{
			"check", head + store + keys + provider("demo") + routes, exitConfig,
			"sessiongate.yaml:3:31: keys.cookie[0].file: \"keys/cookie.key\" is not there; run `sessiongate keys generate --dir keys`, " +
				"or write the path of what is there\n  try: sessiongate keys generate --dir keys\n",
		},
		{
			"serve", head + "store: {redis: redis://localhost}\n" + "providers: [{name: o, kind: oidc, issuer: https://id.example.com, client_id: a, auth_method: none}]\n" + routes, exitConfig,
			"  try: sessiongate keys generate --dir keys\n",
		},
		{
			"serve", head + store + provider("{file: people.yaml}") + routes, exitConfig,
			"sessiongate.yaml:3:54: providers[0].users.file: \"people.yaml\" is not there; run `sessiongate users add NAME --file people.yaml`, " +
				"or write the path of what is there\n  try: sessiongate users add NAME --file people.yaml\n",
		},
		{
			"check", head + store + provider("{file: list.yaml}") + routes, exitConfig,
			"list.yaml:3:15: users[0].password: is not a password hash (",
		},
		{
			"check", strings.Replace(head, "admin:", "trusted_proxies: [\"10.0.0.0/99\"], admin:", 1) + store + provider("demo") + routes, exitConfig,
			"sessiongate.yaml:1:63: server.trusted_proxies[0]: ",
		},
		{
			"check", head + store + provider("demo") + "routes: [{path: /, upstreams: [\"https://localhost\"], session: none, upstream_tls: {ca_file: sessiongate.yaml}}]\n", exitConfig,
			"sessiongate.yaml:4:93: routes[0].upstream_tls.ca_file: sessiongate.yaml holds no PEM certificate\n",
		},
		{
			"serve", strings.Replace(head, "admin:", "listen: \"127.0.0.1:"+port+"\", admin:", 1) + "log: {level: error}\n" + store + provider("demo") + routes, exitFailed,
			"sessiongate: server.listen 127.0.0.1:" + port + ": another program listens there; end it, or write server: {listen: \"127.0.0.1:" +
				strconv.Itoa(number+1) + "\"}\n  try: ",
		},
		{
			"demo --listen 127.0.0.1:" + port, "", exitFailed,
			"sessiongate: demo: --listen 127.0.0.1:" + port + ": another program listens there; end it, or write another port\n" +
				"  try: sessiongate demo --listen 127.0.0.1:" + strconv.Itoa(number+1) + "\n",
		},
		{"demo --listen localhost:99999", "", exitUsage, "sessiongate: demo: --listen \"localhost:99999\" is no address; write localhost:8080\n  try: sessiongate demo --help\n"},
		{
			"demo --listen localhost:0 --redis redis://127.0.0.1:1", "", exitUnreachable,
			"connection refused; without --redis the demo needs none\n  try: sessiongate demo\n",
		},
		{"users list", "", exitConfig, "sessiongate: users file users.yaml: open: no such file or directory\n  try: sessiongate users add NAME --file users.yaml\n"},
		{"check --admin localhost:1", "", exitUsage, "add --live or --ready"},
		{"check --live --ready", "", exitUsage, "[live ready] were all set"},
		{"check --ready --config x.yaml", "", exitUsage, "[config ready] were all set"},
		{"check --live --admin 127.0.0.1:1", "", exitUnreachable, "nobody listens at 127.0.0.1:1"},
	} {
		t.Chdir(t.TempDir())
		for name, text := range map[string]string{localConfig: row.text, "list.yaml": list} {
			if err := os.WriteFile(filepath.Clean(name), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		var out, logs strings.Builder
		status := execute(t.Context(), strings.Fields(row.line), &out, &logs)
		if status != row.status || !strings.Contains(logs.String(), row.want) || out.Len() > 0 {
			t.Errorf("%s: status %d, want %d and %q:\n%s%s", row.line, status, row.status, row.want, out.String(), logs.String())
		}
	}
}
