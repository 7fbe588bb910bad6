package e2e

import (
	"context"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"sessiongate/session/oidc/oidctest"
	"sessiongate/session/testserver"
)

// formApp is an application of one page with a form.
func formApp(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/html")
	if r.Method == http.MethodPost {
		_, _ = io.WriteString(w, "<!doctype html><title>sent</title>")
		return
	}
	_, _ = io.WriteString(w, `<!doctype html><title>form</title>
<form method="post" action="/page/order"><input id="text" name="text"><button id="send">Send</button></form>`)
}

// sent lists the forms that the application has got since it was asked last.
func (u *upstreamServer) sent() (forms []string) {
	for _, r := range u.take() {
		if r.Method == http.MethodPost {
			forms = append(forms, r.Body)
		}
	}
	return forms
}

// signInOnThePage fills in the login page that a tab shows.
func signInOnThePage(tab context.Context, user, password string) {
	testserver.Fill(tab, "#username", user)
	testserver.Fill(tab, "#password", password)
	testserver.Click(tab, "form button[type=submit]")
}

// hear notes what the other tabs are told.
func hear(tab context.Context) {
	testserver.Eval[bool](tab, `(() => {
window.heard = [];
window.channel = new BroadcastChannel("sessiongate /auth/");
channel.onmessage = (event) => heard.push(JSON.stringify(event.data));
return true })()`)
}

// TestChromiumFormAfterTheSessionEnded: a form that is sent without a session waits in its window,
// with all that was typed, until another has somebody signed in; a reload then sends it, once.
func TestChromiumFormAfterTheSessionEnded(t *testing.T) {
	for name, scripts := range map[string]bool{"with scripts": true, "without": false} {
		t.Run(name, func(t *testing.T) {
			tab := testserver.Chromium(t)
			s, origin := onItsOwnOrigin(t, options{upstream: formApp})
			testserver.Navigate(tab, origin+"/page/form")
			signInOnThePage(tab, "ada", "lovelace-1843")
			testserver.WaitFor(tab, `document.title === "form"`)
			testserver.Fill(tab, "#text", "an hour of typing")
			testserver.ClearCookies(tab)
			testserver.Click(tab, "#send")
			testserver.WaitFor(tab, `document.body?.innerText.includes("was not sent") ?? false`)
			if scripts {
				hear(tab)
			} else {
				testserver.DisableScripts(tab)
			}
			testserver.Click(tab, "a.primary")
			other := testserver.TabAt(tab, "/auth/login")
			if !scripts {
				testserver.DisableScripts(other)
			}
			signInOnThePage(other, "ada", "lovelace-1843")
			if scripts {
				testserver.WaitFor(tab, `heard.join() === '{"type":"done"}'`)
				eventually(t, "the other tab is closed", func() bool { return testserver.Tabs(tab) == 1 })
			} else {
				testserver.WaitFor(other, `location.pathname === "/auth/done"`)
				if got := testserver.Text(other, "main"); !strings.Contains(got, "You are signed in") {
					t.Errorf("the other tab says %q", got)
				}
			}
			if early := s.upstream.sent(); len(early) > 0 {
				t.Errorf("the application has got %q", early)
			}
			testserver.Eval[any](tab, `location.reload()`)
			testserver.WaitFor(tab, `document.title === "sent"`)
			if got := s.upstream.sent(); !slices.Equal(got, []string{"text=an+hour+of+typing"}) {
				t.Errorf("the application has got %q", got)
			}
		})
	}
}

// TestChromiumPopupSignIn: a sign-in in a window of its own tells the page that opened it, though
// neither knows the other any more, and closes.
func TestChromiumPopupSignIn(t *testing.T) {
	tab := testserver.Chromium(t)
	_, origin := onItsOwnOrigin(t, options{upstream: func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		_, _ = io.WriteString(w, `<!doctype html><title>app</title>
<button id="open" onclick="window.popup = open('/auth/login?return_to=/auth/done', 'x', 'popup,width=480,height=640')">Sign in</button>`)
	}})
	testserver.Navigate(tab, origin+"/maybe/app")
	hear(tab)
	testserver.Click(tab, "#open")
	popup := testserver.TabAt(tab, "/auth/login")
	signInOnThePage(popup, "ada", "lovelace-1843")
	testserver.WaitFor(tab, `heard.join() === '{"type":"done"}'`)
	eventually(t, "the window is closed", func() bool { return testserver.Tabs(tab) == 1 })
	for _, complaint := range testserver.ConsoleErrors(tab) {
		if !strings.Contains(complaint, "favicon") {
			t.Errorf("the browser complains: %s", complaint)
		}
	}
}

// TestChromiumPopupAtAnotherSite: the same by way of a provider's page, which is of another site and in
// another group of browsing contexts.
func TestChromiumPopupAtAnotherSite(t *testing.T) {
	tab := testserver.Chromium(t)
	s, origin := forChromium(t, oidcOptions{})
	s.idp.Set(func(b *oidctest.Behaviour) { b.Click = true })
	testserver.Navigate(tab, origin+"/auth/logout/done") // a page that needs no session
	hear(tab)
	testserver.Eval[bool](tab, `(() => {
const button = document.createElement("button");
button.id = "open";
button.textContent = "Sign in";
button.addEventListener("click", () => open("/auth/login?return_to=/auth/done", "x", "popup,width=480,height=640"));
document.querySelector("main").append(button);
return true })()`)
	testserver.Click(tab, "#open")
	provider := testserver.TabAt(tab, s.idp.Issuer())
	testserver.Click(provider, "#go")
	testserver.WaitFor(tab, `heard.join() === '{"type":"done"}'`)
	eventually(t, "the window is closed", func() bool { return testserver.Tabs(tab) == 1 })
	testserver.Navigate(tab, origin+"/page/x")
	landed(tab, origin+"/page/x")
}
