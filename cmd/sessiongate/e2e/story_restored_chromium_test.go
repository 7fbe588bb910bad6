package e2e

import (
	"context"
	"net/http"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"

	"sessiongate/session/testserver"
)

// sessionIn is the session cookie that the browser holds for the origin.
func sessionIn(tab context.Context, origin string) string {
	for _, c := range testserver.Cookies(tab, origin) {
		if c.Name == "__Host-session" {
			return c.Value
		}
	}
	return ""
}

// killBrowser ends the browser as a power cut does: nothing that is not on its disk
// yet gets there. Its helper processes go first, for the one that keeps the cookies
// writes them down when it misses its parent.
func killBrowser(t *testing.T, tab context.Context) {
	t.Helper()
	process := chromedp.FromContext(tab).Browser.Process()
	for _, pid := range testserver.Children(process.Pid) {
		if child, err := os.FindProcess(pid); err == nil {
			_ = child.Kill() // it may have ended with another
		}
	}
	if err := process.Kill(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the browser is gone", func() bool { return process.Signal(syscall.Signal(0)) != nil })
}

// threeTabs opens the page in three tabs of one browser at the same time.
func threeTabs(tab context.Context, url string) [3]context.Context {
	tabs := [3]context.Context{tab, testserver.NewTab(tab), testserver.NewTab(tab)}
	together(len(tabs), func(i int) {
		_, _ = chromedp.Run(tabs[i], chromedp.Navigate(url)) // how it went is seen in the page
	})
	return tabs
}

// TestChromiumRestoredTabs: the browser is killed after it has shown the new handle
// and before it has written it to its disk. Started again a minute later, all three
// tabs are signed in.
func TestChromiumRestoredTabs(t *testing.T) {
	testserver.Need(t, "chromium") // here, and not in the parts: what follows them needs it too
	s, origin := onItsOwnOrigin(t, options{})
	profile := filepath.Join(t.TempDir(), "profile")
	if err := os.Mkdir(profile, 0o700); err != nil {
		t.Fatal(err)
	}
	const signedIn = `document.body.textContent.includes("hello from upstream")`

	// Sign in, and close the browser in order: the first handle is on the disk.
	t.Run("sign in", func(t *testing.T) {
		tab := testserver.Chromium(t, chromedp.UserDataDir(profile))
		testserver.Navigate(tab, origin+"/auth/login?return_to=/page/x")
		testserver.Fill(tab, "#username", "ada")
		testserver.Fill(tab, "#password", "lovelace-1843")
		testserver.Click(tab, "form button[type=submit]")
		testserver.WaitFor(tab, signedIn)
	})
	for try := range 3 {
		var before, after string
		t.Run("killed", func(t *testing.T) {
			tab := testserver.Chromium(t, chromedp.UserDataDir(profile))
			tabs := threeTabs(tab, origin+"/page/x")
			for _, tab := range tabs {
				testserver.WaitFor(tab, signedIn)
			}
			before = sessionIn(tab, origin)
			s.clock.Advance(11 * time.Minute)
			testserver.Navigate(tab, origin+"/page/x") // rotates
			for _, tab := range tabs {
				testserver.Navigate(tab, origin+"/page/x") // and shows the new handle
			}
			after = sessionIn(tab, origin)
			killBrowser(t, tab)
		})
		if s.open(after).Generation() != s.open(before).Generation()+1 {
			t.Fatalf("generations %d and %d", s.open(before).Generation(), s.open(after).Generation())
		}
		s.clock.Advance(time.Minute)

		written := false
		t.Run("started again", func(t *testing.T) {
			tab := testserver.Chromium(t, chromedp.UserDataDir(profile))
			if sessionIn(tab, origin) != before {
				t.Log("the browser was fast enough to write the new handle: once more")
				written = true
				return
			}
			for i, tab := range threeTabs(tab, origin+"/page/x#here") {
				testserver.WaitFor(tab, signedIn+` && location.hash === "#here"`)
				if got := testserver.Eval[string](tab, `fetch("/auth/session").then(r => r.json()).then(d => d.user.sub)`); got == "" {
					t.Errorf("tab %d is not signed in", i)
				}
			}
			if got := s.open(sessionIn(tab, origin)).Generation(); got != s.open(before).Generation()+2 {
				t.Errorf("generation %d", got)
			}
		})
		if written && try < 2 {
			continue
		}
		if written {
			t.Skip("this browser writes its cookies at once")
		}
		break
	}
	if n := s.logs.count(`"msg":"session_recovered"`); n != 1 {
		t.Errorf("%d recoveries", n)
	}
	for _, event := range []string{"reuse_detected", "session_ended"} {
		if n := s.logs.count(`"msg":"` + event + `"`); n != 0 {
			t.Errorf("%d × %s", n, event)
		}
	}
}

// TestChromiumReloadPage: it asks once more by itself, never goes round, and says
// what to do. The handle is one that no repeat makes good: another kind of browser's,
// in its window. To the page that is the same as cookies that are blocked.
func TestChromiumReloadPage(t *testing.T) {
	tab := testserver.Chromium(t)
	s, origin := onItsOwnOrigin(t, options{})
	firefox := newOriginBrowser(t, s, origin)
	firefox.userAgent = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
	firefox.ada()
	firefox.ok("/api/x")
	old := firefox.cookie()
	s.clock.Advance(11 * time.Minute)
	firefox.ok("/api/x")
	testserver.Navigate(tab, origin+"/open/x")
	yes := true
	testserver.SetCookie(tab, network.SetCookieParams{
		Name: "__Host-session", Value: old, URL: origin, Path: "/", Secure: &yes, HTTPOnly: &yes, SameSite: network.CookieSameSiteStrict,
	})
	if got := sessionIn(tab, origin); got != old {
		t.Fatalf("the browser holds %q", got)
	}
	asked := func() int { return s.logs.count(`"msg":"stale_handle"`) }
	const shown = `document.title === "Please try again" && !document.getElementById("next").hidden`
	testserver.Navigate(tab, origin+"/page/x?a=1#here")
	testserver.WaitFor(tab, shown)
	if n := asked(); n != 2 {
		t.Errorf("asked %d times, want once and once more", n)
	}
	if got := testserver.Eval[string](tab, `new URL(document.getElementById("signin").href)`+
		`.href.replace(/.*[?]/, "?")`); got != "?prompt=login&return_to=%2Fpage%2Fx%3Fa%3D1#here" {
		t.Errorf("the way to sign in leads to %s", got)
	}
	for name, size := range map[string][2]int64{"phone": {390, 844}, "desktop": {1280, 800}} {
		testserver.Screenshot(tab, filepath.Join(screenshots(t), "reload-"+name+".png"), size[0], size[1])
	}
	// By itself it does nothing more, and a click is one request.
	testserver.Click(tab, "#next a.primary")
	eventually(t, "the click arrived", func() bool { return asked() == 3 })
	testserver.WaitFor(tab, shown+` && location.hash === "#here"`)
	testserver.Navigate(tab, origin+"/auth/login?return_to=/page/x")
	testserver.WaitFor(tab, shown)
	if n := asked(); n != 4 {
		t.Errorf("asked %d times within a minute", n)
	}
	// A form that was sent is not sent again.
	form := origin + "/open/form"
	s.upstream.answer(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		_, _ = w.Write([]byte(`<form method="post" action="/api/send"><button>Send</button></form>`))
	})
	testserver.Navigate(tab, form)
	s.upstream.take()
	testserver.Click(tab, "button")
	testserver.WaitFor(tab, `document.title.startsWith("Please send this again")`)
	for name, size := range map[string][2]int64{"phone": {390, 844}, "desktop": {1280, 800}} {
		testserver.Screenshot(tab, filepath.Join(screenshots(t), "send-again-"+name+".png"), size[0], size[1])
	}
	if seen := s.upstream.take(); len(seen) != 0 {
		t.Errorf("%s %s reached the application", seen[0].Method, seen[0].URI)
	}

	// There is a way to sign in.
	testserver.Navigate(tab, origin+"/auth/login?return_to=/page/x")
	testserver.WaitFor(tab, shown)
	testserver.Click(tab, "#signin")
	testserver.WaitFor(tab, `location.search === "?prompt=login&return_to=%2Fpage%2Fx"`)
	testserver.Fill(tab, "#username", "ada")
	testserver.Fill(tab, "#password", "lovelace-1843")
	testserver.Click(tab, "form button[type=submit]")
	testserver.WaitFor(tab, `location.pathname === "/page/x"`)
}
