package e2e

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode"

	"sessiongate/session/testserver"
)

// spellings are more than 18,000 ways to write /api/admin, of which most servers take some for it.
func spellings() (list []string) {
	var words []string
	for _, word := range []string{"admin", "ADMIN"} {
		words = append(words, word)
		for i := range word {
			flipped := strings.ToUpper(word[i : i+1])
			if flipped == word[i:i+1] {
				flipped = strings.ToLower(flipped)
			}
			for _, letter := range []string{
				flipped, fmt.Sprintf("%%%02x", word[i]), fmt.Sprintf("%%%02X", flipped[0]), fmt.Sprintf("%%25%02x", word[i]),
				fmt.Sprintf("%%25%%32%%35%02x", word[i]),
			} {
				words = append(words, word[:i]+letter+word[i+1:])
			}
		}
	}
	words = append(words, "Admin", "adm%C4%B1n", "adm%c4%b0n", "adm\u0131n", "ａdmin", "%EF%BD%81dmin", "a%C2%ADdmin", "adm%u0069n")
	joints := []string{"/", "//", "/./", "/%2e/", "/x/../", "/x/%2e%2e/", "/x/..;/", "%2f", "%252F", `\`, "%5c", "/;/", "/;x=1/", "/%20", "/%0a", "/%00/../"}
	ends := []string{
		"", "/", "//", "/.", "/./", "/x/..", "/x/%2e%2e/", "/users", "/users/..", "/..;/admin", "?x", "/?x", "%3f", "%3fx", "%23x", "#x", "%25", "%2f", "%252f", `\`, "%5c",
		";", ";x=1", "%3b", "%3bx", "%253bx", "/;x", ".", "..", "...", "%2e", "./", "%20", "%20/", "%20.", ".%20", "+", "%09", "%0a", "%0A/", "%0d", "%0d%0a", "%250a",
		"%00", "%00x", "%0b", "%7f", "%85", "%c2%85", "%c2%a0", "%e2%80%a8", "%e2%80%8b", "%ef%bb%bf", ".json", ".JSON", ".xml", ".html", "%2ejson", ".json/", ".json.", ".json%20",
		"..json", ".json.html", ".json;x", "::$DATA", "~", "'", "%22", ",", ":", "@", "*", "!", "()",
	}
	for _, word := range words {
		for _, end := range ends {
			for j, joint := range joints {
				if j < 4 || len(word) == len("admin") || end == "" || end == "/" {
					list = append(list, "/api"+joint+word+end)
				}
			}
			list = append(list, "/API/"+word+end, "/ap%69/"+word+end)
		}
	}
	return list
}

// nobodyPasses asks for all spellings below a prefix as somebody without the role, and reports
// which one the area for admins has answered.
func nobodyPasses(t *testing.T, s *environment, prefix string) {
	t.Helper()
	b := s.browser()
	b.ada()
	list := spellings()
	if len(list) < 18_000 {
		t.Fatalf("%d spellings", len(list))
	}
	var all sync.WaitGroup
	const askers = 4
	for asker := range askers {
		all.Go(func() {
			c := rawClient{addr: s.gateways[0].addr, cookie: b.cookie()}
			defer c.close()
			passed, answered := 0, 0
			for i := asker; i < len(list) && passed < 5; i += askers {
				status, body, err := c.get(prefix + list[i])
				if err != nil {
					t.Errorf("%q: %v", list[i], err)
					return
				}
				if status == 200 || status == 404 {
					answered++
				}
				if body == "ADMIN" {
					passed++
					t.Errorf("%q passes", list[i])
				}
			}
			if answered < 100 {
				t.Errorf("the application has answered %d requests only", answered)
			}
		})
	}
	all.Wait()
	admin := s.browser()
	admin.grace()
	if got := admin.get(prefix + "/api/admin/users"); got.body != "ADMIN" {
		t.Errorf("an admin gets %v", got)
	}
	if got := b.get(prefix + "/api/admin/users"); got.status != 403 {
		t.Errorf("somebody else gets %v", got)
	}
}

// rawClient sends targets as they are.
type rawClient struct {
	addr, cookie string
	conn         net.Conn
	in           *bufio.Reader
}

func (c *rawClient) get(target string) (status int, body string, err error) {
	if c.conn == nil {
		if c.conn, err = net.Dial("tcp", c.addr); err != nil {
			return 0, "", err
		}
		c.in = bufio.NewReader(c.conn)
	}
	_ = c.conn.SetDeadline(time.Now().Add(30 * time.Second))
	_, _ = fmt.Fprintf(c.conn, "GET %s HTTP/1.1\r\nHost: localhost:8080\r\nUser-Agent: %s\r\nCookie: __Host-session=%s\r\n\r\n", target, userAgent, c.cookie)
	res, err := http.ReadResponse(c.in, nil)
	if err != nil {
		return 0, "", err
	}
	text, err := io.ReadAll(res.Body)
	if res.Close {
		c.close()
	}
	return res.StatusCode, string(text), err
}

func (c *rawClient) close() {
	if c.conn != nil {
		c.conn.Close()
		c.conn = nil
	}
}

// guarding is an environment with an application and its area for admins.
func guarding(t *testing.T, prefix, application string) *environment {
	t.Helper()
	return newEnvironment(t, options{routes: strings.NewReplacer("PREFIX", prefix, "APPLICATION", application).Replace(`  - {path: PREFIX/, strip_prefix: PREFIX, upstreams: ["APPLICATION"]}
  - {path: PREFIX/api/admin/, strip_prefix: PREFIX, upstreams: ["APPLICATION"], require: {roles: [admin]}}
`)})
}

// A Go server, and all that other frameworks do to a path, in one.
func TestNoSpellingPassesARole(t *testing.T) {
	mux := http.NewServeMux()
	mux.HandleFunc("/api/admin", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "ADMIN") })
	mux.HandleFunc("/api/admin/", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "ADMIN") })
	lines := regexp.MustCompile(`(?i)^/api/admin(/.*)?\n?$`)
	format := regexp.MustCompile(`(?i)^/api/admin\.(json|xml|html)/?$`)
	app := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p := r.URL.Path
		trimmed := strings.TrimRightFunc(p, func(c rune) bool { return c == '.' || c == '/' || unicode.IsSpace(c) })
		if lines.MatchString(p) || format.MatchString(p) || strings.EqualFold(trimmed, "/api/admin") {
			_, _ = io.WriteString(w, "ADMIN")
			return
		}
		mux.ServeHTTP(w, r)
	}))
	defer app.Close()
	nobodyPasses(t, guarding(t, "/go", app.URL), "/go")
}

func TestNoSpellingPassesARoleInExpress(t *testing.T) {
	modules := installModules(t, "../testdata/express", "express")
	cmd := exec.Command(testserver.Need(t, "node"), "../testdata/express/app.mjs", modules)
	url := startApplication(t, cmd, false, `(http://127\.0\.0\.1:\d+)`)
	nobodyPasses(t, guarding(t, "/node", url), "/node")
}

func TestNoSpellingPassesARoleInFastAPI(t *testing.T) {
	s := guarding(t, "/py", startFastAPI(t))
	nobodyPasses(t, s, "/py")
}

// startFastAPI runs ../testdata/admin.py and returns its address.
func startFastAPI(t *testing.T) string {
	t.Helper()
	cmd := exec.Command(testserver.Need(t, "python-fastapi"), "-B", "-m", "uvicorn", "admin:app", "--app-dir", "../testdata",
		"--host", "127.0.0.1", "--port", "0", "--no-access-log")
	return startApplication(t, cmd, true, `running on (http://127\.0\.0\.1:\d+)`)
}

func TestNoSpellingPassesARoleInNginx(t *testing.T) {
	nginx, port := testserver.Need(t, "nginx"), freePort(t)
	dir := t.TempDir()
	text := strings.NewReplacer("DIR", dir, "PORT", port).Replace(`
daemon off; master_process off; pid DIR/pid; error_log stderr error;
events {}
http {
  access_log off; client_body_temp_path DIR; proxy_temp_path DIR; fastcgi_temp_path DIR; uwsgi_temp_path DIR; scgi_temp_path DIR;
  server {
    listen 127.0.0.1:PORT;
    location / { return 404 "nothing"; }
    location /api/admin { return 200 "ADMIN"; }
    location ~* ^/api/admin(/|$) { return 200 "ADMIN"; }
  }
}`)
	// The prefix takes /api/administrator too, so the first location is for this path and what is
	// below.
	text = strings.Replace(text, "location /api/admin {", "location = /api/admin {", 1)
	file := filepath.Join(dir, "nginx.conf")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(nginx, "-c", file, "-p", dir)
	startApplication(t, cmd, true, "")
	base := "http://127.0.0.1:" + port
	eventually(t, "nginx serves", func() bool {
		res, err := http.Get(base)
		if err == nil {
			res.Body.Close()
		}
		return err == nil
	})
	nobodyPasses(t, guarding(t, "/nginx", base), "/nginx")
}

func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, port, _ := net.SplitHostPort(l.Addr().String())
	return port
}

// startApplication runs a command until the test ends, and returns the address it tells, if it is
// to tell one.
func startApplication(t *testing.T, cmd *exec.Cmd, onStderr bool, telling string) string {
	t.Helper()
	open := cmd.StdoutPipe
	if onStderr {
		open = cmd.StderrPipe
	}
	out, err := open()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	found := make(chan string, 1)
	go func() {
		told := regexp.MustCompile(telling)
		for lines := bufio.NewScanner(out); lines.Scan(); {
			if m := told.FindStringSubmatch(lines.Text()); len(m) > 1 && len(found) == 0 {
				found <- m[1]
			}
		}
	}()
	if telling == "" {
		return ""
	}
	select {
	case address := <-found:
		if _, err := url.Parse(address); err != nil {
			t.Fatal(err)
		}
		return address
	case <-time.After(30 * time.Second):
		t.Fatal("the application does not start")
		return ""
	}
}
