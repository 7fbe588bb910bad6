package e2e

import (
	"encoding/json"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"sessiongate/web"
)

// stage is what the pictures are taken of: our pages and the demo's app as they are, before a
// gateway and an API of cardboard that always say the same. TestDemoTellsWhatHappened has real ones.
type stage struct {
	http.Handler
	calls atomic.Int64 // of the API by the page that is open
}

func newStage(t *testing.T) *stage {
	t.Helper()
	g := newGallery(t, web.Options{Name: "Example Cooperative", Links: web.Links{Help: "/help", ForgotPassword: "/forgot"}})
	g.addPictures()
	s, mux := &stage{}, http.NewServeMux()
	mux.Handle("/", http.FileServerFS(web.Demo()))
	mux.HandleFunc("/{$}", func(w http.ResponseWriter, r *http.Request) {
		s.calls.Store(0)
		w.Header().Set("Content-Security-Policy", web.DemoCSP)
		http.FileServerFS(web.Demo()).ServeHTTP(w, r)
	})
	mux.Handle("/picture-login", g)
	mux.HandleFunc("/picture-account", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.Header().Set("Content-Security-Policy", g.pages.AccountCSP()) // the one page with a script
		if err := g.show["picture-account"](g.pages.Edition("en", ""), w); err != nil {
			t.Error(err)
		}
	})
	for name, body := range web.ClientScripts() {
		mux.HandleFunc("/auth/"+name, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/javascript")
			_, _ = w.Write(body)
		})
	}
	mux.HandleFunc("/auth/session", s.session)
	mux.HandleFunc("/auth/events", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
	})
	mux.HandleFunc("/api/echo", s.echo)
	s.Handler = mux
	return s
}

// noon is when the pictures are taken; see stoppedClock.
func noon() time.Time { return time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC) }

// session says that the token has all of its 20 seconds, at the first look and after the refresh.
func (s *stage) session(w http.ResponseWriter, _ *http.Request) {
	left := 20
	if s.calls.Load() == 1 {
		left = 15 // four seconds and an answer later
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(map[string]any{
		"authenticated": true,
		"user":          map[string]any{"sub": "ada", "name": "Ada Lovelace", "roles": []string{"user"}, "claims": map[string]any{}},
		"session": map[string]any{
			"id": "picture", "provider": "local", "created_at": noon().Add(-79 * time.Second), "auth_time": noon().Add(-79 * time.Second),
			"expires_in": 1209600, "idle_expires_in": 43200, "access_expires_in": left,
		},
	})
}

// echo has a token of its own for each call; the second one came with a refresh.
func (s *stage) echo(w http.ResponseWriter, _ *http.Request) {
	token, expires := "5be20c74", noon().Add(20*time.Second)
	if s.calls.Add(1) > 1 {
		token, expires = "c91d3fa8", noon().Add(43*time.Second)
		w.Header().Set("X-Demo-Cookie", "set")
	}
	w.Header().Set("Content-Type", "application/json")
	fmt.Fprintf(w, `{"method": "GET", "path": "/api/echo", "query": null, "headers": {"accept": ["application/json"], "authorization": [%q],
		"host": ["localhost:8080"]}, "body": "", "token": {"fingerprint": %q, "sub": "ada", "exp": %d, "jti": "Jx2v9qLw"}}`, token, token, expires.Unix())
}

// addPictures has the pages as most people see them.
func (g *gallery) addPictures() {
	g.show["picture-login"] = func(e *web.Edition, w io.Writer) error {
		return e.Login(w, web.LoginPage{
			Action: "/auth/login", ReturnTo: "/", Password: true,
			Providers: []web.ProviderLink{{Name: "corp", Label: "Example Corp", Href: "/auth/login?provider=corp"}},
		})
	}
	now := noon()
	g.show["picture-account"] = func(e *web.Edition, w io.Writer) error {
		return e.Account(w, web.AccountPage{
			User: "Ada Lovelace", Action: "/auth/account", Endpoint: "/auth/sessions", Events: "/auth/events", Logout: "/auth/logout", Back: "/", Now: now,
			Devices: []web.Device{
				{ID: "a", Browser: "Chrome", System: "Linux", Network: "203.0.113.0/24", Current: true, Provider: "Example Corp", SignedIn: now.Add(-2 * time.Hour), LastSeen: now},
				{ID: "b", Browser: "Safari", System: "iOS", Network: "198.51.100.0/24", Provider: "Example Corp", SignedIn: now.AddDate(0, 0, -2), LastSeen: now.Add(-5 * time.Minute)},
				{ID: "c", Browser: "Firefox", System: "Windows", Network: "192.168.1.0/24", SignedIn: now.AddDate(0, 0, -9), LastSeen: now.AddDate(0, 0, -3)},
			},
		})
	}
}

// fewColours is the picture with the 256 colours that it has most of; each other one becomes the
// nearest of them. Screens of text have few, and shades at the edges of letters.
func fewColours(img image.Image) image.Image {
	times := make(map[color.RGBA]int)
	bounds := img.Bounds()
	for y := bounds.Min.Y; y < bounds.Max.Y; y++ {
		for x := bounds.Min.X; x < bounds.Max.X; x++ {
			times[color.RGBAModel.Convert(img.At(x, y)).(color.RGBA)]++
		}
	}
	all := make([]color.RGBA, 0, len(times))
	for c := range times {
		all = append(all, c)
	}
	slices.SortFunc(all, func(a, b color.RGBA) int {
		if n := times[b] - times[a]; n != 0 {
			return n
		}
		return strings.Compare(string([]byte{a.R, a.G, a.B}), string([]byte{b.R, b.G, b.B}))
	})
	palette := make(color.Palette, 0, 256)
	for _, c := range all[:min(256, len(all))] {
		palette = append(palette, c)
	}
	paletted := image.NewPaletted(bounds, palette)
	draw.Draw(paletted, bounds, img, bounds.Min, draw.Src)
	return paletted
}
