package e2e

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"sessiongate/session/testserver"
)

// TestDemoTellsWhatHappened: the demo's page tells of a call, the refresh that it caused, the new
// cookie, and what another tab does, and needs no more width than a small phone has.
func TestDemoTellsWhatHappened(t *testing.T) {
	t.Parallel()
	tab := testserver.Chromium(t)
	origin, _ := startDemo(t, "--access-lifetime", "4s")
	signInInBrowser(tab, origin, "ada", "lovelace-1843")
	testserver.WaitFor(tab, `document.querySelector("#log li")?.textContent.startsWith("Signed in as Ada Lovelace, since ")`)
	told := func(kind, pattern string) string {
		return fmt.Sprintf(`[...document.querySelectorAll("#log li.%s span")].some(line => /^%s$/.test(line.textContent))`, kind, pattern)
	}
	const echo = `button[data-call="/api/echo"]`
	const again = `document.querySelector('` + echo + `').click(), `
	testserver.Click(tab, echo)
	testserver.WaitFor(tab, told("ok", `This page called \/api\/echo with the cookie only\. The gateway added token [0-9a-f]{8}, the API answered 200\.`))
	testserver.WaitFor(tab, again+`document.querySelector("#log [data-count]") !== null`)
	testserver.WaitFor(tab, `document.getElementById("ring").dataset.phase === "expired"`)
	testserver.Click(tab, echo)
	testserver.WaitFor(tab, told("refreshed", `The gateway refreshed the token: [0-9a-f]{8} \((expired|until) [0-9:]{8}\) became [0-9a-f]{8} \(until [0-9:]{8}\)\.`))
	testserver.WaitFor(tab, again+told("cookie", `The gateway replaced the session cookie\..*`))

	testserver.Screenshot(tab, filepath.Join(t.TempDir(), "phone.png"), 320, 640)
	if width := testserver.Eval[int](tab, `document.documentElement.scrollWidth`); width > 320 {
		t.Errorf("the page is %d pixels wide on a phone of 320", width)
	}

	other := testserver.NewTab(tab)
	testserver.Navigate(other, origin)
	testserver.WaitFor(other, `document.body.dataset.state === "in"`)
	testserver.Click(other, "#logout")
	testserver.WaitFor(tab, `document.body.dataset.state === "out" && `+told("bad", `The session ended\. Signed out in another tab\.`))
	testserver.WaitFor(other, told("ok", `You signed out\..*`))
	signInInBrowser(other, origin, "grace", "hopper-1952")
	testserver.WaitFor(tab, `document.body.dataset.state === "in" && `+told("ok", `Another tab signed in as Grace Hopper\.`))
	// A stream that opened while the other tab signed out is refused, as it should be.
	refused := func(line string) bool {
		return strings.HasSuffix(line, "/auth/events") && strings.Contains(line, "401")
	}
	if errs := slices.DeleteFunc(testserver.ConsoleErrors(tab), refused); len(errs) > 0 {
		t.Errorf("console: %q", errs)
	}
}
