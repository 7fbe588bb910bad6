package e2e

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"flag"
	"fmt"
	"image/png"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sessiongate/session/testserver"
)

var update = flag.Bool("update", false, "write what is seen now to the golden files")

const (
	pictureFolder = "../../../.github/images"
	pictureList   = "pictures.txt" // what each of them shows
	mostPicture   = 100 << 10      // bytes
	takeAnew      = "go test ./cmd/sessiongate/e2e -run TestPictures -update"
)

// picture is one that the README shows, in a light and in a dark version.
type picture struct {
	name          string
	width, height int64
	path          string
	pose          func(t *testing.T, tab context.Context)
}

func pictures() []picture {
	shows := func(what string) func(*testing.T, context.Context) {
		return func(_ *testing.T, tab context.Context) {
			testserver.WaitFor(tab, `document.querySelector("`+what+`") !== null`)
		}
	}
	return []picture{
		{"demo", 1280, 800, "/", poseDemo},
		{"demo-phone", 390, 844, "/", poseDemo},
		{"login", 1280, 680, "/picture-login", shows("#password")},
		{"account", 1280, 680, "/picture-account", shows(".device")},
	}
}

// TestPictures takes the pictures of the README. Two machines draw no letter alike, so pixels prove
// nothing: the list beside the pictures says what each of them shows, and a page that says something
// else by now, or has another style, wants them taken anew.
func TestPictures(t *testing.T) {
	testserver.Need(t, "chromium")
	server := httptest.NewServer(newStage(t))
	t.Cleanup(server.Close)
	dir := t.TempDir()
	if *update {
		dir = pictureFolder
	}
	var list strings.Builder
	fmt.Fprintf(&list, "# What the pictures show. They are taken anew by\n#   %s\n", takeAnew)
	tab := testserver.Chromium(t)
	testserver.Place(tab, "UTC", "en-US")
	testserver.Prelude(tab, stoppedClock)
	for _, scheme := range []string{"light", "dark"} {
		testserver.Media(tab, map[string]string{"prefers-color-scheme": scheme, "prefers-reduced-motion": "reduce"})
		for _, p := range pictures() {
			name := p.name + "-" + scheme
			testserver.Viewport(tab, p.width, p.height)
			testserver.Navigate(tab, server.URL+p.path)
			p.pose(t, tab)
			testserver.Eval[bool](tab, `document.getAnimations().forEach((a) => a.finish()), true`)
			testserver.Screenshot(tab, filepath.Join(dir, name+".png"), p.width, p.height)
			fmt.Fprintf(&list, "%s.png %dx%d %s\n", name, p.width, p.height, shownIn(tab))
			holdPicture(t, filepath.Join(dir, name+".png"), p)
		}
	}
	if errs := testserver.ConsoleErrors(tab); len(errs) > 0 {
		t.Errorf("console: %q", errs)
	}
	if *update {
		if err := os.WriteFile(filepath.Join(pictureFolder, pictureList), []byte(list.String()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	holdPictureList(t, list.String())
}

// shownIn is what a page says, and in which style, in short.
func shownIn(tab context.Context) string {
	said := testserver.Eval[string](tab, `(async () => {
		const styles = await Promise.all([...document.querySelectorAll("style, link[rel=stylesheet]")]
			.map((s) => s.href ? fetch(s.href).then((r) => r.text()) : s.textContent));
		return [document.title, document.body.innerText, ...styles].join("\n");
	})()`)
	sum := sha256.Sum256([]byte(said))
	return hex.EncodeToString(sum[:8])
}

// holdPicture makes a picture small, and holds it to its size.
func holdPicture(t *testing.T, path string, p picture) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	img, err := png.Decode(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	var small bytes.Buffer
	if err := (&png.Encoder{CompressionLevel: png.BestCompression}).Encode(&small, fewColours(img)); err != nil {
		t.Fatal(err)
	}
	if small.Len() > mostPicture {
		t.Errorf("%s has %d bytes, more than %d", path, small.Len(), mostPicture)
	}
	if at := img.Bounds().Size(); int64(at.X) != p.width || int64(at.Y) != p.height {
		t.Errorf("%s has %s, not %dx%d", path, at, p.width, p.height)
	}
	if err := os.WriteFile(path, small.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
}

// holdPictureList compares what the pages show now with what the pictures in the repository do.
func holdPictureList(t *testing.T, now string) {
	t.Helper()
	then, err := os.ReadFile(filepath.Join(pictureFolder, pictureList))
	if err != nil {
		t.Fatal(err)
	}
	if string(then) != now {
		t.Errorf("the pages have changed since their pictures were taken; look at them after\n  %s\nThe list is now\n%sand was\n%s", takeAnew, now, then)
	}
	for _, p := range pictures() {
		for _, scheme := range []string{"light", "dark"} {
			file, err := os.Open(filepath.Join(pictureFolder, p.name+"-"+scheme+".png"))
			if err != nil {
				t.Error(err)
				continue
			}
			is, err := png.DecodeConfig(file)
			if size, statErr := file.Stat(); statErr != nil || size.Size() > mostPicture {
				t.Errorf("%s has more than %d bytes (%v)", file.Name(), mostPicture, statErr)
			}
			file.Close()
			if err != nil || int64(is.Width) != p.width || int64(is.Height) != p.height {
				t.Errorf("%s has %dx%d, not %dx%d (%v); %s", file.Name(), is.Width, is.Height, p.width, p.height, err, takeAnew)
			}
		}
	}
}

// stoppedClock lets time pass in a page when a test says so, and a little with each answer.
const stoppedClock = `(() => {
	const RealDate = Date, base = Date.UTC(2026, 10, 29, 12, 0, 0), real = fetch;
	let at = 400;
	globalThis.Date = class extends RealDate {
		constructor(...parts) { parts.length ? super(...parts) : super(base + at); }
		static now() { return base + at; }
	};
	performance.now = () => at;
	globalThis.pass = (ms) => { at += ms; };
	globalThis.fetch = async (...what) => {
		const answer = await real(...what);
		at += 6;
		return answer;
	};
})()`

// poseDemo lives through a refresh in the demo.
func poseDemo(_ *testing.T, tab context.Context) {
	// A mouse would stay on the button, and show.
	const call = `document.querySelector('button[data-call="/api/echo"]').click(), true`
	lines := func(n int) string {
		return fmt.Sprintf(`document.querySelectorAll("#log li").length === %d && !document.getElementById("fingerprint").textContent.includes("unknown")`, n)
	}
	testserver.WaitFor(tab, `document.body.dataset.state === "in" && document.querySelectorAll("#log li").length === 1`)
	testserver.Eval[bool](tab, `pass(4000), `+call)
	testserver.WaitFor(tab, lines(2))
	testserver.Eval[bool](tab, `pass(19000), true`)
	testserver.WaitFor(tab, `document.getElementById("ring").dataset.phase === "expired"`)
	testserver.Eval[bool](tab, call)
	testserver.WaitFor(tab, lines(5)+` && document.getElementById("ring").dataset.phase === "fresh"`)
	testserver.Eval[bool](tab, `pass(6000), true`)
	testserver.WaitFor(tab, `document.getElementById("left").textContent === "14"`)
}
